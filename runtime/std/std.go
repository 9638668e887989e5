// Package std is the runtime on net/http: the most compatible one. [New] makes a
// server for an app; everything else about it is in its [Config].
//
// It serves HTTP/1.1 and HTTP/2, with TLS or without. net/http parses the requests of
// HTTP/1.1, so it accepts some that RFC 9112 forbids, most of all Transfer-Encoding
// beside Content-Length: do not put it behind a proxy that passes such requests on.
// HTTP/2 is not that of net/http but our own.
package std

import (
	"context"
	"crypto/tls"
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
	"github.com/tako-go/tako/internal/dispatch"
	"github.com/tako-go/tako/internal/drainonce"
	"github.com/tako-go/tako/internal/http2serve"
	"github.com/tako-go/tako/internal/proxyproto"
)

// Config configures a server. The zero value listens on ":8080".
type Config struct {
	// Addr is the TCP address to listen on; port 0 lets the kernel choose.
	// Default: ":8080".
	Addr string
	// Listener is used instead of Addr if it is set. The server closes it.
	Listener net.Listener
	// Listen makes the listener when the server begins to listen, in place of Addr, as those of
	// package transport do. Listener must not be set then.
	Listen tako.ListenFunc
	// Proxy configures the PROXY protocol, with which connections begin then.
	Proxy tako.ProxyConfig
	// Certs are the certificates of the server, for TLS.
	// Default: nil, no TLS.
	Certs tako.Certs
	// HTTP2 configures HTTP/2.
	HTTP2 tako.HTTP2Config
	// Limits bounds what clients may take.
	Limits tako.Limits
	// Log gets what goes wrong on connections.
	// Default: slog.Default().
	Log *slog.Logger
}

// Server is a server on net/http. It implements [tako.Server].
type Server struct {
	app    tako.App
	cfg    Config
	limits tako.Limits
	log    *slog.Logger
	http   *http.Server
	tls    *tls.Config      // nil without TLS
	gate   *proxyproto.Gate // nil without the PROXY protocol
	advert atomic.Pointer[string]
	http2  http2serve.Server
	// classes are of routes that HTTP/2 serves.
	classes dispatch.Classes
	count   *connlimit.Counter
	stats   counters

	draining  chan struct{} // closed when the drain begins
	stopping  chan struct{} // closed when no more connections are accepted
	beginOnce sync.Once
	shut      *drainonce.Once
	cancel    context.CancelFunc // ends the contexts of all requests

	mu        sync.Mutex
	ln        listeners
	inherited listeners // until Listen
	conns     map[*conn]struct{}
	ended     int // connections since the drain began
	drains    bool
	empty     chan struct{} // closed when the last connection is gone
	sweeping  bool
	stopped   bool
	over      bool          // all were cut, so that no more come
	served    chan struct{} // closed when the accept loops have ended
	serving   bool

	closingIdle atomic.Bool // idle connections are being closed for the drain
	patient     atomic.Bool // the drain is, as a successor serves: responses tell that they are the last

	now atomic.Int64 // coarse clock, in nanoseconds since epoch of the process
}

var (
	_ tako.Server      = (*Server)(nil)
	_ tako.Drainer     = (*Server)(nil)
	_ tako.Describable = (*Server)(nil)
	_ tako.Reloader    = (*Server)(nil)
	_ tako.Origin      = (*Server)(nil)
)

