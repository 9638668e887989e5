package tcp

import (
	"context"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/succession"
)

const (
	// newGrace is how long a connection that has just come, or on which nothing was said yet, may
	// still begin once the drain has begun.
	newGrace = time.Second
	// cutGrace is how long handlers may take to return when their connection was cut off.
	cutGrace = 250 * time.Millisecond
)

// BeginDrain tells handlers while the server still accepts.
func (s *Server) BeginDrain() {
	s.beginOnce.Do(func() { close(s.draining) })
}

// Shutdown drains the server: connections in the accept queue are taken, those that wait for a
// message, as [Conn.Idle] has said, are closed at once, and after a second those that are not
// through their layers or never said a word. Where [tako.Run] has handed over both are closed
// after some seconds, or behind their next message. The others are waited for, and cut when ctx is done.
// It honours the first call's ctx; later calls wait for the result.
func (s *Server) Shutdown(ctx context.Context) (tako.Report, error) {
	s.BeginDrain()
	return s.shut.Do(ctx, s.drain)
}

func (s *Server) drain(ctx context.Context) (tako.Report, error) {
	s.mu.Lock()
	s.stopped = true
	lns, serving := s.ln, s.serving
	s.mu.Unlock()
	close(s.stopping)
	if lns == nil {
		s.closeUnused()
		return tako.Report{}, nil
	}
	lns.stop()
	if serving {
		s.awaitAccepts(ctx, lns)
	}
	closeAll(lns.plain())
	patience := succession.Grace(ctx)
	if patience == 0 {
		for _, c := range s.list() {
			c.dismiss(false)
		}
	}
	empty := s.whenEmpty()
	grace := time.AfterFunc(max(newGrace, patience), func() {
		s.graceOver.Store(true) // before the list: who calls Idle now is in it, or sees this
		for _, c := range s.list() {
			c.dismiss(true)
		}
	})
	defer grace.Stop()
	var err error
	cut := 0
	select {
	case <-empty:
	case <-ctx.Done():
		if cut = s.cut(empty); cut > 0 {
			err = context.Cause(ctx)
		}
	}
	s.cancel(errCut)
	s.mu.Lock()
	defer s.mu.Unlock()
	report := s.ended
	report.Cut = cut
	return report, err
}

// queueGrace bounds the time to empty the accept queue, should ever new clients come.
const queueGrace = time.Second

// awaitAccepts waits until the accept queues are empty.
func (s *Server) awaitAccepts(ctx context.Context, lns listeners) {
	timer := time.NewTimer(queueGrace)
	defer timer.Stop()
	select {
	case <-s.served:
		return
	case <-timer.C:
	case <-ctx.Done():
	}
	closeAll(lns.plain())
	select {
	case <-s.served:
	case <-ctx.Done():
	}
}

// isFresh reports whether the first bytes of the client may be on their way.
func (c *Conn) isFresh() bool {
	return c.in.Load() == 0 && time.Since(c.began) < newGrace && !c.s.graceOver.Load()
}

// dismiss ends the connection if it has nothing to do. The grace is over for those that have only
// just come.
func (c *Conn) dismiss(graceOver bool) {
	switch {
	case c.entering.Load():
		silent := !c.greeted.Load() && time.Since(c.began) >= newGrace && !unread(c.raw)
		if graceOver || silent {
			c.idled.Store(true)
			_ = c.raw.Close()
		}
	case c.isFresh():
	case c.waits.Load() || time.Since(c.began) >= newGrace:
		c.nudge()
	}
}

// whenEmpty returns what is closed when the last connection is gone. From then on none is let in:
// what is being accepted at that moment would be served behind the end of Shutdown.
func (s *Server) whenEmpty() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	empty := make(chan struct{})
	if len(s.conns) == 0 {
		s.over = true
		close(empty)
	} else {
		s.empty = empty
	}
	return empty
}

// cut breaks all connections off, waits a little for their handlers, and returns how many there
// were.
func (s *Server) cut(empty <-chan struct{}) int {
	s.cancel(errCut)
	var all []*Conn
	s.mu.Lock()
	s.over = true
	for c := range s.conns {
		c.cutOff.Store(true) // under mu, so that forget does not count it too
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		_ = c.Reset()
	}
	timer := time.NewTimer(cutGrace)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
	}
	return len(all)
}
