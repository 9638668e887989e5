package loop

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/netpoll"
)

// acceptor is what a loop knows of its listening sockets.
type acceptor struct {
	sockets []listening
	held    []int // accepted, but the server has all the connections it may have
	delay   time.Duration
	retryAt int64 // when accepting is tried again, 0 if it has not failed
	paused  bool  // there is no place for more
	pending int   // Removed events to come
	shared  bool  // other processes accept from the sockets too
	lookAt  int64 // when a shared queue is looked at next
	stopped func()
}

// listening is one listening socket.
type listening struct {
	key netpoll.Key
	on  bool // the poller accepts from it
}

// listen begins to accept on a socket.
func (l *loop) listen(fd int) {
	l.gen++
	l.accept.sockets = append(l.accept.sockets, listening{key: netpoll.MakeKey(fd, l.gen)})
	l.listenAll()
}

// listenAll begins to accept where that is not done.
func (l *loop) listenAll() {
	for i := range l.accept.sockets {
		so := &l.accept.sockets[i]
		if so.on {
			continue
		}
		so.on = true
		if err := l.p.Listen(so.key); err != nil {
			l.acceptFailed(so.key, err)
		}
	}
}

// unlistenAll stops accepting; [loop.unlistened] is called for each socket.
func (l *loop) unlistenAll() {
	for i := range l.accept.sockets {
		if so := &l.accept.sockets[i]; so.on {
			so.on = false
			l.accept.pending++
			l.p.Unlisten(so.key)
		}
	}
}

// accepted takes a connection in, or holds it back while the server is full.
func (l *loop) accepted(w *worker, fd int) (robbed bool) {
	a := &l.accept
	a.delay = 0
	if len(a.held) > 0 || !l.place() {
		l.hold(fd)
		return false
	}
	c := l.admit(fd)
	if c == nil {
		return false
	}
	if l.srv.tls != nil && !c.intro {
		l.leave(c, l.reactor.shake)
		return false
	}
	if l.srv.raw != nil && !c.intro {
		l.beginSocket(c)
		return false
	}
	// The first request is often there already.
	if n := tryRead(fd, w.buf); n > 0 {
		if c.intro {
			return l.introduce(w, c, w.buf[:n])
		}
		return w.serve(c, w.buf[:n], false)
	}
	l.poll(c)
	return false
}

// hold keeps a connection until there is a place for it.
func (l *loop) hold(fd int) {
	l.accept.held = append(l.accept.held, fd)
	l.srv.held.Add(1)
	l.pauseAccept()
}

// place takes a place for a connection, or sees to it that the loop is told when
// one has come free.
func (l *loop) place() bool {
	if l.srv.count.Try() {
		return true
	}
	l.reactor.starving.Store(true)
	return l.srv.count.Try() // one may have come free before that was seen
}

// pauseAccept leaves further clients in the accept queue.
func (l *loop) pauseAccept() {
	a := &l.accept
	if a.paused || a.stopped != nil {
		return
	}
	a.paused = true
	l.unlistenAll()
}

// feed goes on accepting when there may be places.
func (l *loop) feed() {
	a := &l.accept
	for len(a.held) > 0 {
		if !l.place() {
			return
		}
		fd := a.held[0]
		a.held = a.held[1:]
		l.admitPolled(fd)
		l.srv.unhold()
	}
	if a.paused && a.pending == 0 && a.retryAt == 0 && a.stopped == nil {
		a.paused = false
		l.listenAll()
	}
}

func (l *loop) admitPolled(fd int) {
	switch c := l.admit(fd); {
	case c == nil:
	case l.srv.tls != nil && !c.intro:
		l.leave(c, l.reactor.shake)
	case l.srv.raw != nil && !c.intro:
		l.beginSocket(c)
	default:
		l.poll(c)
	}
}

