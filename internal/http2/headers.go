package http2

import "encoding/binary"

// blockState is a header block of which CONTINUATION frames are still to come.
type blockState struct {
	stream uint32 // 0 if there is none
	flags  uint8
	self   bool // the stream depends on itself
	buf    []byte
	frames int
}

func (c *Conn) onHeaders(flags uint8, id uint32, p []byte) {
	if id&1 == 0 {
		c.fail(ProtocolError, "HEADERS on a stream that is not the client's")
		return
	}
	block, ok := unpad(flags, p)
	if !ok {
		c.fail(ProtocolError, "padding longer than its frame")
		return
	}
	self := false
	if flags&flagPriority != 0 {
		if len(block) < 5 {
			c.fail(FrameSizeError, "HEADERS too short for a priority")
			return
		}
		self = binary.BigEndian.Uint32(block)&maxStreamID == id
		block = block[5:]
	}
	if flags&flagEndHeaders == 0 {
		c.block = blockState{stream: id, flags: flags, self: self, buf: append([]byte(nil), block...), frames: 1}
		return
	}
	c.headers(id, flags, self, block)
}

func (c *Conn) onContinuation(flags uint8, id uint32, p []byte) {
	b := &c.block
	if b.stream == 0 {
		c.fail(ProtocolError, "CONTINUATION without HEADERS")
		return
	}
	b.buf = append(b.buf, p...)
	b.frames++
	if most := c.mostBlock(); len(b.buf) > most || b.frames > most/(4<<10) {
		c.fail(EnhanceYourCalm, "header block too large")
		return
	}
	if flags&flagEndHeaders != 0 {
		whole := *b
		*b = blockState{}
		c.headers(id, whole.flags, whole.self, whole.buf)
	}
}

// mostBlock bounds a header block. More than the fields may have is read, as their
// stream alone shall fail and the tables must stay in step.
func (c *Conn) mostBlock() int {
	if c.cfg.HeaderBytes <= 0 {
		return 4 << 20
	}
	return max(4*min(c.cfg.HeaderBytes, 4<<20), 64<<10)
}

// headers handles a whole header block.
func (c *Conn) headers(id uint32, flags uint8, self bool, block []byte) {
	end := flags&flagEndStream != 0
	if s := c.streams[id]; s != nil {
		c.trailersOf(s, end, block)
		return
	}
	if id <= c.lastID {
		c.headersLate(id, block)
		return
	}
	c.lastID = id
	if c.drains == drainAwaits {
		c.Drain()
	}
	c.exhausted()
	c.controls.earn(4)
	if c.held >= c.cfg.Streams || c.drains == drainFinal {
		if c.read(nil, false, block) {
			c.out = appendReset(c.out, id, RefusedStream)
			c.closed.add(id, true)
			if c.drains != drainFinal {
				c.glitch()
			}
		}
		return
	}
	s := c.hooks.NewStream()
	s.init(c, id)
	if !c.read(s, false, block) {
		c.hooks.Free(s)
		return
	}
	if c.early != nil {
		c.takeEarly(s)
	}
	status, reason := c.reader.verdict()
	if reason == "" && self {
		reason = "the stream depends on itself"
	}
	c.open(s, end, status, reason)
}

// open begins a stream, or refuses its request.
func (c *Conn) open(s *Stream, end bool, status int, reason string) {
	if c.streams == nil {
		c.streams = map[uint32]*Stream{}
	}
	c.streams[s.ID] = s
	c.held++
	s.inbound.ended = end
	switch {
	case reason != "":
		s.taken, s.released = true, true
		c.reader.refused++
		c.resetGlitch(s, ProtocolError, reason)
	case end && s.Length > 0:
		s.taken, s.released = true, true
		c.reader.refused++
		c.resetGlitch(s, ProtocolError, "a body was declared and none came")
	case status != 0:
		s.taken, s.released = true, true
		c.reader.refused++
		s.refused = true
		c.glitch()
		c.refuse(s, status)
	default:
		c.ready = append(c.ready, s)
	}
}

// refuse answers a request with an empty response.
func (c *Conn) refuse(s *Stream, status int) {
	if c.err != nil {
		return
	}
	_ = s.Head(status, nil, 0, "")
	s.End(nil)
}

// headersLate looks at a header block for a stream that has ended, or was passed over.
func (c *Conn) headersLate(id uint32, block []byte) {
	known, byUs := c.closed.find(id)
	switch {
	case byUs: // on its way when we reset it
		c.read(nil, false, block)
		c.control()
	case known:
		c.fail(StreamClosed, "HEADERS on a stream that has ended")
	default:
		c.fail(ProtocolError, "stream ids must grow")
	}
}

// trailersOf takes the fields behind a body.
func (c *Conn) trailersOf(s *Stream, end bool, block []byte) {
	if !c.read(s, true, block) {
		return
	}
	_, reason := c.reader.verdict()
	switch {
	case s.inbound.ended:
		c.resetGlitch(s, StreamClosed, "HEADERS after END_STREAM")
	case !end:
		c.resetGlitch(s, ProtocolError, "trailers that do not end the stream")
	case reason != "" || c.reader.tooLarge:
		c.resetGlitch(s, ProtocolError, "malformed trailers")
	case s.Length >= 0 && s.got != s.Length:
		c.resetGlitch(s, ProtocolError, "the body is not as long as declared")
	default:
		c.endRemote(s)
	}
}
