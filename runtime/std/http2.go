package std

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net/http"
	"time"

	"github.com/tako-go/tako/internal/handshake"
	"github.com/tako-go/tako/internal/http1"
	"github.com/tako-go/tako/internal/http2serve"
)

// greeted looks at the first bytes that a client has sent. Those of HTTP/2 are served here,
// on the goroutine of net/http, to which the connection ends then. part says that more is
// needed to tell.
func (c *conn) greeted(first []byte) (served, part bool) {
	if len(c.first) > 0 {
		first = append(c.first, first...)
	}
	whole, part := http2serve.Preface(first)
	state := c.info.TLS
	agreed := state != nil && state.NegotiatedProtocol == handshake.HTTP2
	switch {
	case part && (agreed || state == nil && c.s.speaksHTTP2(nil)):
		return false, true
	case whole && c.s.speaksHTTP2(state):
		c.known, c.first, c.mute = true, nil, true
		c.serveHTTP2(bytes.Clone(first))
		return true, false
	case whole, agreed, http1.Alien(first):
		c.known, c.first, c.mute = true, nil, true
		c.s.stats.refusedRequests.Add(1)
		c.s.log.Info("connection refused", "peer", c.info.Remote, "reason", "not the protocol that is spoken here")
		return true, false
	case bytes.IndexByte(first, '\n') >= 0 || len(first) > mostFirst:
		c.known, c.first = true, nil
	default:
		c.first = bytes.Clone(first)
	}
	return false, false
}

// mostFirst is how much of a first line is looked at.
const mostFirst = 128

// speaksHTTP2 reports whether the preface of HTTP/2 is welcome on a connection.
func (s *Server) speaksHTTP2(state *tls.ConnectionState) bool {
	h := &s.http2.HTTP2
	if state != nil {
		return !h.Off && state.NegotiatedProtocol == handshake.HTTP2
	}
	return !h.Off && !h.NoCleartext
}

// serveHTTP2 serves a connection that has begun with this.
func (c *conn) serveHTTP2(received []byte) {
	s := c.s
	_ = c.SetReadDeadline(time.Time{}) // that of net/http, for a head
	c.state.Store(int32(http.StateActive))
	opts := http2serve.LinkOptions{Info: c.info, Raw: c.raw, Received: received, Stopping: s.stopping}
	if state := c.info.TLS; state != nil {
		opts.Misdirected = func(host string) bool { return s.cfg.Certs.Misdirected(state, host) }
	}
	link := http2serve.NewLink(&s.http2, c.Conn, opts)
	c.link.Store(link)
	link.Run()
}

// drainLinks tells the clients of HTTP/2 that their connections will end, and returns how
// many had no request under way.
func (s *Server) drainLinks(final bool) (idle int) {
	for _, c := range s.list() {
		if link := c.link.Load(); link != nil && link.Drain(final) {
			idle++
		}
	}
	return idle
}

// errCut is why requests end that a shutdown has not waited for.
var errCut = errors.New("std: the server was shut down")
