package netpoll

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func (p *uring) Next(ev *Event, buf []byte) bool {
	for {
		if !p.notices.empty() {
			if p.tell(ev) {
				return true
			}
			continue
		}
		userData, res, flags, ok := p.ring.next()
		if !ok {
			return false
		}
		told := false
		switch userData & aboutMask {
		case aboutRecv:
			told = p.received(userData, res, flags, ev, buf)
		case aboutSend:
			told = p.sent(int32(uint32(userData)), res, ev)
		case aboutAccept:
			told = p.accepted(userData, res, flags, ev)
		case aboutCancel:
			p.cancelled(userData, res)
		case aboutWake:
			p.watchWaker()
			if res > 0 { // else its thread has exited
				p.told()
				*ev = Event{Kind: Woken}
				told = true
			}
		}
		if told {
			return true
		}
	}
}

// about returns nil if the socket that a completion was for is gone.
func (p *uring) about(userData uint64) *uringSocket {
	s := &p.sockets[uint32(userData)]
	if s.generation != uint32(userData>>32)&generationMask {
		return nil
	}
	return s
}

// tell gives the next notice, if its socket is still there.
func (p *uring) tell(ev *Event) bool {
	n := p.notices.pop()
	s := p.find(n.key)
	if s == nil {
		return false
	}
	if n.kind == Removed {
		s.free()
	}
	*ev = Event{Kind: n.kind, Key: n.key, Err: n.err}
	return true
}

func (p *uring) received(userData uint64, res int32, flags uint32, ev *Event, buf []byte) bool {
	s := p.about(userData)
	if flags&cqeBuffer != 0 {
		id := uint16(flags >> cqeBufferShift)
		if s != nil && res > 0 {
			n := copy(buf, p.buffers.bytes(id, int(res)))
			if flags&cqeMore != 0 {
				n += p.gather(userData, buf[n:])
			}
			*ev = Event{Kind: Received, Key: s.key, Data: buf[:n]}
		}
		p.buffers.give(id)
	}
	if s == nil {
		return false
	}
	if flags&cqeMore != 0 {
		if s.state&paused != 0 && s.request == underWay {
			p.cancel(s)
		}
		return res > 0
	}
	s.request = idle
	told := res > 0
	if errno := syscall.Errno(-res); res <= 0 && !again(errno) && s.state&ended == 0 {
		s.state |= ended
		*ev = Event{Kind: Closed, Key: s.key, Err: asError(errno)}
		told = true
	} else if errno == syscall.ENOBUFS {
		p.buffers.grow()
	}
	p.settle(s)
	return told
}

// gather adds what further buffers brought from the same socket, so that a message
// larger than one of them is seen as a whole.
func (p *uring) gather(userData uint64, buf []byte) (n int) {
	for p.ring.same(userData, len(buf)-n) {
		_, res, flags, _ := p.ring.next()
		id := uint16(flags >> cqeBufferShift)
		n += copy(buf[n:], p.buffers.bytes(id, int(res)))
		p.buffers.give(id)
	}
	return n
}

// again reports whether a request has ended for a reason that lies not in its
// socket. ECANCELED is also what those of a thread that has exited end with.
func again(errno syscall.Errno) bool {
	switch errno {
	case syscall.ECANCELED, syscall.ENOBUFS, syscall.EINTR, syscall.EAGAIN:
		return true
	}
	return false
}

// settle does what waited for the request to end, or makes it anew.
func (p *uring) settle(s *uringSocket) {
	switch {
	case s.state&removing != 0:
		p.notices.push(notice{kind: Removed, key: s.key})
	case s.state&(paused|ended) == 0:
		p.request(s)
	}
}

func (p *uring) accepted(userData uint64, res int32, flags uint32, ev *Event) bool {
	s := p.about(userData)
	if s == nil {
		if res >= 0 {
			_ = unix.Close(int(res)) // nobody is left to tell
		}
		return false
	}
	told := res >= 0
	if told {
		*ev = Event{Kind: Accepted, Key: s.key, FD: int(res)}
	}
	if flags&cqeMore != 0 {
		return told
	}
	s.request = idle
	if errno := syscall.Errno(-res); res < 0 && !again(errno) && !passing(errno) {
		s.state |= ended
		*ev = Event{Kind: AcceptFailed, Key: s.key, Err: errno}
		told = true
	}
	p.settle(s)
	return told
}

// sent goes on with what was sent in part, or by a thread that has exited.
func (p *uring) sent(i int32, res int32, ev *Event) bool {
	op := &p.sends.all[i]
	s := &p.sockets[op.fd]
	if s.generation != op.generation || s.sending != i {
		p.sends.put(i)
		return false
	}
	errno := syscall.Errno(0)
	switch {
	case res > 0:
		op.rest = op.rest[res:]
	case res == 0:
		errno = syscall.EPIPE // it does not go on
	default:
		errno = syscall.Errno(-res)
	}
	if len(op.rest) > 0 && (errno == 0 || again(errno) && errno != syscall.ENOBUFS) {
		p.goOn(s)
		return false
	}
	p.sends.put(i)
	s.sending = 0
	*ev = Event{Kind: Sent, Key: s.key, Err: asError(errno)}
	return true
}

// cancelled tries again if the request was not found because it was being worked
// on at that moment.
func (p *uring) cancelled(userData uint64, res int32) {
	if s := p.about(userData); s != nil && res < 0 && s.request == cancelling {
		p.cancel(s)
	}
}

// Shut waits for all requests to end, so that the kernel neither reads nor writes
// memory that serves something else by then.
func (p *uring) Shut() {
	for fd := range p.sockets {
		p.sockets[fd].free()
	}
	*p.ring.queue() = sqe{op: opAsyncCancel, fd: -1, opFlags: cancelAny | cancelAll}
	deadline := time.Now().Add(shutTime)
	for p.ring.unfinished > 0 && time.Now().Before(deadline) {
		p.buffers.publish()
		if p.ring.wait(shutTime/100) != nil {
			break
		}
		p.discard()
	}
	p.waker.close()
	if p.ring.unfinished > 0 {
		// A thread that has requests does not come to end them. The memory is theirs.
		_ = unix.Close(p.ring.fd)
		return
	}
	p.ring.close()
	p.buffers.close()
	p.sockets, p.sends, p.notices = nil, sends{}, notices{}
}

const shutTime = time.Second

// discard takes all completions.
func (p *uring) discard() {
	for {
		userData, res, flags, ok := p.ring.next()
		if !ok {
			return
		}
		switch userData & aboutMask {
		case aboutAccept:
			if res >= 0 {
				_ = unix.Close(int(res))
			}
		case aboutRecv:
			if flags&cqeBuffer != 0 {
				p.buffers.give(uint16(flags >> cqeBufferShift))
			}
		}
	}
}
