package tako

import (
	"errors"
	"fmt"
	"io"
)

// DefaultBodyLimit is the body limit, in bytes, where none is set.
const DefaultBodyLimit = 1 << 20

// NoLimit turns a limit off.
const NoLimit = -1

// bodyReader holds the request body to its limit. It is part of the Context; what
// may outlive that gets a copy.
type bodyReader struct {
	ex    Exchange  // nil until the body is asked for
	from  io.Reader // read in place of the body of ex, if set
	max   int64
	left  int64                  // what may still be read; -1 without a limit
	watch func(n int, err error) // told of each read of the body as it comes from the client
	some  bool                   // there was something to read
	taken bool                   // it was read as a whole
	err   error
}

func (b *bodyReader) init(c *Context) {
	if b.ex != nil {
		return
	}
	b.ex = c.ex
	b.max = DefaultBodyLimit
	if c.route != nil {
		b.max = c.route.bodyLimit
	}
	b.left = b.max
	if b.left >= 0 && c.ex.ContentLength() > b.left {
		b.err = tooLarge(b.left)
	}
}

func tooLarge(limit int64) error {
	return &Error{Status: 413, Detail: fmt.Sprintf("the request body is over the limit of %d bytes", limit), Err: ErrBodyTooLarge}
}

// readAlready stands for a body that somebody has read as a whole.
type readAlready struct{}

func (readAlready) Read([]byte) (int, error) { return 0, ErrBodyRead }

// Read reads at most one byte more than allowed, to tell a full body from one
// that is too large.
func (b *bodyReader) Read(p []byte) (int, error) {
	if b.ex == nil {
		panic("tako: request body used after its handler returned")
	}
	if b.err != nil {
		b.tell(0, b.err)
		return 0, b.err
	}
	if b.left >= 0 && int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	from := b.from
	if from == nil {
		from = b.ex.Body()
	}
	n, err := from.Read(p)
	if b.left >= 0 && int64(n) > b.left {
		n = int(b.left)
		err = tooLarge(b.max)
	}
	b.tell(n, err)
	if b.left >= 0 {
		b.left -= int64(n)
	}
	if err != nil && err != io.EOF {
		err = bodyError(err)
	}
	b.some = b.some || n > 0
	b.err = err
	return n, err
}

// tell tells what a read has returned to who watches the body. A body that is decoded is
// watched before that, where nobody learns of the limit and of what does not decode.
func (b *bodyReader) tell(n int, err error) {
	if b.watch != nil {
		b.watch(n, err)
		return
	}
	if err == nil || err == io.EOF {
		return
	}
	if x := decodedOf(b.ex); x != nil && x.raw.watch != nil {
		x.raw.watch(0, err)
	}
}

// watchBody has f told of each read of the body as it comes from the client, before it is
// decoded. It is called before the body is read.
func (c *Context) watchBody(f func(n int, err error)) {
	if x := decodedOf(c.ex); x != nil {
		x.raw.watch = f
		return
	}
	c.input.watch = f
}

// LimitBody lowers or raises the body limit for this request, in bytes; [NoLimit]
// turns it off. It is called before the body is read; later calls have no effect
// and return an error. A declared length over the limit is refused at once.
func (c *Context) LimitBody(n int64) error {
	c.live()
	if c.input.ex != nil {
		return errors.New("tako: body limit changed after the body was read")
	}
	c.input = bodyReader{ex: c.ex, max: n, left: max(n, NoLimit), watch: c.input.watch}
	if n >= 0 && c.ex.ContentLength() > n {
		c.input.err = tooLarge(n)
	}
	return c.input.err
}

// AppendBody is [Context.ReadBody] into memory of the caller: it appends the rest of the
// request body to buf and returns the longer slice, also with an error.
func (c *Context) AppendBody(buf []byte) ([]byte, error) {
	c.live()
	return c.appendBody(buf)
}

func (c *Context) appendBody(buf []byte) ([]byte, error) {
	body := c.Body()
	if n := c.ex.ContentLength(); n > 0 && c.input.err == nil && n <= 64<<10 && int64(cap(buf)-len(buf)) <= n {
		buf = append(make([]byte, 0, len(buf)+int(n)+1), buf...)
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			c.input.taken = c.input.some
			return buf, nil
		}
		if err != nil {
			return buf, bodyError(err)
		}
	}
}
