package h3

import (
	"context"
	"net"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/drainonce"
)

// A connection that a drain ends is left to its client for a few round trips: what was sent
// last may be under way, and lost, and CONNECTION_CLOSE would end its repetition. Requests
// that cross the GOAWAY are rejected meanwhile, so that the client knows to send them
// elsewhere. Where another process serves, there is no hurry.
const (
	firstLeave   = 10 * time.Millisecond // in which the GOAWAY is sent
	leastLeave   = 50 * time.Millisecond
	yieldedLeave = time.Second // a busy client may have read of the GOAWAY and not heeded it yet
	mostLeave    = time.Second
	mostYielded  = 3 * time.Second
)

// A client that had requests lately may still have to take what was sent: nobody tells how much
// of it its program has read, and CONNECTION_CLOSE would drop the rest. Those that heed the
// GOAWAY close the connection when they have all of it; others are waited for this long.
const (
	aPacket     = 1000 // bytes: every client has a window for that
	lateLittle  = 500 * time.Millisecond
	lateMuch    = 1200 * time.Millisecond
	lateYielded = 5 * time.Second // where another process serves
)

// late is for how long the client may still take what was sent. It is called with mu held.
func (c *conn) late() time.Duration {
	much := lateMuch
	if c.s.yielded.Load() {
		much = lateYielded
	}
	return max(time.Until(c.sentAt.Add(lateLittle)), time.Until(c.muchAt.Add(much)))
}

// BeginDrain turns readiness off while the server still accepts.
func (s *Server) BeginDrain() {
	s.beginOnce.Do(func() { close(s.draining) })
}

func (s *Server) isDraining() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}

// Shutdown drains the server: handshakes are refused, clients told by GOAWAY, connections
// without requests closed, the others behind their last one, by their client or about a second
// later, and cut when ctx is done. It honours the first call's ctx; later calls wait for the result.
func (s *Server) Shutdown(ctx context.Context) (tako.Report, error) {
	s.BeginDrain()
	return s.shut.Do(ctx, s.drain)
}

func (s *Server) drain(ctx context.Context) (tako.Report, error) {
	s.mu.Lock()
	s.stopped = true
	ln, socket := s.listener, s.socket
	s.mu.Unlock()
	if socket == nil {
		s.closeUnused()
		return tako.Report{}, nil
	}
	defer s.cancel()
	defer func() { _ = socket.Close() }()
	if ln == nil { // never served
		return tako.Report{}, nil
	}
	s.mark()
	s.finishHandshakes(ctx)
	s.endHandshakes(ctx, ln)
	s.startMu.Lock()
	s.wentAway = true
	s.startMu.Unlock()
	all := s.list()
	for _, c := range all {
		c.dismiss(ctx)
	}
	report := tako.Report{}
	var err error
	select {
	case <-s.whenEmpty():
	case <-ctx.Done():
		if report.Cut = s.cutAll(); report.Cut > 0 {
			err = context.Cause(ctx)
		}
	}
	drainonce.Bounded(ctx, mostLeave, func() { _ = s.transport.Close() })
	all = union(all, s.marked) // of which some have ended before the others were told
	report.Idle = countUnused(all)
	report.Drained = max(len(all)-report.Idle-report.Cut, 0)
	return report, err
}

