package http2

import (
	"io"
	"slices"
)

// Stream is a request and its response. What the request says is complete when
// [Conn.Next] returns it and does not change until it is released; its strings are valid
// for ever.
type Stream struct {
	// Owner is for the driver. The engine leaves it alone, also when the memory is
	// used again.
	Owner any

	ID        uint32
	Method    string
	Scheme    string
	Authority string // from :authority or Host
	Path      string // with the query; "" of a CONNECT that is not extended
	Protocol  string // of an extended CONNECT
	Fields    []Field
	Length    int64 // of the body, -1 if it is not declared
	Expect    bool  // the client waits for 100 (Continue)
	// Patient streams are not bounded by WriteTimeout. The driver sets it.
	Patient bool

	c       *Conn
	err     error
	taken   bool // by Next
	refused bool // it is answered here
	dropped bool // the connection has forgotten it
	// released says that its handler has ended.
	released bool

	inbound
	outbound
}

// inbound is what comes from the client.
type inbound struct {
	body     []byte // received and not read, from bodyAt on
	bodyAt   int
	got      int64 // bytes of the body in all
	window   int64 // what the client may still send
	granted  int   // what the window is filled up to
	credit   int   // what is to be filled up
	ended    bool  // END_STREAM has come
	trailers []Field
}

// outbound is what goes to the client.
type outbound struct {
	send      []byte // waits to be sent, from sendAt on
	sendAt    int
	window    int64 // what the client takes
	headSent  bool
	over      bool // nothing more will be written
	endSent   bool
	trail     []Field
	named     []string // by Connection of the head
	tailGen   uint32   // which output the last frame is in
	tailAt    int      // and where
	queued    bool
	moved     int // bytes sent since the wait for the client began to be counted
	stalledAt int64
	lingersAt int64
	priority
}

// init prepares memory for a new stream.
func (s *Stream) init(c *Conn, id uint32) {
	*s = Stream{Owner: s.Owner, ID: id, Length: -1, c: c, Fields: s.Fields[:0],
		inbound:  inbound{body: s.body[:0], window: int64(c.cfg.Window), granted: c.cfg.Window, trailers: s.trailers[:0]},
		outbound: outbound{send: s.send[:0], window: c.peer.window, tailAt: -1, trail: s.trail[:0], priority: defaultPriority}}
	if c.ackAwaited { // it may not know our settings yet
		s.inbound.window = max(s.inbound.window, defaultWindow)
	}
	if cap(s.body) > keptBuffer {
		s.body = nil
	}
	if cap(s.send) > keptBuffer {
		s.send = nil
	}
}

// keptBuffer is the largest buffer that memory of a stream keeps for the next one.
const keptBuffer = 4 << 10

// Err is why the stream has ended before its time, nil if it has not. It matches
// [ErrClosed] or is a [*StreamError].
func (s *Stream) Err() error { return s.err }

// Complete reports whether the whole request has come.
func (s *Stream) Complete() bool { return s.inbound.ended }

// Buffered is how many bytes of the body wait to be read.
func (s *Stream) Buffered() int { return len(s.body) - s.bodyAt }

// Trailers are the fields behind a body that was read to its end.
func (s *Stream) Trailers() []Field {
	if s.Buffered() > 0 || !s.inbound.ended {
		return nil
	}
	return s.trailers
}

// Read reads of the body. It returns 0 and no error if nothing has come; then it is
// worth to try again when the stream was woken. The client may send as much again.
func (s *Stream) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n := copy(p, s.body[s.bodyAt:])
	if s.bodyAt += n; s.bodyAt == len(s.body) {
		s.body, s.bodyAt = s.body[:0], 0
		if s.inbound.ended && (n > 0 || len(p) > 0) {
			return n, io.EOF
		}
	}
	if n > 0 {
		s.consumed(n)
	}
	return n, nil
}

