package h3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/drainonce"
)

// Server is a server of HTTP/3. It implements [tako.Server].
type Server struct {
	app   tako.App
	cfg   Config // with defaults from Listen on
	log   *slog.Logger
	keys  keys
	count *connlimit.Counter

	unproven senders // of handshakes
	network  string  // for a new socket, "" for any
	stats    counters
	http3    *http3.Server
	sessions Sessions // nil without WebTransport

	draining  chan struct{} // closed when the drain begins
	beginOnce sync.Once
	shut      *drainonce.Once
	base      context.Context // of all requests
	cancel    context.CancelFunc

	refusing atomic.Bool // no new connections
	yielded  atomic.Bool // they go to another process

	// startMu is held while the library begins with a connection.
	startMu  sync.Mutex
	wentAway bool // no more connections begin

	mu        sync.Mutex
	socket    net.PacketConn
	transport *quic.Transport
	listener  *quic.Listener
	heir      *heir // until Listen: what another process has left
	conns     map[*conn]struct{}
	marked    []*conn       // when the drain began
	empty     chan struct{} // closed when the last connection is gone
	stopped   bool
	serving   bool
}

var (
	_ tako.Server      = (*Server)(nil)
	_ tako.Drainer     = (*Server)(nil)
	_ tako.Describable = (*Server)(nil)
	_ tako.Reloader    = (*Server)(nil)
	_ tako.Yielder     = (*Server)(nil)
)

// New returns a server for app, a [tako.Router] or [tako.Live].
func New(app tako.App, cfg Config) *Server {
	return &Server{app: app, cfg: cfg, log: cfg.Log, keys: newKeys(), conns: map[*conn]struct{}{},
		draining: make(chan struct{}), shut: drainonce.New()}
}

// Describe returns "h3 (quic)".
func (s *Server) Describe() string { return "h3 (quic)" }

// Addr is the address the server listens on, nil before Listen.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket == nil {
		return nil
	}
	return s.socket.LocalAddr()
}

// Listen builds the app, checks the configuration and binds the address. If it fails a
// ready-made socket is closed.
func (s *Server) Listen(ctx context.Context) error {
	err := s.listen(ctx)
	if err != nil && s.Addr() == nil {
		s.closeUnused()
	}
	return err
}

func (s *Server) listen(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return fmt.Errorf("h3: listen: %w", http.ErrServerClosed)
	case s.socket != nil:
		return errors.New("h3: Listen called twice")
	case s.app == nil:
		return errors.New("h3: no app to serve")
	}
	cfg, err := s.cfg.withDefaults()
	if err != nil {
		return err
	}
	if err := s.app.Build(); err != nil {
		return err
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	lib := s.newHTTP3(&cfg)
	var sessions Sessions
	if cfg.WebTransport != nil {
		if sessions, err = cfg.WebTransport.Attach(lib); err != nil {
			return err
		}
	}
	s.base, s.cancel = context.WithCancel(context.Background())
	tlsConfig, err := cfg.Certs.TLS(s.base, []string{http3.NextProtoH3}, s.log)
	if err != nil {
		s.cancel()
		return fmt.Errorf("h3: certificates: %w", err)
	}
	socket, err := s.bind(ctx, cfg)
	if err != nil {
		s.cancel()
		return err
	}
	s.cfg = cfg
	s.count = connlimit.New(cfg.Limits.Conns, cfg.Limits.ConnsPerAddr)
	s.http3, s.sessions = lib, sessions
	s.http3.TLSConfig = http3.ConfigureTLSConfig(tlsConfig)
	s.socket = socket
	logTo(socket, s.log)
	return nil
}

