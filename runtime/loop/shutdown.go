package loop

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/succession"
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
	defer s.cancel()
	defer engine.end()
	if !serving {
		return tako.Report{}, nil
	}
	var silent atomic.Int64
	report := tako.Report{Idle: engine.stop(ctx) + s.streams.drainLinks(false) + s.raw.drain()}
	closeIdle := func() int { return engine.closeIdle() + s.streams.closeWaiting(streamIdle) }
	if patience == 0 {
		report.Idle += closeIdle()
	}
	counted := make(chan struct{})
	grace := time.AfterFunc(max(newGrace, patience), func() {
		defer close(counted)
		s.graceOver.Store(true)
		s.streams.drainLinks(true)
		silent.Add(int64(engine.closeFresh() + s.streams.closeWaiting(streamFresh) + s.raw.closeUnknown() + s.raw.drain()))
		if patience > 0 {
			silent.Add(int64(closeIdle()))
		}
	})
	err := s.awaitEmpty(ctx)
	if err != nil && patience > 0 {
		report.Idle += closeIdle()
	}
	ended := int(s.gone.Load())
	s.over.Store(true)
	if err != nil {
		if report.Cut = engine.cut(errCut) + s.cutStreams(); report.Cut == 0 {
			err = nil
		}
	} else {
		s.cutStreams() // what was being accepted at this moment must not stay
	}
	if !grace.Stop() {
		<-counted
	}
	report.Idle += int(silent.Load())
	report.Drained = max(ended-report.Idle, 0)
	return report, err
}

// cutStreams breaks off what is served on goroutines, now and from now on.
func (s *Server) cutStreams() int {
	return s.streams.cut(errCut) + s.hijacked.cut() + s.raw.cut(errCut)
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
