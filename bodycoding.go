package tako

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// DecodeBody puts decode between the request body and all that read it: extractors,
// [Context.Body] and handlers of net/http. From then on the request has no
// Content-Encoding, and its length is unknown unless it is 0; the body limit holds for
// what decode yields. It is called once at most, before the body is read: later calls
// return an error.
//
// decode gets the body without a limit. Its reader is used by one goroutine at a time, and
// Close is called, if it has that, when the request has ended and nobody reads any more. It
// may never be called.
func (c *Context) DecodeBody(decode func(body io.Reader) io.Reader) error {
	c.live()
	if c.input.some || c.input.err != nil || c.input.from != nil || decodedOf(c.ex) != nil {
		return errors.New("tako: the request body is to be decoded after it was read")
	}
	x := &decodedExchange{}
	x.raw.watch, c.input.watch = c.input.watch, nil
	if inner, ok := c.ex.(*timeoutExchange); ok {
		x.Exchange, inner.Exchange = inner.Exchange, x
	} else {
		x.Exchange, c.ex = c.ex, x
	}
	x.raw.from, x.raw.over = x.Exchange.Body(), &x.body.over
	x.body.from, x.body.source = decode(&x.raw), x.raw.from
	if c.input.ex != nil {
		c.input.ex = c.ex
	}
	c.OnDone(func(Outcome) { x.body.release() })
	return nil
}

// decodedExchange is an Exchange whose request body is decoded.
type decodedExchange struct {
	Exchange
	raw  rawBody
	body decodedBody
}

// decodedOf returns the part of ex that decodes the request body, nil if there is none.
func decodedOf(ex Exchange) *decodedExchange {
	switch x := ex.(type) {
	case *decodedExchange:
		return x
	case *timeoutExchange:
		return decodedOf(x.Exchange)
	}
	return nil
}

func (x *decodedExchange) Body() io.Reader { return &x.body }

// ContentLength is that of an empty body, which no coding makes longer.
func (x *decodedExchange) ContentLength() int64 {
	if x.Exchange.ContentLength() == 0 {
		return 0
	}
	return -1
}

func (x *decodedExchange) RequestHeader(name string) string {
	if describesCoded(name) {
		return ""
	}
	return x.Exchange.RequestHeader(name)
}

func (x *decodedExchange) RequestHeaderRepeats(name string) bool {
	return !describesCoded(name) && x.Exchange.RequestHeaderRepeats(name)
}

func (x *decodedExchange) EachRequestHeader(yield func(name, value string) bool) {
	x.Exchange.EachRequestHeader(func(name, value string) bool {
		return describesCoded(name) || yield(name, value)
	})
}

// describesCoded reports whether a field, with its canonical name, is about the body before
// it was decoded.
func describesCoded(name string) bool {
	return name == "Content-Encoding" || name == "Content-Length"
}

// rawBody is the body as it comes from the client.
type rawBody struct {
	from  io.Reader
	over  *atomic.Bool // that of the decoded body
	watch func(n int, err error)
}

func (b *rawBody) Read(p []byte) (int, error) {
	if b.over.Load() {
		return 0, errBodyOver
	}
	n, err := b.from.Read(p)
	if b.watch != nil {
		b.watch(n, err)
	}
	return n, err
}

// decodedBody keeps the decoder to itself, because that may serve other requests when this
// one is over, and somebody may read on.
type decodedBody struct {
	mu     sync.Mutex
	from   io.Reader
	source io.Reader
	over   atomic.Bool
}

func (b *decodedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over.Load() {
		return 0, errBodyOver
	}
	return b.from.Read(p)
}

var errBodyOver = errors.New("tako: request body read after the request has ended")

// Close ends a read that another goroutine waits in.
func (b *decodedBody) Close() error {
	if c, ok := b.source.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// release closes the decoder. If somebody waits in it, it is left to them.
func (b *decodedBody) release() {
	b.over.Store(true)
	if !b.mu.TryLock() {
		return
	}
	defer b.mu.Unlock()
	if c, ok := b.from.(io.Closer); ok {
		_ = c.Close()
	}
}
