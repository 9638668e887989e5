package loop

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

// newGrace is how long a connection that has not sent a request yet may still do
// so once the drain has begun.
const newGrace = time.Second

// errCut is why requests end that a shutdown has not waited for.
var errCut = errors.New("loop: the server was shut down")

// BeginDrain turns readiness off while the server still accepts.
func (s *Server) BeginDrain() {
	s.beginOnce.Do(func() {
		s.drains.Store(true)
		close(s.draining)
	})
}

// Shutdown drains the server: connections in the accept queue are taken, idle
// ones closed at once, the others closed behind their request, and cut when ctx
// is done. It honours the first call's ctx; later calls wait for the result.
func (s *Server) Shutdown(ctx context.Context) (tako.Report, error) {
	s.BeginDrain()
	first := false
	s.stopOnce.Do(func() { first = true })
	if first {
		start := time.Now()
		s.report, s.err = s.drain(ctx)
		s.report.Elapsed = time.Since(start)
		close(s.done)
	}
	select {
	case <-s.done:
		return s.report, s.err
	default:
	}
	select {
	case <-s.done:
		return s.report, s.err
	case <-ctx.Done():
		return tako.Report{}, ctx.Err()
	}
}

func (s *Server) drain(ctx context.Context) (tako.Report, error) {
	s.mu.Lock()
	s.stopped.Store(true)
	close(s.stopping)
	engine, serving := s.engine, s.serving
	if engine == nil {
		s.closeUnused()
	}
	s.mu.Unlock()
	if engine == nil {
		return tako.Report{}, nil
	}
	defer engine.end()
	if !serving {
		return tako.Report{}, nil
	}
	var silent atomic.Int64
	report := tako.Report{Idle: engine.stop(ctx) + s.streams.closeWaiting(streamIdle)}
	grace := time.AfterFunc(newGrace, func() {
		silent.Add(int64(engine.closeFresh() + s.streams.closeWaiting(streamFresh)))
	})
	defer grace.Stop()
	err := s.awaitEmpty(ctx)
	ended := int(s.gone.Load())
	s.over.Store(true)
	if err != nil {
		if report.Cut = engine.cut(errCut) + s.streams.cut(errCut) + s.hijacked.cut(); report.Cut == 0 {
			err = nil
		}
	}
	report.Idle += int(silent.Load())
	report.Drained = max(ended-report.Idle, 0)
	return report, err
}

// awaitEmpty waits until the last connection has ended.
func (s *Server) awaitEmpty(ctx context.Context) error {
	for s.open.Load() > 0 || s.held.Load() > 0 {
		select {
		case <-s.empty:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