// admit makes a connection of a socket that has its place, which the poller does not
// know yet. It returns nil if its address has too many.
func (l *loop) admit(fd int) *conn {
	s := l.srv
	s.stats.accepted.Add(1)
	from, gone := peerAddr(fd)
	var slot *connlimit.Slot
	intro := false
	if gone {
		s.count.Release()
	} else {
		slot, intro = s.place(from.Addr())
	}
	if slot == nil {
		closeFD(fd)
		l.reactor.feed() // its place is free again
		return nil
	}
	c := &conn{l: l, fresh: true, intro: intro, from: from}
	s.newPeer(&c.peer, slot, c)
	l.adopt(c, fd)
	c.phase = phaseHead
	wait := s.limits.HeaderTimeout
	if intro {
		wait = s.gate.Timeout()
	}
	l.wheel.set(c, l.after(wait))
	return c
}

// acceptFailed tries again later.
func (l *loop) acceptFailed(key netpoll.Key, err error) {
	a := &l.accept
	a.delay = min(max(2*a.delay, 5*time.Millisecond), time.Second)
	a.retryAt = max(l.now, 1) + int64(a.delay/time.Millisecond)
	l.srv.stats.acceptErrors.Add(1)
	l.srv.log.Warn("accept failed, trying again", "addr", l.srv.addr, "err", err, "delay", a.delay)
	for i := range a.sockets {
		if so := &a.sockets[i]; so.key == key {
			so.on = false
		}
	}
}

// retry listens again on what has failed.
func (a *acceptor) retry(l *loop) {
	if a.retryAt == 0 || l.now < a.retryAt || a.stopped != nil {
		return
	}
	a.retryAt = 0
	if a.paused {
		l.feed()
	} else {
		l.listenAll()
	}
}

// lookEvery is how often, in milliseconds, a queue is looked at that is shared with
// other processes: one that is killed takes the news of a connection with it.
const lookEvery = 1000

func (a *acceptor) look(l *loop) {
	if !a.shared || l.now < a.lookAt {
		return
	}
	a.lookAt = l.now + lookEvery
	for _, so := range a.sockets {
		for left := waiting(so.key.FD()); left > 0 && so.on && a.stopped == nil && !a.paused; left-- {
			fd, _, err := unix.Accept4(so.key.FD(), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if err != nil {
				break
			}
			if !l.place() {
				l.hold(fd)
				break
			}
			l.admitPolled(fd)
		}
	}
}

// stopAccept ends accepting and calls then when no connection waits any more.
func (l *loop) stopAccept(then func()) {
	a := &l.accept
	a.stopped, a.retryAt = then, 0
	l.unlistenAll()
	if a.pending == 0 {
		l.emptyQueues()
	}
}

// unlistened notes that the poller has let go of a listening socket.
func (l *loop) unlistened(netpoll.Key) {
	a := &l.accept
	if a.pending > 0 {
		a.pending--
	}
	switch {
	case a.pending > 0:
	case a.stopped != nil:
		l.emptyQueues()
	default:
		l.feed()
	}
}

// commonBacklog is how many connections wait for a listening socket at most, as systems are
// commonly set.
const commonBacklog = 4096

// waiting bounds how many connections a queue may have: those that come while others are taken
// would otherwise keep a drain from its end.
func waiting(fd int) int {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return commonBacklog
	}
	return max(commonBacklog, int(info.Unacked)) // of a listening socket, the length of its queue
}

// emptyQueues takes the connections that wait: closing the socket would reset them,
// unless another process has it too. What there is no place for is left to that.
func (l *loop) emptyQueues() {
	a := &l.accept
	for _, so := range a.sockets {
		for left := waiting(so.key.FD()); left > 0 && l.srv.count.Try(); left-- {
			fd, _, err := unix.Accept4(so.key.FD(), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if err == nil {
				l.admitPolled(fd)
				continue
			}
			l.srv.count.Release()
			l.reactor.feed()
			if err != unix.EINTR && err != unix.ECONNABORTED {
				break
			}
		}
	}
	a.sockets = nil
	then := a.stopped
	a.stopped = func() {}
	then()
}