// bind returns the socket: that of another process, a ready-made one, or a new one.
func (s *Server) bind(ctx context.Context, cfg Config) (net.PacketConn, error) {
	if s.heir != nil {
		socket, keys := s.heir.socket, s.heir.keys
		s.heir = nil
		s.keys.Reset, s.keys.Token = keys.Reset, keys.Token
		closeConn(cfg.Conn)
		return socket, nil
	}
	if cfg.Listen != nil {
		closeConn(cfg.Conn)
		made, err := cfg.Listen(ctx)
		if err != nil {
			return nil, fmt.Errorf("h3: %w", err)
		}
		return shareable(made), nil
	}
	if cfg.Conn != nil {
		return shareable(cfg.Conn), nil
	}
	made, err := (&net.ListenConfig{}).ListenPacket(ctx, cmp.Or(s.network, "udp"), cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("h3: %w", err)
	}
	return shareable(made), nil
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
	return fmt.Errorf("h3: %w", err)
}

// open starts the library; the listener is nil if the server was shut down before.
func (s *Server) open() (*quic.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, nil
	case s.socket == nil:
		return nil, errors.New("h3: Serve called before Listen")
	case s.serving:
		return nil, errors.New("h3: Serve called twice")
	}
	s.serving = true
	s.transport = s.newTransport()
	ln, err := s.transport.Listen(s.http3.TLSConfig, s.quicConfig())
	if err != nil {
		return nil, fmt.Errorf("h3: %w", err)
	}
	s.listener = ln
	return ln, nil
}

func (s *Server) accept(ln *quic.Listener) error {
	for {
		qc, err := ln.Accept(context.Background())
		if err != nil {
			s.acceptRest(ln)
			return err
		}
		s.start(fromContext(qc.Context()), qc)
	}
}

// acceptRest takes the connections of which a closed listener tells only by chance: it has
// 32 at most.
func (s *Server) acceptRest(ln *quic.Listener) {
	for range 64 {
		if qc, err := ln.Accept(context.Background()); err == nil {
			s.start(fromContext(qc.Context()), qc)
		}
	}
}

// start serves a connection, unless a drain has told all to go away. It returns when the library
// serves it.
func (s *Server) start(c *conn, qc *quic.Conn) {
	s.startMu.Lock()
	defer s.startMu.Unlock()
	c.accepted() // a drain that waits for handshakes finds it started behind this
	if s.wentAway {
		closeWith(qc, http3.ErrCodeNoError, "")
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.serveConn(c, qc)
	}()
	select {
	case <-c.started:
	case <-ended:
	}
}

// Reloads reports whether there are certificates, which is always so.
func (s *Server) Reloads() bool { return true }

// Reload reads the certificates again, as [tako.Reloader] says.
func (s *Server) Reload(ctx context.Context) error {
	s.mu.Lock()
	certs := s.cfg.Certs
	s.mu.Unlock()
	if certs == nil {
		return nil
	}
	return certs.Reload(ctx)
}

// Stats are counters since the start.
type Stats struct {
	// Accepted connections.
	Accepted int64
	// RefusedConns are packets that were refused as there are too many connections, Retries those
	// whose sender had to prove its address. A client may send several of them.
	RefusedConns, Retries int64
	// Handshakes are open, RefusedHandshakes have failed.
	Handshakes, RefusedHandshakes int64
	// Requests were given to the app, Running are not answered yet, RefusedRequests were
	// refused before.
	Requests, Running, RefusedRequests int64
	// TimedOut connections and requests: handshake, head, body, idle or write.
	TimedOut int64
	// Excessive connections ended with H3_EXCESSIVE_LOAD.
	Excessive int64
	// Conns is the number of open connections, those in their handshake included.
	Conns int64
}

type counters struct {
	accepted, refusedConns, handshakes, refusedHandshakes, retries, requests, running, refusedRequests, timedOut, excessive atomic.Int64
}

// Stats returns the counters. It may be called at any time.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	open := len(s.conns)
	s.mu.Unlock()
	c := &s.stats
	return Stats{Accepted: c.accepted.Load(), RefusedConns: c.refusedConns.Load(), Handshakes: c.handshakes.Load(),
		RefusedHandshakes: c.refusedHandshakes.Load(), Retries: c.retries.Load(), Requests: c.requests.Load(), Running: c.running.Load(),
		RefusedRequests: c.refusedRequests.Load(), TimedOut: c.timedOut.Load(), Excessive: c.excessive.Load(), Conns: int64(open)}
}
