package loop

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/tako-go/tako/internal/acceptq"
)

// accepting takes the connections of a listener that has no socket to be polled,
// such as one that wraps another, or of any where there are no event loops.
type accepting struct {
	srv  *Server
	ln   net.Listener
	take func(nc net.Conn) // gets connections that have their place
	done chan struct{}
}

func newAccepting(s *Server, ln net.Listener, take func(net.Conn)) *accepting {
	return &accepting{srv: s, ln: ln, take: take, done: make(chan struct{})}
}

// run accepts until the server stops.
func (a *accepting) run() {
	defer close(a.done)
	delay := time.Duration(0)
	for a.srv.count.Wait(a.srv.stopping) {
		nc, err := a.ln.Accept()
		if err == nil {
			a.take(nc)
			delay = 0
			continue
		}
		a.srv.count.Release()
		if a.srv.isStopping() {
			break
		}
		if errors.Is(err, net.ErrClosed) {
			select {
			case a.srv.failed <- err:
			default: // another one has said so
			}
			return
		}
		delay = min(max(2*delay, 5*time.Millisecond), time.Second)
		a.srv.stats.acceptErrors.Add(1)
		a.srv.log.Warn("accept failed, trying again", "addr", a.ln.Addr(), "err", err, "delay", delay)
		a.pause(delay)
	}
	a.empty()
}

func (a *accepting) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.srv.stopping:
	}
}

// emptyAfter is how long the accept queue must give nothing to count as empty.
const emptyAfter = 5 * time.Millisecond

type deadliner interface{ SetDeadline(time.Time) error }

// empty takes the connections that wait: closing the listener would reset them.
func (a *accepting) empty() {
	for a.srv.count.Try() {
		nc, err := a.queued()
		if err != nil {
			a.srv.count.Release()
			return
		}
		a.take(nc)
	}
}

func (a *accepting) queued() (net.Conn, error) {
	switch ln := a.ln.(type) {
	case *net.TCPListener, *net.UnixListener:
		return acceptq.Next(ln)
	case deadliner:
		if err := ln.SetDeadline(time.Now().Add(emptyAfter)); err != nil {
			return nil, err
		}
		return a.ln.Accept()
	}
	return nil, acceptq.ErrEmpty
}

// queueGrace bounds the time to empty the accept queue, should ever new clients come.
const queueGrace = time.Second

// stop ends accepting, once the queue is empty.
func (a *accepting) stop(ctx context.Context) {
	if d, ok := a.ln.(deadliner); !ok || d.SetDeadline(time.Unix(1, 0)) != nil {
		_ = a.ln.Close()
	}
	timer := time.NewTimer(queueGrace)
	defer timer.Stop()
	select {
	case <-a.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	_ = a.ln.Close()
	select {
	case <-a.done:
	case <-ctx.Done():
	}
}

// startStream serves a connection that has its place on a goroutine.
func (s *Server) startStream(nc net.Conn) {
	s.stats.accepted.Add(1)
	if s.over.Load() {
		s.count.Release()
		_ = nc.Close()
		return
	}
	slot := s.count.Admit(nc.RemoteAddr())
	if slot == nil {
		s.full(nc.RemoteAddr())
		_ = nc.Close()
		return
	}
	p := new(peer)
	s.newPeer(p, slot, connAddrs{nc})
	s.streams.start(newStream(s, p, nc, nil))
}

type connAddrs struct{ net.Conn }

func (c connAddrs) addrs() (local, remote net.Addr) { return c.LocalAddr(), c.RemoteAddr() }

// defaultLoops is how many processors Go uses before a server changes that.
var defaultLoops = sync.OnceValue(func() int { return runtime.GOMAXPROCS(0) })
