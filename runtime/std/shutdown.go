package std

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/succession"
)

// newGrace is how long a connection that has not sent a request yet may still do
// so once the drain has begun.
const newGrace = time.Second

// BeginDrain turns readiness off while the server still accepts.
func (s *Server) BeginDrain() {
	s.beginOnce.Do(func() {
		s.mu.Lock()
		s.drains = true
		s.mu.Unlock()
		close(s.draining)
	})
}

// Shutdown drains the server: connections in the accept queue are taken, idle ones closed at
// once, or after some seconds where [tako.Run] has handed over, the others closed behind their
// request, and cut when ctx is done. It honours the first call's ctx; later calls wait for the result.
func (s *Server) Shutdown(ctx context.Context) (tako.Report, error) {
	s.BeginDrain()
	return s.shut.Do(ctx, s.drain)
}

func (s *Server) drain(ctx context.Context) (tako.Report, error) {
	patience := succession.Grace(ctx)
	s.patient.Store(patience > 0)
	s.mu.Lock()
	s.stopped = true
	ln, serving := s.ln, s.serving
	s.mu.Unlock()
	close(s.stopping)
	if ln == nil {
		s.closeUnused()
		return tako.Report{}, nil
	}
	ln.stop()
	if serving {
		s.awaitAccepts(ctx, ln)
	}
	_ = ln.Close()
	report := tako.Report{}
	report.Idle = s.drainLinks(false)
	if patience == 0 {
		report.Idle += s.closeIdle()
	}
	empty := s.whenEmpty()
	var silent atomic.Int64
	counted := make(chan struct{})
	grace := time.AfterFunc(max(newGrace, patience), func() {
		defer close(counted)
		s.drainLinks(true)
		silent.Add(int64(s.closeNew()))
		if patience > 0 {
			silent.Add(int64(s.closeIdle()))
		}
	})
	var err error
	select {
	case <-empty:
	case <-ctx.Done():
		if patience > 0 {
			report.Idle += s.closeIdle()
		}
		report.Cut = s.cut()
		if report.Cut > 0 {
			err = context.Cause(ctx)
		}
	}
	s.cancel()
	if !grace.Stop() {
		<-counted
	}
	report.Idle += int(silent.Load())
	s.mu.Lock()
	report.Drained = max(s.ended-report.Idle-report.Cut, 0)
	s.mu.Unlock()
	return report, err
}

// queueGrace bounds the time to empty the accept queue, should ever new clients come.
const queueGrace = time.Second

// awaitAccepts waits until the accept queues are empty.
func (s *Server) awaitAccepts(ctx context.Context, ln listeners) {
	timer := time.NewTimer(queueGrace)
	defer timer.Stop()
	select {
	case <-s.served:
		return
	case <-timer.C:
	case <-ctx.Done():
	}
	_ = ln.Close()
	select {
	case <-s.served:
	case <-ctx.Done():
	}
}

// closeUnused closes what was given to the server and never listened on.
func (s *Server) closeUnused() {
	s.mu.Lock()
	lns := s.inherited
	s.inherited = nil
	s.mu.Unlock()
	_ = lns.Close()
	if s.cfg.Listener != nil {
		_ = s.cfg.Listener.Close()
	}
}

// idle counts the connections between two requests.
func (s *Server) idle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := 0
	for c := range s.conns {
		if http.ConnState(c.state.Load()) == http.StateIdle {
			idle++
		}
	}
	return idle
}

// closeIdle closes the connections between two requests, and returns how many; each other one ends
// behind its response.
func (s *Server) closeIdle() int {
	idle := s.idle()
	s.closingIdle.Store(true)
	s.http.SetKeepAlivesEnabled(false)
	s.closingIdle.Store(false)
	return idle
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

func (s *Server) list() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

// closeNew closes connections that never sent a request, and returns how many.
func (s *Server) closeNew() int {
	n := 0
	for _, c := range s.list() {
		if http.ConnState(c.state.Load()) == http.StateNew {
			if c.greets.Load() { // its head may be there already
				c.quiet.Store(true)
				c.expireRead(func() bool { return true })
			} else if c.tls != nil {
				c.closeSoon()
			} else {
				_ = c.Close()
			}
			n++
		}
	}
	return n
}

// cut ends all requests and connections, and returns how many there were, without those between
// two requests.
func (s *Server) cut() int {
	s.cancel()
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	n := 0
	for _, c := range s.list() {
		if !c.idleEmpty() {
			n++
		}
		if link := c.link.Load(); link != nil {
			link.Cut(errCut)
		} else if http.ConnState(c.state.Load()) == http.StateActive {
			c.reset() // an orderly end would look like that of the response
		}
		_ = c.raw.Close() // TLS would wait for a client that does not read
		_ = c.close()
	}
	_ = s.http.Close()
	return n
}
