package tako

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// errExit ends a stream one of whose functions has called runtime.Goexit.
var errExit = errors.New("tako: a function of the stream has ended its goroutine")

var errUnsent = errors.New("tako: more was written at once than may wait for the peer")

// eventDriver tells the events of a stream on a goroutine that reads. What a function has
// written is sent before anything else happens, so that nothing is read of a peer that takes nothing.
type eventDriver struct {
	conn net.Conn
	info *ConnInfo
	ev   StreamEvents
	cfg  EventConfig
	log  *slog.Logger
	quit func() bool // stops waiting for the drain

	turn   sync.Mutex    // held while a function runs and what it wrote is sent
	out    *driverBuffer // written by the function that runs, nil if it has not
	sendBy time.Time     // the write deadline of the connection
	ending streamEnding
	paused bool
	over   bool // the stream is closed, nothing is told any more
	opened bool
	drains bool  // the server does
	err    error // why it ended, the first reason

	waits  atomic.Int64  // bytes of out that are being sent
	full   atomic.Bool   // ErrFull was returned
	held   atomic.Bool   // nothing is to be read
	closes atomic.Bool   // nothing more is told
	nudge  chan struct{} // gets a value when held or closes may have changed

	mu     sync.Mutex // guards what follows
	post   []byte
	calls  []func()
	posted bool // a goroutine sees to the post
	gone   bool // nothing is taken any more
}

// streamEnding is what becomes of a stream once what was written is sent.
type streamEnding uint8

const (
	streamLives streamEnding = iota
	streamCloses
	streamBreaks
)

var _ EventStream = (*eventDriver)(nil)

func newEventDriver(c *Context, conn net.Conn, info *ConnInfo, ev StreamEvents, cfg EventConfig) *eventDriver {
	d := &eventDriver{conn: conn, info: info, ev: ev, cfg: cfg, log: c.table.log, nudge: make(chan struct{}, 1)}
	if d.log == nil {
		d.log = slog.Default()
	}
	d.quit = c.OnDrain(d.drain)
	return d
}

// drain tells of the drain, behind Open.
func (d *eventDriver) drain() {
	d.turn.Lock()
	defer d.turn.Unlock()
	if d.drains = true; d.opened && !d.over && d.ending == streamLives {
		d.call(func() { d.ev.Drain(d) })
	}
}

// start begins to tell, unless the handler has failed.
func (d *eventDriver) start(failed error) {
	if failed == nil {
		go d.run()
		return
	}
	d.quit()
	d.breakOff()
	go d.bury(failed)
}

// run reads until the stream is over.
func (d *eventDriver) run() {
	defer func() { // also if a function has called runtime.Goexit
		d.quit()
		_ = d.conn.Close()
		d.turn.Lock()
		d.over = true
		err := d.err
		d.turn.Unlock()
		d.leave()
		d.bury(err)
	}()
	d.open()
	d.mu.Lock()
	d.deliver()
	d.mu.Unlock()
	d.receive()
}

// open tells of the beginning.
func (d *eventDriver) open() {
	d.turn.Lock()
	defer d.turn.Unlock()
	d.opened = true
	d.call(func() { d.ev.Open(d) })
	if d.drains && d.ending == streamLives {
		d.call(func() { d.ev.Drain(d) })
	}
}

// receive reads and tells until nothing more comes.
func (d *eventDriver) receive() {
	buf := newDriverBuffer(0)
	defer func() { buf.free() }()
	for {
		room := buf.room()
		n, err := d.read(room)
		switch {
		case d.closes.Load():
			if err != nil {
				return
			}
		case n > 0:
			d.tell(func() { d.ev.Data(d, room[:n]) })
			buf = buf.after(n)
		case err == io.EOF:
			d.fail(io.EOF)
			d.tell(func() { d.ev.End(d) })
			d.await(d.closes.Load)
			return
		case err != nil:
			d.fail(err)
			return
		}
	}
}

// read waits until something may be told.
func (d *eventDriver) read(buf []byte) (int, error) {
	if d.held.Load() {
		d.await(func() bool { return !d.held.Load() || d.closes.Load() })
	}
	n, err := d.conn.Read(buf)
	if n > 0 {
		err = nil // it comes again
	}
	return n, err
}

