package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"time"
	"unsafe"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/http1"
	"github.com/tako-go/tako/internal/reqctx"
)

// exchange does what that of the event loops does, but for the socket: text of the
// request is copied into memory that many requests share, fields are looked for
// one after the other, and the head of the response is written as text.
type exchange struct {
	tako.Exchange // nil: what is not needed here
	app           *tako.Router
	head          []header
	target        string
	body, rest    []byte
	slab          []byte
	ctx           *reqctx.Context
	status        int
	out           []byte
	written       int // where the body begins in out
}

type header struct{ name, value []byte }

const slabSize = 4 << 10

func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func newExchangeCaller(app *tako.Router, r request) *exchange {
	if err := app.Build(); err != nil {
		panic(err)
	}
	head := []header{
		{[]byte("Host"), []byte(host)},
		{[]byte("Content-Type"), []byte("application/json")},
		{[]byte("Content-Length"), []byte("58")},
		{[]byte("X-Trace"), []byte(goodTrace)},
	}
	return &exchange{app: app, head: head, target: r.target, body: []byte(r.body)}
}

func (x *exchange) call() {
	x.rest, x.out, x.status, x.ctx = x.body, x.out[:0], 0, nil
	x.app.Find(x).Serve()
	if x.ctx != nil {
		x.ctx.End(context.Canceled)
	}
}

func (x *exchange) answer() (int, []byte) { return x.status, x.out[x.written:] }

// str returns a string that is valid for ever.
func (x *exchange) str(b []byte) string {
	if len(b) > cap(x.slab)-len(x.slab) {
		x.slab = make([]byte, 0, slabSize)
	}
	at := len(x.slab)
	x.slab = append(x.slab, b...)
	return view(x.slab[at:])
}

func (x *exchange) RequestHeader(name string) string {
	for i := range x.head {
		if f := &x.head[i]; len(f.name) == len(name) && len(f.value) > 0 && ascii.EqualFold(view(f.name), name) {
			return x.str(f.value)
		}
	}
	return ""
}

func (x *exchange) RequestHeaderRepeats(name string) bool {
	n := 0
	for i := range x.head {
		if f := &x.head[i]; len(f.name) == len(name) && len(f.value) > 0 && ascii.EqualFold(view(f.name), name) {
			n++
		}
	}
	return n > 1
}

func (x *exchange) EachRequestHeader(yield func(string, string) bool) {
	for _, f := range x.head {
		if !yield(http1.CanonicalName(f.name), x.str(f.value)) {
			return
		}
	}
}

func (x *exchange) Read(p []byte) (int, error) {
	n := copy(p, x.rest)
	if x.rest = x.rest[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (x *exchange) WriteHead(status int, h *tako.Header, length int64) error {
	x.status = status
	b := http1.AppendStatus(x.out, status)
	for i := range h.Len() {
		name, value := h.Field(i)
		b = http1.AppendField(b, name, value)
	}
	b = append(b, "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"...)
	if length >= 0 {
		b = http1.AppendLength(b, length)
	}
	x.out = append(b, '\r', '\n')
	x.written = len(x.out)
	return nil
}

func (x *exchange) Write(p []byte) (int, error) {
	x.out = append(x.out, p...)
	return len(p), nil
}

// Context is made when it is asked for, as that of a loop.
func (x *exchange) Context() context.Context {
	if x.ctx == nil {
		x.ctx = new(reqctx.Context)
	}
	return x.ctx
}

func (x *exchange) Method() string                               { return "PUT" }
func (x *exchange) Target() string                               { return x.str([]byte(x.target)) }
func (x *exchange) Authority() string                            { return x.str(x.head[0].value) }
func (x *exchange) Protocol() tako.Protocol                      { return tako.HTTP11 }
func (x *exchange) ContentLength() int64                         { return int64(len(x.body)) }
func (x *exchange) Body() io.Reader                              { return x }
func (x *exchange) EachRequestTrailer(func(string, string) bool) {}
func (x *exchange) Flush() error                                 { return nil }
func (x *exchange) SetReadDeadline(time.Time) error              { return nil }
func (x *exchange) SetWriteDeadline(time.Time) error             { return nil }
func (x *exchange) Abort()                                       {}
func (x *exchange) ConnectProtocol() string                      { return "" }
func (x *exchange) Proxied() bool                                { return false }
func (x *exchange) AltSvc() string                               { return "" }
func (x *exchange) ConnInfo() *tako.ConnInfo                     { return &tako.ConnInfo{} }
func (x *exchange) Draining() <-chan struct{}                    { return nil }
func (x *exchange) Retain()                                      {}

func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, errors.ErrUnsupported
}
