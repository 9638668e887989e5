package webtransport

import (
	"context"
	"sync"
)

// datagrams are those that wait for ReceiveDatagram: of too many the oldest is dropped, as what
// comes by datagram is worth less the older it is.
type datagrams struct {
	mu     sync.Mutex
	ring   [][]byte
	first  int
	length int
	some   chan struct{}
}

func (d *datagrams) init(most int) {
	d.ring, d.some = make([][]byte, most), make(chan struct{}, 1)
}

// put reports whether one had to be dropped.
func (d *datagrams) put(p []byte) (dropped bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.length == len(d.ring) {
		d.first = (d.first + 1) % len(d.ring)
		d.length--
		dropped = true
	}
	d.ring[(d.first+d.length)%len(d.ring)] = p
	d.length++
	d.signal()
	return dropped
}

// get returns nil if there is none. Datagrams may be empty.
func (d *datagrams) get() (p []byte, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.length == 0 {
		return nil, false
	}
	p, d.ring[d.first] = d.ring[d.first], nil
	d.first = (d.first + 1) % len(d.ring)
	if d.length--; d.length > 0 {
		d.signal()
	}
	return p, true
}

func (d *datagrams) signal() {
	select {
	case d.some <- struct{}{}:
	default:
	}
}

// receive moves datagrams from the library, which drops some without a word, until the session ends.
func (s *Session) receive() {
	for {
		p, err := s.lib.ReceiveDatagram(s.ctx)
		if err != nil {
			return
		}
		s.touch()
		if s.datagrams.put(p) {
			s.counts.dropped.Add(1)
		}
	}
}

// ReceiveDatagram returns the next datagram, which is the caller's. Config.Datagrams of them wait
// for it.
func (s *Session) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	for {
		if p, ok := s.datagrams.get(); ok {
			s.counts.gotDatagrams.Add(1)
			return p, nil
		}
		select {
		case <-s.datagrams.some:
		case <-s.ctx.Done():
			return nil, context.Cause(s.ctx)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// SendDatagram sends a datagram, which may be lost. It must fit into a packet, of which about 1200
// bytes are certain: else the error is [ErrDatagramTooLarge]. It waits while 32 others of the
// connection wait to be sent.
func (s *Session) SendDatagram(p []byte) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if err := s.lib.SendDatagram(p); err != nil {
		return s.convert(err)
	}
	s.counts.sentDatagrams.Add(1)
	s.touch()
	return nil
}