// awaitPoll is how often a stream that is not read is looked at, whether it was cut.
const awaitPoll = 250 * time.Millisecond

// await waits until something is so, or the stream was closed by somebody else.
func (d *eventDriver) await(so func() bool) {
	timer := time.NewTimer(awaitPoll)
	defer timer.Stop()
	for !so() {
		select {
		case <-d.nudge:
		case <-timer.C:
			if d.isCut() {
				return
			}
			timer.Reset(awaitPoll)
		}
	}
}

func (d *eventDriver) isCut() bool {
	d.turn.Lock()
	defer d.turn.Unlock()
	return d.ending == streamLives && d.conn.SetReadDeadline(time.Time{}) != nil
}

// tell calls f, unless the stream ends.
func (d *eventDriver) tell(f func()) {
	d.turn.Lock()
	defer d.turn.Unlock()
	if d.opened && !d.over && d.ending == streamLives {
		d.call(f)
	}
}

// call runs f with the turn, and sends what it has written.
func (d *eventDriver) call(f func()) {
	d.guarded(f)
	d.settle()
	for d.ending == streamLives && d.full.Swap(false) {
		d.guarded(func() { d.ev.Writable(d) })
		d.settle()
	}
}

// guarded has a function that panics, or ends its goroutine, break the stream off.
func (d *eventDriver) guarded(f func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		if v == nil {
			d.cause(errExit)
			d.ending = streamBreaks
			d.settle() // nobody else will
			return
		}
		err := RecoverError(v)
		d.cause(err)
		d.ending = streamBreaks
		d.log.Error("panic on an upgraded stream", "peer", d.info.Remote, "err", err, "stack", string(PanicStack(err)))
	}()
	f()
	returned = true
}

// settle sends what was written, and sees to the end of the stream. It has the turn.
func (d *eventDriver) settle() {
	if out := d.out; out != nil {
		d.out = nil
		d.send(out.b)
		out.free()
	}
	d.held.Store(d.paused && d.ending == streamLives)
	if d.ending != streamLives && !d.closes.Swap(true) {
		d.leave()
		d.hangUp()
	}
	select {
	case d.nudge <- struct{}{}:
	default:
	}
}

// sendPiece is how much is sent at once, so that what waits is known. TLS cannot go on after a
// write that took too long, so that each of its pieces has the whole time.
const (
	sendPiece       = 64 << 10
	sendPieceSealed = 16 << 10
)

// send gives the connection all of out, as long as the peer takes some of it.
func (d *eventDriver) send(out []byte) {
	piece := sendPiece
	if d.info.TLS != nil {
		piece = sendPieceSealed
	}
	for len(out) > 0 && d.ending != streamBreaks {
		d.waits.Store(int64(len(out)))
		d.bound()
		n, err := d.conn.Write(out[:min(len(out), piece)])
		out = out[n:]
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			d.cause(err)
			d.ending = streamBreaks
		}
	}
	d.waits.Store(0)
}

// bound sees to it that the next write has at least the time it may take. A deadline that is
// almost as far away stays, as setting one costs.
func (d *eventDriver) bound() {
	if d.cfg.WriteTimeout <= 0 {
		return
	}
	now := time.Now()
	if by := now.Add(d.cfg.WriteTimeout); d.sendBy.Before(by) {
		d.sendBy = by.Add(d.cfg.WriteTimeout / 8)
		_ = d.conn.SetWriteDeadline(d.sendBy)
	}
}

// hangUpGrace is how long a peer has to end its side too, so that what it still sends does not
// break off what it has not read.
const hangUpGrace = time.Second

func (d *eventDriver) hangUp() {
	half, ok := d.conn.(interface{ CloseWrite() error })
	if d.ending == streamBreaks {
		d.breakOff()
	} else if !ok || half.CloseWrite() != nil {
		_ = d.conn.Close()
	} else {
		_ = d.conn.SetReadDeadline(time.Now().Add(hangUpGrace))
	}
}

