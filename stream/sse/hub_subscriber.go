package sse

import (
	"fmt"
	"sync"

	"github.com/tako-go/tako"
)

// subscriber is one stream of a hub.
type subscriber struct {
	topics []string
	ready  chan struct{} // has a value when there is something to take
	room   chan struct{} // has a value when something was taken

	mu      sync.Mutex
	hello   []byte     // to be sent first
	missed  []*message // to be sent then
	queue   []*message // a ring, as large as was needed
	first   int        // the oldest of the ring
	waiting int        // how many are in it
	ended   error      // why no more comes; io.EOF behind what waits
}

func newSubscriber(topics []string) *subscriber {
	return &subscriber{topics: topics, ready: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

type pushed uint8

const (
	pushTaken pushed = iota
	pushDropped
	pushFull
)

// push puts m into the queue, in the place of the oldest if it is full and drop is set.
func (s *subscriber) push(m *message, limit int, drop bool) (done pushed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return pushTaken
	}
	if s.waiting == limit {
		if !drop {
			return pushFull
		}
		s.shift()
		done = pushDropped
	}
	if s.waiting == len(s.queue) {
		s.grow(limit)
	}
	s.queue[(s.first+s.waiting)%len(s.queue)] = m
	s.waiting++
	signal(s.ready)
	return done
}

func (s *subscriber) grow(limit int) {
	larger := make([]*message, min(limit, max(4, 2*len(s.queue))))
	for i := range s.waiting {
		larger[i] = s.queue[(s.first+i)%len(s.queue)]
	}
	s.queue, s.first = larger, 0
}

func (s *subscriber) shift() *message {
	m := s.queue[s.first]
	s.queue[s.first] = nil
	s.first = (s.first + 1) % len(s.queue)
	s.waiting--
	return m
}

// begin sets what comes first.
func (s *subscriber) begin(hello []byte, missed []*message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hello, s.missed = hello, missed
	signal(s.ready)
}

func (s *subscriber) isFull(limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting == limit && s.ended == nil
}

// errEndedSlow is [ErrSlow] from the side of the publisher.
var errEndedSlow = fmt.Errorf("%w: %w", tako.ErrClientGone, ErrSlow)

// take appends about a batch of what waits.
func (s *subscriber) take(out []byte) (_ []byte, events int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == errEndedSlow {
		return out, 0, errEndedSlow
	}
	out = append(out, s.hello...)
	s.hello = nil
	for len(out) < batch && len(s.missed) > 0 {
		out = append(out, s.missed[0].text...)
		s.missed = s.missed[1:]
		events++
	}
	for len(out) < batch && s.waiting > 0 {
		out = append(out, s.shift().text...)
		events++
	}
	signal(s.room)
	if len(s.missed) > 0 || s.waiting > 0 {
		signal(s.ready)
		return out, events, nil
	}
	s.missed = nil
	return out, events, s.ended
}

// end has no more come, and reports whether that is news. Behind ErrSlow nothing that waits is
// sent.
func (s *subscriber) end(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return false
	}
	if s.ended = err; err == ErrSlow {
		s.ended, s.queue, s.missed, s.waiting = errEndedSlow, nil, nil, 0
	}
	signal(s.ready)
	signal(s.room)
	return true
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
