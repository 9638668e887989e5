package udp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/drainonce"
)

// Server serves datagrams. It implements [tako.Server] and is used once.
type Server struct {
	handler Handler
	layers  []Layer
	cfg     Config
	log     *slog.Logger
	stats   counters
	queue   *queue

	draining  chan struct{} // closed when the drain begins
	stopping  chan struct{} // closed when no more datagrams are waited for
	expired   chan struct{} // closed when readers have been made to end, and may set deadlines
	readers   gang
	workers   gang
	beginOnce sync.Once
	before    int64 // datagrams served when the drain began; set by beginOnce
	shut      *drainonce.Once

	ctx    context.Context // of all handlers
	cancel context.CancelCauseFunc

	mu        sync.Mutex
	socks     []*socket
	inherited []net.PacketConn // until Listen
	serving   bool
	stopped   bool
}

var (
	_ tako.Server      = (*Server)(nil)
	_ tako.Drainer     = (*Server)(nil)
	_ tako.Describable = (*Server)(nil)
	_ tako.SocketOwner = (*Server)(nil)
)

// New returns a server that calls h for each datagram. The first layer is the outermost.
func New(h Handler, cfg Config, layers ...Layer) *Server {
	s := &Server{handler: h, layers: layers, cfg: cfg, log: cfg.Log, draining: make(chan struct{}), stopping: make(chan struct{}),
		expired: make(chan struct{}), readers: newGang(), workers: newGang(), shut: drainonce.New()}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

// Describe returns "udp".
func (s *Server) Describe() string { return "udp" }

// Addr is the address the server listens on, nil before Listen.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.socks) == 0 {
		return nil
	}
	return s.socks[0].conn.LocalAddr()
}

// Listen checks the configuration and the layers and binds the address. If it fails a
// ready-made socket and inherited ones are closed.
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
		return fmt.Errorf("udp: listen: %w", http.ErrServerClosed)
	case s.socks != nil:
		return errors.New("udp: Listen called twice")
	case s.handler == nil:
		return errors.New("udp: no handler")
	}
	cfg, err := s.cfg.withDefaults()
	if err != nil {
		return err
	}
	handler, err := wrap(s.handler, s.layers)
	if err != nil {
		return err
	}
	conns, err := s.bind(ctx, cfg)
	if err != nil {
		return err
	}
	for _, conn := range conns {
		if err := s.setReadBuffer(conn, cfg.ReadBuffer); err != nil {
			closeConns(conns)
			return err
		}
	}
	s.cfg, s.handler = cfg, handler
	s.queue = newQueue(cfg.Queue, func() *Packet { return &Packet{buf: make([]byte, cfg.MaxDatagram+1)} })
	for _, conn := range conns {
		s.socks = append(s.socks, newSocket(s, conn))
	}
	return nil
}

// Serve receives and serves datagrams until Shutdown.
func (s *Server) Serve() error {
	ended, err := s.start()
	if err != nil {
		return err
	}
	select {
	case err = <-ended:
	case <-s.stopping:
	}
	if s.isStopping() {
		<-s.shut.Done()
		return nil
	}
	return fmt.Errorf("udp: %w", err)
}

// start starts readers and workers; the errors of readers go to ended.
func (s *Server) start() (ended chan error, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, nil
	case s.socks == nil:
		return nil, errors.New("udp: Serve called before Listen")
	case s.serving:
		return nil, errors.New("udp: Serve called twice")
	}
	s.serving = true
	ended = make(chan error, len(s.socks))
	s.workers.add(s.cfg.Workers)
	for range s.cfg.Workers {
		go s.work(nil)
	}
	s.readers.add(len(s.socks))
	for _, k := range s.socks {
		go func() {
			defer s.readers.leave()
			ended <- s.receive(k)
		}()
	}
	return ended, nil
}

func (s *Server) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// gang is a number of goroutines that are waited for.
type gang struct {
	left *atomic.Int64
	gone chan struct{} // closed when the last has left
}

func newGang() gang { return gang{new(atomic.Int64), make(chan struct{})} }

// add is called once.
func (g gang) add(n int) { g.left.Add(int64(n)) }

func (g gang) leave() {
	if g.left.Add(-1) == 0 {
		close(g.gone)
	}
}