// breakOff closes the stream such that the peer sees an error, where that can be done.
func (d *eventDriver) breakOff() {
	_ = reset(d.conn)
	_ = d.conn.Close()
}

// cause notes why the stream ends. It has the turn.
func (d *eventDriver) cause(err error) {
	if d.err == nil && d.ending == streamLives {
		d.err = err
	}
}

func (d *eventDriver) fail(err error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = os.ErrDeadlineExceeded
	}
	d.cause(err)
}

// bury tells that the stream is over.
func (d *eventDriver) bury(err error) {
	defer func() {
		if v := recover(); v != nil {
			d.log.Error("panic on an upgraded stream", "peer", d.info.Remote, "err", RecoverError(v))
		}
	}()
	d.ev.Closed(err)
}

// leave takes nothing from others any more.
func (d *eventDriver) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone, d.post, d.calls = true, nil, nil
}

// Info describes the connection.
func (d *eventDriver) Info() *ConnInfo { return d.info }

// OnLoop reports that it does not.
func (d *eventDriver) OnLoop() bool { return false }

// Waiting counts what was written and what was sent.
func (d *eventDriver) Waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int(d.waits.Load()) + len(d.post)
}

// Write keeps p until the function returns.
func (d *eventDriver) Write(p []byte) (int, error) {
	switch {
	case d.ending != streamLives || d.over:
		return 0, net.ErrClosed
	case len(p) > d.cfg.Unsent:
		return 0, errUnsent
	case len(p) > d.cfg.Unsent-d.out.len():
		d.full.Store(true)
		return 0, ErrFull
	}
	d.out = d.out.append(p)
	return len(p), nil
}

// Close ends the stream behind what was written.
func (d *eventDriver) Close() {
	if d.ending == streamLives {
		d.ending = streamCloses
	}
}

// Reset breaks the stream off.
func (d *eventDriver) Reset() {
	d.cause(context.Canceled)
	d.ending = streamBreaks
}

// Abort breaks the stream off below whoever has the turn, who finds that out.
func (d *eventDriver) Abort() {
	d.mu.Lock()
	over := d.gone
	d.gone = true
	d.mu.Unlock()
	if !over {
		d.breakOff()
	}
}

// Pause stops Data.
func (d *eventDriver) Pause() { d.paused = true }

// Resume takes Pause back.
func (d *eventDriver) Resume() { d.paused = false }

// Send keeps a copy of p for the goroutine that sees to the post.
func (d *eventDriver) Send(p []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.gone:
		return net.ErrClosed
	case len(p) > d.cfg.Unsent:
		return errUnsent
	case len(p) > d.cfg.Unsent-len(d.post):
		d.full.Store(true)
		return ErrFull
	}
	d.post = append(d.post, p...)
	d.deliver()
	return nil
}

// Do calls f on the goroutine that sees to the post.
func (d *eventDriver) Do(f func()) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return net.ErrClosed
	}
	d.calls = append(d.calls, f)
	d.deliver()
	return nil
}

func (d *eventDriver) deliver() {
	if !d.posted && (len(d.post) > 0 || len(d.calls) > 0) {
		d.posted = true
		go d.sendPost()
	}
}

// sendPost sends and calls what others have left, until nothing is left.
func (d *eventDriver) sendPost() {
	for d.sendSome() {
	}
}

// sendSome sends and calls what there is, and reports whether there was something.
func (d *eventDriver) sendSome() bool {
	d.turn.Lock()
	defer d.turn.Unlock() // also if a function has called runtime.Goexit
	d.mu.Lock()
	if !d.opened || len(d.post) == 0 && len(d.calls) == 0 { // run sees to what came before Open
		d.posted = false
		d.mu.Unlock()
		return false
	}
	post, calls := d.post, d.calls
	d.post, d.calls = nil, nil
	d.mu.Unlock()
	if len(post) > 0 && d.ending == streamLives && !d.over {
		d.out = d.out.append(post)
		d.call(func() {})
	}
	for _, f := range calls {
		if d.ending == streamLives && !d.over {
			d.call(f)
		}
	}
	return true
}
