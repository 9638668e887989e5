package loop

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/acceptq"
	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/proxyproto"
	"github.com/tako-go/tako/internal/unixsock"
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

type deadliner interface{ SetDeadline(time.Time) error }

// empty takes the connections that wait: closing the listener would reset them.
func (a *accepting) empty() {
	for a.srv.count.Try() {
		nc, err := acceptq.Next(a.ln)
		if err != nil {
			a.srv.count.Release()
			return
		}
		a.take(nc)
	}
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
	if connlimit.Gone(nc) {
		s.count.Release()
		_ = nc.Close()
		return
	}
	slot, intro := s.place(connlimit.IP(nc.RemoteAddr()))
	if slot == nil {
		_ = nc.Close()
		return
	}
	p := new(peer)
	var header *proxyproto.Conn
	if intro {
		header = proxyproto.NewConn(nc, s.gate)
		nc = header
	}
	s.newPeer(p, slot, connAddrs{nc})
	if s.raw != nil {
		s.startSocket(p, nc, header)
		return
	}
	st := newStream(s, p, nc, nil)
	if s.tls != nil {
		st = s.secureStream(p, nc, nil)
	}
	st.header = header
	s.streams.start(st)
}

type connAddrs struct{ net.Conn }

func (c connAddrs) addrs() (local, remote net.Addr) { return c.LocalAddr(), c.RemoteAddr() }

func (c connAddrs) cred() (cred *tako.PeerCred) {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { cred = credOf(int(fd)) })
		}
	}
	return cred
}

// credOf tells who is at the other end of a Unix socket.
func credOf(fd int) *tako.PeerCred {
	pid, uid, gid, ok := unixsock.Cred(fd)
	if !ok {
		return nil
	}
	return &tako.PeerCred{PID: pid, UID: uid, GID: gid}
}

// defaultLoops is how many processors Go uses before a server changes that.
var defaultLoops = sync.OnceValue(func() int { return runtime.GOMAXPROCS(0) })
