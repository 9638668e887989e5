package tcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/connlimit"
)

// Conn is one connection, as its handler has it: without TLS and PROXY header, which layers have
// taken off. It is a [net.Conn]. One goroutine may read while another one writes; Write, Close,
// CloseWrite, Reset and the deadlines may be called concurrently.
//
// Read fails with an error that matches [os.ErrDeadlineExceeded] if no byte has come or gone
// within Limits.IdleTimeout, and Write if the client has not taken a piece of up to 64 KiB within
// Limits.WriteTimeout. So do all later calls.
//
// To and from files and other TCP connections, io.Copy lets the kernel copy where it can.
type Conn struct {
	s      *Server
	raw    net.Conn // the socket
	stream net.Conn // what the handler reads and writes: raw, or TLS over it
	early  []byte   // was read by a layer, and comes first
	info   *tako.ConnInfo
	slot   *connlimit.Slot
	began  time.Time
	ctx    context.Context
	cancel context.CancelCauseFunc

	reading  atomic.Int64 // when the Read under way began, 0 if none is
	writing  atomic.Int64 // when the piece under way began, 0 if none is
	last     atomic.Int64 // when bytes came or went
	in, out  atomic.Int64
	splicing atomic.Int32 // copies by the kernel under way, which tell nothing before they end

	acked uint64 // bytes that the client has taken, when the sweeper looked

	entering   atomic.Bool // a layer reads what comes before the stream of the handler
	greeted    atomic.Bool // a layer has read something
	waits      atomic.Bool // for the next message, as Idle has said
	eof        atomic.Bool // the client sends no more
	halfClosed atomic.Bool // we send no more
	closed     atomic.Bool
	idled      atomic.Bool // the drain has closed it while it had nothing to do
	cutOff     atomic.Bool // the drain has broken it off

	write sync.Mutex // held by Write

	mu      sync.Mutex // guards the rest
	readBy  time.Time  // deadlines that the handler has set
	writeBy time.Time
	late    bool // the idle timeout has passed
	slow    bool // the write timeout has passed
	nudged  bool // the drain has woken a Read
}

func newConn(s *Server, nc net.Conn, slot *connlimit.Slot) *Conn {
	info := &tako.ConnInfo{Transport: nc.LocalAddr().Network(), Remote: nc.RemoteAddr(), Local: nc.LocalAddr(), Peer: peer(nc)}
	c := &Conn{s: s, raw: nc, stream: nc, info: info, slot: slot, began: time.Now()}
	c.ctx, c.cancel = context.WithCancelCause(s.base)
	return c
}

// Info describes the connection: its ends, TLS, PROXY header, and who has the other end of a Unix
// socket. Behind a [Layer] that changes it, it is another one; each is read-only.
func (c *Conn) Info() *tako.ConnInfo { return c.info }

// RemoteAddr is Info().Remote.
func (c *Conn) RemoteAddr() net.Addr { return c.info.Remote }

// LocalAddr is Info().Local.
func (c *Conn) LocalAddr() net.Addr { return c.info.Local }

// Draining is closed when the server begins to drain.
func (c *Conn) Draining() <-chan struct{} { return c.s.draining }

// Bytes returns how many were read and written so far. What the kernel copies is counted in the
// end, or after every MiB.
func (c *Conn) Bytes() (in, out int64) { return c.in.Load(), c.out.Load() }

// Idle says that the next Read waits for a new message: a drain of the server ends it, with
// [ErrDraining], unless something has come. It is called before each message, when nothing of it
// is in a buffer of the handler's. Without it a drain lets the handler wait until it cuts it off.
func (c *Conn) Idle() {
	c.waits.Store(true)
	if c.s.isStopping() && !c.isFresh() {
		c.nudge()
	}
}

// Read reads what the client sends.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		c.took(n)
		return n, nil
	}
	for {
		c.reading.Store(c.s.now.Load())
		n, err := c.stream.Read(p)
		c.reading.Store(0)
		if n > 0 {
			c.took(n)
		}
		if err == nil {
			return n, nil
		}
		if err = c.readError(err); err != nil {
			return n, err
		}
	}
}

func (c *Conn) took(n int) {
	c.in.Add(int64(n))
	c.last.Store(c.s.now.Load())
	if c.waits.Load() {
		c.waits.Store(false)
	}
}

// readError returns what a handler is to see of err, nil if it is to read again.
func (c *Conn) readError(err error) error {
	switch {
	case err == io.EOF:
		c.eof.Store(true)
		return err
	case isGone(err):
		c.clientGone()
		return err
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.late:
		return errIdle
	case !c.nudged:
		return err
	case c.hasNothingToDo() && !unread(c.raw):
		c.idled.Store(true)
		return ErrDraining
	}
	c.nudged = false
	c.waits.Store(false)
	return c.stream.SetReadDeadline(c.readBy)
}

// hasNothingToDo reports whether a drain may close the connection.
func (c *Conn) hasNothingToDo() bool { return c.waits.Load() || c.isUnused() }

// isUnused reports whether nothing was said on the connection.
func (c *Conn) isUnused() bool { return c.in.Load() == 0 && c.out.Load() == 0 }

// nudge wakes a Read that waits for nothing that must be waited for.
func (c *Conn) nudge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hasNothingToDo() {
		c.nudged = true
		_ = c.raw.SetReadDeadline(past)
	}
}

// piece is how much is given to the kernel at a time: the write timeout is judged by pieces.
const piece = 64 << 10

// Write sends p to the client. What several goroutines write at the same time does not mix.
func (c *Conn) Write(p []byte) (int, error) {
	c.write.Lock()
	defer c.write.Unlock()
	total := 0
	for {
		one := p[:min(len(p), piece)]
		c.writing.Store(c.s.now.Load())
		n, err := c.stream.Write(one)
		c.writing.Store(0)
		total += n
		c.gave(int64(n))
		if err != nil {
			return total, c.writeError(err)
		}
		if p = p[n:]; len(p) == 0 {
			return total, nil
		}
	}
}

func (c *Conn) gave(n int64) {
	c.out.Add(n)
	c.last.Store(c.s.now.Load())
}

func (c *Conn) writeError(err error) error {
	if isGone(err) {
		c.clientGone()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slow && errors.Is(err, os.ErrDeadlineExceeded) {
		return errSlow
	}
	return err
}

var (
	errIdle = fmt.Errorf("tcp: idle timeout: %w", os.ErrDeadlineExceeded)
	errSlow = fmt.Errorf("tcp: the client takes nothing: %w", os.ErrDeadlineExceeded)
)

// isGone reports whether an error says that the client has reset the connection.
func isGone(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// clientGone ends the context of the handler.
func (c *Conn) clientGone() { c.cancel(tako.ErrClientGone) }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets a deadline for Read, besides the idle timeout; zero means none.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readBy = t
	if c.late || c.nudged {
		return nil
	}
	return c.stream.SetReadDeadline(t)
}

// SetWriteDeadline sets a deadline for Write, besides the write timeout; zero means none.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeBy = t
	if c.slow {
		return nil
	}
	return c.stream.SetWriteDeadline(t)
}
