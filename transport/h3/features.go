package h3

import "github.com/tako-go/tako"

// App is what the server serves.
func (s *Server) App() tako.App { return s.app }

// Offers reports whether the server can do that, as [tako.FeatureTeller] says.
func (s *Server) Offers(f tako.Feature) bool {
	switch f {
	case tako.NeedsFullDuplex:
		return true
	case tako.NeedsUpgrade:
		return s.cfg.ExtendedConnect
	case tako.NeedsWebTransport:
		return s.cfg.WebTransport != nil
	}
	return false
}
