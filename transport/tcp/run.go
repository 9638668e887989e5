package tcp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime/debug"

	"github.com/tako-go/tako"
)

// run serves one connection to its end, also if its handler panics or ends its goroutine.
func (s *Server) run(c *Conn) {
	returned := false
	defer func() {
		if !returned {
			s.broken(c, recover())
		}
		c.cancel(context.Canceled)
		c.finish()
		c.slot.Release()
		s.forget(c)
	}()
	err := s.handler(c.ctx, c)
	returned = true
	s.judge(c, err)
}

// broken ends a connection whose handler has panicked.
func (s *Server) broken(c *Conn, v any) {
	s.stats.panics.Add(1)
	_ = c.Reset()
	if v == nil {
		s.log.Error("handler ended its goroutine", "peer", c.info.Remote)
		return
	}
	s.log.Error("handler panicked", "peer", c.info.Remote, "panic", v, "stack", string(debug.Stack()))
}

// judge counts and logs how a handler has ended.
func (s *Server) judge(c *Conn, err error) {
	var settled settledError
	switch {
	case err == nil || errors.As(err, &settled):
	case errors.Is(err, ErrRefused):
		s.refused(c.info.Remote, err.Error())
	case c.cutOff.Load() || errors.Is(err, ErrDraining):
		s.log.Debug("connection ended by the drain", "peer", c.info.Remote, "err", err)
	case errors.Is(context.Cause(c.ctx), tako.ErrClientGone), isGone(err), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), c.closed.Load() && errors.Is(err, net.ErrClosed):
		s.log.Debug("client closed", "peer", c.info.Remote, "err", err)
	case errors.Is(err, errIdle), errors.Is(err, errSlow), errors.Is(err, os.ErrDeadlineExceeded):
		s.log.Debug("connection timed out", "peer", c.info.Remote, "err", err)
	default:
		s.stats.errors.Add(1)
		s.log.Info("handler failed", "peer", c.info.Remote, "err", err)
	}
}
