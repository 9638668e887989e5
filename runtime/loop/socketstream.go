package loop

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako/internal/proxyproto"
)

// socketStream is a socket on a goroutine over Go's poller. What a function has written is
// sent before anything else happens, so that nothing is read from a client that takes nothing.
type socketStream struct {
	srv    *Server
	peer   *peer
	nc     net.Conn
	raw    net.Conn         // whose deadlines are set
	header *proxyproto.Conn // a PROXY header is to come, nil otherwise
	sock   *Socket

	turn    sync.Mutex    // held while a function runs and what it wrote is sent
	nudge   chan struct{} // gets a value when something may have changed
	known   atomic.Bool   // no PROXY header is to come any more
	held    atomic.Bool   // nothing is to be read
	ending  atomic.Bool   // what is read is dropped
	closeBy atomic.Int64  // until then, in time.Since(epoch)
	sentAt  atomic.Int64  // time.Since(epoch) when something was sent last
}

// startSocket serves a connection that has its place.
func (s *Server) startSocket(p *peer, nc net.Conn, header *proxyproto.Conn) {
	st := &socketStream{srv: s, peer: p, nc: nc, raw: nc, header: header, nudge: make(chan struct{}, 1)}
	if header != nil {
		st.nc = header
	}
	st.sock = s.raw.newSocket(p, st)
	if !s.raw.add(st) {
		_ = nc.Close()
		p.end()
		return
	}
	go st.run()
}

// run tells what happens until the connection is over.
func (st *socketStream) run() {
	defer func() { // also if a function has called runtime.Goexit
		_ = st.nc.Close()
		st.turn.Lock()
		st.sock.over = true
		st.turn.Unlock()
		st.sock.leave()
		st.srv.raw.remove(st)
		st.sock.bury()
	}()
	if !st.introduced() {
		return
	}
	st.tell(openEvent, nil, nil)
	if st.srv.isStopping() {
		st.tell(drainEvent, nil, nil)
	}
	buf := make([]byte, 16<<10)
	dropped := 0
	for {
		n, err := st.read(buf)
		switch {
		case n > 0 && st.ending.Load():
			if dropped += n; dropped > lingerMost {
				time.Sleep(time.Until(epoch.Add(time.Duration(st.closeBy.Load())))) // as stream.linger does
				return
			}
		case n > 0:
			st.tell(dataEvent, buf[:n], nil)
			if st.srv.isStopping() {
				st.tell(drainEvent, nil, nil)
			}
		case err != nil:
			st.failed(err)
			return
		case st.ending.Load():
			return
		default:
			st.tell(endEvent, nil, nil)
			st.failed(st.await(st.ending.Load))
			return
		}
	}
}

// introduced reads the PROXY header. It reports whether the connection goes on.
func (st *socketStream) introduced() bool {
	defer st.known.Store(true)
	if st.header == nil {
		return true
	}
	info, err := st.header.Introduce(st.peer.connInfo(), time.Now())
	if err != nil {
		st.srv.mistaken(st.peer.connInfo(), err)
		return false
	}
	return st.srv.known(st.peer, info)
}

// read waits for more. It returns 0 at the end, with an error unless that is the client's.
func (st *socketStream) read(buf []byte) (int, error) {
	if err := st.await(func() bool { return !st.held.Load() }); err != nil {
		return 0, err
	}
	idle := st.srv.limits.IdleTimeout
	until := deadline(idle)
	for {
		_ = st.raw.SetReadDeadline(until)
		if st.ending.Load() {
			_ = st.raw.SetReadDeadline(epoch.Add(time.Duration(st.closeBy.Load())))
		}
		n, err := st.nc.Read(buf)
		switch {
		case n > 0:
			return n, nil
		case st.ending.Load() || !errors.Is(err, os.ErrDeadlineExceeded):
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return 0, err
		}
		if until = epoch.Add(time.Duration(st.sentAt.Load()) + idle); !until.After(time.Now()) {
			return 0, err
		}
	}
}

// await waits until something is so, or nothing was sent for too long.
func (st *socketStream) await(so func() bool) error {
	for idle := st.srv.limits.IdleTimeout; !so(); {
		if idle <= 0 {
			<-st.nudge
			continue
		}
		timer := time.NewTimer(idle)
		select {
		case <-st.nudge:
		case <-timer.C:
			if time.Since(epoch)-time.Duration(st.sentAt.Load()) >= idle {
				return os.ErrDeadlineExceeded
			}
		}
		timer.Stop()
	}
	return nil
}

// wake looks at the post on another goroutine.
func (st *socketStream) wake() bool {
	go func() {
		st.turn.Lock()
		defer st.turn.Unlock()
		for {
			post, call := st.sock.takePost()
			if post == nil && call == nil || st.sock.over || st.sock.ending != lives {
				return
			}
			if post != nil {
				st.sock.out = append(st.sock.out, post.bytes...)
				freePost(post)
			}
			if call == nil {
				st.settle()
			} else {
				st.told(callEvent, nil, call)
			}
		}
	}()
	return true
}

