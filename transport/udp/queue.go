package udp

import (
	"sync"

	"github.com/tako-go/tako/internal/lifetime"
)

// queue holds the datagrams that wait for a worker, and the buffers that are free. All
// methods may be called concurrently.
type queue struct {
	fresh func() *Packet

	mu      sync.Mutex
	more    sync.Cond // there is a datagram, or no more will come
	ring    []*Packet
	first   int
	waiting int
	free    []*Packet
	idle    int // workers that wait
	busy    int // datagrams with a worker
	served  int64
	closed  bool
}

func newQueue(size int, fresh func() *Packet) *queue {
	q := &queue{fresh: fresh, ring: make([]*Packet, size)}
	q.more.L = &q.mu
	return q
}

// take fills ps with free packets.
func (q *queue) take(ps []*Packet) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range ps {
		ps[i] = q.spare()
	}
}

// spare is called with mu held.
func (q *queue) spare() *Packet {
	last := len(q.free) - 1
	if last < 0 {
		return q.fresh()
	}
	p := q.free[last]
	q.free = q.free[:last]
	return p
}

// put queues as many of ps as there is room for, leaves a free packet in the place of each
// of these, and returns how many they are.
func (q *queue) put(ps []*Packet) int {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return 0
	}
	n := min(len(ps), len(q.ring)-q.waiting)
	for i := range n {
		at := q.first + q.waiting
		if at >= len(q.ring) {
			at -= len(q.ring)
		}
		q.ring[at] = ps[i]
		q.waiting++
		ps[i] = q.spare()
	}
	wake := min(n, q.idle)
	q.mu.Unlock()
	for range wake {
		q.more.Signal()
	}
	return n
}

// next gives back the packet that was served, if any, and returns the one to serve; nil
// when no more will come.
func (q *queue) next(served *Packet) *Packet {
	q.mu.Lock()
	defer q.mu.Unlock()
	if served != nil {
		q.busy--
		q.served++
		q.release(served)
	}
	for q.waiting == 0 {
		if q.closed {
			return nil
		}
		q.idle++
		q.more.Wait()
		q.idle--
	}
	p := q.ring[q.first]
	q.ring[q.first] = nil
	if q.first++; q.first == len(q.ring) {
		q.first = 0
	}
	q.waiting--
	q.busy++
	return p
}

// release is called with mu held.
func (q *queue) release(p *Packet) {
	if lifetime.IsStrict() {
		p.over()
		return
	}
	q.free = append(q.free, p)
}

// close makes workers end when they have served what waits.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
}

// cut closes the queue, forgets what waits, and returns how many that are, how many are being
// served, and how many have been, all at one moment.
func (q *queue) cut() (waiting, busy int, served int64) {
	q.close()
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting, busy, served = q.waiting, q.busy, q.served
	clear(q.ring)
	q.waiting, q.free = 0, nil
	return waiting, busy, served
}

// counts returns the datagrams that wait, are being served, and have been.
func (q *queue) counts() (waiting, busy int, served int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting, q.busy, q.served
}
