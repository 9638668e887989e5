package loop

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/http1"
	"github.com/tako-go/tako/internal/reqctx"
)

// wire is the way an exchange has to its client. Its methods wait as long as the
// limits allow.
type wire interface {
	// write sends what x has gathered and then bufs.
	write(x *exchange, bufs [][]byte) error
	// sendFile sends what x has gathered and then part, less if the file is shorter.
	sendFile(x *exchange, part filePart) (int64, error)
	// readBody reads of the body that is still to come.
	readBody(x *exchange, p []byte) (int, error)
	// socketHost is what the connection is on as a socket, nil if it cannot be one.
	socketHost() socketHost
	// hijack takes the connection away.
	hijack(x *exchange) (net.Conn, *bufio.ReadWriter, error)
}

// exchange is a request and its response, whoever runs it: a loop, a goroutine of
// a request that may block, or that of a stream. It implements [tako.Exchange].
type exchange struct {
	srv  *Server
	peer *peer
	wire wire
	w    *worker // that runs it on the loop, nil elsewhere
	date *dateCache

	req   http1.Request
	route *tako.RouteRef // that was found, on a loop
	head  []byte         // what req lies in
	owned bool           // head does not change any more, so strings may lie in it
	slab  []byte         // for strings, while head is not owned
	ctx   *reqctx.Context

	body     requestBody
	retained bool
	ended    atomic.Bool // a retained exchange is over

	responseState
	out []byte   // gathered, to be sent
	iov [][]byte // scratch

	behind   []byte   // input behind a request that runs on the loop
	blocking net.Conn // of a connection that is its loop's, to wait for the client
}

var _ tako.Exchange = (*exchange)(nil)

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// slabSize is how much memory for strings is made at a time.
const slabSize = 4 << 10

func newExchange(s *Server) *exchange {
	x := exchanges.Get().(*exchange)
	x.srv, x.date = s, &s.date
	return x
}

// release gives x back to be used for another request, unless somebody may still
// look at it.
func (x *exchange) release() {
	x.finished()
	if x.retained {
		return
	}
	x.clear()
	x.srv, x.date, x.wire, x.peer, x.w = nil, nil, nil, nil, nil
	x.out = x.out[:0] // what could not be sent is for nobody else
	if cap(x.out) > maxGathered {
		x.out = nil
	}
	exchanges.Put(x)
}

// clear makes x ready for the next request of whoever has it. What was gathered
// for the client stays.
func (x *exchange) clear() {
	x.head, x.owned = nil, false
	x.body, x.behind = requestBody{}, nil
	x.responseState = responseState{}
	x.ctx, x.route = nil, nil
}

// finished ends what the handler was given.
func (x *exchange) finished() {
	if x.ctx != nil {
		x.peer.ctx.CompareAndSwap(x.ctx, nil)
		x.ctx.End(context.Canceled)
	}
	if x.retained {
		x.ended.Store(true)
	}
}

// own copies the head, and a body that has come with it, so that they outlast the
// buffer they lie in.
func (x *exchange) own() {
	if x.owned {
		return
	}
	both := make([]byte, len(x.head)+len(x.body.mem))
	n := copy(both, x.head)
	copy(both[n:], x.body.mem)
	x.head = both[:n:n]
	if x.body.mem != nil {
		x.body.mem = both[n:]
	}
	x.owned = true
}

func (x *exchange) Retain() {
	x.own()
	x.retained = true
}

// str returns a string that is valid for ever.
func (x *exchange) str(b []byte) string {
	n := len(b)
	switch {
	case n == 0:
		return ""
	case x.owned:
		return unsafe.String(unsafe.SliceData(b), n)
	case n > cap(x.slab)-len(x.slab):
		if n > slabSize/4 {
			return string(b)
		}
		x.slab = make([]byte, 0, slabSize)
	}
	at := len(x.slab)
	x.slab = append(x.slab, b...)
	return unsafe.String(&x.slab[at], n)
}

