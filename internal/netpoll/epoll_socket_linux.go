package netpoll

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	receiving = unix.EPOLLIN | unix.EPOLLRDHUP
	// A socket that is gone says so for ever, unless it is asked once.
	held   = unix.EPOLLRDHUP | unix.EPOLLONESHOT
	gone   = unix.EPOLLERR | unix.EPOLLHUP
	inward = receiving | gone
)

func (p *epoll) Listen(key Key) error {
	s, err := p.place(key)
	if err != nil {
		return err
	}
	if s.state&used != 0 && (s.key != key || s.state&ended == 0) {
		return syscall.EEXIST
	}
	*s = epollSocket{key: key, state: used | listening}
	if err := p.control(s, unix.EPOLLIN|unix.EPOLLEXCLUSIVE); err != nil {
		*s = epollSocket{}
		return err
	}
	return nil
}

func (p *epoll) Unlisten(key Key) {
	if s := p.find(key); s != nil && s.state&listening != 0 {
		p.remove(s)
	}
}

// accept takes one connection. It goes on to the next event when there is none
// left, or when this one has brought enough.
func (p *epoll) accept(s *epollSocket, ev *Event) bool {
	if p.accepted == acceptBatch || s.state&ended != 0 {
		p.at, p.accepted = p.at+1, 0
		return false
	}
	fd, errno := accept(s.key.FD())
	switch {
	case errno == 0:
		p.accepted++
		*ev = Event{Kind: Accepted, Key: s.key, FD: fd}
		return true
	case errno == syscall.EAGAIN:
		p.at, p.accepted = p.at+1, 0
		return false
	case passing(errno):
		p.accepted++
		return false
	}
	p.at, p.accepted = p.at+1, 0
	p.unregister(s)
	s.state |= ended
	*ev = Event{Kind: AcceptFailed, Key: s.key, Err: errno}
	return true
}

func (p *epoll) Add(key Key) error {
	s, err := p.place(key)
	if err != nil {
		return err
	}
	if s.state&used != 0 {
		return syscall.EEXIST
	}
	*s = epollSocket{key: key, state: used}
	if err := p.control(s, receiving); err != nil {
		*s = epollSocket{}
		return err
	}
	return nil
}

// Pause leaves it to the first event that comes to tell epoll. Mostly none does
// before Resume.
func (p *epoll) Pause(key Key) {
	if s := p.find(key); s != nil {
		s.state |= paused
	}
}

func (p *epoll) Resume(key Key) {
	s := p.find(key)
	if s == nil || s.state&paused == 0 {
		return
	}
	s.state &^= paused | halfClosed | hungUp
	p.rearm(s)
}

func (p *epoll) Remove(key Key) {
	if s := p.find(key); s != nil && s.state&listening == 0 {
		p.remove(s)
	}
}

func (p *epoll) remove(s *epollSocket) {
	if s.state&removing != 0 {
		return
	}
	p.unregister(s)
	p.drop(s)
	s.state |= removing
	p.notices.push(notice{kind: Removed, key: s.key})
}

func (p *epoll) Close(key Key) {
	if s := p.find(key); s != nil {
		// A duplicate of the descriptor would keep it registered.
		p.unregister(s)
		p.drop(s)
		*s = epollSocket{}
	}
	_ = unix.Close(key.FD())
}

// drop forgets a pending Send.
func (p *epoll) drop(s *epollSocket) {
	if s.sending != 0 {
		p.sends.put(s.sending)
		s.sending = 0
	}
}

func (p *epoll) Send(key Key, b []byte) (int, error) {
	s := p.find(key)
	if s == nil || s.state&(listening|removing) != 0 {
		return 0, syscall.EBADF
	}
	if s.sending != 0 {
		return 0, syscall.EALREADY
	}
	n, errno := send(key.FD(), b)
	if n == len(b) && errno == 0 {
		return n, nil
	}
	if errno != 0 && errno != syscall.EAGAIN {
		return 0, errno
	}
	s.sending = p.sends.take(b[n:], key.FD(), 0)
	if err := p.control(s, s.wants()); err != nil {
		p.drop(s)
		return n, err
	}
	return n, nil
}

// wants is what the socket is to be watched for.
func (s *epollSocket) wants() (events uint32) {
	if s.sending != 0 {
		events = unix.EPOLLOUT
	}
	switch {
	case s.state&ended != 0:
	case s.state&paused == 0:
		events |= receiving
	case s.state&(halfClosed|hungUp) == 0:
		events |= held
	default:
		events |= unix.EPOLLONESHOT
	}
	return events
}

// rearm tells epoll what the socket is to be watched for now.
func (p *epoll) rearm(s *epollSocket) {
	if s.sending == 0 && s.state&(ended|hungUp) != 0 {
		p.unregister(s)
		return
	}
	if err := p.control(s, s.wants()); err != nil {
		s.state |= ended
		p.unregister(s)
		p.notices.push(notice{kind: Closed, key: s.key, err: err})
	}
}

// happened handles the event of a connection: what it says about sending first,
// then, also in the next call, what it says about receiving.
func (p *epoll) happened(s *epollSocket, e *unix.EpollEvent, ev *Event, buf []byte) bool {
	if s.armed&unix.EPOLLONESHOT != 0 {
		s.armed = 0 // it is used up
	}
	if s.sending != 0 && e.Events&(unix.EPOLLOUT|gone) != 0 {
		e.Events &^= unix.EPOLLOUT
		if p.goOn(s, ev) {
			return true
		}
	}
	p.at++
	switch {
	case e.Events&inward == 0 || s.state&ended != 0:
		p.rearm(s)
	case s.state&paused != 0:
		return p.look(s, e.Events, ev)
	default:
		return p.receive(s, ev, buf)
	}
	return false
}

func (p *epoll) receive(s *epollSocket, ev *Event, buf []byte) bool {
	n, errno := read(s.key.FD(), buf)
	if n > 0 {
		*ev = Event{Kind: Received, Key: s.key, Data: buf[:n]}
		return true
	}
	if errno == syscall.EAGAIN {
		return false
	}
	return s.end(ev, asError(errno))
}

// end tells that the socket is closed. If it says so once more, before the caller
// closes it, epoll is told not to look.
func (s *epollSocket) end(ev *Event, err error) bool {
	s.state |= ended
	*ev = Event{Kind: Closed, Key: s.key, Err: err}
	return true
}

// look finds out whether a paused socket is closed without reading from it. It is
// not as long as there are bytes to read.
func (p *epoll) look(s *epollSocket, events uint32, ev *Event) bool {
	if events&unix.EPOLLERR != 0 {
		return s.end(ev, socketError(s.key.FD()))
	}
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP) != 0 {
		n, errno := peek(s.key.FD())
		if n == 0 && errno != syscall.EAGAIN && errno != syscall.EINTR {
			return s.end(ev, asError(errno))
		}
		s.state |= halfClosed
		if events&unix.EPOLLHUP != 0 {
			s.state |= hungUp
		}
	}
	p.rearm(s)
	return false
}

// goOn sends more of a pending Send and reports whether that has ended it.
func (p *epoll) goOn(s *epollSocket, ev *Event) bool {
	op := &p.sends.all[s.sending]
	n, errno := send(s.key.FD(), op.rest)
	if op.rest = op.rest[n:]; errno == syscall.EAGAIN || errno == 0 && len(op.rest) > 0 {
		return false
	}
	p.drop(s)
	p.rearm(s)
	*ev = Event{Kind: Sent, Key: s.key, Err: asError(errno)}
	return true
}
