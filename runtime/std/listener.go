package std

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/tako-go/tako/internal/acceptq"
	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/proxyproto"
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

type deadliner interface{ SetDeadline(time.Time) error }

// last returns a connection of the accept queue, or net.ErrClosed when there is
// none left.
func (l *listener) last() (net.Conn, error) {
	for l.s.count.Try() {
		c, err := acceptq.Next(l.Listener)
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
	if connlimit.Gone(c) {
		s.count.Release()
		_ = c.Close()
		return nil
	}
	remote := connlimit.IP(c.RemoteAddr())
	verdict := s.gate.Admit(remote)
	if verdict == proxyproto.Refuse {
		s.count.Release()
		s.untrusted(c.RemoteAddr())
		_ = c.Close()
		return nil
	}
	key := connlimit.KeyIP(remote)
	if verdict == proxyproto.Expect { // of the client we do not know yet
		key = netip.Addr{}
	}
	slot := s.count.AdmitKey(key)
	if slot == nil {
		s.full(c.RemoteAddr())
		_ = c.Close()
		return nil
	}
	admitted := newConn(s, c, slot, verdict == proxyproto.Expect)
	if !s.track(admitted) {
		slot.Release()
		_ = c.Close()
		return nil
	}
	return admitted
}

// full logs a connection that is refused for the limit of its address.
func (s *Server) full(peer net.Addr) {
	if n := s.stats.refusedConns.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th …: a flood must not fill the log
		s.log.Warn("connection refused: its address has too many", "peer", peer, "refused", n)
	}
}
