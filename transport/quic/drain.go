package quic

import (
	"context"
	"time"

	lib "github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/drainonce"
)

const (
	// cutGrace is how long handlers may take to return when their connection was cut off.
	cutGrace = 250 * time.Millisecond
	// refuseGrace is how long clients may take to be told that their handshakes are refused.
	refuseGrace = 50 * time.Millisecond
)

// BeginDrain tells handlers while the server still accepts.
func (s *Server) BeginDrain() {
	s.beginOnce.Do(func() { close(s.draining) })
}

// Shutdown drains the server: handshakes are refused, also those under way, handlers are told by
// [Conn.Draining] and waited for, and connections that are left when ctx is done closed with code 1. Only
// then is the socket closed. It honours the first call's ctx; later calls wait for the result.
func (s *Server) Shutdown(ctx context.Context) (tako.Report, error) {
	s.BeginDrain()
	return s.shut.Do(ctx, s.drain)
}

func (s *Server) drain(ctx context.Context) (report tako.Report, err error) {
	s.mu.Lock()
	s.stopped = true
	socket, ln := s.socket, s.listener
	s.mu.Unlock()
	if socket == nil {
		closeConn(s.cfg.Conn)
		return report, nil
	}
	defer s.tls()
	defer closeConn(socket)
	if ln == nil { // never served
		return report, nil
	}
	s.endHandshakes(ctx, ln)
	empty := s.whenEmpty()
	select {
	case <-empty:
	case <-ctx.Done():
		if report.Cut = s.cut(empty); report.Cut > 0 {
			err = context.Cause(ctx)
		}
	}
	drainonce.Bounded(ctx, cutGrace, func() { _ = s.transport.Close() })
	s.mu.Lock()
	defer s.mu.Unlock()
	report.Drained = s.ended
	return report, err
}

// endHandshakes refuses those that are under way, and returns when no more connections come.
func (s *Server) endHandshakes(ctx context.Context, ln *lib.Listener) {
	// Those that wait for certificates do not heed that. The others would not be told of it if
	// their context ended.
	stuck := time.AfterFunc(refuseGrace, s.abandon)
	defer stuck.Stop()
	if !drainonce.Bounded(ctx, cutGrace, func() { _ = ln.Close() }) {
		s.noMore()
	}
	<-s.loopEnded
}

// cut closes all connections, waits a little for their handlers, and returns how many there were.
func (s *Server) cut(empty <-chan struct{}) int {
	s.mu.Lock()
	var all []*Conn
	for c := range s.conns {
		c.cutOff = true
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		_ = c.Close(codeFailed, "shutdown")
	}
	timer := time.NewTimer(cutGrace)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
	}
	return len(all)
}

func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.stopped && !c.cutOff {
		s.ended++
	}
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
