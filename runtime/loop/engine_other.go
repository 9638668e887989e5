//go:build !linux

package loop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/tako-go/tako/internal/listensock"
)

// goroutines is the engine where there are no event loops: every connection has a
// goroutine and waits in Go's own poller.
type goroutines struct {
	srv       *Server
	acceptors []*accepting
}

func newEngine(ctx context.Context, s *Server) (engine, net.Addr, error) {
	if p := s.cfg.Poller; p != "" && p != "auto" {
		return nil, nil, fmt.Errorf("poller %q needs Linux: %w", p, errors.ErrUnsupported)
	}
	var listeners []net.Listener
	switch {
	case len(s.inherit) > 0:
		if s.cfg.Listener != nil {
			_ = s.cfg.Listener.Close()
		}
		lns, err := listensock.Listeners(s.inherit)
		listensock.CloseFiles(s.inherit)
		if err != nil {
			return nil, nil, fmt.Errorf("inherited socket: %w", err)
		}
		listeners = lns
		s.inherit = nil
	case s.cfg.Listener != nil:
		listeners = append(listeners, s.cfg.Listener)
	case s.cfg.Listen != nil:
		ln, err := s.cfg.Listen(ctx)
		if err != nil {
			return nil, nil, err
		}
		listeners = append(listeners, ln)
	default:
		var lc net.ListenConfig
		ln, err := lc.Listen(ctx, "tcp", s.cfg.Addr)
		if err != nil {
			return nil, nil, err
		}
		listeners = append(listeners, ln)
	}
	g := &goroutines{srv: s}
	for _, ln := range listeners {
		g.acceptors = append(g.acceptors, newAccepting(s, listensock.Own(ln), s.startStream))
	}
	return g, listeners[0].Addr(), nil
}

func (g *goroutines) describe() string { return "goroutines" }

func (g *goroutines) start() {
	g.srv.log.Info("no event loops on this system: every connection has a goroutine")
	for _, a := range g.acceptors {
		go a.run()
	}
}

func (g *goroutines) stop(ctx context.Context) int {
	for _, a := range g.acceptors {
		a.stop(ctx)
	}
	return 0
}

func (g *goroutines) closeIdle() int { return 0 }

func (g *goroutines) closeFresh() int { return 0 }

func (g *goroutines) cut(error) int { return 0 }

func (g *goroutines) feed() {}

func (g *goroutines) end() {
	for _, a := range g.acceptors {
		_ = a.ln.Close()
	}
}

func (g *goroutines) sockets() ([]*os.File, error) {
	lns := make([]net.Listener, len(g.acceptors))
	for i, a := range g.acceptors {
		lns[i] = a.ln
	}
	return listensock.DuplicateAll(lns)
}

// worker is the leader of a loop, of which there is none here.
type worker struct{}

func (*worker) dateLine() []byte { return nil }
