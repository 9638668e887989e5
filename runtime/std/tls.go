package std

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"time"

	"github.com/tako-go/tako/internal/handshake"
)

// openCerts makes the configuration of handshakes. What it starts ends with ctx.
func (s *Server) openCerts(ctx context.Context) error {
	if s.cfg.Certs == nil {
		return nil
	}
	var err error
	s.tls, err = s.cfg.Certs.TLS(ctx, handshake.Protocols(!s.http2.HTTP2.Off), s.log)
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

// secure puts TLS on a connection. The handshake comes with the first read.
func (c *conn) secure(config *tls.Config) {
	c.tls = tls.Server(c.Conn, config)
	c.Conn = c.tls
}

// errHandshake ends a connection in silence: net/http would answer.
var errHandshake = io.EOF

// shake does the handshake. It is called by who reads, before anything was read.
func (c *conn) shake() error {
	_ = c.SetReadDeadline(time.Time{}) // that for a head begins behind the handshake
	shaken := handshake.Do(c.tls, c.s.limits.HandshakeTimeout)
	c.shaken = true
	if shaken.Err == nil {
		state := c.tls.ConnectionState()
		c.info.TLS = &state
		if d := c.s.limits.HeaderTimeout; d > 0 {
			_ = c.SetReadDeadline(time.Now().Add(d))
		}
		return nil
	}
	shaken.Count(c.s.log, c.info.Remote, &c.s.stats.refusedHandshakes, &c.s.stats.timedOut)
	c.broken.Store(true)
	return errHandshake
}

// requestTLS gives a request what net/http cannot see, and refuses those that are not
// for this connection.
func (c *conn) requestTLS(r *http.Request) (status int, why string) {
	r.TLS = c.info.TLS
	switch {
	case r.TLS == nil:
	case r.TLS.NegotiatedProtocol == handshake.HTTP2:
		return http.StatusHTTPVersionNotSupported, "HTTP/1.1 where h2 was agreed"
	case c.s.cfg.Certs.Misdirected(r.TLS, r.Host):
		return http.StatusMisdirectedRequest, "the host is not for this connection"
	}
	return 0, ""
}