// New returns a server for app, a [tako.Router] or [tako.Live].
func New(app tako.App, cfg Config) *Server {
	s := &Server{app: app, cfg: cfg, log: cfg.Log, conns: map[*conn]struct{}{},
		draining: make(chan struct{}), stopping: make(chan struct{}), shut: drainonce.New(), served: make(chan struct{})}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

// Describe returns "http/1.1, h2 (std)" or so.
func (s *Server) Describe() string {
	protocols := "http/1.1"
	if h := &s.cfg.HTTP2; !h.Off && (!h.NoCleartext || s.cfg.Certs != nil) {
		protocols += ", h2"
	}
	if s.cfg.Certs != nil {
		protocols += ", tls"
	}
	return protocols + " (std)"
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

// Listen builds the app, checks the configuration and binds the address. If it
// fails a ready-made listener and inherited sockets are closed.
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
	settings, err := s.cfg.HTTP2.WithDefaults()
	if err != nil {
		return err
	}
	gate, err := proxyproto.NewGate(s.cfg.Proxy)
	if err != nil {
		return err
	}
	if s.cfg.Listen != nil && s.cfg.Listener != nil {
		return errors.New("std: both Listen and Listener are set")
	}
	if s.app == nil {
		return errors.New("std: no app to serve")
	}
	if err := s.app.Build(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return fmt.Errorf("std: listen: %w", http.ErrServerClosed)
	}
	if s.ln != nil {
		return errors.New("std: Listen called twice")
	}
	s.limits, s.gate = limits, gate
	base, cancel := context.WithCancel(context.Background())
	s.http2 = http2serve.Server{App: s.app, HTTP2: settings, Limits: limits, Log: s.log, Draining: s.draining, Classes: &s.classes,
		Epoch: epoch, Refused: &s.stats.refusedRequests, TimedOut: &s.stats.timedOut, AltSvc: s.altSvc}
	s.http2.Prepare()
	if err := s.openCerts(base); err != nil {
		cancel()
		return fmt.Errorf("std: certificates: %w", err)
	}
	lns, err := s.bind(ctx)
	if err != nil {
		cancel()
		return err
	}
	s.cancel = cancel
	s.count = connlimit.New(limits.Conns, limits.ConnsPerAddr)
	s.ln = lns
	s.prepare(base)
	return nil
}

// prepare makes the server of net/http. Only timeouts that it alone can judge are
// left to it; the conn turns its deadlines into marks for the sweeper.
func (s *Server) prepare(base context.Context) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s.http = &http.Server{
		Handler:                      http.HandlerFunc(s.serveHTTP),
		ReadHeaderTimeout:            positive(s.limits.HeaderTimeout),
		IdleTimeout:                  positive(s.limits.IdleTimeout),
		MaxHeaderBytes:               headerBytes(s.limits.HeaderBytes),
		DisableGeneralOptionsHandler: true,
		Protocols:                    protocols,
		ErrorLog:                     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:                  func(net.Listener) context.Context { return base },
		ConnContext:                  connContext,
		ConnState:                    connState,
	}
	if s.http.IdleTimeout == 0 {
		s.http.IdleTimeout = -1 // else net/http would take another timeout for it
	}
	s.now.Store(int64(time.Since(epoch)))
}

// positive returns d, or 0 for no limit.
func positive(d time.Duration) time.Duration { return max(d, 0) }

// headerBytes allows for what net/http adds to its limit.
func headerBytes(n int) int {
	if n < 0 {
		return 1 << 30
	}
	return max(n-4096, 1)
}

// Serve accepts and serves connections until Shutdown.
func (s *Server) Serve() error {
	s.mu.Lock()
	ln, stopped := s.ln, s.stopped
	if ln != nil && !stopped && !s.serving {
		s.serving = true
	} else if ln != nil && s.serving {
		s.mu.Unlock()
		return errors.New("std: Serve called twice")
	}
	s.mu.Unlock()
	switch {
	case stopped:
		<-s.shut.Done()
		return nil
	case ln == nil:
		return errors.New("std: Serve called before Listen")
	}
	err := s.accept(ln)
	select {
	case <-s.stopping:
		<-s.shut.Done()
		return nil
	default:
		return fmt.Errorf("std: %w", err)
	}
}

// Stats are counters since the start.
type Stats struct {
	// Accepted connections, and those closed for the limit of their address.
	Accepted, RefusedConns int64
	// Requests refused before the router: target or head too large or malformed.
	RefusedRequests int64
	// RefusedHandshakes are TLS handshakes that failed.
	RefusedHandshakes int64
	// RefusedHeaders are connections without a valid PROXY header of a trusted source.
	RefusedHeaders int64
	// TimedOut connections: header, body, idle or write. Read timeouts of less than
	// two seconds are not counted.
	TimedOut int64
	// AcceptErrors is how often accepting failed and was tried again.
	AcceptErrors int64
	// Conns is the number of open connections.
	Conns int64
}

type counters struct {
	accepted, refusedConns, refusedRequests, refusedHandshakes, refusedHeaders, timedOut, acceptErrors atomic.Int64
}

// Stats returns the counters. It may be called at any time.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	open := len(s.conns)
	s.mu.Unlock()
	return Stats{Accepted: s.stats.accepted.Load(), RefusedConns: s.stats.refusedConns.Load(),
		RefusedRequests: s.stats.refusedRequests.Load(), RefusedHandshakes: s.stats.refusedHandshakes.Load(), RefusedHeaders: s.stats.refusedHeaders.Load(), TimedOut: s.stats.timedOut.Load(),
		AcceptErrors: s.stats.acceptErrors.Load(), Conns: int64(open)}
}
