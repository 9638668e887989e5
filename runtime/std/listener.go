package std

import (
	"errors"
	"net"
	"time"

	"github.com/tako-go/tako/internal/acceptq"
)

// listener holds connections to their limits and survives failures to accept. Its
// Accept fails only when the server stops.
type listener struct {
	net.Listener
	s *Server
}

// Accept returns the next connection. When the server stops it first returns
// those that wait in the accept queue: closing the socket would reset them.
func (l *listener) Accept() (net.Conn, error) {
	delay := time.Duration(0)
	for {
		if !l.s.count.Wait(l.s.stopping) {
			return l.last()
		}
		c, err := l.Listener.Accept()
		if err == nil {
			if admitted := l.s.admit(c); admitted != nil {
				return admitted, nil
			}
			delay = 0
			continue
		}
		l.s.count.Release()
		if l.s.isStopping() {
			return l.last()
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		delay = min(max(2*delay, 5*time.Millisecond), time.Second)
		l.s.stats.acceptErrors.Add(1)
		l.s.log.Warn("accept failed, trying again", "addr", l.Addr(), "err", err, "delay", delay)
		l.s.pause(delay)
	}
}

// emptyAfter is how long the accept queue must give nothing to count as empty.
const emptyAfter = 5 * time.Millisecond

type deadliner interface{ SetDeadline(time.Time) error }

// last returns a connection of the accept queue, or net.ErrClosed when there is
// none left.
func (l *listener) last() (net.Conn, error) {
	for l.s.count.Try() {
		c, err := l.queued()
		if err != nil {
			l.s.count.Release()
			break
		}
		if admitted := l.s.admit(c); admitted != nil {
			return admitted, nil
		}
	}
	return nil, net.ErrClosed
}

// queued returns the next connection of the accept queue. A listener that is not
// the net package's own may do something in Accept, which must not be passed by.
func (l *listener) queued() (net.Conn, error) {
	switch ln := l.Listener.(type) {
	case *net.TCPListener, *net.UnixListener:
		return acceptq.Next(ln)
	case deadliner:
		if err := ln.SetDeadline(time.Now().Add(emptyAfter)); err != nil {
			return nil, err
		}
		return l.Listener.Accept()
	}
	return nil, acceptq.ErrEmpty
}

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

func (s *Server) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// admit makes a conn of c, or closes it if its address has too many.
func (s *Server) admit(c net.Conn) *conn {
	s.stats.accepted.Add(1)
	slot := s.count.Admit(c.RemoteAddr())
	if slot == nil {
		if n := s.stats.refusedConns.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th …: a flood must not fill the log
			s.log.Warn("connection refused: its address has too many", "peer", c.RemoteAddr(), "refused", n)
		}
		_ = c.Close()
		return nil
	}
	admitted := newConn(s, c, slot)
	s.track(admitted)
	return admitted
}
