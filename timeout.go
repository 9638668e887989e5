package tako

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// withRouteTimeout is the innermost wrapper of a route with a timeout.
func withRouteTimeout(d time.Duration, next Handler) Handler {
	return func(c *Context) error { return c.RunTimeout(d, next) }
}

// RunTimeout calls next on a goroutine of its own and waits until it has ended.
// If it has not begun to respond after d, RunTimeout returns a 503 that matches
// [ErrTimeout] while next still runs: its context is cancelled with that cause
// and whatever it writes then returns ErrTimeout. The response to that has nothing of what
// next has set before, such as fields and cookies. A response that was begun is
// not cut. With d zero or less it just calls next.
func (c *Context) RunTimeout(d time.Duration, next Handler) error {
	c.live()
	if d <= 0 {
		return next(c)
	}
	c.ex.Retain()
	parent := c.Context()
	ctx, cancel := context.WithCancelCause(&deadlineContext{parent, time.Now().Add(d)})
	defer cancel(nil)
	b := newBranch(c, next)
	ex := &timeoutExchange{Exchange: c.ex, outer: c, ctx: ctx, info: c.ex.ConnInfo()}
	inner := b.fork(ex)
	inner.ctx = ctx
	done := make(chan error, 1)
	go func() {
		err := http.ErrAbortHandler // stays so if the handler calls runtime.Goexit
		defer func() { done <- err }()
		err = b.runInner(inner, ex)
	}()
	timer := time.NewTimer(d)
	defer timer.Stop()
	var err error
	select {
	case err = <-done:
	case <-timer.C:
		if ex.seal() {
			b.abandon(http.StatusServiceUnavailable) // first: it may end at once when it is told
			cancel(ErrTimeout)
			return &Error{Status: http.StatusServiceUnavailable, Err: ErrTimeout}
		}
		err = <-done
	}
	b.close()
	return err
}

// runInner calls the handler and ends what it wrote, but not the response.
func (b *branch) runInner(inner *Context, ex *timeoutExchange) (err error) {
	func() {
		defer inner.recovered(&err)
		err = b.next(inner)
		if err == nil && inner.opened {
			err = inner.complete()
		}
	}()
	if err != nil && inner.body != nil {
		_ = inner.breakOff(err)
	}
	if ex.isSealed() && PanicStack(err) != nil {
		inner.logFailure(err)
	}
	b.end(inner, err, http.StatusServiceUnavailable, false)
	return err
}

// deadlineContext tells a deadline without a timer of its own.
type deadlineContext struct {
	context.Context
	at time.Time
}

func (d *deadlineContext) Deadline() (time.Time, bool) {
	if at, ok := d.Context.Deadline(); ok && at.Before(d.at) {
		return at, true
	}
	return d.at, true
}

// timeoutExchange passes the request through and leads the response to the outer
// Context, until it is sealed by the timeout or the response has begun.
type timeoutExchange struct {
	Exchange
	outer *Context
	ctx   context.Context
	info  *ConnInfo // an Exchange may make it when asked first, which is for one goroutine

	mu     sync.Mutex
	sealed bool
	begun  bool
}

// seal shuts the response off and reports whether nothing was begun yet.
func (x *timeoutExchange) seal() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sealed = !x.begun
	return x.sealed
}

func (x *timeoutExchange) isSealed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.sealed
}

// open runs f unless sealed; with begin the response counts as begun from then on.
func (x *timeoutExchange) open(begin bool, f func() error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.sealed {
		return ErrTimeout
	}
	x.begun = x.begun || begin
	return f()
}

func (x *timeoutExchange) WriteHead(status int, h *Header, length int64) error {
	return x.open(true, func() error {
		x.outer.header.assign(h)
		return x.outer.open(status, length)
	})
}

func (x *timeoutExchange) Write(p []byte) (int, error) {
	if x.isSealed() {
		return 0, ErrTimeout
	}
	return x.outer.writeBody(p)
}

func (x *timeoutExchange) WriteBuffers(bufs net.Buffers) (int64, error) {
	if x.isSealed() {
		return 0, ErrTimeout
	}
	return x.outer.writeBuffers(bufs)
}

func (x *timeoutExchange) ReadFrom(r io.Reader) (int64, error) {
	if x.isSealed() {
		return 0, ErrTimeout
	}
	return x.outer.ReadFrom(r)
}

func (x *timeoutExchange) Flush() error {
	if x.isSealed() {
		return ErrTimeout
	}
	return x.outer.Flush()
}

func (x *timeoutExchange) WriteTrailers(h *Header) error {
	return x.open(true, func() error { x.outer.Trailer().assign(h); return nil })
}

func (x *timeoutExchange) EarlyHints(h *Header) error {
	return x.open(false, func() error { return x.Exchange.EarlyHints(h) })
}

func (x *timeoutExchange) EnableFullDuplex() error {
	return x.open(false, x.Exchange.EnableFullDuplex)
}

func (x *timeoutExchange) SetReadDeadline(t time.Time) error {
	return x.open(false, func() error { return x.Exchange.SetReadDeadline(t) })
}

func (x *timeoutExchange) SetWriteDeadline(t time.Time) error {
	return x.open(false, func() error { return x.Exchange.SetWriteDeadline(t) })
}

// Abort is left to the outer Context, which gets the error.
func (x *timeoutExchange) Abort() {}

func (x *timeoutExchange) Hijack() (conn net.Conn, rw *bufio.ReadWriter, err error) {
	err = x.open(false, func() error {
		conn, rw, err = x.outer.Hijack()
		x.begun = x.begun || err == nil
		return err
	})
	return conn, rw, err
}

func (x *timeoutExchange) Upgrade(h *Header) (conn net.Conn, err error) {
	err = x.switching(h, func() error {
		conn, err = x.outer.accept(askedProtocol(x.Exchange))
		return err
	})
	return conn, err
}

func (x *timeoutExchange) UpgradeEvents(h *Header, protocol string, ev StreamEvents, cfg EventConfig) error {
	return x.switching(h, func() error {
		outer := x.outer
		err := outer.switching(func() error { return outer.ex.UpgradeEvents(&outer.header, protocol, ev, cfg) })
		outer.upgraded = outer.upgraded || err == nil
		return err
	})
}

// switching has f switch protocols with the fields of h, as the outer Context does it.
func (x *timeoutExchange) switching(h *Header, f func() error) error {
	return x.open(false, func() error {
		outer := x.outer
		before := outer.header.Clone()
		outer.header.assign(h)
		err := f()
		x.begun = x.begun || outer.upgraded
		if err != nil {
			outer.header.assign(before)
		}
		return err
	})
}

func (x *timeoutExchange) Context() context.Context { return x.ctx }

func (x *timeoutExchange) ConnInfo() *ConnInfo { return x.info }
