package loop

import "github.com/tako-go/tako"

// Site returns what was configured, as [tako.Origin] says.
func (s *Server) Site() tako.Site {
	return tako.Site{App: s.app, Certs: s.cfg.Certs, Limits: s.cfg.Limits, Log: s.log}
}

// Advertise sets the Alt-Svc field of responses over TLS, as [tako.Origin] says.
func (s *Server) Advertise(altSvc string) { s.advert.Store(&altSvc) }

func (s *Server) altSvc() string {
	if v := s.advert.Load(); v != nil {
		return *v
	}
	return ""
}
