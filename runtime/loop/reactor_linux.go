package loop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/listensock"
	"github.com/tako-go/tako/internal/netpoll"
	"github.com/tako-go/tako/internal/unixsock"
)

// reactor is the engine of event loops.
type reactor struct {
	srv   *Server
	loops []*loop
	watch watchdog

	mu        sync.Mutex // guards the next two
	closed    bool
	fds       []int        // listening sockets
	inherited bool         // other processes may have them too
	ln        net.Listener // ready-made, nil if there is none
	acceptor  *accepting   // of a listener that has no socket of its own
	nextLoop  atomic.Uint32
	starving  atomic.Bool // some loop waits for a place
	started   bool
	ends      chan struct{} // a value for each loop that has ended
}

func newEngine(ctx context.Context, s *Server) (engine, net.Addr, error) {
	r := &reactor{srv: s, ends: make(chan struct{}, s.cfg.Loops)}
	addr, err := r.bind(ctx)
	if err == nil {
		err = r.open()
	}
	if err != nil {
		r.closeSockets()
		for _, l := range r.loops {
			l.p.Shut()
		}
		return nil, nil, err
	}
	r.watch.init()
	return r, addr, nil
}

// open makes the loops.
func (r *reactor) open() error {
	s := r.srv
	s.tallies = make([]tally, s.cfg.Loops)
	tick := wheelTick(&s.limits)
	for id := range s.cfg.Loops {
		p, err := netpoll.Open(s.cfg.Poller)
		if err != nil {
			return err
		}
		l := &loop{srv: s, reactor: r, tally: &s.tallies[id], id: id, p: p, dead: make(chan struct{}), now: int64(time.Since(epoch) / time.Millisecond)}
		l.lend = l.buffer
		l.locked = p.PinsThread() || s.cfg.Pin
		l.wheel.tick, l.wheel.at = tick, l.now/tick
		r.loops = append(r.loops, l)
	}
	return nil
}

// wheelTick is how often deadlines are looked at, in milliseconds: often enough for
// the shortest.
func wheelTick(limits *tako.Limits) int64 {
	shortest := 4 * time.Second
	for _, d := range []time.Duration{limits.HeaderTimeout, limits.IdleTimeout, limits.WriteTimeout} {
		if d > 0 {
			shortest = min(shortest, d)
		}
	}
	return max(int64(min(shortest/8, lingerFor/16)/time.Millisecond), 5)
}

// describe names the poller.
func (r *reactor) describe() string { return r.loops[0].p.Name() }

// announce says what the server runs on, and why not on io_uring.
func (r *reactor) announce() {
	s := r.srv
	about := []any{"loops", len(r.loops), "poller", r.describe()}
	if auto := s.cfg.Poller == "" || s.cfg.Poller == netpoll.Auto; auto && r.describe() == netpoll.Epoll {
		if err := netpoll.Probe(); err != nil {
			about = append(about, "why", err)
		}
	}
	busy := int(loopsRunning.Add(int64(len(r.loops))))
	if want := busy + spareProcs; !s.cfg.KeepProcs && runtime.GOMAXPROCS(0) < want {
		// so that goroutines need not wait for busy loops
		about = append(about, "gomaxprocs", want, "gomaxprocs_before", runtime.GOMAXPROCS(want))
	}
	s.log.Info("event loops started", about...)
}

func (r *reactor) start() {
	r.announce()
	r.started = true
	for i, l := range r.loops {
		l.accept.shared = r.inherited
		for j, fd := range r.fds {
			// Every socket is served and every loop has one, whatever their numbers.
			if j%len(r.loops) == i || i%max(len(r.fds), 1) == j {
				l.listen(fd)
			}
		}
		go l.run()
	}
	go r.watch.watch(r.loops)
	if r.acceptor != nil {
		go r.acceptor.run()
	}
}

// loopsRunning counts the loops of all servers of the process.
var loopsRunning atomic.Int64

// spareProcs is how many more processors Go is told to use than there are loops.
const spareProcs = 2

