package http2

func (c *Conn) onData(flags uint8, id uint32, p []byte) {
	s := c.streams[id]
	if id == 0 || s == nil && (id > c.lastID || id&1 == 0) {
		c.fail(ProtocolError, "DATA on an idle stream")
		return
	}
	size := len(p)
	if c.recvWindow -= int64(size); c.recvWindow < 0 {
		c.fail(FlowControlError, "more than the window of the connection")
		return
	}
	c.recvCredit += size // what streams hold is bounded by their own windows
	data, ok := unpad(flags, p)
	if !ok {
		c.fail(ProtocolError, "padding longer than its frame")
		return
	}
	if len(data) == 0 && (flags&flagEndStream == 0 || s == nil) {
		c.control()
	}
	switch {
	case c.err != nil:
	case s == nil:
		c.dataLate(id)
	case s.inbound.ended:
		c.resetGlitch(s, StreamClosed, "DATA after END_STREAM")
	case int64(size) > s.inbound.window:
		c.resetGlitch(s, FlowControlError, "more than the window of the stream")
	default:
		s.inbound.window -= int64(size)
		s.credit += size - len(data)
		s.receive(data, flags&flagEndStream != 0)
	}
}

// dataLate looks at data of a stream that has ended. What was on its way when we
// reset it is dropped.
func (c *Conn) dataLate(id uint32) {
	if _, byUs := c.closed.find(id); byUs {
		return
	}
	c.out = appendReset(c.out, id, StreamClosed)
	c.closed.reset(id)
	c.glitch()
}

// receive keeps a piece of the body.
func (s *Stream) receive(data []byte, end bool) {
	c := s.c
	s.got += int64(len(data))
	if s.Length >= 0 && (s.got > s.Length || end && s.got < s.Length) {
		c.resetGlitch(s, ProtocolError, "the body is not as long as declared")
		return
	}
	if len(data) > 0 {
		if !s.released {
			s.keep(data)
		}
		c.controls.earn(1)
	} else if !end {
		s.consumed(0) // it was padding
	}
	if end {
		c.endRemote(s)
		return
	}
	c.hooks.Wake(s)
}

// keep appends to what waits to be read.
func (s *Stream) keep(data []byte) {
	if s.bodyAt > 0 && len(s.body)+len(data) > cap(s.body) {
		s.body = s.body[:copy(s.body, s.body[s.bodyAt:])]
		s.bodyAt = 0
	}
	s.body = append(s.body, data...)
}

// endRemote notes that the client has sent everything.
func (c *Conn) endRemote(s *Stream) {
	s.inbound.ended = true
	c.hooks.Wake(s)
	if s.endSent {
		c.drop(s, false)
	}
}
