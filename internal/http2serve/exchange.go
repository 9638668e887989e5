package http2serve

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/http1"
	"github.com/tako-go/tako/internal/http2"
	"github.com/tako-go/tako/internal/reqctx"
)

// Exchange is a stream as handlers see it.
type Exchange struct {
	// Leader is set while the handler runs on the goroutine that leads the
	// connection.
	Leader Leader

	stream http2.Stream // under the lock of c, but for what the request says
	c      *Conn
	// Of those who wait for more of the body, or for room for more of the response.
	readable, writable signal
	ctx                atomic.Pointer[reqctx.Context]
	length             int64

	complete bool // the whole request had come when it was begun
	turn     turn
	tunnel   *tunnel // what the stream was upgraded to, nil otherwise
	retained bool
	ended    atomic.Bool // the handler has returned
	broken   bool
	headSent bool
	dropped  bool // the response was no answer to an extended CONNECT
	trailers *tako.Header
	writeBy  time.Time
	body     bodyState
}

var _ tako.Exchange = (*Exchange)(nil)

var exchanges = sync.Pool{New: func() any { return &Exchange{readable: make(signal, 1), writable: make(signal, 1)} }}

// signal wakes the one who waits for it. What comes while nobody waits is kept.
type signal chan struct{}

func (s signal) signal() {
	select {
	case s <- struct{}{}:
	default:
	}
}

func (s signal) clear() {
	select {
	case <-s:
	default:
	}
}

// begin makes x ready for a handler. It is called under the lock.
func (x *Exchange) begin() {
	x.length, x.complete = x.stream.Length, x.stream.Complete()
	if x.length < 0 && x.complete && x.stream.Buffered() == 0 {
		x.length = 0
	}
}

// recycle gives the memory back, unless somebody may still look at it.
func (x *Exchange) recycle() {
	if x.retained {
		return
	}
	x.readable.clear()
	x.writable.clear()
	x.Leader, x.c, x.trailers = nil, nil, nil
	x.ctx.Store(nil)
	x.length, x.broken, x.headSent, x.dropped = 0, false, false, false
	x.ended.Store(false)
	x.writeBy = time.Time{}
	x.body = bodyState{}
	exchanges.Put(x)
}

// Complete reports whether the whole request has come before it was begun.
func (x *Exchange) Complete() bool { return x.complete }

// Finish ends the response and the exchange. aborted says that the response must not
// look complete. x is not used by the caller after it.
func (x *Exchange) Finish(aborted bool) {
	c := x.c
	c.mu.Lock()
	x.ended.Store(true)
	x.readable.signal()  // for a late reader
	if x.tunnel != nil { // which ends the stream when it is closed
		if aborted {
			x.stream.Reset(http2.Cancel, "the handler of an upgrade has failed")
		}
		x.endContext(context.Canceled)
		c.mu.Unlock()
		return
	}
	if x.stream.Err() == nil {
		if aborted || x.broken || !x.headSent {
			x.stream.Reset(http2.InternalError, "the response was broken off")
		} else {
			x.stream.End(fieldsOf(x.trailers))
		}
	}
	x.endContext(context.Canceled)
	x.stream.Release()
	over := c.isOver()
	c.mu.Unlock()
	if over {
		c.peer.Over()
	}
}

// fieldsOf makes a nil interface of a nil header.
func fieldsOf(h *tako.Header) http2.Fields {
	if h == nil {
		return nil
	}
	return h
}

// endContext ends the context of the request, if it was asked for.
func (x *Exchange) endContext(cause error) {
	if ctx := x.ctx.Load(); ctx != nil {
		ctx.End(cause)
	}
}

// Method returns the method, GET of an extended CONNECT.
func (x *Exchange) Method() string {
	if x.stream.Protocol != "" {
		return http.MethodGet
	}
	return x.stream.Method
}

// ConnectProtocol returns what an extended CONNECT is for.
func (x *Exchange) ConnectProtocol() string { return x.stream.Protocol }

