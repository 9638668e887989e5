package h3

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// WebTransport is what stream/webtransport gives to Config.WebTransport. Its methods are for these
// two packages.
type WebTransport interface {
	// Attach prepares server, a *http3.Server, before its first connection.
	Attach(server any) (Sessions, error)
}

// Sessions serves the connections of one server.
type Sessions interface {
	// Serve serves conn, a *quic.Conn, until it has ended.
	Serve(conn any) error
	// Upgrade makes a session of an extended CONNECT. It has told how the client opens a stream by
	// took, and calls ended, once, when the session is over.
	Upgrade(w http.ResponseWriter, r *http.Request, took, ended func()) (net.Conn, error)
}

// isWebTransport reports whether a protocol of extended CONNECT is WebTransport, as drafts before
// 15 of draft-ietf-webtrans-http3 and those since call it.
func isWebTransport(protocol string) bool {
	return protocol == "webtransport" || protocol == "webtransport-h3"
}

// mayConnect reports whether a request is none that would open a tunnel that the server does not have.
func (s *Server) mayConnect(r *http.Request) bool {
	switch {
	case r.Method != http.MethodConnect || strings.HasPrefix(r.Proto, "HTTP/"):
		return true
	case isWebTransport(r.Proto):
		return s.sessions != nil
	}
	return s.cfg.ExtendedConnect
}

// serveConn serves a connection until it has ended. With sessions the library of WebTransport takes
// its streams, and gives those of requests to that of HTTP/3.
func (s *Server) serveConn(c *conn, qc *quic.Conn) error {
	if s.sessions != nil {
		return s.sessions.Serve(qc)
	}
	c.lib = s.newHTTP3(&s.cfg)
	return c.lib.ServeQUICConn(qc)
}

// sessionWriter is the writer of the library, which knows when its stream is taken.
type sessionWriter struct {
	libraryWriter
	taken bool
}

type libraryWriter interface {
	responseWriter
	http.Flusher
	http3.HTTPStreamer
	http3.Settingser
}

// HTTPStream sends the head, and returns the stream.
func (w *sessionWriter) HTTPStream() *http3.Stream {
	w.taken = true
	return w.libraryWriter.HTTPStream()
}

// session makes a session of the request. It counts as a request under way until it is over.
func (x *request) session(r *http.Request) (net.Conn, error) {
	lib, ok := x.responseWriter.(libraryWriter)
	if !ok || x.s.sessions == nil {
		return nil, errors.ErrUnsupported
	}
	x.bound()
	x.headMu.Lock()
	x.show()
	x.headMu.Unlock()
	w := &sessionWriter{libraryWriter: lib}
	x.parts.Add(1)
	conn, err := x.s.sessions.Upgrade(w, r, x.c.took, x.partDone)
	if err != nil {
		x.parts.Add(-1) // the handler has not returned, so it is not the last
		if w.taken {
			x.failed.Store(true)
			x.reset()
		}
		return nil, err
	}
	x.headMu.Lock()
	x.head = true
	x.headMu.Unlock()
	x.mu.Lock()
	x.patient = true
	x.mu.Unlock()
	x.tunnel = resetter(func() { _ = conn.Close() })
	_ = lib.SetWriteDeadline(time.Time{})
	return conn, nil
}

// resetter ends a session whose handler has failed.
type resetter func()

func (f resetter) reset() { f() }
