package http2serve

import (
	"errors"
	"net/http"
	"sync"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/http2"
)

// Conn is a connection, whoever drives it. Its methods may be called concurrently,
// except that only one goroutine at a time, its leader, may receive.
type Conn struct {
	srv  *Server
	peer Peer

	mu         sync.Mutex // guards the rest
	eng        http2.Conn
	cause      error // why requests have ended
	date       string
	activeAt   int64 // when the last request has come or ended
	partialAt  int64 // since when the rest of a frame or header block is waited for, 0 if it is not
	partialFor int64
	inBlock    bool // it is a header block
	closed     bool // by the driver
	told       bool // Over was called after that
}

// Peer is what a connection needs of who drives it, and what is known of the client. All
// methods may be called concurrently.
type Peer interface {
	// Flush sees to it that what the connection has to send is sent, by the caller or
	// somebody else. It waits for the client at most as long as the write timeout.
	Flush()
	// ConnInfo describes the connection.
	ConnInfo() *tako.ConnInfo
	// Misdirected reports whether a request for the host must not be answered.
	Misdirected(host string) bool
	// Over is called once, when the connection was closed and all handlers have ended.
	Over()
}

// Leader is the goroutine that runs a handler in place of what else it has to do.
type Leader interface {
	// Leave lets another one go on with that, because the handler is about to wait.
	Leave()
	// Leads reports whether that has not happened yet.
	Leads() bool
}

// Init begins a connection.
func (c *Conn) Init(s *Server, peer Peer) {
	c.srv, c.peer = s, peer
	c.activeAt = s.Now()
	c.eng.Init(&s.cfg, (*hooks)(c), c.activeAt)
}

// hooks are those of the engine, which calls them under the lock.
type hooks Conn

// NewStream returns memory for a stream.
func (h *hooks) NewStream() *http2.Stream {
	x := exchanges.Get().(*Exchange)
	x.c = (*Conn)(h)
	x.stream.Owner = x
	return &x.stream
}

// Wake tells the handler of a stream that something has changed.
func (h *hooks) Wake(s *http2.Stream) {
	x := s.Owner.(*Exchange)
	if s.Err() != nil {
		x.endContext(h.reason())
	}
	x.readable.signal()
	x.writable.signal()
}

// reason is why the requests of the connection end now.
func (h *hooks) reason() error {
	if h.cause != nil {
		return h.cause
	}
	return tako.ErrClientGone
}

// Free takes the memory of a stream back.
func (h *hooks) Free(s *http2.Stream) {
	s.Owner.(*Exchange).recycle()
	if h.eng.Streams() == 0 {
		h.activeAt = h.srv.Now()
	}
}

// Receive takes whole frames from p, as [http2.Conn.Receive] does. memory is asked for if
// the connection has none for what it sends.
func (c *Conn) Receive(p []byte, now int64, memory func() []byte) (used int) {
	c.mu.Lock()
	c.eng.Lend(memory)
	used = c.eng.Receive(p, now)
	c.date = ""
	if c.eng.Pending() {
		c.activeAt = now
	}
	refused := c.eng.Refused()
	c.notePartial(p[used:], used > 0, now)
	c.mu.Unlock()
	if refused > 0 {
		c.srv.Refused.Add(int64(refused))
		c.srv.Log.Info("requests refused", "peer", c.peer.ConnInfo().Remote, "count", refused, "reason", "malformed or too large")
	}
	return used
}

// notePartial notes since when the rest of something is waited for.
func (c *Conn) notePartial(rest []byte, progress bool, now int64) {
	inBlock := c.eng.InBlock()
	switch {
	case len(rest) == 0 && !inBlock:
		c.partialAt, c.inBlock = 0, false
		return
	case c.partialAt == 0 || progress && !inBlock || inBlock && !c.inBlock:
		c.partialAt = now
	}
	c.inBlock = inBlock
	c.partialFor = milliseconds(c.srv.Limits.HeaderTimeout)
	const data = 0 // the type of DATA frames, which come as slowly as a body may
	if !inBlock && len(rest) > 3 && rest[3] == data && c.partialFor > 0 {
		if rate := c.srv.Limits.MinBodyRate; rate > 0 {
			c.partialFor = max(c.partialFor, int64(len(rest))*1000/int64(rate)+milliseconds(bodyGrace))
		} else {
			c.partialFor = 0
		}
	}
}

// Next returns the next request to be served, nil if there is none.
func (c *Conn) Next() *Exchange {
	for {
		x, status := c.next()
		if status == 0 {
			return x
		}
		c.srv.Refused.Add(1)
		c.srv.Log.Info("request refused", "peer", c.peer.ConnInfo().Remote, "status", status, "reason", http.StatusText(status))
	}
}

// next returns the next request, or the status with which it was refused.
func (c *Conn) next() (x *Exchange, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.eng.Next()
	if s == nil {
		return nil, 0
	}
	if status = c.refusal(s); status == 0 {
		x = s.Owner.(*Exchange)
		x.begin()
		return x, 0
	}
	_ = s.Head(status, nil, 0, c.dateNow())
	s.End(nil)
	s.Release()
	return nil, status
}

// refusal is the status of a request that must not reach the router, 0 if it may.
func (c *Conn) refusal(s *http2.Stream) int {
	switch l := c.srv.Limits.TargetBytes; {
	case l > 0 && len(s.Path) > l:
		return http.StatusRequestURITooLong
	case c.peer.Misdirected(s.Authority):
		return http.StatusMisdirectedRequest
	}
	return 0
}

// Take returns what is to be sent, and keeps into as memory for what comes next.
func (c *Conn) Take(into []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.eng.Take(into)
}

// Status says what becomes of a connection.
type Status struct {
	Err     error // it has ended with this
	Unsent  bool  // there is something to send
	Drained bool  // the client knows that it ends, and nothing is under way
	Streams int
}

// Status tells how the connection is.
func (c *Conn) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Status{Err: c.eng.Err(), Unsent: c.eng.Unsent(), Drained: c.eng.Drained(), Streams: c.eng.Streams()}
}

// Rest gives back memory for what is sent, if nothing is under way.
func (c *Conn) Rest() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.eng.Rest()
}

// Drain tells the client that the connection will end.
func (c *Conn) Drain() {
	c.mu.Lock()
	c.eng.Drain()
	c.mu.Unlock()
}

// FinishDrain refuses requests from now on.
func (c *Conn) FinishDrain() {
	c.mu.Lock()
	c.eng.Drain()
	c.eng.FinishDrain()
	c.mu.Unlock()
}

// Cut ends all requests for this cause; nothing more can be sent but a last word.
func (c *Conn) Cut(cause error) {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = cause
	}
	c.eng.Stop(http2.NoError, "")
	c.mu.Unlock()
}

// HangUp is called when the client sends no more: requests end that are not answered yet, and
// what is ready can still be sent.
func (c *Conn) HangUp() {
	c.mu.Lock()
	c.eng.HangUp()
	c.mu.Unlock()
}

// Close is called by the driver once the connection is closed. Requests under way
// end; [Peer.Over] is called when their handlers have, at once if there are none.
func (c *Conn) Close() {
	c.mu.Lock()
	c.eng.Close(errClosed)
	c.closed = true
	over := c.isOver()
	c.mu.Unlock()
	if over {
		c.peer.Over()
	}
}

var errClosed = errors.New("http2serve: connection closed")

// isOver reports, once, that nothing is left of the connection.
func (c *Conn) isOver() bool {
	if !c.closed || c.told || c.eng.Streams() > 0 {
		return false
	}
	c.told = true
	return true
}
