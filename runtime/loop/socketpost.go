package loop

import (
	"net"
	"sync"
)

// post is what others have left for a socket.
type post struct {
	bytes []byte
	calls []func()
	next  int // of calls
}

var posts = sync.Pool{New: func() any { return new(post) }}

// freePost gives back a post of which nothing is used any more.
func freePost(p *post) {
	if cap(p.bytes) > maxGathered {
		p.bytes = nil
	}
	clear(p.calls)
	p.bytes, p.calls, p.next = p.bytes[:0], p.calls[:0], 0
	posts.Put(p)
}

// refillPost keeps memory that was sent for a post whose own was taken.
func refillPost(b []byte) {
	p := posts.Get().(*post)
	if p.bytes == nil && cap(b) <= maxGathered {
		p.bytes = b[:0]
	}
	posts.Put(p)
}

// Send is Write for any goroutine: p is sent soon. What was sent by one goroutine stays in
// order, and counts apart from what functions have written. The error is [ErrFull], [net.ErrClosed]
// if the connection is over, or another one if p alone is more than may wait; without one the
// client gets p unless the connection ends before.
func (s *Socket) Send(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return net.ErrClosed
	}
	if len(p) > s.room {
		return errTooMuch
	} else if posted := s.postedBytes(); len(p) > s.room-posted || len(p) > 2*s.room-posted-int(s.waits.Load()) {
		s.full.Store(true)
		_ = s.wakeUp() // everything may have been taken just now
		return ErrFull
	}
	s.openPost().bytes = append(s.post.bytes, p...)
	return s.wakeUp()
}

// Do calls f as an event of the connection, as soon as no other runs. The error is
// [net.ErrClosed] if the connection is over; f is not called either if it ends before.
func (s *Socket) Do(f func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return net.ErrClosed
	}
	s.openPost().calls = append(s.post.calls, f)
	return s.wakeUp()
}

// Waiting is the number of bytes that were written or sent and wait for the client.
func (s *Socket) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.waits.Load()) + s.postedBytes()
}

func (s *Socket) postedBytes() int {
	if s.post == nil {
		return 0
	}
	return len(s.post.bytes)
}

func (s *Socket) openPost() *post {
	if s.post == nil {
		s.post = posts.Get().(*post)
	}
	return s.post
}

// wakeUp tells the host of the post, once.
func (s *Socket) wakeUp() error {
	if s.posted.Swap(true) || s.host.wake() {
		return nil
	}
	return net.ErrClosed
}

// takePost returns what others have sent, to be given back with freePost, and the next
// function to call; nil if there is none.
func (s *Socket) takePost() (sent *post, call func()) {
	if !s.posted.Load() {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.post
	if p == nil {
		s.posted.Store(false)
		return nil, nil
	}
	if p.next < len(p.calls) {
		call = p.calls[p.next]
		p.calls[p.next] = nil
		p.next++
	}
	if p.next == len(p.calls) {
		s.post = nil
		s.posted.Store(false)
		return p, call
	}
	if len(p.bytes) > 0 { // the calls stay
		sent = &post{bytes: p.bytes}
		p.bytes = nil
	}
	return sent, call
}

// leave refuses what is still to come.
func (s *Socket) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone, s.post = true, nil
}
