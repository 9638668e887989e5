package std

import (
	"net/http"
	"time"

	"github.com/tako-go/tako/internal/hangup"
)

// past makes blocked calls on a socket return at once.
var past = time.Unix(1, 0)

// track makes c known and wakes the sweeper for the first connection. It returns false once the
// server has cut all connections, or seen the last one end.
func (s *Server) track(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	s.conns[c] = struct{}{}
	if !s.sweeping {
		s.sweeping = true
		s.now.Store(int64(time.Since(epoch)))
		go s.sweep(s.tick())
	}
	return true
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.drains {
		s.ended++
	}
	if len(s.conns) == 0 && s.empty != nil {
		s.over = true
		close(s.empty)
		s.empty = nil
	}
}

// tick is how often deadlines are looked at: often enough for the shortest.
func (s *Server) tick() time.Duration {
	shortest := 2 * time.Second
	for _, d := range []time.Duration{s.limits.HeaderTimeout, s.limits.BodyTimeout, s.limits.IdleTimeout, s.limits.WriteTimeout} {
		if d > 0 {
			shortest = min(shortest, d)
		}
	}
	return max(shortest/4, 5*time.Millisecond)
}

// sweep looks at all connections until none is left.
func (s *Server) sweep(tick time.Duration) {
	timer := time.NewTicker(tick)
	defer timer.Stop()
	var batch []*conn
	for range timer.C {
		now := int64(time.Since(epoch))
		s.now.Store(now)
		s.mu.Lock()
		if len(s.conns) == 0 {
			s.sweeping = false
			s.mu.Unlock()
			return
		}
		batch = batch[:0]
		for c := range s.conns {
			batch = append(batch, c)
		}
		s.mu.Unlock()
		for _, c := range batch {
			c.check(now, tick)
			c.settle(now, tick)
		}
		clear(batch)
	}
}

// check ends what has taken too long on c, and tells its request if the client
// is gone.
func (c *conn) check(now int64, tick time.Duration) {
	limits := &c.s.limits
	if by := c.readBy.Load(); by != 0 && now > by {
		c.expireRead(func() bool { return c.readBy.CompareAndSwap(by, 0) })
	}
	body := c.body.Load()
	if body != nil && body.tooSlow(now, tick, limits) && body.slow.CompareAndSwap(false, true) {
		c.expireRead(body.unread.Load)
	}
	if since := c.writing.Load(); since != 0 && limits.WriteTimeout > 0 && now-since > int64(limits.WriteTimeout) {
		c.s.stats.timedOut.Add(1)
		_ = c.Conn.SetWriteDeadline(past)
	}
	// net/http notices a client that goes away only once the body was read, and not
	// behind a further request.
	if (c.ahead.Load() || body != nil && body.unread.Load()) && hangup.Seen(c.raw) {
		c.endRequests()
	}
}

// expireRead ends what is read on c, for good: after a deadline nobody knows where
// the next request would begin.
// It asks still under the lock that SetReadDeadline takes too.
func (c *conn) expireRead(still func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !still() {
		return
	}
	if http.ConnState(c.state.Load()) != http.StateHijacked { // its owner may set another deadline
		c.broken.Store(true)
	}
	c.s.stats.timedOut.Add(1)
	c.hardRead = true
	_ = c.Conn.SetReadDeadline(past)
	if c.tls != nil && http.ConnState(c.state.Load()) != http.StateHijacked { // it may be writing in the read
		_ = c.raw.SetWriteDeadline(past)
	}
}
