package ws

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Meter counts for the sockets of one or several [Config]. Its zero value is ready; it is not
// copied.
type Meter struct {
	messagesIn, messagesOut, bytesIn, bytesOut, dropped, pingsMissed, helpers atomic.Int64

	mu     sync.Mutex
	open   int64
	opened int64
	first  *Conn
	closed map[Code]int64
}

// Stats are the counters of a [Meter].
type Stats struct {
	// Open is the number of open sockets, Opened of all since the start.
	Open, Opened int64
	// Goroutines is how many the open sockets have: none on an event loop, elsewhere one that
	// reads, and one more while it sends what was queued for a slow peer.
	Goroutines int64
	// Buffered is the memory in bytes for what was received and sent and is not done with, windows of
	// compression included. Messages for many count for each socket only once they are given to
	// its connection.
	Buffered int64
	// MessagesIn and MessagesOut count messages; BytesIn and BytesOut what they were on the
	// connection, frames of all kinds included.
	MessagesIn, MessagesOut, BytesIn, BytesOut int64
	// Dropped messages had no room in the queue of their receiver, or were in it when that was
	// disconnected for being too slow.
	Dropped int64
	// PingsMissed is how many sockets ended for their silence.
	PingsMissed int64
	// Closed counts the sockets that have ended by [CodeOf] of the reason.
	Closed map[Code]int64
}

// Stats returns the counters. It may be called at any time; it looks at each open socket.
func (m *Meter) Stats() Stats {
	s := Stats{MessagesIn: m.messagesIn.Load(), MessagesOut: m.messagesOut.Load(), BytesIn: m.bytesIn.Load(), BytesOut: m.bytesOut.Load(),
		Dropped: m.dropped.Load(), PingsMissed: m.pingsMissed.Load(), Goroutines: m.helpers.Load()}
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Open, s.Opened, s.Closed = m.open, m.opened, maps.Clone(m.closed)
	for c := m.first; c != nil; c = c.behind {
		if !c.OnLoop() {
			s.Goroutines++
		}
		s.Buffered += int64(c.buffered())
	}
	return s
}

// buffered is the memory that a socket has.
func (c *Conn) buffered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.out.own + c.held + c.send.Buffered()
	if later := c.behindWriter(); later != nil {
		n += later.own
	}
	if c.s != nil && !c.is(stateOver) {
		n += c.s.Waiting()
	}
	return n
}

func (m *Meter) add(c *Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open++
	m.opened++
	if c.behind = m.first; m.first != nil {
		m.first.before = c
	}
	m.first = c
}

func (m *Meter) remove(c *Conn, code Code) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open--
	if m.closed == nil {
		m.closed = map[Code]int64{}
	}
	m.closed[code]++
	if c.before != nil {
		c.before.behind = c.behind
	} else {
		m.first = c.behind
	}
	if c.behind != nil {
		c.behind.before = c.before
	}
	c.before, c.behind = nil, nil
}
