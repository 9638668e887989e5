package http2

// closedStreams remembers the streams that ended last, to tell what comes late from
// what is wrong.
type closedStreams struct {
	ids  []uint32 // a ring; the lowest bit is free, as clients have odd ids, and says that we reset it
	next int
}

const mostClosed = 128

func (cs *closedStreams) add(id uint32, byUs bool) {
	id &^= 1
	if byUs {
		id |= 1
	}
	if len(cs.ids) < mostClosed {
		cs.ids = append(cs.ids, id)
		return
	}
	cs.ids[cs.next] = id
	cs.next = (cs.next + 1) % mostClosed
}

// find reports whether a stream has ended lately, and whether we have reset it.
func (cs *closedStreams) find(id uint32) (known, byUs bool) {
	for _, have := range cs.ids {
		if have|1 == id {
			return true, have&1 != 0
		}
	}
	return false, false
}

// reset notes that we have reset a stream that had ended.
func (cs *closedStreams) reset(id uint32) {
	for i, have := range cs.ids {
		if have|1 == id {
			cs.ids[i] |= 1
			return
		}
	}
	cs.add(id, true)
}

// confirm notes that the client has ended a stream, too: whatever follows is wrong.
func (cs *closedStreams) confirm(id uint32) {
	for i, have := range cs.ids {
		if have|1 == id {
			cs.ids[i] &^= 1
		}
	}
}