// Target returns :path, or :authority of a CONNECT.
func (x *Exchange) Target() string {
	if x.stream.Path == "" {
		return x.stream.Authority
	}
	return x.stream.Path
}

// Authority returns whom the request is for.
func (x *Exchange) Authority() string { return x.stream.Authority }

// Protocol returns HTTP/2.
func (x *Exchange) Protocol() tako.Protocol { return tako.HTTP2 }

// RequestHeader returns the first value of a field that is not empty.
func (x *Exchange) RequestHeader(name string) string {
	for i := range x.stream.Fields {
		if f := &x.stream.Fields[i]; len(f.Name) == len(name) && f.Value != "" && ascii.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// RequestHeaderRepeats reports whether a field has several values that are not empty.
func (x *Exchange) RequestHeaderRepeats(name string) bool {
	n := 0
	for i := range x.stream.Fields {
		if f := &x.stream.Fields[i]; len(f.Name) == len(name) && f.Value != "" && ascii.EqualFold(f.Name, name) {
			n++
		}
	}
	return n > 1
}

// EachRequestHeader yields the fields.
func (x *Exchange) EachRequestHeader(yield func(name, value string) bool) {
	each(x.stream.Fields, yield)
}

func each(fields []http2.Field, yield func(name, value string) bool) {
	for _, f := range fields {
		if !yield(http1.CanonicalName([]byte(f.Name)), f.Value) {
			return
		}
	}
}

// ContentLength returns the length of the body, -1 if it is not known.
func (x *Exchange) ContentLength() int64 { return x.length }

// Body returns the body.
func (x *Exchange) Body() io.Reader {
	if x.length == 0 {
		return http.NoBody
	}
	return (*bodyReader)(x)
}

// EachRequestTrailer yields the trailer fields.
func (x *Exchange) EachRequestTrailer(yield func(name, value string) bool) {
	x.c.mu.Lock()
	var trailers []http2.Field
	if !x.ended.Load() {
		trailers = x.stream.Trailers()
	}
	x.c.mu.Unlock()
	each(trailers, yield)
}

// EnableFullDuplex lifts the bounds on the time that the body takes: streams are always
// duplex, but some that are silent for long want to be.
func (x *Exchange) EnableFullDuplex() error {
	x.body.duplex = true
	return nil
}

// SetReadDeadline bounds reads of the body.
func (x *Exchange) SetReadDeadline(t time.Time) error {
	x.body.by = t
	return nil
}

// SetWriteDeadline bounds writes of the response.
func (x *Exchange) SetWriteDeadline(t time.Time) error {
	x.writeBy = t
	return nil
}

// Abort makes sure that the response does not look complete.
func (x *Exchange) Abort() { x.broken = true }

// Hijack is not for HTTP/2.
func (x *Exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, fmt.Errorf("http2: a stream has no connection to take over: %w", errors.ErrUnsupported)
}

// ConnInfo describes the connection.
func (x *Exchange) ConnInfo() *tako.ConnInfo { return x.c.peer.ConnInfo() }

// Proxied reports whether the connection has a PROXY header.
func (x *Exchange) Proxied() bool { return x.c.peer.ConnInfo().Proxy != nil }

// AltSvc is for requests over TLS.
func (x *Exchange) AltSvc() string {
	if x.c.srv.AltSvc == nil || x.c.peer.ConnInfo().TLS == nil {
		return ""
	}
	return x.c.srv.AltSvc()
}

// Retain keeps the memory from being used again.
func (x *Exchange) Retain() { x.retained = true }

// Draining is closed when the server begins to drain.
func (x *Exchange) Draining() <-chan struct{} { return x.c.srv.Draining }

// Context ends with the request.
func (x *Exchange) Context() context.Context {
	if ctx := x.ctx.Load(); ctx != nil {
		return ctx
	}
	ctx := new(reqctx.Context)
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	if made := x.ctx.Load(); made != nil { // by another goroutine
		return made
	}
	x.ctx.Store(ctx)
	if x.stream.Err() != nil {
		ctx.End((*hooks)(x.c).reason())
	}
	return ctx
}
