package tcp

import "time"

// past makes blocked calls on a socket return at once.
var past = time.Unix(1, 0)

// track makes c known and starts the sweeper for the first connection. It returns false once the
// server has cut all connections, or seen the last one end.
func (s *Server) track(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	s.conns[c] = struct{}{}
	if !s.sweeping {
		s.sweeping = true
		s.tell()
		go s.sweep(s.tick())
	}
	return true
}

// forget counts the connection among those that have ended.
func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	in, out := c.Bytes()
	s.stats.in.Add(in)
	s.stats.out.Add(out)
	switch {
	case !s.stopped || c.cutOff.Load():
	case c.idled.Load():
		s.ended.Idle++
	default:
		s.ended.Drained++
	}
	if len(s.conns) == 0 && s.empty != nil {
		s.over = true
		close(s.empty)
		s.empty = nil
	}
}

func (s *Server) list() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

// tick is how often connections are looked at: often enough for the shortest timeout.
func (s *Server) tick() time.Duration {
	shortest := 2 * time.Second
	for _, d := range []time.Duration{s.limits.IdleTimeout, s.limits.WriteTimeout} {
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
	for {
		select {
		case <-timer.C:
		case <-s.shut.Done():
			return
		}
		now := s.tell()
		s.mu.Lock()
		if len(s.conns) == 0 {
			s.sweeping = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		for _, c := range s.list() {
			c.check(now, int64(tick))
		}
	}
}

// check ends what has taken too long. What began by the coarse clock may have begun a tick later.
func (c *Conn) check(now, tick int64) {
	limits := &c.s.limits
	reading, writing := c.reading.Load(), c.writing.Load()
	splices := c.splicing.Load() > 0
	if most := int64(limits.WriteTimeout); writing != 0 && most > 0 {
		switch {
		case splices && (writable(c.raw) || c.takes()): // the source may have nothing to say
			c.writing.CompareAndSwap(writing, now)
		case now-writing-tick > most:
			c.expireWrite()
		}
	}
	if most := int64(limits.IdleTimeout); reading != 0 && most > 0 && now-max(reading, c.last.Load())-tick > most {
		if d := int64(-1); splices {
			if d = int64(silence(c.raw)); d >= 0 && d <= most {
				return
			}
		}
		c.expireRead(reading)
	}
	// Reads and writes notice by themselves.
	if reading == 0 && writing == 0 && now-c.last.Load() > tick && hungUp(c.raw, c.halfClosed.Load()) {
		c.clientGone()
	}
}

// takes reports whether the client has taken another piece of what the kernel copies. It is called
// by the sweeper only.
func (c *Conn) takes() bool {
	now := acked(c.raw)
	took := now-c.acked >= piece
	if took {
		c.acked = now
	}
	return took
}

// lastWords is how long TLS may take to say goodbye, and how long a handler may still write over it
// when the connection was idle for too long: TLS may be writing in the Read that shall end.
const lastWords = time.Second

// expireRead ends Read for good, if that which began then is still under way.
func (c *Conn) expireRead(began int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.late || c.reading.Load() != began {
		return
	}
	c.late = true
	c.s.stats.timedOut.Add(1)
	_ = c.raw.SetReadDeadline(past)
	if c.stream != c.raw {
		_ = c.raw.SetWriteDeadline(time.Now().Add(lastWords))
	}
}

// expireWrite ends Write for good.
func (c *Conn) expireWrite() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slow {
		return
	}
	c.slow = true
	c.s.stats.timedOut.Add(1)
	_ = c.raw.SetWriteDeadline(past)
}
