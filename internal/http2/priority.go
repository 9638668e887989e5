package http2

import (
	"encoding/binary"
	"slices"
	"strings"
)

// priority is that of RFC 9218. Streams of the same urgency take turns, unless the client
// has asked for one after the other.
type priority struct {
	urgency uint8
	inTurns bool
}

var defaultPriority = priority{urgency: 3, inTurns: true}

// parse takes the members it knows of a Priority field value; what is wrong counts as
// absent. A value that does not ask for turns asks for one after the other.
func (p *priority) parse(value string) {
	*p = priority{urgency: 3}
	for value != "" {
		var item string
		item, value, _ = strings.Cut(value, ",")
		item, _, _ = strings.Cut(item, ";") // parameters mean nothing here
		switch item = strings.Trim(item, " \t"); {
		case len(item) == 3 && item[:2] == "u=" && item[2] >= '0' && item[2] <= '7':
			p.urgency = item[2] - '0'
		case item == "i", item == "i=?1":
			p.inTurns = true
		case item == "i=?0":
			p.inTurns = false
		}
	}
}

// onPriority reads what RFC 9113 deprecates: nothing but its errors counts.
func (c *Conn) onPriority(id uint32, p []byte) {
	s := c.streams[id]
	switch {
	case id == 0:
		c.fail(ProtocolError, "PRIORITY without a stream")
	case len(p) != 5 && s != nil:
		c.resetGlitch(s, FrameSizeError, "PRIORITY of a wrong size")
	case len(p) != 5:
		c.fail(FrameSizeError, "PRIORITY of a wrong size")
	case binary.BigEndian.Uint32(p)&maxStreamID == id && s != nil:
		c.resetGlitch(s, ProtocolError, "the stream depends on itself")
	case binary.BigEndian.Uint32(p)&maxStreamID == id:
		c.fail(ProtocolError, "a stream depends on itself")
	default:
		c.control()
	}
}

// onPriorityUpdate changes the priority of a stream (RFC 9218, section 7.1).
func (c *Conn) onPriorityUpdate(id uint32, p []byte) {
	switch {
	case id != 0:
		c.fail(ProtocolError, "PRIORITY_UPDATE on a stream")
		return
	case len(p) < 4:
		c.fail(FrameSizeError, "PRIORITY_UPDATE too short")
		return
	}
	of := binary.BigEndian.Uint32(p) & maxStreamID
	switch s := c.streams[of]; {
	case of == 0:
		c.fail(ProtocolError, "PRIORITY_UPDATE without a stream")
	case of&1 == 0: // we push none
		c.fail(ProtocolError, "PRIORITY_UPDATE for an idle stream of the server")
	case s != nil:
		s.priority.parse(string(p[4:]))
	case of > c.lastID:
		c.keepEarly(of, string(p[4:]))
	}
	c.control()
}

// earlyPriority is that of a stream whose HEADERS are to come.
type earlyPriority struct {
	id uint32
	priority
}

// mostEarly bounds the priorities that are kept for streams to come.
const mostEarly = 100

// keepEarly keeps the priority of a stream to come. With those that are open there may be no
// more of them than may be open (RFC 9218, section 7.1); what is beyond our bound is dropped.
func (c *Conn) keepEarly(id uint32, value string) {
	c.dropEarly()
	at := slices.IndexFunc(c.early, func(e earlyPriority) bool { return e.id == id })
	switch {
	case at >= 0:
	case len(c.early)+len(c.streams) >= c.cfg.Streams && !c.ackAwaited:
		c.fail(ProtocolError, "PRIORITY_UPDATE for more streams than may be open")
		return
	case len(c.early) >= min(mostEarly, c.cfg.Streams):
		return
	default:
		at = len(c.early)
		c.early = append(c.early, earlyPriority{id: id})
	}
	c.early[at].parse(value)
}

// takeEarly gives a stream that opens the priority which has come before.
func (c *Conn) takeEarly(s *Stream) {
	for _, e := range c.early {
		if e.id == s.ID {
			s.priority = e.priority // rather than that of its fields
		}
	}
	c.dropEarly()
}

// dropEarly forgets the priorities of streams that have been opened or passed over.
func (c *Conn) dropEarly() {
	c.early = slices.DeleteFunc(c.early, func(e earlyPriority) bool { return e.id <= c.lastID })
	if len(c.early) == 0 {
		c.early = nil
	}
}
