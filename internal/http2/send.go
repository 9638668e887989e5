package http2

import "errors"

// Fields are the fields of a response, with canonical names and valid values.
type Fields interface {
	Len() int
	Field(i int) (name, value string)
}

// stallPiece is how much the client has to take for its time to begin anew.
const stallPiece = 64 << 10

// outLimit is how much is gathered before DATA has to wait to be taken.
const outLimit = 64 << 10

var (
	errHeadSent = errors.New("http2: the head was sent already")
	errOver     = errors.New("http2: the response has ended")
)

// Head sends the head of the response. length is that of the body, -1 if it is not
// known; date is used if h has none, and may be "". Fields that belong to connections of
// HTTP/1.1 are left out (RFC 9113, section 8.2.2).
func (s *Stream) Head(status int, h Fields, length int64, date string) error {
	if s.err != nil {
		return s.err
	}
	if s.headSent {
		return errHeadSent
	}
	s.headSent = true
	c := s.c
	at := len(c.out)
	b := c.enc.begin(appendFrameHeader(c.out, 0, frameHeaders, flagEndHeaders, s.ID))
	b = c.enc.status(b, status)
	s.named = connectionNames(h)
	b, dated := c.fields(b, h, s.named)
	if length >= 0 {
		b = c.enc.length(b, length)
	}
	if !dated && date != "" {
		b = c.enc.field(b, "Date", date)
	}
	c.endBlock(b, at)
	s.tailGen, s.tailAt = c.gen, at
	return nil
}

// endBlock ends the header block that begins with a frame at this place of b, and
// splits it if it is too long for one.
func (c *Conn) endBlock(b []byte, at int) {
	n := len(b) - at - frameHeader
	if n <= c.peer.maxFrame {
		putLength(b[at:], n)
		c.out = b
		return
	}
	block := append([]byte(nil), b[at+frameHeader:]...)
	b = b[:at+frameHeader+c.peer.maxFrame]
	putLength(b[at:], c.peer.maxFrame)
	b[at+4] &^= flagEndHeaders
	id := uint32(b[at+5])<<24 | uint32(b[at+6])<<16 | uint32(b[at+7])<<8 | uint32(b[at+8])
	for block = block[c.peer.maxFrame:]; len(block) > 0; {
		n := min(len(block), c.peer.maxFrame)
		flags := uint8(0)
		if n == len(block) {
			flags = flagEndHeaders
		}
		b = append(appendFrameHeader(b, n, frameContinuation, flags, id), block[:n]...)
		block = block[n:]
	}
	c.out = b
}

// Inform sends an interim response, such as 103 (Early Hints).
func (s *Stream) Inform(status int, h Fields) error {
	if s.err != nil {
		return s.err
	}
	if s.headSent {
		return errHeadSent
	}
	c := s.c
	at := len(c.out)
	b := c.enc.begin(appendFrameHeader(c.out, 0, frameHeaders, flagEndHeaders, s.ID))
	b, _ = c.fields(c.enc.status(b, status), h, connectionNames(h))
	c.endBlock(b, at)
	return nil
}

// Write takes a piece of the body and returns how much of it there is room for. The
// rest has to wait until the stream is woken.
func (s *Stream) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.over {
		return 0, errOver
	}
	c, n := s.c, 0
	if len(s.send) == 0 && len(c.queue) == 0 {
		for n < len(p) && len(c.out) < outLimit {
			m := s.allowed(len(p) - n)
			if m == 0 {
				break
			}
			s.data(p[n : n+m])
			n += m
		}
	}
	if n == len(p) {
		return n, nil
	}
	if m := min(len(p)-n, c.cfg.SendBuffer-(len(s.send)-s.sendAt)); m > 0 {
		if s.sendAt > 0 && len(s.send)+m > cap(s.send) {
			s.send = s.send[:copy(s.send, s.send[s.sendAt:])]
			s.sendAt = 0
		}
		s.send = append(s.send, p[n:n+m]...)
		n += m
		c.enqueue(s)
	}
	return n, nil
}

