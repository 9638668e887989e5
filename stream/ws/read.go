package ws

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/tako-go/tako/internal/wsframe"
)

const (
	smallRead = 4 << 10
	largeRead = 32 << 10 // once a small one was filled
)

var (
	smallReads = sync.Pool{New: func() any { p := make([]byte, smallRead); return &p }}
	largeReads = sync.Pool{New: func() any { p := make([]byte, largeRead); return &p }}
)

// Read returns the next message, in memory of its own. Pings are answered meanwhile. If ctx ends,
// its cause is returned and nothing is lost: the next Read goes on, but see Reader. Otherwise the
// error is a [*CloseError] if the peer has closed, or matches [ErrClosed].
func (c *Conn) Read(ctx context.Context) (Type, []byte, error) {
	var p []byte
	ev, err := c.message(ctx, func(ev wsframe.Event) { p = c.in.Take(ev) })
	return Type(ev.Op), p, err
}

// ReadAppend is Read with the message behind what is in dst, whose memory is used as far as it
// goes: a loop that gives it the same memory each time allocates nothing. If there is an error
// dst is returned as it was.
func (c *Conn) ReadAppend(ctx context.Context, dst []byte) (Type, []byte, error) {
	ev, err := c.message(ctx, func(ev wsframe.Event) { dst = append(dst, ev.Data...) })
	return Type(ev.Op), dst, err
}

// message reads the next message and calls use with it, which may use its data until it returns.
func (c *Conn) message(ctx context.Context, use func(ev wsframe.Event)) (ev wsframe.Event, err error) {
	if err := c.startReading(ctx); err != nil {
		return ev, err
	}
	defer c.stopReading()
	if err := c.skip(ctx); err != nil {
		return ev, err
	}
	if ev, err = c.event(ctx, c.in.Next); err == nil {
		c.side.cfg.Meter.messagesIn.Add(1)
		use(ev)
		ev.Data = nil
		c.in.Done()
	}
	return ev, err
}

// Reader returns a reader of the next message, for messages that are too large to be held. It is
// used before the next call of Read or Reader, which skips the rest; ctx counts for what it
// reads, too. A compressed message cannot be taken up again if a context ends in the middle of a
// read, also while it is skipped: then the socket is closed with 1011. Between two reads nothing
// is lost by that.
func (c *Conn) Reader(ctx context.Context) (Type, io.Reader, error) {
	if err := c.startReading(ctx); err != nil {
		return 0, nil, err
	}
	defer c.stopReading()
	if err := c.skip(ctx); err != nil {
		return 0, nil, err
	}
	ev, err := c.event(ctx, c.in.NextPart)
	if err != nil {
		return 0, nil, err
	}
	c.side.cfg.Meter.messagesIn.Add(1)
	m := &messageReader{c: c, ctx: ctx, data: ev.Data, fin: ev.Fin || ev.Kind == wsframe.Message}
	m.from, m.packed = rawReader{m}, ev.Compressed
	if ev.Compressed {
		m.from = c.in.Inflate(ev.Op, rawReader{m})
	}
	c.b.part = m
	return Type(ev.Op), m, nil
}

// messageReader reads one message.
type messageReader struct {
	c      *Conn
	ctx    context.Context
	from   io.Reader
	data   []byte // of the current part
	fin    bool   // that is the last
	packed bool
	err    error
}

// Read reads on in the message.
func (m *messageReader) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	if err := m.c.startReading(m.ctx); err != nil {
		return 0, err
	}
	defer m.c.stopReading()
	if m.c.b.part != m {
		return 0, ErrClosed
	}
	return m.read(p)
}

func (m *messageReader) read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	if err == nil {
		return n, nil
	}
	if _, mistake := errors.AsType[*wsframe.Error](err); mistake {
		err = m.c.refute(err)
	}
	if m.ctx.Err() == nil || err == io.EOF {
		m.err = err
	} else if m.packed {
		m.c.giveUp()
	}
	if err == io.EOF {
		m.c.b.part = nil
	}
	return n, err
}

// errGivenUp ends sockets in the middle of a compressed message, of which the rest cannot be
// decompressed any more.
var errGivenUp = errors.New("ws: a compressed message was not read in time")

// giveUp closes a socket that cannot go on with a compressed message. Whoever reads next waits
// for the end; if nobody does, CloseTimeout sees to it. It is called by who reads.
func (c *Conn) giveUp() {
	c.b.part = nil
	c.mu.Lock()
	c.fault(errGivenUp)
	c.sendClose(CodeInternal, "message not read in time")
	_ = c.unlock(nil)
}

// rawReader reads the parts as they came.
type rawReader struct{ m *messageReader }

func (r rawReader) Read(p []byte) (int, error) {
	m := r.m
	for len(m.data) == 0 {
		if m.fin {
			return 0, io.EOF
		}
		ev, err := m.c.event(m.ctx, m.c.in.NextPart)
		if err != nil {
			return 0, err
		}
		m.data, m.fin = ev.Data, ev.Fin
	}
	n := copy(p, m.data)
	m.data = m.data[n:]
	return n, nil
}

