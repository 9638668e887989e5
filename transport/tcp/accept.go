package tcp

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/tako-go/tako/internal/acceptq"
	"github.com/tako-go/tako/internal/connlimit"
)

// listener accepts for a server. It survives failures.
type listener struct {
	net.Listener
	s *Server
}

// accept serves all listeners and returns the error of the first that ends. served is closed
// when the last has.
func (s *Server) accept(lns listeners) error {
	ended := make(chan error, len(lns))
	var group sync.WaitGroup
	for _, ln := range lns {
		group.Go(func() { ended <- ln.serve() })
	}
	go func() {
		group.Wait()
		close(s.served)
	}()
	return <-ended
}

// serve starts a goroutine for each connection until the server stops, and then for those that
// wait in the accept queue: closing the socket would reset them.
func (l *listener) serve() error {
	delay := time.Duration(0)
	for {
		if !l.s.count.Wait(l.s.stopping) {
			return l.last()
		}
		c, err := l.Listener.Accept()
		if err == nil {
			l.s.admit(c)
			delay = 0
			continue
		}
		l.s.count.Release()
		if l.s.isStopping() {
			return l.last()
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		delay = min(max(2*delay, 5*time.Millisecond), time.Second)
		l.s.stats.acceptErrors.Add(1)
		l.s.log.Warn("accept failed, trying again", "addr", l.Addr(), "err", err, "delay", delay)
		l.s.pause(delay)
	}
}

// last serves what waits in the accept queue.
func (l *listener) last() error {
	for l.s.count.Try() {
		c, err := acceptq.Next(l.Listener)
		if err != nil {
			l.s.count.Release()
			break
		}
		l.s.admit(c)
	}
	return net.ErrClosed
}

type deadliner interface{ SetDeadline(time.Time) error }

// stop makes a waiting Accept return.
func (l *listener) stop() {
	if d, ok := l.Listener.(deadliner); ok && d.SetDeadline(past) == nil {
		return
	}
	_ = l.Listener.Close()
}

func (s *Server) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.stopping:
	}
}

// admit serves nc, which has a slot of the total, or closes it if its address has too many.
func (s *Server) admit(nc net.Conn) {
	s.stats.accepted.Add(1)
	if connlimit.Gone(nc) { // nobody knows whom layers would judge
		s.count.Release()
		_ = nc.Close()
		return
	}
	slot := s.count.Admit(nc.RemoteAddr())
	if slot == nil {
		s.refused(nc.RemoteAddr(), "its address has too many")
		_ = nc.Close()
		return
	}
	c := newConn(s, nc, slot)
	if !s.track(c) {
		slot.Release()
		_ = nc.Close()
		return
	}
	go s.run(c)
}

// refused counts and logs a connection that was not let in.
func (s *Server) refused(peer net.Addr, why string) {
	if n := s.stats.refusedConns.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th …: a flood must not fill the log
		s.log.Warn("connection refused", "peer", peer, "reason", why, "refused", n)
	}
}
