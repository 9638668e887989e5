package loop

import "strings"

// sniffs reports whether connections without TLS may speak HTTP/2.
func (s *Server) sniffs() bool { return !s.http2.HTTP2.Off && !s.http2.HTTP2.NoCleartext }

// protocols names what the server serves.
func (s *Server) protocols() string {
	all := []string{"http/1.1"}
	if h := &s.cfg.HTTP2; !h.Off && (!h.NoCleartext || s.cfg.Certs != nil) {
		all = append(all, "h2")
	}
	if s.cfg.Certs != nil {
		all = append(all, "tls")
	}
	return strings.Join(all, ", ")
}
