package netpoll

import (
	"fmt"
	"math"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// uring keeps one request under way for each socket that receives or accepts; it
// completes many times. Requests are only queued; Wait submits them all at once.
//
// Requests belong to the thread that has submitted them. When it exits they are
// given up as soon as something happens to their sockets, and made anew.
type uring struct {
	waker
	ring    ring
	buffers buffers
	notices notices
	sockets []uringSocket // by descriptor
	sends   sends
}

type uringSocket struct {
	key        Key
	generation uint32 // in user data: of the socket, told apart from earlier ones
	mark       uint32 // the tail of the queue behind its last request
	sending    int32  // index in sends
	state      state
	request    request
}

// request is how it stands with the one that receives or accepts.
type request uint8

const (
	idle request = iota
	underWay
	cancelling // a request to cancel it is queued or under way
)

// What a completion is about is the top byte of its user data. Below it are a
// generation (24 bits) and a descriptor, or an index in sends.
const (
	aboutNothing = iota << 56
	aboutRecv
	aboutAccept
	aboutSend
	aboutCancel
	aboutWake

	aboutMask      = 0xff << 56
	generationMask = 1<<24 - 1
)

func (s *uringSocket) userData(about uint64) uint64 {
	return about | uint64(s.generation)<<32 | uint64(uint32(s.key))
}

func openUring() (Poller, error) {
	if err := Probe(); err != nil {
		return nil, err
	}
	p, err := newUring(usualSizes())
	if err != nil {
		return nil, err
	}
	return p, nil
}

// sizes are powers of two.
type sizes struct {
	requests    uint32 // that can be queued before they are submitted
	completions uint32 // that have room; the kernel keeps more in a list
	buffers     int    // provided from the beginning
}

func usualSizes() sizes { return sizes{requests: 4096, completions: 32768, buffers: 32} }

func newUring(size sizes) (*uring, error) {
	p := &uring{}
	p.waker.fd = -1
	if err := p.ring.open(size.requests, size.completions); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoIOUring, err)
	}
	if err := p.buffers.open(p.ring.fd, size.buffers); err != nil {
		p.ring.close()
		return nil, fmt.Errorf("%w: %w", ErrNoIOUring, err)
	}
	if err := p.waker.open(); err != nil {
		p.ring.close()
		p.buffers.close()
		return nil, err
	}
	p.watchWaker()
	return p, nil
}

func (p *uring) Name() string { return IOUring }

func (p *uring) PinsThread() bool { return true }

func (p *uring) Wait(timeout time.Duration) error {
	if !p.notices.empty() {
		timeout = 0
	}
	p.buffers.publish()
	return p.ring.wait(timeout)
}

// watchWaker reads the eventfd once, when it is written to.
func (p *uring) watchWaker() {
	*p.ring.queue() = sqe{
		op: opRead, fd: int32(p.waker.fd), addr: uint64(uintptr(unsafe.Pointer(&p.ring.arg.count))), len: 8,
		userData: aboutWake,
	}
}

// find returns nil if the key is not, or no longer, known.
func (p *uring) find(key Key) *uringSocket {
	fd := key.FD()
	if uint(fd) >= uint(len(p.sockets)) {
		return nil
	}
	if s := &p.sockets[fd]; s.key == key && s.state&used != 0 {
		return s
	}
	return nil
}

// take returns the place of a socket that is new here.
func (p *uring) take(key Key, st state) (*uringSocket, error) {
	fd := key.FD()
	if uint32(key) > math.MaxInt32 {
		return nil, syscall.EBADF
	}
	p.sockets = withIndex(p.sockets, fd)
	s := &p.sockets[fd]
	if s.state&used != 0 && (s.key != key || s.state&(listening|ended) != listening|ended) {
		return nil, syscall.EEXIST
	}
	s.free()
	s.key, s.state = key, used|st
	return s, nil
}

// free makes completions of the socket stale.
func (s *uringSocket) free() {
	*s = uringSocket{generation: (s.generation + 1) & generationMask}
}