// do has every loop call f, and reports whether all have called done before ctx was
// done itself.
func (r *reactor) do(ctx context.Context, f func(l *loop, done func())) bool {
	ends := make(chan struct{}, len(r.loops))
	n := 0
	for _, l := range r.loops {
		if l.post(message{do: func(w *worker) { f(w.l, func() { ends <- struct{}{} }) }}) {
			n++
		}
	}
	for ; n > 0; n-- {
		select {
		case <-ends:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (r *reactor) stop(ctx context.Context) int {
	if r.acceptor != nil {
		r.acceptor.stop(ctx)
	}
	// Not bounded by ctx, which may be done: a loop answers soon, even if a handler
	// blocks it, and the sockets must not be closed while one looks at them.
	soon, cancel := context.WithTimeout(context.Background(), newGrace)
	defer cancel()
	if r.do(soon, func(l *loop, done func()) { l.stopAccept(done) }) {
		r.closeSockets()
	}
	var idle atomic.Int64
	r.do(soon, func(l *loop, done func()) {
		idle.Add(int64(l.drainHTTP2(false) + l.drainSockets()))
		done()
	})
	return int(idle.Load())
}

func (r *reactor) closeIdle() int {
	var idle atomic.Int64
	ctx, cancel := context.WithTimeout(context.Background(), newGrace)
	defer cancel()
	r.do(ctx, func(l *loop, done func()) {
		idle.Add(int64(l.closeWhere(func(c *conn) bool { return c.mux == nil && c.phase == phaseIdle && !c.fresh && len(c.in) == 0 })))
		done()
	})
	return int(idle.Load())
}

func (r *reactor) closeFresh() int {
	var fresh atomic.Int64
	ctx, cancel := context.WithTimeout(context.Background(), newGrace)
	defer cancel()
	r.do(ctx, func(l *loop, done func()) {
		fresh.Add(int64(l.closeWhere(func(c *conn) bool { return c.fresh }) + l.drainSockets()))
		l.drainHTTP2(true)
		done()
	})
	return int(fresh.Load())
}

// closeWhere closes those connections of the leader that wait, and returns how many.
func (l *loop) closeWhere(which func(c *conn) bool) int {
	n := 0
	for _, c := range l.conns {
		if c != nil && c.st.Load() == connIdle && c.sending == nil && c.leaving == nil && which(c) {
			l.close(c)
			n++
		}
	}
	return n
}

func (r *reactor) cut(cause error) int {
	var cut atomic.Int64
	ctx, cancel := context.WithTimeout(context.Background(), newGrace)
	defer cancel()
	r.do(ctx, func(l *loop, done func()) {
		cut.Add(int64(l.cut(cause)))
		done()
	})
	return int(cut.Load())
}

// cut breaks off all connections of the loop. Those that a handler has are closed
// when it gives them back.
func (l *loop) cut(cause error) int {
	n := 0
	for _, c := range l.conns {
		if c == nil {
			continue
		}
		if c.phase == phaseLinger && c.st.Load() == connIdle { // its work has ended
			l.close(c)
			continue
		}
		n++
		if c.mux != nil {
			l.cutHTTP2(c, cause)
			continue
		}
		c.peer.cancel(cause)
		if c.st.Load() != connIdle && l.park(c) {
			c.failed = true
			disconnect(c.fd()) // an orderly end would look like that of the response
			continue
		}
		if c.sending != nil || c.sock != nil {
			l.reset(c)
		} else {
			l.close(c)
		}
	}
	return n
}

func (r *reactor) end() {
	defer r.closeSockets()
	if !r.started {
		for _, l := range r.loops {
			l.p.Shut()
		}
		return
	}
	for _, l := range r.loops {
		l.post(message{do: func(w *worker) { w.l.over = true }})
	}
	for range r.loops {
		<-r.ends
	}
	loopsRunning.Add(-int64(len(r.loops)))
	close(r.watch.stop)
	<-r.watch.ended
}

// finish ends the loop. Connections that handlers still have are left to them.
func (l *loop) finish(w *worker) {
	for {
		l.cut(errCut)
		_ = l.p.Wait(0) // nothing may be left that names a descriptor which is not ours any more
		l.inbox.mu.Lock()
		rest := l.inbox.all
		l.inbox.all = nil
		l.inbox.closed = len(rest) == 0
		l.inbox.mu.Unlock()
		if len(rest) == 0 {
			break
		}
		for _, m := range rest {
			switch m.kind {
			case handedBack:
				m.c.st.Store(connIdle)
				if m.c.up != nil {
					m.c.up.breakOff(errCut)
					l.switchOver(m.c, nil, nil)
				} else if m.c.back == endReset {
					l.reset(m.c)
				} else {
					l.close(m.c)
				}
			case run:
				m.do(w)
			}
		}
	}
	for _, fd := range l.accept.held {
		closeFD(fd)
		l.srv.unhold()
	}
	l.lastSockets()
	close(l.dead)
	l.p.Shut()
	l.reactor.ends <- struct{}{}
}

// abandon closes a connection whose loop has ended.
func (c *conn) abandon(end after) {
	if end == endReset {
		disconnect(c.fd())
	}
	closeFD(c.fd())
	if s := c.up; s != nil {
		s.over = true
		s.breakOff(errCut)
		s.leave()
		s.bury()
		return
	}
	c.peer.end()
}

// feed is called when a place has come free.
func (r *reactor) feed() {
	if r.starving.CompareAndSwap(true, false) {
		for _, l := range r.loops {
			l.post(message{do: func(w *worker) { w.l.feed() }})
		}
	}
}

// take gives a connection to a loop in turn, or to a goroutine if it has no socket.
func (r *reactor) take(nc net.Conn) {
	fd, err := descriptor(nc)
	if err != nil || !plain(nc) {
		if err == nil {
			closeFD(fd)
		}
		r.srv.startStream(nc)
		return
	}
	_ = nc.Close()
	l := r.loops[r.nextLoop.Add(1)%uint32(len(r.loops))]
	if !l.post(message{do: func(w *worker) { w.l.admitPolled(fd) }}) {
		closeFD(fd)
		r.srv.count.Release()
	}
}

// plain reports whether a connection is nothing more than its socket.
func plain(nc net.Conn) bool {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

func (r *reactor) closeSockets() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, fd := range r.fds {
		closeFD(fd)
	}
	r.fds = nil
	if r.ln != nil {
		_ = r.ln.Close()
		r.ln = nil
	}
}

var errNoSocket = fmt.Errorf("the listener does not show its socket: %w", errors.ErrUnsupported)

// sockets returns duplicates of the listening sockets.
func (r *reactor) sockets() (all []*os.File, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, net.ErrClosed
	case r.acceptor != nil:
		return nil, errNoSocket
	}
	name := "socket"
	if ln, ok := r.ln.(*unixsock.Listener); ok && ln.Share() {
		name = listensock.Foreign + name
	}
	for _, fd := range r.fds {
		n, err := dup(fd)
		if err != nil {
			for _, f := range all {
				_ = f.Close()
			}
			return nil, fmt.Errorf("duplicate listening socket: %w", err)
		}
		all = append(all, os.NewFile(uintptr(n), name))
	}
	return all, nil
}