// mark notes which connections there are when the drain begins, and which have requests.
func (s *Server) mark() {
	all := s.list()
	for _, c := range all {
		c.mu.Lock()
		c.drained = c.running > 0
		c.unused = !c.drained
		c.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marked = all
}

// union is all of a, and what else is in b.
func union(a, b []*conn) []*conn {
	seen := make(map[*conn]struct{}, len(a))
	for _, c := range a {
		seen[c] = struct{}{}
	}
	for _, c := range b {
		if _, ok := seen[c]; !ok {
			a = append(a, c)
		}
	}
	return a
}

// Handshakes under way get some time: their clients may think that they are done, and have
// sent requests. To a process that has let go of the socket come also those who were sent
// a Retry before.
const (
	handshakeGrace = time.Second
	yieldedGrace   = 3 * time.Second // where another process serves
	retryGrace     = time.Second
)

// finishHandshakes lets no new connections in, and waits for handshakes.
func (s *Server) finishHandshakes(ctx context.Context) {
	begun := time.Now()
	grace := yieldedGrace
	if !s.yielded.Load() {
		s.refusing.Store(true)
		grace = handshakeGrace
	}
	again := time.NewTicker(leastLeave / 8)
	defer again.Stop()
	for since := time.Duration(0); since < grace; since = time.Since(begun) {
		if since >= retryGrace {
			s.refusing.Store(true)
		}
		if s.refusing.Load() && s.stats.handshakes.Load() == 0 {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

// endHandshakes refuses those that are left. Only some that wait for certificates do not heed
// that: the others would not be told of it if their context ended.
func (s *Server) endHandshakes(ctx context.Context, ln *quic.Listener) {
	stuck := time.AfterFunc(leastLeave, s.abandonHandshakes)
	defer stuck.Stop()
	drainonce.Bounded(ctx, mostLeave, func() { _ = ln.Close() })
}

func (s *Server) abandonHandshakes() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.abandon()
	}
}

// cutAll ends all connections, and returns how many of them had requests.
func (s *Server) cutAll() int {
	n := 0
	for _, c := range s.list() {
		c.cut.Store(true)
		c.mu.Lock()
		busy := c.running > 0
		c.mu.Unlock()
		if busy {
			n++
			closeWith(c.qc, http3.ErrCodeInternalError, "shutdown")
		} else {
			closeWith(c.qc, http3.ErrCodeNoError, "shutdown")
		}
	}
	return n
}

// countUnused counts the connections that were closed without a request.
func countUnused(all []*conn) (n int) {
	for _, c := range all {
		c.mu.Lock()
		if c.unused && !c.drained {
			n++
		}
		c.mu.Unlock()
	}
	return n
}

// leave begins to end the connection, if it has no requests. It reports whether it had none, or
// little, for some time. It is called with mu held.
func (c *conn) leave() bool {
	if c.running > 0 || c.leaving {
		return false
	}
	c.leaving = true
	wait := c.late()
	c.leaveLate(wait)
	return wait <= lateLittle
}

// leaveLate is called with mu held.
func (c *conn) leaveLate(wait time.Duration) {
	if wait > 0 {
		time.AfterFunc(wait, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			switch {
			case c.ended:
			case c.running > 0: // its end comes back
				c.leaving = false
			default:
				c.leaveLate(c.late())
			}
		})
		return
	}
	stats := c.qc.ConnectionStats()
	least, most := leastLeave, mostLeave
	if c.s.yielded.Load() {
		least, most = yieldedLeave, mostYielded
	}
	pause := min(max(2*stats.SmoothedRTT+4*stats.MeanDeviation, least), most/2)
	c.leaveLater(0, firstLeave, pause, time.Now().Add(most))
}

// leaveLater ends the connection if no more has been sent after a pause, else after the next
// one, at the latest by the given time. Pauses grow as those between repetitions do: a client
// that acknowledges nothing has not read the GOAWAY.
func (c *conn) leaveLater(sent uint64, pause, next time.Duration, by time.Time) {
	time.AfterFunc(min(pause, time.Until(by)), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		now := c.qc.ConnectionStats().BytesSent
		switch {
		case c.qc.Context().Err() != nil:
		case c.running > 0: // it came before the GOAWAY; its end comes back here
			c.leaving = false
		case now != sent && time.Now().Before(by):
			c.leaveLater(now, next, pause+next, by)
		default:
			go closeWith(c.qc, http3.ErrCodeNoError, "")
		}
	})
}

// closeUnused closes what was given to the server and never listened on.
func (s *Server) closeUnused() {
	s.mu.Lock()
	left := s.heir
	s.heir = nil
	s.mu.Unlock()
	if left != nil {
		_ = left.socket.Close()
	}
	closeConn(s.cfg.Conn)
}

func closeConn(c net.PacketConn) {
	if c != nil {
		_ = c.Close()
	}
}

func (s *Server) track(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if len(s.conns) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

func (s *Server) whenEmpty() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	empty := make(chan struct{})
	if len(s.conns) == 0 {
		close(empty)
	} else {
		s.empty = empty
	}
	return empty
}

// list returns the connections that are served.
func (s *Server) list() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		select {
		case <-c.started:
			all = append(all, c)
		default:
		}
	}
	return all
}
