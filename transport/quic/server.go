package quic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	lib "github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/drainonce"
)

// Handler serves one connection, on a goroutine of its own. When it returns the connection is
// closed: with code 0 if the error is nil, half a second later if the client does not close it
// before, as what it has not got yet would be lost; at once with code 1 after an error, which is
// logged unless it only says that the client has left, or a panic, and with its own code after a [ConnError].
//
// The context ends with the connection.
type Handler func(ctx context.Context, c *Conn) error

// Server is a server of raw QUIC. It implements [tako.Server].
type Server struct {
	handler Handler
	cfg     Config // with defaults from Listen on
	log     *slog.Logger
	count   *connlimit.Counter
	tls     context.CancelFunc // of the certificates

	accepted, refused, handshakes, failed atomic.Int64

	accepting, abandoned context.Context // of the listener, and of all handshakes
	noMore, abandon      context.CancelFunc

	draining  chan struct{} // closed when the drain begins
	loopEnded chan struct{} // closed when nothing is accepted any more
	beginOnce sync.Once
	shut      *drainonce.Once

	mu        sync.Mutex
	socket    net.PacketConn
	transport *lib.Transport
	start     func() (*lib.Listener, error)
	listener  *lib.Listener
	conns     map[*Conn]struct{}
	empty     chan struct{} // closed when the last connection is gone
	stopped   bool
	ended     int // connections since the drain began, without those that it has cut
}

var (
	_ tako.Server      = (*Server)(nil)
	_ tako.Drainer     = (*Server)(nil)
	_ tako.Describable = (*Server)(nil)
	_ tako.Reloader    = (*Server)(nil)
)

// New returns a server that serves connections with h.
func New(h Handler, cfg Config) *Server {
	s := &Server{handler: h, cfg: cfg, log: cfg.Log, draining: make(chan struct{}), loopEnded: make(chan struct{}), shut: drainonce.New(), conns: map[*Conn]struct{}{}}
	s.accepting, s.noMore = context.WithCancel(context.Background())
	s.abandoned, s.abandon = context.WithCancel(context.Background())
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

// Describe returns "quic".
func (s *Server) Describe() string { return "quic" }

// Addr is the address the server listens on, nil before Listen.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket == nil {
		return nil
	}
	return s.socket.LocalAddr()
}

// Listen checks the configuration and binds the address. If it fails a ready-made socket is closed.
func (s *Server) Listen(ctx context.Context) error {
	err := s.listen(ctx)
	if err != nil && s.Addr() == nil {
		closeConn(s.cfg.Conn)
	}
	return err
}

func (s *Server) listen(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return fmt.Errorf("quic: listen: %w", http.ErrServerClosed)
	case s.socket != nil:
		return errors.New("quic: Listen called twice")
	case s.handler == nil:
		return errors.New("quic: no handler to serve with")
	}
	cfg, err := s.cfg.withDefaults()
	if err != nil {
		return err
	}
	base, cancel := context.WithCancel(context.Background())
	config, err := cfg.Certs.TLS(base, cfg.Protocols, s.log)
	if err != nil {
		cancel()
		return fmt.Errorf("quic: certificates: %w", err)
	}
	socket, err := bind(ctx, &cfg)
	if err != nil {
		cancel()
		return fmt.Errorf("quic: %w", err)
	}
	s.cfg, s.tls, s.socket = cfg, cancel, socket
	s.count = connlimit.New(cfg.Limits.Conns, cfg.Limits.ConnsPerAddr)
	s.transport = &lib.Transport{Conn: socket, ConnContext: s.admit, VerifySourceAddress: s.busy}
	s.start = func() (*lib.Listener, error) { return s.transport.Listen(config, cfg.library()) }
	return nil
}

func bind(ctx context.Context, cfg *Config) (net.PacketConn, error) {
	if cfg.Listen != nil {
		closeConn(cfg.Conn)
		return cfg.Listen(ctx)
	}
	if cfg.Conn != nil {
		return cfg.Conn, nil
	}
	return (&net.ListenConfig{}).ListenPacket(ctx, "udp", cfg.Addr)
}

func closeConn(c net.PacketConn) {
	if c != nil {
		_ = c.Close()
	}
}

// Serve accepts and serves connections until Shutdown. It is what begins to read the socket.
func (s *Server) Serve() error {
	ln, err := s.open()
	if err != nil {
		return err
	}
	if ln != nil {
		err = s.accept(ln)
	}
	s.mu.Lock()
	stopped := s.stopped
	s.mu.Unlock()
	if stopped {
		<-s.shut.Done()
		return nil
	}
	return fmt.Errorf("quic: %w", err)
}

func (s *Server) accept(ln *lib.Listener) error {
	defer close(s.loopEnded)
	for {
		qc, err := ln.Accept(s.accepting)
		if err != nil {
			return err
		}
		s.serve(qc)
	}
}

// open starts the library; the listener is nil if the server was shut down before.
func (s *Server) open() (*lib.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, nil
	case s.socket == nil:
		return nil, errors.New("quic: Serve called before Listen")
	case s.listener != nil:
		return nil, errors.New("quic: Serve called twice")
	}
	ln, err := s.start()
	if err != nil {
		return nil, fmt.Errorf("quic: %w", err)
	}
	s.listener = ln
	return ln, nil
}

// Reloads reports whether there are certificates, which is always so.
func (s *Server) Reloads() bool { return true }

// Reload reads the certificates again, as [tako.Reloader] says.
func (s *Server) Reload(ctx context.Context) error {
	if s.cfg.Certs == nil {
		return nil
	}
	return s.cfg.Certs.Reload(ctx)
}

// Stats are counters since the start.
type Stats struct {
	// Accepted connections, Refused ones, for a limit, and Failed ones, whose handler has failed.
	Accepted, Refused, Failed int64
	// Handshakes are open, Conns are served.
	Handshakes, Conns int64
}

// Stats returns the counters. It may be called at any time.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Accepted: s.accepted.Load(), Refused: s.refused.Load(), Failed: s.failed.Load(),
		Handshakes: s.handshakes.Load(), Conns: int64(len(s.conns))}
}
