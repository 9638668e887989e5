package h3

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/authority"
)

// responseWriter is what that of the library can do.
type responseWriter interface {
	http.ResponseWriter
	FlushError() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// request is one request and its response, between the library and the app. It is the
// http.ResponseWriter of the app.
type request struct {
	responseWriter
	s *Server
	c *conn

	header  http.Header // of the response, as the app has it
	cancel  context.CancelCauseFunc
	written int64       // of the content
	failed  atomic.Bool // what was sent is not whole

	answered bool         // the handler has returned
	gaveUp   atomic.Bool  // the client did not wait for that
	parts    atomic.Int32 // what has not ended: handler, stream, tunnel

	headMu sync.Mutex // guards the next, what makes it true, and the fields that the library has
	head   bool       // the response has begun
	isHead bool

	mu              sync.Mutex
	readBy, writeBy time.Time // the handler's own deadlines
	patient         bool      // there is a tunnel, which has its own
	tunnel          interface{ reset() }

	connect bool // an extended CONNECT, of which 2xx would be the beginning of a tunnel
	dropped bool // the response was one, of a handler that made none
}

// serveHTTP is called by the library for each request, on a goroutine of its own.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	c := fromContext(r.Context())
	x := &request{responseWriter: w.(responseWriter), s: s, c: c, isHead: r.Method == http.MethodHead, header: http.Header{}}
	if s.sessions != nil && c.away.Load() {
		x.resetWith(http3.ErrCodeRequestRejected)
		return
	}
	x.connect = r.Method == http.MethodConnect && !strings.HasPrefix(r.Proto, "HTTP/")
	x.parts.Store(2)
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	x.cancel = cancel
	context.AfterFunc(r.Context(), func() { // the client stops it, or the response has ended
		x.mu.Lock()
		early, tunnel := !x.answered, x.patient
		x.mu.Unlock()
		if early && !c.cut.Load() {
			x.gaveUp.Store(!tunnel && c.qc.Context().Err() == nil)
			cancel(tako.ErrClientGone)
		} else {
			cancel(context.Canceled)
		}
		x.partDone()
	})
	defer func() {
		x.mu.Lock()
		x.answered = true
		x.mu.Unlock()
		x.bound() // the library sends the trailers
		cancel(context.Canceled)
		c.handled()
		x.partDone()
	}()
	ok, wait := c.begin(streamID(r))
	await(ctx, wait)
	if !ok {
		x.gaveUp.Store(true)
		panic(http.ErrAbortHandler)
	}
	if status, why := s.refuse(r); status != 0 {
		s.stats.refusedRequests.Add(1)
		s.log.Info("request refused", "peer", r.RemoteAddr, "status", status, "reason", why)
		http.Error(x, http.StatusText(status), status)
		x.finish()
		return
	}
	if name, padded := paddedValue(r.Header); padded {
		s.stats.refusedRequests.Add(1)
		s.log.Info("request refused", "peer", r.RemoteAddr, "reason", "white space around a field value", "field", name)
		x.resetWith(http3.ErrCodeMessageError)
		return
	}
	if longerThanNothing(x.responseWriter, r) { // the library has reset the stream
		s.stats.refusedRequests.Add(1)
		s.log.Info("request refused", "peer", r.RemoteAddr, "reason", "content where the length is 0")
		panic(http.ErrAbortHandler)
	}
	s.stats.requests.Add(1)
	s.serve(x, r, ctx)
	x.finish()
}

// partDone counts the request out when all of it has ended.
func (x *request) partDone() {
	if x.parts.Add(-1) == 0 {
		x.c.end(x.gaveUp.Load(), x.written > aPacket || x.tunnel != nil)
	}
}

// serve calls the app. What panics there is logged here, and resets the stream, as does
// runtime.Goexit, which the library does not look for.
func (s *Server) serve(x *request, r *http.Request, ctx context.Context) {
	returned := false
	defer func() {
		p := recover()
		if returned {
			return
		}
		switch p {
		case http.ErrAbortHandler:
		case nil:
			s.log.Error("the app has ended the goroutine of its request", "peer", r.RemoteAddr)
		default:
			s.log.Error("the app has panicked", "peer", r.RemoteAddr, "panic", p, "stack", string(debug.Stack()))
		}
		if x.tunnel != nil {
			x.tunnel.reset() // the library leaves it alone
		} else if p == nil {
			x.reset()
		}
		if p != nil {
			panic(http.ErrAbortHandler)
		}
	}()
	if r.RemoteAddr != x.c.addr {
		ctx = tako.WithConn(ctx, x.c.moved(r.RemoteAddr))
	}
	own := r.WithContext(context.WithValue(ctx, requestKey{}, x))
	delete(own.Header, "Host")
	own.Body = newBody(x, r, own)
	s.app.ServeHTTP(x, own)
	returned = true
}

type requestKey struct{}

// moved tells of the connection for a request from another address than that of the handshake.
func (c *conn) moved(addr string) *tako.Conn {
	tell := *c.tell
	info := *tell.Info
	if to, err := netip.ParseAddrPort(addr); err == nil {
		info.Remote = net.UDPAddrFromAddrPort(to)
	}
	tell.Info = &info
	return &tell
}

// streamID is that of a request. The library shows it only by the body.
func streamID(r *http.Request) int64 {
	if b, ok := r.Body.(interface{ StreamID() quic.StreamID }); ok {
		return int64(b.StreamID())
	}
	return 0
}

// refuse finds what the library lets through.
func (s *Server) refuse(r *http.Request) (status int, why string) {
	l := &s.cfg.Limits
	fields, size := measure(r)
	switch {
	case l.TargetBytes > 0 && len(r.RequestURI) > l.TargetBytes:
		return http.StatusRequestURITooLong, "target too long"
	case !validTarget(r.RequestURI):
		return http.StatusBadRequest, "invalid character in target"
	case !validHost(r.Host):
		return http.StatusBadRequest, "invalid host"
	case l.HeaderBytes > 0 && size > l.HeaderBytes:
		return http.StatusRequestHeaderFieldsTooLarge, "head too large"
	case l.HeaderFields > 0 && fields > l.HeaderFields:
		return http.StatusRequestHeaderFieldsTooLarge, "too many header fields"
	case s.cfg.Certs.Misdirected(r.TLS, r.Host):
		return http.StatusMisdirectedRequest, "the host is not for this connection"
	case !s.mayConnect(r):
		return http.StatusNotImplemented, "extended CONNECT is off"
	}
	return 0, ""
}

// validTarget refuses fragments, bytes outside visible ASCII and a backslash in the path
// (RFC 9114, section 4.3.1).
func validTarget(s string) bool {
	path, _, _ := strings.Cut(s, "?")
	return ascii.IsQuery(s) && !strings.Contains(path, `\`)
}

func validHost(host string) bool {
	_, _, ok := authority.Split(host)
	return ok
}

// paddedValue finds a field value with white space around it, which makes the request malformed
// (RFC 9114, section 10.3).
func paddedValue(h http.Header) (name string, padded bool) {
	for name, values := range h {
		for _, v := range values {
			if v != "" && (v[0] <= ' ' || v[len(v)-1] <= ' ') {
				return name, true
			}
		}
	}
	return "", false
}

// measure returns the number of field lines and the size of the head, as that of HTTP/1.1.
func measure(r *http.Request) (fields, size int) {
	size = len(r.Method) + len(r.RequestURI) + len(r.Proto) + len(r.Host) + len("  \r\nHost: \r\n\r\n")
	fields = 1
	for name, values := range r.Header {
		fields += len(values)
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	return fields, size
}
