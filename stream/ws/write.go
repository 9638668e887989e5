package ws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tako-go/tako/internal/wsframe"
)

// all is the end of a queue, as the point up to which it is sent.
const all = -1

// flush sends the queue up to a point of it. It is for the blocking form.
func (c *Conn) flush(ctx context.Context, until int64) error {
	b := c.b
	select {
	case b.sending <- struct{}{}:
	default:
		select {
		case b.sending <- struct{}{}:
		case <-b.ctx.Done():
			return c.ended()
		case <-ctx.Done():
			return c.leaveQueue(context.Cause(ctx))
		}
	}
	err := c.sendUntil(ctx, until)
	<-b.sending
	return c.leaveQueue(err)
}

// leaveQueue has somebody else send what is left.
func (c *Conn) leaveQueue(err error) error {
	c.mu.Lock()
	return c.unlock(err)
}

// flushLater sends the queue on a goroutine of its own.
func (c *Conn) flushLater() {
	c.side.cfg.Meter.helpers.Add(1)
	defer c.side.cfg.Meter.helpers.Add(-1)
	b := c.b
	select {
	case b.sending <- struct{}{}:
		for c.sendUntil(b.ctx, all) == nil && !c.unschedule() {
		}
		<-b.sending
	case <-b.ctx.Done():
	}
}

// unschedule reports whether nothing is left to be sent.
func (c *Conn) unschedule() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out.empty() || c.is(stateOver) {
		c.state &^= stateScheduled
		return true
	}
	return false
}

// unsentSealed is how much is given to TLS at once. That cannot go on after a write that took too
// long, so that each piece has the whole time.
const unsentSealed = 16 << 10

// sendUntil sends the queue up to a point, all of it if that is negative. The caller is the one
// that sends.
func (c *Conn) sendUntil(ctx context.Context, until int64) error {
	b := c.b
	piece := unsent
	if b.sealed {
		piece = unsentSealed
	}
	stop := b.interrupted(ctx, true)
	for {
		c.mu.Lock()
		p := c.out.next(c.frame)
		lost := c.out.lost(until)
		done := lost || len(p) == 0 || until >= 0 && c.out.done >= until
		over := c.is(stateOver)
		c.mu.Unlock()
		if done || over {
			stop()
			switch {
			case over:
				return c.ended()
			case lost:
				return &closedError{ErrFull}
			}
			return nil
		}
		if ctx.Err() == nil {
			_ = b.conn.SetWriteDeadline(deadline(c.side.cfg.WriteTimeout))
		}
		if ctx.Err() != nil && ctx != b.ctx { // which may have been before the deadline was set
			_ = b.conn.SetWriteDeadline(past())
		}
		n, err := b.conn.Write(p[:min(len(p), piece)])
		c.side.cfg.Meter.bytesOut.Add(int64(n))
		c.mu.Lock()
		if !c.is(stateOver) {
			c.out.sent(n)
			c.wakeWriters()
		}
		c.mu.Unlock()
		if err == nil || n > 0 && !b.sealed && ctx.Err() == nil && errors.Is(err, os.ErrDeadlineExceeded) {
			continue // the peer takes something
		}
		if stopped := stop(); !stopped || !errors.Is(err, os.ErrDeadlineExceeded) {
			c.fail(connectionLost(err))
			return c.ended()
		}
		if !c.b.sealed {
			return context.Cause(ctx)
		}
		// Others who meet the end have nothing to do with this ctx, and do not match it.
		c.fail(fmt.Errorf("ws: a write was given up in the middle: %v", context.Cause(ctx)))
		return &closedError{fmt.Errorf("ws: a write was given up in the middle: %w", context.Cause(ctx))}
	}
}

func deadline(d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}

// ended is the error of a socket that is over.
func (c *Conn) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &closedError{c.reason()}
}

// partSize is how much of a message a Writer puts into a frame.
const partSize = 16 << 10

// Writer returns a writer of one message, which is sent in frames as it is written. It must be
// closed; what others send until then goes out behind it, but for pings and pongs. It waits for
// one that is not closed.
func (c *Conn) Writer(ctx context.Context, typ Type) (io.WriteCloser, error) {
	switch {
	case c.b == nil:
		return nil, ErrEvents
	case !typ.valid():
		return nil, errType
	}
	for {
		c.mu.Lock()
		err, room := c.closedErr(), c.room
		switch {
		case err != nil:
			c.mu.Unlock()
			return nil, err
		case !c.is(stateParts):
			c.state |= stateParts
			c.mu.Unlock()
			return &messageWriter{c: c, ctx: ctx, typ: typ}, nil
		case room == nil:
			room = make(chan struct{})
			c.room = room
		}
		c.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// errType is the misuse of a Type.
var errType = errors.New("ws: the type of a message is Text or Binary")

// messageWriter writes one message.
type messageWriter struct {
	c      *Conn
	ctx    context.Context
	typ    Type
	buf    *buffer
	closed bool
}

// Write sends p, or keeps it for the next frame.
func (m *messageWriter) Write(p []byte) (total int, err error) {
	if m.closed {
		return 0, ErrClosed
	}
	for len(p) > 0 {
		if m.buf == nil {
			m.buf = newBuffer(0)
		}
		n := min(len(p), partSize-len(m.buf.b))
		m.buf.b = append(m.buf.b, p[:n]...)
		p, total = p[n:], total+n
		if len(m.buf.b) == partSize {
			if err := m.part(false); err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

// Close ends the message.
func (m *messageWriter) Close() error {
	if m.closed {
		return nil
	}
	m.closed = true
	if m.buf == nil {
		m.buf = newBuffer(0)
	}
	err := m.part(true)
	m.buf.free()
	m.buf = nil
	return err
}

// part sends what is in the buffer.
func (m *messageWriter) part(fin bool) error {
	c := m.c
	c.mu.Lock()
	err := c.closedErr()
	if err == nil {
		c.out.append(len(m.buf.b)+wsframe.MaxHeader, 0, func(dst []byte) []byte {
			return c.send.AppendPart(dst, wsframe.Opcode(m.typ), m.buf.b, fin)
		})
	}
	m.buf.b = m.buf.b[:0]
	until := c.out.end()
	if fin {
		if err == nil {
			c.side.cfg.Meter.messagesOut.Add(1)
		}
		c.writerDone()
	}
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.flush(m.ctx, until)
}
