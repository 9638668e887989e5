package udp

import (
	"errors"
	"math/bits"
	"net"
	"sync/atomic"
	"time"
)

const (
	firstDelay = 5 * time.Millisecond
	lastDelay  = time.Second
)

// receive reads a socket until the server stops, and returns nil then. It goes on after
// every error but that of a socket which somebody else has closed.
func (s *Server) receive(k *socket) error {
	r, batch := k.reader(s.cfg.Batch)
	ps := make([]*Packet, batch)
	s.queue.take(ps)
	delay := time.Duration(0)
	for {
		n, err := r.read(ps)
		s.enqueue(ps[:n])
		switch {
		case s.isStopping():
			s.empty(r, ps)
			return nil
		case err == nil:
			delay = 0
			continue
		case errors.Is(err, net.ErrClosed):
			return err
		}
		delay = s.failed(k, err, delay)
	}
}

// failed counts what could not be read, and waits where trying again at once would only
// cost time. It returns how long it has waited.
func (s *Server) failed(k *socket, err error, delay time.Duration) time.Duration {
	if isTooLong(err) {
		s.stats.received.Add(1)
		s.stats.truncated.Add(1)
		s.drop(1)
		return 0
	}
	n := s.stats.readErrors.Add(1)
	if isAnswer(err) { // one for a datagram of ours: they come no faster than datagrams
		if often(n, 1) {
			s.log.Info("udp: a peer cannot be reached", "addr", k.conn.LocalAddr(), "err", err, "errors", n)
		}
		return 0
	}
	delay = min(max(2*delay, firstDelay), lastDelay)
	s.log.Warn("udp: receive failed, trying again", "addr", k.conn.LocalAddr(), "err", err, "delay", delay)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.stopping:
	}
	return delay
}

// enqueue hands datagrams to the workers and drops those that there is no room for.
func (s *Server) enqueue(ps []*Packet) {
	ps = s.genuine(ps)
	if len(ps) == 0 {
		return
	}
	size, truncated := 0, 0
	for _, p := range ps {
		size += len(p.Data)
		if p.Truncated {
			truncated++
		}
	}
	s.stats.received.Add(int64(len(ps)))
	s.stats.receivedBytes.Add(int64(size))
	if truncated > 0 {
		s.stats.truncated.Add(int64(truncated))
	}
	if dropped := len(ps) - s.queue.put(ps); dropped > 0 {
		s.drop(dropped)
	}
}

// genuine moves datagrams with a false sender behind the others, which it returns.
func (s *Server) genuine(ps []*Packet) []*Packet {
	n := 0
	for i, p := range ps {
		if !p.isForged() {
			ps[n], ps[i] = p, ps[n]
			n++
		}
	}
	if forged := int64(len(ps) - n); forged > 0 {
		if all := s.stats.forged.Add(forged); often(all, forged) {
			s.log.Info("udp: datagrams refused, whose sender is this server or has no port", "addr", s.Addr(), "forged", all)
		}
	}
	return ps[:n]
}

func (s *Server) drop(n int) {
	if dropped := s.stats.dropped.Add(int64(n)); often(dropped, int64(n)) {
		s.log.Warn("udp: datagrams dropped", "addr", s.Addr(), "dropped", dropped)
	}
}

// often reports whether a counter that n was added to has passed 1, 2, 4, 8 …: a flood must
// not fill the log.
func often(count, n int64) bool {
	return bits.Len64(uint64(count)) != bits.Len64(uint64(count-n))
}

// emptyGrace bounds the time to empty the buffer of a socket, should ever new datagrams come;
// emptyReads may be made however long they had to wait for a processor.
const (
	emptyGrace = 100 * time.Millisecond
	emptyReads = 1000
)

// empty reads what came before the server stopped, as closing the socket would lose it, also if
// other processes have it too: whoever reads a datagram serves it.
func (s *Server) empty(r reader, ps []*Packet) {
	<-s.expired
	for start, reads := time.Now(), 0; reads < emptyReads || time.Since(start) < emptyGrace; reads++ {
		n, err := r.poll(ps)
		s.enqueue(ps[:n])
		if err != nil && !isAnswer(err) || err == nil && n == 0 {
			return
		}
	}
}

type counters struct {
	received, receivedBytes, truncated, dropped atomic.Int64
	forged                                      atomic.Int64
	sent, sentBytes                             atomic.Int64
	refused, errors, panics, readErrors         atomic.Int64
}
