package loop

import "math/bits"

// wheelSlots is the number of ticks that a wheel looks ahead.
const wheelSlots = 2048

// wheel finds the connections whose deadline has passed. A deadline that moves back
// costs nothing: the connection stays in its slot and is put into a later one when
// that comes up.
type wheel struct {
	tick  int64 // length of a tick in milliseconds
	at    int64 // the last tick that was looked at
	slots [wheelSlots]*conn
	used  [wheelSlots / 64]uint64 // slots that hold something
}

// timer is the place of a connection in a wheel.
type timer struct {
	next, prev *conn
	deadline   int64 // in milliseconds since epoch; 0 for none
	due        int64 // tick of the slot it is in, 0 for none
}

// set gives c a deadline.
func (w *wheel) set(c *conn, deadline int64) {
	later := c.deadline != 0 && deadline >= c.deadline // its slot comes up before that
	c.deadline = deadline
	if deadline == 0 || later && c.due != 0 {
		return
	}
	if c.due != 0 {
		if deadline/w.tick+1 >= c.due {
			return
		}
		w.remove(c)
	}
	w.insert(c, deadline)
}

func (w *wheel) insert(c *conn, deadline int64) {
	due := min(max(deadline/w.tick+1, w.at+1), w.at+wheelSlots-1)
	slot := due % wheelSlots
	c.due, c.prev, c.next = due, nil, w.slots[slot]
	if c.next != nil {
		c.next.prev = c
	}
	w.slots[slot] = c
	w.used[slot/64] |= 1 << (slot % 64)
}

func (w *wheel) remove(c *conn) {
	if c.due == 0 {
		return
	}
	slot := c.due % wheelSlots
	if c.prev != nil {
		c.prev.next = c.next
	} else if w.slots[slot] = c.next; c.next == nil {
		w.used[slot/64] &^= 1 << (slot % 64)
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.next, c.prev, c.due = nil, nil, 0
}

// take removes and returns a connection whose slot has come up by now, nil if there
// is none left.
func (w *wheel) take(now int64) *conn {
	for to := now / w.tick; w.at < to; {
		if c := w.slots[w.at%wheelSlots]; c != nil && c.due <= w.at {
			w.remove(c)
			return c
		}
		if to-w.at > wheelSlots {
			w.at = to - wheelSlots // every slot is looked at once
			continue
		}
		w.at++
	}
	if c := w.slots[w.at%wheelSlots]; c != nil && c.due <= w.at {
		w.remove(c)
		return c
	}
	return nil
}

// next returns when the next slot that holds something comes up, in milliseconds
// since epoch; 0 if none does.
func (w *wheel) next() int64 {
	for i := int64(0); i <= wheelSlots; {
		slot := (w.at + i) % wheelSlots
		word := w.used[slot/64] >> (slot % 64)
		if word != 0 {
			return (w.at + i + int64(bits.TrailingZeros64(word))) * w.tick
		}
		i += 64 - slot%64
	}
	return 0
}
