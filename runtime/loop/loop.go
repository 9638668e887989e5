// Package loop is the runtime on event loops: one per core, each with its own
// listening socket and its own connections, over epoll or io_uring. [New] makes a
// server for an app; everything else about it is in its [Config].
//
// Handlers that were seen to be short run on the loop itself, the others on
// goroutines; a handler that blocks on the loop all the same has the loop taken away
// from it, so any handler may block. [Server.Stats] tells what was learned.
//
// Event loops need Linux. Elsewhere the same server serves every connection on a
// goroutine, and says so when it starts.
package loop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/dispatch"
	"github.com/tako-go/tako/internal/drainonce"
	"github.com/tako-go/tako/internal/http1"
	"github.com/tako-go/tako/internal/http2serve"
	"github.com/tako-go/tako/internal/proxyproto"
)

// Config configures a server. The zero value listens on ":8080".
type Config struct {
	// Addr is the TCP address to listen on; port 0 lets the kernel choose.
	// Default: ":8080".
	Addr string
	// Listener is used instead of Addr if it is set. The server closes it. All loops
	// share its socket.
	Listener net.Listener
	// Listen makes the listener when the server begins to listen, in place of Addr, as those of
	// package transport do. Listener must not be set then.
	Listen tako.ListenFunc
	// Loops is the number of event loops.
	// Default: the value of GOMAXPROCS when the first server listened.
	Loops int
	// Poller is "epoll", "io_uring", or "auto" for the better one that the kernel has.
	// Default: "auto".
	Poller string
	// Pin binds each loop to a processor of its own.
	Pin bool
	// KeepProcs leaves GOMAXPROCS as it is. Otherwise the server raises it to two
	// more than it has loops, so that goroutines need not wait for busy loops.
	KeepProcs bool
	// PipelineBytes bounds what is read of further requests of a connection while
	// one is served. The client has to wait when it is full.
	// Default: 64 KiB.
	PipelineBytes int
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

// Server is a server on event loops. It implements [tako.Server].
type Server struct {
	app    tako.App
	cfg    Config
	limits tako.Limits
	head   http1.Limits
	log    *slog.Logger
	count  *connlimit.Counter
	date   dateCache
	http2  http2serve.Server
	tls    *tls.Config      // nil without TLS
	gate   *proxyproto.Gate // nil without the PROXY protocol
	advert atomic.Pointer[string]
	raw    *raw               // of a TCPServer, nil otherwise
	cancel context.CancelFunc // ends what the certificates have started
	stats  counters
	// tallies has one for each loop.
	tallies []tally

	classes  dispatch.Classes
	upgrades upgrades
	streams  streams
	hijacked hijackedConns

	draining  chan struct{} // closed when the drain begins
	stopping  chan struct{} // closed when no more connections are accepted
	stopped   atomic.Bool   // so is stopping
	over      atomic.Bool   // nothing is served any more
	beginOnce sync.Once
	shut      *drainonce.Once

	open   atomic.Int64 // connections
	held   atomic.Int64 // accepted ones that wait for a place
	robbed atomic.Int64 // goroutines whose loop was taken away and that still run
	drains atomic.Bool

	patient   atomic.Bool // the drain is, as a successor serves
	graceOver atomic.Bool // the drain closes what has only just come

	gone  atomic.Int64  // connections that ended since the drain began
	empty chan struct{} // gets a value when the last connection has ended

	mu      sync.Mutex
	engine  engine
	addr    net.Addr
	serving bool
	inherit []*os.File
	failed  chan error // why accepting ended by itself
}

// engine is what carries connections: event loops, or goroutines.
type engine interface {
	// describe names it.
	describe() string
	// start begins to accept.
	start()
	// stop empties the accept queue, closes what listens and begins to end connections of
	// HTTP/2 and raw ones. It returns the number of those that had nothing to do.
	stop(ctx context.Context) int
	// closeIdle closes connections between two requests, and returns their number.
	closeIdle() int
	// closeFresh closes connections that have not sent a request yet.
	closeFresh() int
	// cut breaks off all connections.
	cut(cause error) int
	// end frees everything. It is called last, also if start was not.
	end()
	// sockets returns duplicates of the listening sockets.
	sockets() ([]*os.File, error)
	// feed is called when a connection has ended while there were too many.
	feed()
}

var (
	_ tako.Server      = (*Server)(nil)
	_ tako.Drainer     = (*Server)(nil)
	_ tako.Describable = (*Server)(nil)
	_ tako.SocketOwner = (*Server)(nil)
	_ tako.Reloader    = (*Server)(nil)
	_ tako.Origin      = (*Server)(nil)
)

// New returns a server for app, a [tako.Router] or [tako.Live].
func New(app tako.App, cfg Config) *Server {
	s := &Server{app: app, cfg: cfg, log: cfg.Log, draining: make(chan struct{}), stopping: make(chan struct{}),
		empty: make(chan struct{}, 1), failed: make(chan error, 1), shut: drainonce.New()}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

// Describe returns "http/1.1, h2 (loop/epoll)" or so.
func (s *Server) Describe() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine == nil {
		return s.protocols() + " (loop)"
	}
	return s.protocols() + " (loop/" + s.engine.describe() + ")"
}

// Addr is the address the server listens on, nil before Listen.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Listen builds the app, checks the configuration and binds the address. If it
// fails a ready-made listener is closed.
func (s *Server) Listen(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.listen(ctx)
	if err != nil && s.engine == nil {
		s.closeUnused()
	}
	return err
}

func (s *Server) listen(ctx context.Context) error {
	if s.engine != nil {
		return errors.New("loop: Listen called twice")
	}
	if err := s.configure(); err != nil {
		return err
	}
	if s.app == nil {
		return errors.New("loop: no app to serve")
	}
	if err := s.app.Build(); err != nil {
		return err
	}
	if s.stopped.Load() {
		return fmt.Errorf("loop: listen: %w", http.ErrServerClosed)
	}
	s.count = connlimit.New(s.limits.Conns, s.limits.ConnsPerAddr)
	base, cancel := context.WithCancel(context.Background())
	if err := s.openCerts(base); err != nil {
		cancel()
		return fmt.Errorf("loop: certificates: %w", err)
	}
	engine, addr, err := newEngine(ctx, s)
	if err != nil {
		cancel()
		return fmt.Errorf("loop: %w", err)
	}
	s.cancel = cancel
	s.engine, s.addr = engine, addr
	return nil
}

// configure sets defaults and checks the rest.
func (s *Server) configure() (err error) {
	if s.limits, err = s.cfg.Limits.WithDefaults(); err != nil {
		return err
	}
	settings, err := s.cfg.HTTP2.WithDefaults()
	if err != nil {
		return err
	}
	s.http2 = http2serve.Server{App: s.app, HTTP2: settings, Limits: s.limits, Log: s.log, Draining: s.draining, Classes: &s.classes,
		Epoch: epoch, Refused: &s.stats.refusedRequests, TimedOut: &s.stats.timedOut, Served: &s.stats.streamed, AltSvc: s.altSvc}
	s.http2.Prepare()
	s.head = http1.Limits{HeadBytes: s.limits.HeaderBytes, TargetBytes: s.limits.TargetBytes, Fields: s.limits.HeaderFields}
	if s.gate, err = proxyproto.NewGate(s.cfg.Proxy); err != nil {
		return err
	}
	switch {
	case s.cfg.Listen != nil && s.cfg.Listener != nil:
		return errors.New("loop: both Listen and Listener are set")
	case s.cfg.Loops < 0 || s.cfg.Loops > 1024:
		return fmt.Errorf("loop: Loops is %d: it must be 1 to 1024, or 0 for the default", s.cfg.Loops)
	case s.cfg.PipelineBytes < 0:
		return fmt.Errorf("loop: PipelineBytes is %d: it must be positive, or 0 for the default", s.cfg.PipelineBytes)
	}
	if loops := defaultLoops(); s.cfg.Loops == 0 { // before any server changes GOMAXPROCS
		s.cfg.Loops = loops
	}
	if s.cfg.PipelineBytes == 0 {
		s.cfg.PipelineBytes = 64 << 10
	}
	if s.cfg.Addr == "" {
		s.cfg.Addr = ":8080"
	}
	return nil
}

// Serve accepts and serves connections until Shutdown.
func (s *Server) Serve() error {
	s.mu.Lock()
	engine, twice := s.engine, s.serving
	starts := engine != nil && !twice && !s.stopped.Load()
	if starts {
		s.serving = true
		engine.start()
	}
	s.mu.Unlock()
	switch {
	case twice:
		return errors.New("loop: Serve called twice")
	case engine == nil && !s.stopped.Load():
		return errors.New("loop: Serve called before Listen")
	}
	select {
	case <-s.shut.Done():
		return nil
	case err := <-s.failed:
		if s.isStopping() {
			<-s.shut.Done()
			return nil
		}
		return fmt.Errorf("loop: %w", err)
	}
}

func (s *Server) isStopping() bool { return s.stopped.Load() }

// endsIdle reports whether a connection ends when it has no request: while a drain is patient not
// unless its client has been told.
func (s *Server) endsIdle() bool {
	return s.isStopping() && (!s.patient.Load() || s.graceOver.Load())
}

// closeUnused closes ready-made listeners that were never listened on.
func (s *Server) closeUnused() {
	if s.cfg.Listener != nil {
		_ = s.cfg.Listener.Close()
	}
	for _, f := range s.inherit {
		_ = f.Close()
	}
	s.inherit = nil
}

// newPeer makes what is known of a connection that has its place.
func (s *Server) newPeer(p *peer, slot *connlimit.Slot, ends addresses) {
	p.srv, p.slot, p.ends = s, slot, ends
	s.open.Add(1)
}

// ended counts a connection that is over, and then gives its place away.
func (s *Server) ended(slot *connlimit.Slot) {
	if s.drains.Load() {
		s.gone.Add(1)
	}
	last := s.open.Add(-1) == 0
	slot.Release()
	s.engine.feed()
	if last {
		s.nudge()
	}
}

// nudge has a shutdown look whether there are connections left.
func (s *Server) nudge() {
	if !s.isStopping() {
		return
	}
	select {
	case s.empty <- struct{}{}:
	default:
	}
}

// unhold counts a connection that waits no more.
func (s *Server) unhold() {
	if s.held.Add(-1) == 0 {
		s.nudge()
	}
}

// refused counts and logs a request that is refused before the router.
func (s *Server) refused(p *peer, why *http1.Error) {
	s.stats.refusedRequests.Add(1)
	s.log.Info("request refused", "peer", p.connInfo().Remote, "status", why.Status, "reason", why.Reason)
}

// Sockets returns a duplicate of each listening socket, as [tako.SocketOwner] says.
// It fails with a ready-made listener that does not show its socket.
func (s *Server) Sockets() ([]*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine == nil {
		return nil, errors.New("loop: Sockets called before Listen")
	}
	files, err := s.engine.sockets()
	if err != nil {
		return nil, fmt.Errorf("loop: %w", err)
	}
	return files, nil
}

// Inherit makes Listen serve these sockets and bind nothing, as [tako.SocketOwner]
// says. Their number and that of the loops need not be the same.
func (s *Server) Inherit(sockets []*os.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(sockets) == 0 || s.engine != nil || s.inherit != nil || s.stopped.Load() {
		for _, f := range sockets {
			_ = f.Close()
		}
		return errors.New("loop: Inherit needs sockets, once and before Listen")
	}
	s.inherit = sockets
	return nil
}

// full logs a connection that is refused for the limit of its address.
func (s *Server) full(remote any) {
	if n := s.stats.refusedConns.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th …: a flood must not fill the log
		s.log.Warn("connection refused: its address has too many", "peer", remote, "refused", n)
	}
}

// epoch is what the coarse clocks of loops count from.
var epoch = time.Now()