func (p *uring) Listen(key Key) error {
	s, err := p.take(key, listening)
	if err == nil {
		p.request(s)
	}
	return err
}

func (p *uring) Unlisten(key Key) {
	if s := p.find(key); s != nil && s.state&listening != 0 {
		p.remove(s)
	}
}

func (p *uring) Add(key Key) error {
	s, err := p.take(key, 0)
	if err == nil {
		p.request(s)
	}
	return err
}

// Pause leaves it to the first bytes that come to cancel the request. Mostly none
// do before Resume.
func (p *uring) Pause(key Key) {
	if s := p.find(key); s != nil {
		s.state |= paused
	}
}

func (p *uring) Resume(key Key) {
	s := p.find(key)
	if s == nil || s.state&paused == 0 {
		return
	}
	s.state &^= paused
	if s.request == idle && s.state&(ended|removing) == 0 {
		p.request(s)
	}
}

func (p *uring) Remove(key Key) {
	if s := p.find(key); s != nil && s.state&listening == 0 {
		p.remove(s)
	}
}

func (p *uring) remove(s *uringSocket) {
	if s.state&removing != 0 {
		return
	}
	s.state |= removing
	switch s.request {
	case idle:
		p.notices.push(notice{kind: Removed, key: s.key})
	case underWay:
		p.cancel(s)
	}
}

// Close lets requests that are under way end by ending the connection. They hold
// the file of the socket, not its descriptor, which is free for others at once;
// what they tell later is known by its generation.
func (p *uring) Close(key Key) {
	fd := key.FD()
	if s := p.find(key); s != nil {
		if s.state&listening != 0 && s.request == underWay {
			p.cancel(s) // the socket itself may be another's too
		}
		if int32(s.mark-p.ring.consumed) > 0 {
			// The queue knows the socket by its descriptor.
			p.submit()
		}
		if s.state&listening == 0 && (s.request != idle || s.sending != 0) {
			end(fd)
		}
		s.free()
	}
	_ = unix.Close(fd)
}

func (p *uring) submit() {
	p.buffers.publish()
	p.ring.submit()
}

func (p *uring) Send(key Key, b []byte) (int, error) {
	s := p.find(key)
	if s == nil || s.state&(listening|removing) != 0 {
		return 0, syscall.EBADF
	}
	if s.sending != 0 {
		return 0, syscall.EALREADY
	}
	if len(b) == 0 {
		return 0, nil
	}
	s.sending = p.sends.take(b, key.FD(), s.generation)
	p.goOn(s)
	return 0, nil
}

// goOn queues a request for what is left to send.
func (p *uring) goOn(s *uringSocket) {
	rest := p.sends.all[s.sending].rest
	*p.ring.queue() = sqe{
		op: opSend, fd: int32(s.key.FD()),
		addr: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(rest)))), len: uint32(min(len(rest), math.MaxInt32)),
		opFlags:  unix.MSG_NOSIGNAL | unix.MSG_WAITALL,
		userData: aboutSend | uint64(s.sending),
	}
	s.mark = p.ring.tail
}

// request queues the one that receives or accepts.
func (p *uring) request(s *uringSocket) {
	e := p.ring.queue()
	if s.state&listening != 0 {
		*e = sqe{
			op: opAccept, ioprio: acceptMultishot, fd: int32(s.key.FD()),
			opFlags: unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC, userData: s.userData(aboutAccept),
		}
	} else {
		*e = sqe{
			op: opRecv, flags: sqeBufferSelect, ioprio: recvMultishot, fd: int32(s.key.FD()),
			userData: s.userData(aboutRecv),
		}
	}
	s.request = underWay
	s.mark = p.ring.tail
}

// cancel queues the end of the request. Its last completion says when it has come.
func (p *uring) cancel(s *uringSocket) {
	about := uint64(aboutRecv)
	if s.state&listening != 0 {
		about = aboutAccept
	}
	*p.ring.queue() = sqe{op: opAsyncCancel, fd: -1, addr: s.userData(about), userData: s.userData(aboutCancel)}
	s.request = cancelling
	s.mark = p.ring.tail
}
