package ws

import (
	"slices"
	"sync"
	"sync/atomic"
)

// DefaultHubQueue is how many messages of a [Hub] may wait for one member.
const DefaultHubQueue = 256

// Hub sends messages to all sockets in a room, of either form. A slow member delays neither who
// sends nor the others. Its zero value is ready, its fields are not changed once it is used, and
// it is not copied. All methods may be called by any goroutine at any time.
type Hub struct {
	// Queue is how many messages may wait for one member, which costs it a pointer for each.
	// Default: [DefaultHubQueue].
	Queue int
	// Full says what becomes of a message for a member that has as many.
	// Default: Disconnect.
	Full Policy

	mu    sync.RWMutex
	rooms map[string]*room

	broadcasts, delivered, dropped, disconnected atomic.Int64
}

// room is where the members of one name are. Hub.mu is locked before its own.
type room struct {
	hub  *Hub
	name string

	mu      sync.RWMutex
	members []*Conn
	places  map[*Conn]int
}

// membership is a room that a socket leaves when it ends.
type membership struct{ room *room }

// HubStats are the counters of a [Hub].
type HubStats struct {
	// Rooms that have members.
	Rooms int
	// Members of all rooms.
	Members int
	// Broadcasts since the start, and the messages that were Delivered to the queues of members.
	Broadcasts, Delivered int64
	// Dropped messages had no room in the queue of a member.
	Dropped int64
	// Disconnected members were too slow.
	Disconnected int64
}

// Join makes c a member of a room until it leaves or ends. Who is a member stays one. The error
// matches [ErrClosed].
func (h *Hub) Join(name string, c *Conn) error {
	h.mu.Lock()
	r := h.rooms[name]
	if r == nil {
		r = &room{hub: h, name: name, places: map[*Conn]int{}}
		if h.rooms == nil {
			h.rooms = map[string]*room{}
		}
		h.rooms[name] = r
	}
	r.mu.Lock()
	_, known := r.places[c]
	if !known {
		r.places[c] = len(r.members)
		r.members = append(r.members, c)
	}
	r.mu.Unlock()
	h.mu.Unlock()
	if known {
		return nil
	}
	c.mu.Lock()
	err := c.closedErr()
	if !c.is(stateOver) {
		c.rooms = append(c.rooms, membership{r})
	}
	over := c.is(stateOver)
	c.mu.Unlock()
	if over {
		membership{r}.leave(c)
	}
	return err
}

// Leave ends a membership. It reports whether there was one.
func (h *Hub) Leave(name string, c *Conn) bool {
	h.mu.RLock()
	r := h.rooms[name]
	h.mu.RUnlock()
	if r == nil {
		return false
	}
	c.mu.Lock()
	c.rooms = slices.DeleteFunc(c.rooms, func(m membership) bool { return m.room == r })
	c.mu.Unlock()
	return membership{r}.leave(c)
}

func (m membership) leave(c *Conn) bool {
	r := m.room
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	place, ok := r.places[c]
	if !ok {
		return false
	}
	delete(r.places, c)
	end := len(r.members) - 1
	if last := r.members[end]; last != c {
		r.members[place] = last
		r.places[last] = place
	}
	r.members[end] = nil
	if r.members = r.members[:end]; end == 0 && r.hub.rooms[r.name] == r {
		delete(r.hub.rooms, r.name)
	}
	return true
}

// Broadcast queues a message for all members of a room but those named, and returns for how
// many. It does not wait for any of them. What one goroutine broadcasts stays in order.
func (h *Hub) Broadcast(name string, p *Prepared, but ...*Conn) (delivered int) {
	h.broadcasts.Add(1)
	h.mu.RLock()
	r := h.rooms[name]
	h.mu.RUnlock()
	if r == nil {
		return 0
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, c := range r.members {
		if (len(but) == 0 || !slices.Contains(but, c)) && h.deliver(c, p) {
			delivered++
		}
	}
	h.delivered.Add(int64(delivered))
	return delivered
}

// deliver queues a message for one member.
func (h *Hub) deliver(c *Conn, p *Prepared) bool {
	most := h.Queue
	if most <= 0 {
		most = DefaultHubQueue
	}
	c.mu.Lock()
	delivered := !c.is(stateSent | stateOver)
	if delivered && c.sharedWaiting() >= most {
		h.dropped.Add(1)
		c.side.cfg.Meter.dropped.Add(1)
		switch h.Full {
		case DropOldest:
			c.dropOldest()
		case DropNewest:
			delivered = false
		default:
			h.disconnected.Add(1)
			h.dropped.Add(int64(c.dismiss()))
			delivered = false
		}
	}
	if delivered {
		c.share(p)
	}
	_ = c.unlock(nil)
	return delivered
}

// sharedWaiting counts the messages for many that wait. It has the lock.
func (c *Conn) sharedWaiting() int {
	n := int(c.out.shared)
	if later := c.behindWriter(); later != nil {
		n += later.shared()
	}
	return n
}

// dropOldest drops the message for many that has waited longest. It has the lock.
func (c *Conn) dropOldest() {
	if !c.out.dropOldest() {
		c.b.later.dropOldest()
	}
}

// Members returns how many sockets are in a room.
func (h *Hub) Members(name string) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r := h.rooms[name]
	if r == nil {
		return 0
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.members)
}

// Stats returns the counters.
func (h *Hub) Stats() HubStats {
	s := HubStats{Broadcasts: h.broadcasts.Load(), Delivered: h.delivered.Load(), Dropped: h.dropped.Load(), Disconnected: h.disconnected.Load()}
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.Rooms = len(h.rooms)
	for _, r := range h.rooms {
		r.mu.RLock()
		s.Members += len(r.members)
		r.mu.RUnlock()
	}
	return s
}
