package loop

import "github.com/tako-go/tako"

// App is what the server serves.
func (s *Server) App() tako.App { return s.app }

// Offers reports whether the server can do that over any protocol it speaks, as
// [tako.FeatureTeller] says.
func (s *Server) Offers(f tako.Feature) bool {
	switch f {
	case tako.NeedsUpgrade, tako.NeedsRawConn, tako.NeedsFullDuplex:
		return true
	}
	return false
}
