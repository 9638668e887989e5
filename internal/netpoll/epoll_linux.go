package netpoll

import (
	"math"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	epollBatch  = 512 // events of one Wait
	acceptBatch = 32  // connections of one event, so that sockets get their turn
)

// epoll is level-triggered: what Next did not take comes again. A socket is read
// once for each event, when Next comes to it.
type epoll struct {
	waker
	notices
	fd      int
	sockets []epollSocket // by descriptor
	sends   sends

	events   []unix.EpollEvent
	found    int // events of the last Wait
	at       int // the event whose turn it is
	accepted int // connections of that event
}

type epollSocket struct {
	key     Key
	armed   uint32 // what epoll watches for
	sending int32  // index in sends
	state   state
}

// state is a set of things that are so about a socket.
type state uint8

const (
	used       state = 1 << iota // by the key
	listening                    // not connected
	registered                   // with epoll
	paused
	halfClosed // while paused: the peer has ended, behind bytes that are not read
	hungUp     // while paused: both have
	ended      // Closed was told, or accepting failed
	removing   // Removed is on its way
)

func openEpoll() (Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	p := &epoll{fd: fd, events: make([]unix.EpollEvent, epollBatch)}
	if err := p.waker.open(); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	// Edge-triggered: each write counts, and nobody needs to read.
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(p.waker.fd)}
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, p.waker.fd, &ev); err != nil {
		p.Shut()
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	return p, nil
}

func (p *epoll) Name() string { return Epoll }

func (p *epoll) PinsThread() bool { return false }

func (p *epoll) Shut() {
	_ = unix.Close(p.fd)
	p.waker.close()
	p.sockets, p.sends, p.found, p.at, p.notices = nil, sends{}, 0, 0, notices{}
}

func (p *epoll) Wait(timeout time.Duration) error {
	p.found, p.at, p.accepted = 0, 0, 0
	var n uintptr
	var errno syscall.Errno
	at, size := uintptr(unsafe.Pointer(unsafe.SliceData(p.events))), uintptr(len(p.events))
	if timeout == 0 || !p.notices.empty() {
		n, _, errno = syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), at, size, 0, 0, 0)
	} else {
		n, _, errno = syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), at, size, uintptr(milliseconds(timeout)), 0, 0)
	}
	if errno == 0 {
		p.found = int(n)
		return nil
	}
	if errno == syscall.EINTR {
		return nil
	}
	return os.NewSyscallError("epoll_pwait", errno)
}

// milliseconds rounds up, so that a timer is not looked at too early. Without end
// is -1.
func milliseconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	ms := d / time.Millisecond
	if d%time.Millisecond != 0 {
		ms++
	}
	return int(min(ms, math.MaxInt32))
}

func (p *epoll) Next(ev *Event, buf []byte) bool {
	for {
		if !p.notices.empty() {
			if p.tell(ev) {
				return true
			}
			continue
		}
		if p.at == p.found {
			return false
		}
		e := &p.events[p.at]
		if int(e.Fd) == p.waker.fd {
			p.at++
			p.told()
			*ev = Event{Kind: Woken}
			return true
		}
		key := MakeKey(int(e.Fd), uint32(e.Pad))
		s := p.find(key)
		switch {
		case s == nil || s.state&removing != 0:
			p.at++
		case s.state&listening != 0:
			if p.accept(s, ev) {
				return true
			}
		default:
			if p.happened(s, e, ev, buf) {
				return true
			}
		}
	}
}

// tell gives the next notice, if its socket is still there.
func (p *epoll) tell(ev *Event) bool {
	n := p.notices.pop()
	s := p.find(n.key)
	if s == nil || n.kind != Removed && s.state&removing != 0 {
		return false
	}
	if n.kind == Removed {
		*s = epollSocket{}
	}
	*ev = Event{Kind: n.kind, Key: n.key, Err: n.err}
	return true
}

// find returns nil if the key is not, or no longer, known.
func (p *epoll) find(key Key) *epollSocket {
	fd := key.FD()
	if uint(fd) >= uint(len(p.sockets)) {
		return nil
	}
	if s := &p.sockets[fd]; s.key == key && s.state&used != 0 {
		return s
	}
	return nil
}

// place returns the place of a socket that is new here.
func (p *epoll) place(key Key) (*epollSocket, error) {
	fd := key.FD()
	if uint32(key) > math.MaxInt32 {
		return nil, syscall.EBADF
	}
	p.sockets = withIndex(p.sockets, fd)
	return &p.sockets[fd], nil
}

// control changes what epoll watches a socket for. No events means only the
// unavoidable ones, errors and the end of both directions.
func (p *epoll) control(s *epollSocket, events uint32) error {
	op := unix.EPOLL_CTL_MOD
	switch {
	case s.state&registered == 0:
		op = unix.EPOLL_CTL_ADD
	case s.armed == events:
		return nil
	}
	fd := s.key.FD()
	ev := unix.EpollEvent{Events: events, Fd: int32(fd), Pad: int32(uint32(s.key >> 32))}
	_, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("epoll_ctl", errno)
	}
	s.armed = events
	s.state |= registered
	return nil
}

func (p *epoll) unregister(s *epollSocket) {
	if s.state&registered == 0 {
		return
	}
	s.state &^= registered
	s.armed = 0
	var ev unix.EpollEvent
	_, _, _ = syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), unix.EPOLL_CTL_DEL, uintptr(s.key.FD()), uintptr(unsafe.Pointer(&ev)), 0, 0)
}
