package ws

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/tako-go/tako"
)

// blocking is what a socket has that is read by who has it.
type blocking struct {
	conn   net.Conn
	info   *tako.ConnInfo
	ctx    context.Context // ends with the connection
	cancel context.CancelCauseFunc
	quit   func() bool // stops waiting for the drain

	sending chan struct{} // has a value while somebody sends
	reading chan struct{} // has a value while somebody reads, who has what follows
	buf     *[]byte
	data    []byte // in buf, not looked at yet
	part    *messageReader
	full    bool // the last read has filled buf
	flooded bool // many pongs wait for the peer, who has to take some before more is read
	sealed  bool // conn is TLS itself, which cannot go on after a write that was given up

	later backlog // guarded by mu of the Conn
}

// attach gives a new socket its connection, which may be TLS itself. ctx has what handlers may
// ask for.
func (c *Conn) attach(ctx context.Context, conn net.Conn, info *tako.ConnInfo, sealed bool) {
	b := &blocking{conn: conn, info: info, sealed: sealed, sending: make(chan struct{}, 1), reading: make(chan struct{}, 1)}
	b.ctx, b.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	b.quit = func() bool { return true }
	c.b = b
	c.side.cfg.Meter.add(c)
	c.side.arm(c, awaitByte)
}

// Context ends with the socket: then its cause says why. It is for the blocking form only.
func (c *Conn) Context() context.Context {
	if c.b == nil {
		return context.Background()
	}
	return c.b.ctx
}

// past is a deadline that ends what waits.
func past() time.Time { return time.Unix(1, 0) }

// interrupted ends writes, or reads, by a deadline that is over when ctx ends. stop takes that
// back, and reports whether it has happened.
func (b *blocking) interrupted(ctx context.Context, writes bool) (stop func() bool) {
	if ctx.Done() == nil || ctx == b.ctx {
		return func() bool { return false }
	}
	fired := make(chan struct{})
	undo := context.AfterFunc(ctx, func() {
		if writes {
			_ = b.conn.SetWriteDeadline(past())
		} else {
			_ = b.conn.SetReadDeadline(past())
		}
		close(fired)
	})
	return func() bool {
		if undo() {
			return false
		}
		<-fired
		return true
	}
}

// fail ends the connection at once.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	if c.gone == nil {
		c.fault(err)
	}
	why := c.reason()
	c.mu.Unlock()
	if !c.bury() {
		return
	}
	b := c.b
	b.quit()
	_ = b.conn.Close()
	b.cancel(why)
	select {
	case b.reading <- struct{}{}:
		c.stopReading()
	default: // who reads sees to it
	}
}

// lingerTime and lingerMost bound what is read of a peer that was told to stop, so that what it
// still sends does not destroy our last words on their way. Beyond lingerMost it is held up.
const (
	lingerTime = time.Second
	lingerMost = 16 << 20
)

// linger ends our side, and waits for the end of the other. It is called by who reads.
func (c *Conn) linger() {
	half, ok := c.b.conn.(interface{ CloseWrite() error })
	if !c.side.frames.Client && (!ok || half.CloseWrite() != nil) {
		return
	}
	by := time.Now().Add(lingerTime)
	_ = c.b.conn.SetReadDeadline(by)
	if _, err := io.CopyN(io.Discard, c.b.conn, lingerMost); err == nil {
		time.Sleep(time.Until(by))
	}
}

// Close sends a close frame behind what is queued, and waits for that of the peer, at most
// [Config.CloseTimeout]; then the connection is closed. In the form of events it does not
// wait: OnClose tells of the end, and messages that still come are dropped; in the other they go
// to who reads, and are dropped if nobody does. What waits for a [Conn.Writer] that is open is not
// sent. A second Close does nothing but wait. The error is that of a connection that did not
// end in order.
func (c *Conn) Close(code Code, reason string) error {
	c.mu.Lock()
	c.state |= stateDeaf
	c.sendClose(code, reason)
	if c.b == nil {
		return c.unlock(nil)
	}
	_ = c.unlock(nil) // the peer may take nothing before we read, as it closes too
	c.awaitClose()
	<-c.b.ctx.Done()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone != nil {
		return nil
	}
	return c.err
}

// awaitClose reads up to the close frame of the peer, unless somebody else does.
func (c *Conn) awaitClose() {
	if c.startReading(c.b.ctx) != nil {
		return
	}
	defer c.stopReading()
	for {
		if _, err := c.event(c.b.ctx, c.in.NextPart); err != nil {
			return
		}
	}
}

// CloseNow breaks the socket off, without a close frame.
func (c *Conn) CloseNow() error {
	c.breakOff(ErrClosed)
	return nil
}
