package tcp

import (
	"context"
	"errors"
	"log/slog"

	"github.com/tako-go/tako"
)

// Handler serves one connection, on a goroutine of its own. When it returns the connection is
// closed: in order, also if the error is not nil, so that the client gets all that was written.
// If it panics the connection is reset.
//
// An error is logged and counted, unless it only says that the client has left, was too slow,
// or that the server drains. The context ends when the handler has returned, when the client is
// known to be gone, with [tako.ErrClientGone] as its cause, and when a drain cuts the connection
// off. A client that closes in order looks like one that only stops sending: Read returns io.EOF
// then, and the context goes on.
type Handler func(ctx context.Context, c *Conn) error

// Layer stands before a handler, as middleware does in HTTP.
type Layer interface {
	// Wrap returns a handler that calls next, or does not. It is called by Listen, once for each
	// server; ctx ends with the server. The error is that of Listen.
	//
	// A layer that also has the method Reload(context.Context) error is called by
	// [Server.Reload].
	Wrap(ctx context.Context, setup Setup, next Handler) (Handler, error)
}

// Setup is what a layer may know of its server.
type Setup struct {
	Limits tako.Limits // with defaults
	Log    *slog.Logger
}

// Middleware is a [Layer] that needs nothing but the next handler.
type Middleware func(next Handler) Handler

// Wrap implements [Layer].
func (m Middleware) Wrap(_ context.Context, _ Setup, next Handler) (Handler, error) {
	if m == nil {
		return nil, errors.New("tcp: a layer is a nil Middleware")
	}
	wrapped := m(next)
	if wrapped == nil {
		return nil, errors.New("tcp: a Middleware returned no handler")
	}
	return wrapped, nil
}

// reloader is a layer that reads something that may change.
type reloader interface {
	Reload(ctx context.Context) error
}

var (
	// ErrRefused is in the errors of layers that let a connection not in: it is counted as
	// refused.
	ErrRefused = errors.New("tcp: connection refused")
	// ErrDraining is returned by Read if the server drains and the connection has nothing to do:
	// see [Conn.Idle].
	ErrDraining = errors.New("tcp: server is draining")
)

// errCut is the cause of contexts that a drain has ended.
var errCut = errors.New("tcp: connection cut off by the drain")

// settledError has been counted and logged by who returned it.
type settledError struct{ error }

func (e settledError) Unwrap() error { return e.error }

// chain puts the layers before the handler, the first outermost.
func (s *Server) chain(ctx context.Context, setup Setup) (Handler, error) {
	if s.own == nil {
		return nil, errors.New("tcp: no handler to serve with")
	}
	handler := s.own
	for i := len(s.layers) - 1; i >= 0; i-- {
		if s.layers[i] == nil {
			return nil, errors.New("tcp: a layer is nil")
		}
		wrapped, err := s.layers[i].Wrap(ctx, setup, handler)
		if err != nil {
			return nil, err
		}
		handler = wrapped
	}
	return handler, nil
}