func (st *socketStream) onLoop() bool { return false }

// tell tells of an event, unless the connection ends.
func (st *socketStream) tell(event socketEvent, p []byte, call func()) {
	st.turn.Lock()
	defer st.turn.Unlock()
	s := st.sock
	if s.over || s.ending != lives {
		return
	}
	switch event {
	case openEvent:
		s.opened = true
	case endEvent:
		s.ended = true
	case drainEvent:
		if s.drained || !s.opened || !s.has(drainEvent) && !s.leaves() {
			return
		}
		s.drained = true
	}
	st.told(event, p, call)
}

// told is tell with the turn.
func (st *socketStream) told(event socketEvent, p []byte, call func()) {
	returned := false
	defer func() {
		if !returned { // the function has called runtime.Goexit
			st.sock.breakOff(errExit)
			st.settle()
		}
	}()
	if st.sock.has(event) {
		st.srv.stats.streamed.Add(1)
		st.sock.run(event, p, call)
	} else {
		st.sock.byDefault(event)
	}
	returned = true
	st.settle()
	for st.sock.ending == lives && st.sock.full.Swap(false) && st.sock.has(writableEvent) {
		st.sock.run(writableEvent, nil, nil)
		st.settle()
	}
}

// settle sends what was written, and sees to the end of the connection.
func (st *socketStream) settle() {
	s := st.sock
	out := s.out
	if s.out = nil; cap(out) <= streamBuffer {
		s.out = out[:0]
	}
	for len(out) > 0 && s.ending != breaks {
		_ = st.raw.SetWriteDeadline(deadline(st.srv.limits.WriteTimeout))
		n, err := st.raw.Write(out[:min(len(out), piece)])
		if out = out[n:]; err != nil {
			st.fail(err)
			s.ending = breaks
		}
	}
	st.sentAt.Store(int64(time.Since(epoch)))
	st.held.Store(s.held && s.ending == lives)
	if s.ending != lives {
		st.close(s.ending)
	}
	select {
	case st.nudge <- struct{}{}:
	default:
	}
}

// close ends the connection. Unless that is broken off, or the client has ended its side, it
// sees the client close, so that bytes that still come do not reset it before all was read.
func (st *socketStream) close(how ending) {
	if st.ending.Load() {
		return
	}
	wait := lingerFor
	if st.srv.isStopping() {
		wait = lingerInDrain
	}
	st.closeBy.Store(int64(time.Since(epoch) + wait))
	st.ending.Store(true)
	st.sock.leave()
	half, ok := st.raw.(interface{ CloseWrite() error })
	switch {
	case how == breaks:
		abort(st.raw)
		_ = st.raw.Close()
	case st.sock.ended || !ok || half.CloseWrite() != nil:
		_ = st.raw.Close()
	default:
		_ = st.raw.SetReadDeadline(epoch.Add(time.Duration(st.closeBy.Load())))
	}
}

// failed is fail for the goroutine that receives.
func (st *socketStream) failed(err error) {
	if err == nil || errors.Is(err, net.ErrClosed) || st.ending.Load() {
		return
	}
	st.turn.Lock()
	defer st.turn.Unlock()
	st.fail(err)
}

// fail notes why the connection ends, the first reason.
func (st *socketStream) fail(err error) {
	if st.sock.cause != nil {
		return
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		st.srv.stats.timedOut.Add(1)
		err = os.ErrDeadlineExceeded
	}
	st.sock.cause = err
}

// abort makes the close of a connection visible as an error.
func abort(nc net.Conn) {
	if tcp, ok := nc.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
}

// add takes a connection in. It returns false once all were cut.
func (r *raw) add(st *socketStream) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.streams[st] = struct{}{}
	return true
}

func (r *raw) remove(st *socketStream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.streams, st)
}

func (r *raw) list() (all []*socketStream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for st := range r.streams {
		all = append(all, st)
	}
	return all
}

// drain has the connections on goroutines told that the server stops. It returns how many
// are closed for that at once.
func (r *raw) drain() (idle int) {
	if r == nil {
		return 0
	}
	for _, st := range r.list() {
		if st.turn.TryLock() {
			if s := st.sock; s.opened && !s.drained && s.ending == lives && r.Drain == nil && s.leaves() {
				idle++
			}
			st.turn.Unlock()
		}
		go st.tell(drainEvent, nil, nil)
	}
	return idle
}

// closeUnknown closes those whose PROXY header has not come, and returns how many there were.
func (r *raw) closeUnknown() (n int) {
	if r == nil {
		return 0
	}
	for _, st := range r.list() {
		if !st.known.Load() {
			_ = st.nc.Close()
			n++
		}
	}
	return n
}

// cut breaks them off, and returns how many there were.
func (r *raw) cut(cause error) int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	all := r.list()
	for _, st := range all {
		st.peer.cancel(cause)
		abort(st.raw)
		_ = st.raw.Close()
	}
	return len(all)
}