// skip reads over the rest of a message of which somebody had a Reader.
func (c *Conn) skip(ctx context.Context) error {
	m := c.b.part
	if m == nil {
		return nil
	}
	m.ctx = ctx
	for {
		if _, err := m.read(make([]byte, 512)); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// startReading waits until nobody else reads.
func (c *Conn) startReading(ctx context.Context) error {
	if c.b == nil {
		return ErrEvents
	}
	if err := ctx.Err(); err != nil && ctx != c.b.ctx {
		return context.Cause(ctx)
	}
	select {
	case c.b.reading <- struct{}{}:
	default:
		select {
		case c.b.reading <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (c *Conn) stopReading() {
	b := c.b
	c.mu.Lock()
	over := c.is(stateOver)
	c.mu.Unlock()
	if over {
		c.in.Release()
		b.data, b.part = nil, nil
	}
	if len(b.data) == 0 && b.part == nil {
		b.freeBuffer()
	}
	held := c.in.Buffered()
	if b.buf != nil {
		held += len(*b.buf)
	}
	c.mu.Lock()
	c.held = held
	c.mu.Unlock()
	<-b.reading
}

func (b *blocking) freeBuffer() {
	switch {
	case b.buf == nil:
	case len(*b.buf) == smallRead:
		smallReads.Put(b.buf)
	default:
		largeReads.Put(b.buf)
	}
	b.buf = nil
}

type nextEvent func(p []byte) (ev wsframe.Event, rest []byte, err error)

// event returns the next message, or part of one, and sees to all else. It is called by who reads.
func (c *Conn) event(ctx context.Context, next nextEvent) (wsframe.Event, error) {
	b := c.b
	for {
		if b.flooded {
			if err := c.awaitSent(ctx, func() bool { return c.out.pongs <= unsent }); err != nil {
				return wsframe.Event{}, err
			}
			b.flooded = false
		}
		ev, rest, err := next(b.data)
		if err != nil {
			return ev, c.refute(err)
		}
		b.data = rest
		switch ev.Kind {
		case wsframe.More:
			if err := c.receive(ctx); err != nil {
				return ev, err
			}
		case wsframe.Message, wsframe.Part:
			return ev, nil
		case wsframe.Closed:
			c.mu.Lock()
			c.answer(ev)
			c.mu.Unlock()
			_ = c.flush(b.ctx, all)
			if c.side.frames.Client {
				c.linger()
			}
			c.fail(nil)
			return ev, c.gone
		default: // somebody else sends the answer: the peer may take nothing before we read on
			c.mu.Lock()
			c.answer(ev)
			b.flooded = c.out.pongs > unsent
			_ = c.unlock(nil)
		}
	}
}

// awaitSent waits until so much is sent, or the socket is over. enough has the lock.
func (c *Conn) awaitSent(ctx context.Context, enough func() bool) error {
	for {
		c.mu.Lock()
		if c.is(stateOver) || enough() {
			c.mu.Unlock()
			return nil
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		_ = c.unlock(nil)
		select {
		case <-room:
		case <-ctx.Done():
			select {
			case <-c.b.ctx.Done(): // which tells more
				return nil
			default:
				return context.Cause(ctx)
			}
		}
	}
}

// refute answers a mistake of the peer. It is called by who reads.
func (c *Conn) refute(err error) error {
	c.mu.Lock()
	c.violation(err)
	err = &closedError{c.err}
	over := c.is(stateOver)
	c.mu.Unlock()
	if !over {
		_ = c.flush(c.b.ctx, all)
		c.linger()
		c.fail(err)
	}
	return err
}

// receive reads from the connection.
func (c *Conn) receive(ctx context.Context) error {
	b := c.b
	if b.buf != nil && (len(*b.buf) == largeRead) != b.full {
		b.freeBuffer()
	}
	if b.buf == nil && b.full {
		b.buf = largeReads.Get().(*[]byte)
	} else if b.buf == nil {
		b.buf = smallReads.Get().(*[]byte)
	}
	stop := b.interrupted(ctx, false)
	n, err := b.conn.Read(*b.buf)
	stopped := stop()
	if stopped {
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	b.full = n == len(*b.buf) || b.full && n > smallRead
	if b.data = (*b.buf)[:n]; n > 0 {
		c.heard.Store(true)
		c.side.cfg.Meter.bytesIn.Add(int64(n))
		return nil
	}
	switch {
	case err == nil:
		return nil
	case stopped && errors.Is(err, os.ErrDeadlineExceeded):
		return context.Cause(ctx)
	case err == io.EOF: // behind our close frame the peer still gets what is queued
		if err := c.awaitSent(ctx, func() bool { return !c.is(stateSent) || c.out.empty() }); err != nil {
			return err
		}
	}
	c.fail(connectionLost(err))
	c.mu.Lock()
	defer c.mu.Unlock()
	return &closedError{c.reason()}
}
