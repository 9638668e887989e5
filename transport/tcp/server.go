package tcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/drainonce"
)

// Config configures a server. One of Addr, Listen and Listener is needed.
type Config struct {
	// Addr is the TCP address to listen on; port 0 lets the kernel choose.
	Addr string
	// Listen makes the listener, if it is set, in place of Addr.
	Listen tako.ListenFunc
	// Listener is used in place of Addr and Listen if it is set. The server closes it.
	Listener net.Listener
	// Limits bounds what clients may take. Those that hold here are Conns, ConnsPerAddr,
	// HandshakeTimeout, for [TLS], WriteTimeout, and IdleTimeout: how long a Read waits while no
	// byte comes or goes. The others are of HTTP.
	Limits tako.Limits
	// Log gets what goes wrong on connections.
	// Default: slog.Default().
	Log *slog.Logger
}

// Server is a server of raw streams. It implements [tako.Server].
type Server struct {
	own     Handler
	layers  []Layer
	cfg     Config
	limits  tako.Limits
	log     *slog.Logger
	handler Handler // own behind its layers; set by Listen
	count   *connlimit.Counter
	stats   counters

	draining  chan struct{} // closed when the drain begins
	stopping  chan struct{} // closed when no more connections are accepted
	graceOver atomic.Bool   // connections that have just come are closed, too
	beginOnce sync.Once
	shut      *drainonce.Once
	base      context.Context // of all connections
	cancel    context.CancelCauseFunc

	mu        sync.Mutex
	ln        listeners
	inherited []net.Listener // until Listen
	conns     map[*Conn]struct{}
	empty     chan struct{} // closed when the last connection is gone
	sweeping  bool
	stopped   bool
	over      bool // all were cut, so that no more come
	serving   bool
	ended     tako.Report   // connections since the drain began
	served    chan struct{} // closed when the accept loops have ended

	now atomic.Int64 // coarse clock, in nanoseconds since epoch
}

var (
	_ tako.Server      = (*Server)(nil)
	_ tako.Drainer     = (*Server)(nil)
	_ tako.Describable = (*Server)(nil)
	_ tako.Reloader    = (*Server)(nil)
	_ tako.SocketOwner = (*Server)(nil)
)

// New returns a server that serves connections with h, behind the layers, the first of which is
// outermost.
func New(h Handler, cfg Config, layers ...Layer) *Server {
	s := &Server{own: h, layers: layers, cfg: cfg, log: cfg.Log, conns: map[*Conn]struct{}{},
		draining: make(chan struct{}), stopping: make(chan struct{}), shut: drainonce.New(), served: make(chan struct{})}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

// Describe returns "tcp" or so, and "tls (tcp)" with a [TLS] layer. The transport is known once
// the server listens.
func (s *Server) Describe() string {
	transport := "tcp"
	if a := s.Addr(); a != nil {
		transport = a.Network()
	}
	for _, layer := range s.layers {
		if _, ok := layer.(tlsLayer); ok {
			return "tls (" + transport + ")"
		}
	}
	return transport
}

// Addr is the address the server listens on, nil before Listen.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ln == nil {
		return nil
	}
	return s.ln.Addr()
}

// Listen checks the configuration and the layers, and binds the address. If it fails a ready-made
// listener and inherited sockets are closed.
func (s *Server) Listen(ctx context.Context) error {
	err := s.listen(ctx)
	if err != nil && s.Addr() == nil {
		s.closeUnused()
	}
	return err
}

func (s *Server) listen(ctx context.Context) error {
	limits, err := s.cfg.Limits.WithDefaults()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return fmt.Errorf("tcp: listen: %w", http.ErrServerClosed)
	}
	if s.ln != nil {
		return errors.New("tcp: Listen called twice")
	}
	base, cancel := context.WithCancelCause(context.Background())
	handler, err := s.chain(base, Setup{Limits: limits, Log: s.log})
	if err != nil {
		cancel(nil)
		return err
	}
	lns, err := s.bind(ctx)
	if err != nil {
		cancel(nil)
		return err
	}
	s.limits, s.handler, s.base, s.cancel = limits, handler, base, cancel
	s.count = connlimit.New(limits.Conns, limits.ConnsPerAddr)
	s.ln = lns
	s.tell()
	return nil
}

// Serve accepts and serves connections until Shutdown.
func (s *Server) Serve() error {
	s.mu.Lock()
	lns, stopped, before := s.ln, s.stopped, s.serving
	if lns != nil && !stopped {
		s.serving = true
	}
	s.mu.Unlock()
	switch {
	case lns != nil && before:
		return errors.New("tcp: Serve called twice")
	case stopped:
		<-s.shut.Done()
		return nil
	case lns == nil:
		return errors.New("tcp: Serve called before Listen")
	}
	err := s.accept(lns)
	if s.isStopping() {
		<-s.shut.Done()
		return nil
	}
	return fmt.Errorf("tcp: %w", err)
}

// Reloads reports whether a layer reads something that may change, as [TLS] does.
func (s *Server) Reloads() bool {
	for _, layer := range s.layers {
		if _, ok := layer.(reloader); ok {
			return true
		}
	}
	return false
}

// Reload makes the layers read again, as [tako.Reloader] says.
func (s *Server) Reload(ctx context.Context) error {
	var errs []error
	for _, layer := range s.layers {
		if r, ok := layer.(reloader); ok {
			errs = append(errs, r.Reload(ctx))
		}
	}
	return errors.Join(errs...)
}

func (s *Server) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// epoch is what the coarse clock counts from.
var epoch = time.Now()

// tell sets the coarse clock, which is never 0.
func (s *Server) tell() int64 {
	now := max(int64(time.Since(epoch)), 1)
	s.now.Store(now)
	return now
}
