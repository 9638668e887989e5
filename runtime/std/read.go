package std

import (
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// While a handler runs, net/http waits on another goroutine for one byte or the
// end of the connection, and interrupts that read by a deadline in the past when
// the handler has ended. For a handler that takes microseconds this is most of
// the work around it. So such a read waits here first, where it is interrupted
// without the socket, and goes to the socket only when it lasts: at the second
// look of the sweeper, early enough to see within a second that a client left.

// Read reads from the socket, unless a deadline in the past has been set.
func (c *conn) Read(p []byte) (int, error) {
	if c.intro {
		if err := c.introduce(); err != nil {
			return 0, err
		}
	}
	if c.tls != nil && !c.shaken {
		if err := c.shake(); err != nil {
			return 0, err
		}
	}
	if len(p) == 1 && http.ConnState(c.state.Load()) == http.StateActive {
		if err := c.linger(); err != nil {
			return 0, err
		}
	}
	// SetReadDeadline sets past before it looks at reads: one of both sees the other.
	c.reads.Add(1)
	if c.past.Load() || c.broken.Load() {
		c.reads.Add(-1)
		return 0, os.ErrDeadlineExceeded
	}
	if c.spared.Load() && c.idleEmpty() {
		c.reads.Add(-1)
		c.quiet.Store(true)
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p)
	if n > 0 && http.ConnState(c.state.Load()) == http.StateIdle && !c.begin() {
		n, err = 0, io.EOF
	}
	if err != nil && c.spared.Load() && http.ConnState(c.state.Load()) == http.StateIdle {
		_ = c.Conn.Close() // net/http would answer 400 to half a head
	}
	c.reads.Add(-1)
	if n == 1 && len(p) == 1 {
		c.ahead.Store(true)
	}
	if n > 0 && n < 4 && http.ConnState(c.state.Load()) == http.StateIdle {
		c.hasten()
	}
	for n > 0 && !c.known {
		c.greets.Store(true)
		served, part := c.greeted(p[:n])
		if served {
			return 0, io.EOF
		}
		if !part || err != nil || n == len(p) {
			break
		}
		var more int // what may be the preface of HTTP/2 is not for net/http
		more, err = c.Conn.Read(p[n:])
		n += more
		if more == 0 {
			break
		}
	}
	return n, err
}

// To net/http a connection is idle until it has read a whole head. A drain closes
// idle connections, and one whose next request has come would lose the answer to it.
// So the drain spares a connection that is not waiting in a read, and what a read
// brings to one that was not spared is dropped: the request was never served.

// begin notes that bytes of a request have come, unless the connection was given up.
func (c *conn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived = !c.givenUp
	return c.arrived
}

// idleEmpty reports whether nothing of the next request has come.
func (c *conn) idleEmpty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return http.ConnState(c.state.Load()) == http.StateIdle && !c.arrived && !c.ahead.Load()
}

// spare reports whether a drain has to leave the connection to its goroutine, which
// closes it soon.
func (c *conn) spare() bool {
	if !c.s.closingIdle.Load() {
		return false
	}
	if c.link.Load() != nil { // to net/http it is still new
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch http.ConnState(c.state.Load()) {
	case http.StateIdle:
	case http.StateActive: // since net/http has looked, or this is the end of its own goroutine
		return true
	case http.StateNew:
		return c.greets.Load() // what never sends more is closed a moment later
	default:
		return false
	}
	c.spared.Store(true) // before reads is looked at: a read that begins now sees it
	if c.arrived || c.ahead.Load() || c.reads.Load() == 0 {
		return true
	}
	c.givenUp = true
	c.quiet.Store(true)
	return false
}

// hasten holds a request that has begun to the header timeout: net/http thinks
// the connection idle until it has four bytes.
func (c *conn) hasten() {
	timeout := c.s.limits.HeaderTimeout
	by := c.s.now.Load() + int64(timeout)
	if old := c.readBy.Load(); timeout > 0 && (old == 0 || by < old) {
		c.readBy.Store(by)
	}
}

// hastenBegun is hasten for a request whose first byte came while the one before
// was served.
func (c *conn) hastenBegun() {
	if c.ahead.Load() && http.ConnState(c.state.Load()) == http.StateIdle {
		c.hasten()
	}
}

// linger waits until the read is interrupted, which is its error, or is to go to
// the socket.
func (c *conn) linger() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.proceed = false
	c.readBy.Store(0) // a handler runs, and the body was read
	c.lingers.Store(max(c.s.now.Load(), 1))
	for !c.proceed && !c.past.Load() && !c.closed.Load() {
		c.wake.Wait()
	}
	c.lingers.Store(0)
	switch {
	case c.closed.Load():
		return net.ErrClosed
	case c.past.Load():
		return os.ErrDeadlineExceeded
	}
	return nil
}

// settle sends a read that has lingered for a while to the socket.
func (c *conn) settle(now int64, tick time.Duration) {
	if since := c.lingers.Load(); since == 0 || now-since < int64(tick) {
		return
	}
	c.mu.Lock()
	c.proceed = true
	c.wake.Signal()
	c.mu.Unlock()
}

// SetReadDeadline keeps a deadline that is some time ahead as a mark, and one in
// the past too if nobody reads. Others go to the socket.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Duration(c.s.now.Load())
	switch ahead := t.Sub(epoch) - now; {
	case t.IsZero():
		c.readBy.Store(0)
		c.hastenBegun()
	case ahead <= 0:
		c.readBy.Store(0)
		c.past.Store(true)
		c.wake.Signal()
		if c.reads.Load() == 0 {
			return nil
		}
		c.hardRead = true
		return c.Conn.SetReadDeadline(t)
	case ahead < 2*time.Second:
		c.readBy.Store(0)
		c.past.Store(false)
		c.hardRead = true
		return c.Conn.SetReadDeadline(t)
	default:
		c.readBy.Store(int64(t.Sub(epoch)))
		c.hastenBegun()
	}
	c.past.Store(false)
	if c.hardRead {
		c.hardRead = false
		return c.Conn.SetReadDeadline(time.Time{})
	}
	return nil
}
