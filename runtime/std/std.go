// Package std is the runtime on net/http: the most compatible one. [New] makes a
// server for an app; everything else about it is in its [Config].
//
// It serves HTTP/1.1. net/http parses the requests, so it accepts some that RFC
// 9112 forbids, most of all Transfer-Encoding beside Content-Length: do not put it
// behind a proxy that passes such requests on.
package std

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
)

// Config configures a server. The zero value listens on ":8080".
type Config struct {
	// Addr is the TCP address to listen on; port 0 lets the kernel choose.
	// Default: ":8080".
	Addr string
	// Listener is used instead of Addr if it is set. The server closes it.
	Listener net.Listener
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
	count  *connlimit.Counter
	stats  counters

	draining  chan struct{} // closed when the drain begins
	stopping  chan struct{} // closed when no more connections are accepted
	beginOnce sync.Once
	stopOnce  sync.Once
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
	report    tako.Report
	err       error
	done      chan struct{} // closed when Shutdown has ended
	served    chan struct{} // closed when the accept loops have ended
	serving   bool

	closingIdle atomic.Bool // idle connections are being closed for the drain

	now atomic.Int64 // coarse clock, in nanoseconds since epoch of the process
}

var (
	_ tako.Server      = (*Server)(nil)
	_ tako.Drainer     = (*Server)(nil)
	_ tako.Describable = (*Server)(nil)
)

// New returns a server for app, a [tako.Router] or [tako.Live].
func New(app tako.App, cfg Config) *Server {
	s := &Server{app: app, cfg: cfg, log: cfg.Log, conns: map[*conn]struct{}{},
		draining: make(chan struct{}), stopping: make(chan struct{}), done: make(chan struct{}), served: make(chan struct{})}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

// Describe returns "http/1.1 (std)".
func (s *Server) Describe() string { return "http/1.1 (std)" }

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
	lns, err := s.bind(ctx)
	if err != nil {
		return err
	}
	s.limits = limits
	s.count = connlimit.New(limits.Conns, limits.ConnsPerAddr)
	s.ln = lns
	s.prepare()
	return nil
}

// prepare makes the server of net/http. Only timeouts that it alone can judge are
// left to it; the conn turns its deadlines into marks for the sweeper.
func (s *Server) prepare() {
	base, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
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
		<-s.done
		return nil
	case ln == nil:
		return errors.New("std: Serve called before Listen")
	}
	err := s.accept(ln)
	select {
	case <-s.stopping:
		<-s.done
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
	// TimedOut connections: header, body, idle or write. Read timeouts of less than
	// two seconds are not counted.
	TimedOut int64
	// AcceptErrors is how often accepting failed and was tried again.
	AcceptErrors int64
	// Conns is the number of open connections.
	Conns int64
}

type counters struct {
	accepted, refusedConns, refusedRequests, timedOut, acceptErrors atomic.Int64
}

// Stats returns the counters. It may be called at any time.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	open := len(s.conns)
	s.mu.Unlock()
	return Stats{Accepted: s.stats.accepted.Load(), RefusedConns: s.stats.refusedConns.Load(),
		RefusedRequests: s.stats.refusedRequests.Load(), TimedOut: s.stats.timedOut.Load(),
		AcceptErrors: s.stats.acceptErrors.Load(), Conns: int64(open)}
}