// allowed is how much of n bytes the windows and the frame size allow now.
func (s *Stream) allowed(n int) int {
	return int(max(min(int64(n), int64(s.c.peer.maxFrame), s.outbound.window, s.c.sendWindow), 0))
}

// data sends a DATA frame.
func (s *Stream) data(p []byte) {
	c := s.c
	s.tailGen, s.tailAt = c.gen, len(c.out)
	c.out = append(appendFrameHeader(c.out, len(p), frameData, 0, s.ID), p...)
	s.outbound.window -= int64(len(p))
	c.sendWindow -= int64(len(p))
	s.moved += len(p)
	c.moved += len(p)
	c.unreturned += 2 * int64(len(p))
	c.controls.earn(len(p)/1024 + 1)
}

// Waiting is how many bytes of the response wait to be sent.
func (s *Stream) Waiting() int { return len(s.send) - s.sendAt }

// End ends the response, with trailer fields if there are any.
func (s *Stream) End(trailers Fields) {
	if s.over || s.err != nil {
		return
	}
	s.over = true
	if trailers != nil {
		for i := range trailers.Len() {
			name, value := trailers.Field(i)
			s.trail = append(s.trail, Field{name, value})
		}
	}
	if len(s.send) == 0 {
		s.sendEnd()
	}
}

// sendEnd sends END_STREAM: with the last frame of the stream, if that was not taken
// yet, or with one of its own.
func (s *Stream) sendEnd() {
	c := s.c
	switch {
	case len(s.trail) > 0:
		at := len(c.out)
		b := c.enc.begin(appendFrameHeader(c.out, 0, frameHeaders, flagEndHeaders|flagEndStream, s.ID))
		b, _ = c.fields(b, fieldList(s.trail), s.named)
		c.endBlock(b, at)
	case s.tailAt >= 0 && s.tailGen == c.gen:
		c.out[s.tailAt+4] |= flagEndStream
	default:
		c.out = appendFrameHeader(c.out, 0, frameData, flagEndStream, s.ID)
	}
	s.endSent = true
	if s.taken && !s.refused {
		c.resets.earn(1)
	}
	switch {
	case s.inbound.ended:
		c.drop(s, false)
	case s.released:
		c.linger(s)
	}
}

type fieldList []Field

func (l fieldList) Len() int                         { return len(l) }
func (l fieldList) Field(i int) (name, value string) { return l[i].Name, l[i].Value }

func (c *Conn) enqueue(s *Stream) {
	if !s.queued {
		if s.queued, s.moved = true, stallPiece; len(c.queue) == 0 {
			c.moved = stallPiece
		}
		c.queue = append(c.queue, s)
	}
}

func (c *Conn) unqueue(s *Stream) {
	if s.queued {
		s.queued = false
		c.queue = without(c.queue, s)
	}
}

// schedule gathers DATA of the streams that have some, by their priorities.
func (c *Conn) schedule() {
	for len(c.out) < outLimit && c.sendWindow > 0 {
		i := c.pick()
		if i < 0 {
			return
		}
		s := c.queue[i]
		m := s.allowed(len(s.send) - s.sendAt)
		s.data(s.send[s.sendAt : s.sendAt+m])
		if s.sendAt += m; s.sendAt < len(s.send) {
			if s.inTurns {
				copy(c.queue[i:], c.queue[i+1:])
				c.queue[len(c.queue)-1] = s
			}
		} else {
			s.send, s.sendAt = s.send[:0], 0
			c.unqueue(s)
			if s.over {
				s.sendEnd()
				continue // it may be gone
			}
		}
		if len(s.send)-s.sendAt <= c.cfg.SendBuffer/2 {
			c.hooks.Wake(s)
		}
	}
}

// pick chooses whose turn it is, -1 if nobody can send.
func (c *Conn) pick() int {
	best := -1
	for i, s := range c.queue {
		if s.outbound.window <= 0 {
			continue
		}
		if best < 0 || s.before(c.queue[best]) {
			best = i
		}
	}
	return best
}

func (s *Stream) before(other *Stream) bool {
	if s.urgency != other.urgency {
		return s.urgency < other.urgency
	}
	return !s.inTurns && !other.inTurns && s.ID < other.ID
}