func (x *exchange) Method() string {
	b := x.req.Method.Of(x.head)
	switch string(b) {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodPost:
		return http.MethodPost
	case http.MethodPut:
		return http.MethodPut
	case http.MethodHead:
		return http.MethodHead
	case http.MethodDelete:
		return http.MethodDelete
	case http.MethodPatch:
		return http.MethodPatch
	case http.MethodOptions:
		return http.MethodOptions
	}
	return x.str(b)
}

func (x *exchange) Target() string { return x.str(x.req.Target.Of(x.head)) }

func (x *exchange) Authority() string { return x.str(x.req.Authority.Of(x.head)) }

func (x *exchange) Protocol() tako.Protocol {
	if x.req.Minor == 0 {
		return tako.HTTP10
	}
	return tako.HTTP11
}

func (x *exchange) RequestHeader(name string) string {
	for i := range x.req.Fields {
		f := &x.req.Fields[i]
		if int(f.Name.To-f.Name.From) == len(name) && f.Value.To > f.Value.From && ascii.EqualFold(view(f.Name.Of(x.head)), name) {
			return x.str(f.Value.Of(x.head))
		}
	}
	return ""
}

// RequestHeaderRepeats reports whether a field has several values that are not empty.
func (x *exchange) RequestHeaderRepeats(name string) bool {
	n := 0
	for i := range x.req.Fields {
		f := &x.req.Fields[i]
		if int(f.Name.To-f.Name.From) == len(name) && f.Value.To > f.Value.From && ascii.EqualFold(view(f.Name.Of(x.head)), name) {
			n++
		}
	}
	return n > 1
}

func (x *exchange) EachRequestHeader(yield func(name, value string) bool) {
	for _, f := range x.req.Fields {
		if !yield(http1.CanonicalName(f.Name.Of(x.head)), x.str(f.Value.Of(x.head))) {
			return
		}
	}
}

func (x *exchange) ContentLength() int64 { return x.req.Length }

func (x *exchange) EachRequestTrailer(yield func(name, value string) bool) {
	if x.retained { // a stream may be reading the rest of the body
		if !x.body.lock.TryLock() {
			return
		}
		defer x.body.lock.Unlock()
	}
	for _, t := range x.body.trailers {
		if !yield(http1.CanonicalName([]byte(t.Name)), t.Value) {
			return
		}
	}
}

func (x *exchange) Body() io.Reader {
	if x.req.Length == 0 {
		return http.NoBody
	}
	return (*bodyReader)(x)
}

func (x *exchange) EnableFullDuplex() error {
	x.duplex = true
	return nil
}

func (x *exchange) SetReadDeadline(t time.Time) error {
	x.body.by = t
	return nil
}

func (x *exchange) SetWriteDeadline(t time.Time) error {
	x.writeBy = t
	return nil
}

func (x *exchange) ConnInfo() *tako.ConnInfo { return x.peer.connInfo() }

func (x *exchange) Draining() <-chan struct{} { return x.srv.draining }

func (x *exchange) Context() context.Context {
	if x.ctx == nil {
		x.ctx = new(reqctx.Context)
		x.peer.ctx.Store(x.ctx)
		if cause := x.peer.over.Load(); cause != nil {
			x.ctx.End(*cause)
		}
	}
	return x.ctx
}

func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if x.headSent || x.hijacked || x.err != nil {
		return nil, nil, http.ErrHijacked
	}
	conn, rw, err := x.wire.hijack(x)
	x.hijacked = x.hijacked || err == nil
	return conn, rw, err
}

func (x *exchange) ConnectProtocol() string { return "" }

// AltSvc is for requests over TLS.
func (x *exchange) AltSvc() string {
	if x.srv.tls == nil {
		return ""
	}
	return x.srv.altSvc()
}

// Proxied does not ask the socket for its addresses.
func (x *exchange) Proxied() bool {
	info := x.peer.info.Load()
	return info != nil && info.Proxy != nil
}

func (x *exchange) Upgrade(*tako.Header) (net.Conn, error) { return nil, errors.ErrUnsupported }

// view is a string for calls that do not keep it.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
