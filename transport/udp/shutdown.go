package udp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tako-go/tako"
)

// ErrCut is the cause of the contexts of handlers that Shutdown did not wait for any longer.
var ErrCut = errors.New("udp: the server was shut down")

// BeginDrain tells handlers by [Packet.Draining] while the server still receives.
func (s *Server) BeginDrain() {
	s.beginOnce.Do(func() {
		s.before = s.Stats().Served // what handlers end once they are told counts as drained
		close(s.draining)
	})
}

// Shutdown drains the server: what waits in the sockets is read, for 100 ms at most,
// then what waits in the queue is served and handlers are waited for. When ctx
// is done, their contexts end and the rest is dropped; Cut counts both. It honours the first
// call's ctx; later calls wait for the result. Connections in the report are datagrams.
func (s *Server) Shutdown(ctx context.Context) (tako.Report, error) {
	s.BeginDrain()
	return s.shut.Do(ctx, s.drain)
}

func (s *Server) drain(ctx context.Context) (report tako.Report, err error) {
	s.mu.Lock()
	s.stopped = true
	socks, serving := s.socks, s.serving
	s.mu.Unlock()
	close(s.stopping)
	defer s.cancel(ErrCut)
	if socks == nil {
		s.closeUnused()
		return report, nil
	}
	defer closeSockets(socks)
	if !serving {
		return report, nil
	}
	s.stopReaders(ctx, socks)
	s.queue.close()
	select {
	case <-s.workers.gone:
		_, _, served := s.queue.counts()
		report.Drained = int(served - s.before)
	case <-ctx.Done():
		waiting, busy, served := s.queue.cut() // before handlers are told, who may end then
		s.cancel(fmt.Errorf("%w: %w", ErrCut, context.Cause(ctx)))
		if waiting > 0 {
			s.drop(waiting)
		}
		report.Drained = int(served - s.before)
		if report.Cut = waiting + busy; report.Cut > 0 {
			err = context.Cause(ctx)
		}
	}
	return report, err
}

// readGrace bounds the wait for a ready-made socket that does not keep deadlines.
const readGrace = time.Second

// stopReaders makes the readers end. They empty their sockets first.
func (s *Server) stopReaders(ctx context.Context, socks []*socket) {
	for _, k := range socks {
		if k.conn.SetReadDeadline(time.Unix(1, 0)) != nil {
			_ = k.conn.Close()
		}
	}
	close(s.expired)
	timer := time.NewTimer(readGrace)
	defer timer.Stop()
	select {
	case <-s.readers.gone:
		return
	case <-timer.C:
	case <-ctx.Done():
	}
	closeSockets(socks)
	select {
	case <-s.readers.gone:
	case <-ctx.Done():
	}
}

func closeSockets(socks []*socket) {
	for _, k := range socks {
		_ = k.conn.Close()
	}
}

// closeUnused closes what was given to the server and never listened on.
func (s *Server) closeUnused() {
	s.mu.Lock()
	conns := s.inherited
	s.inherited = nil
	s.mu.Unlock()
	closeConns(conns)
	if s.cfg.Conn != nil {
		_ = s.cfg.Conn.Close()
	}
}
