package loop

import (
	"context"
	"net"
	"net/http"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/handshake"
	"github.com/tako-go/tako/internal/http1"
)

// openCerts makes the configuration of handshakes. What it starts ends with ctx.
func (s *Server) openCerts(ctx context.Context) (err error) {
	if s.cfg.Certs != nil {
		s.tls, err = s.cfg.Certs.TLS(ctx, handshake.Protocols(!s.http2.HTTP2.Off), s.log)
	}
	return err
}

// Reloads reports whether there are certificates.
func (s *Server) Reloads() bool { return s.cfg.Certs != nil }

// Reload reads the certificates again, as [tako.Reloader] says.
func (s *Server) Reload(ctx context.Context) error {
	if s.cfg.Certs == nil {
		return nil
	}
	return s.cfg.Certs.Reload(ctx)
}

// secureStream makes a stream with TLS of a connection; its handshake is to come, of
// which this was received.
func (s *Server) secureStream(p *peer, nc net.Conn, received []byte) *stream {
	sec := newSecure(nc, s.tls)
	sec.pipe.in = received
	st := newStream(s, p, sec, nil)
	st.raw, st.sec, st.unshaken = nc, sec, true
	return st
}

// errMisdirected refuses a request (RFC 9110, section 15.5.20).
var errMisdirected = &http1.Error{Status: http.StatusMisdirectedRequest, Reason: "the host is not for this connection"}

// shake does the handshake of a stream. It reports whether the connection goes on.
func (st *stream) shake() bool {
	if !st.unshaken {
		return true
	}
	info := *st.peer.connInfo()
	shaken := handshake.Do(st.sec.Conn, st.srv.limits.HandshakeTimeout)
	if shaken.Err != nil {
		shaken.Count(st.srv.log, info.Remote, &st.srv.stats.refusedHandshakes, &st.srv.stats.timedOut)
		return false
	}
	state := st.sec.ConnectionState()
	info.TLS = &state
	st.peer.info.Store(&info)
	return true
}

// misdirected reports whether a request for this host must not be answered over a connection.
func (s *Server) misdirected(info *tako.ConnInfo, host string) bool {
	return info.TLS != nil && s.cfg.Certs != nil && s.cfg.Certs.Misdirected(info.TLS, host)
}