// consumed gives back what was read, and more to a client that is read as fast as it
// sends.
func (s *Stream) consumed(n int) {
	s.credit += n
	if s.inbound.ended || s.dropped || s.credit < (s.granted+1)/2 {
		return
	}
	c := s.c
	if s.Buffered() == 0 && s.got > 2*int64(s.granted) {
		more := min(s.granted, c.cfg.MaxWindow-s.granted, c.cfg.MaxWindow-c.grown)
		if more > 0 {
			s.granted += more
			s.credit += more
			c.grown += more
		}
	}
	c.out = appendWindowUpdate(c.out, s.ID, s.credit)
	s.inbound.window += int64(s.credit)
	s.credit = 0
}

// kill ends the stream with an error.
func (s *Stream) kill(err error) {
	if s.err == nil {
		s.err = err
		s.body, s.bodyAt = nil, 0 // nobody can read it any more
		s.c.hooks.Wake(s)
	}
}

// Release is called once, when the handler has ended and so has the response, or
// was reset. The memory is the connection's from then on, until Free is called.
func (s *Stream) Release() {
	s.released = true
	c := s.c
	if s.dropped {
		c.free(s)
		return
	}
	s.body, s.bodyAt = nil, 0
	switch {
	case !s.over:
		c.reset(s, InternalError, "no response")
	case s.endSent:
		c.linger(s)
	}
}

// linger keeps a stream that was answered before the request had come as a whole. A client that
// goes on sending when it has had time to read the answer is told to stop (RFC 9113, section
// 8.1). Sooner some would take that for a failure, and meanwhile they may send no more than the
// window of the stream.
func (c *Conn) linger(s *Stream) {
	s.body, s.bodyAt = nil, 0
	s.lingersAt = -1 // the next tick sets the time
	c.lingering = append(c.lingering, s)
}

// lingerFor is how long a stream lingers, in milliseconds.
const lingerFor = 500

// endLingering resets the streams that have lingered for long, and returns when the next
// will have.
func (c *Conn) endLingering(now int64) (next int64) {
	for i := 0; i < len(c.lingering); {
		s := c.lingering[i]
		if s.lingersAt < 0 {
			s.lingersAt = now + lingerFor
		}
		if now >= s.lingersAt {
			c.reset(s, NoError, "answered") // takes it off the list
			continue
		}
		if next == 0 || s.lingersAt < next {
			next = s.lingersAt
		}
		i++
	}
	return next
}

// drop makes the connection forget the stream.
func (c *Conn) drop(s *Stream, byUs bool) {
	if s.dropped {
		return
	}
	s.dropped = true
	delete(c.streams, s.ID)
	c.closed.add(s.ID, byUs)
	c.grown -= max(s.granted-c.cfg.Window, 0)
	c.unqueue(s)
	if s.lingersAt != 0 {
		c.lingering = without(c.lingering, s)
	}
	s.send, s.sendAt = s.send[:0], 0
	if !s.taken {
		c.ready = without(c.ready, s)
		s.released = true
	}
	if s.released {
		c.free(s)
	}
}

// without takes a stream off a list.
func without(list []*Stream, s *Stream) []*Stream {
	if i := slices.Index(list, s); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

func (c *Conn) free(s *Stream) {
	c.held--
	c.hooks.Free(s)
}

// reset resets a stream.
func (c *Conn) reset(s *Stream, code Code, reason string) {
	if s.dropped || c.err != nil {
		return
	}
	c.out = appendReset(c.out, s.ID, code)
	if !s.endSent {
		s.kill(&StreamError{Code: code, Reason: reason})
	}
	c.drop(s, true)
}

// resetGlitch resets a stream because the client has broken the protocol.
func (c *Conn) resetGlitch(s *Stream, code Code, reason string) {
	c.reset(s, code, reason)
	c.glitch()
}

// Reset ends the stream such that its response cannot look complete.
func (s *Stream) Reset(code Code, reason string) {
	s.over = true
	s.c.reset(s, code, reason)
}
