package webtransport

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	lib "github.com/quic-go/webtransport-go"

	"github.com/tako-go/tako/transport/h3"
)

// ServerConfig sets what sessions of a server may take. The zero value works. Fields that are out
// of range are an error of Listen.
type ServerConfig struct {
	// Sessions bounds the sessions of a connection. More are answered 429. Clients without flow
	// control, which is most browsers, may have only one.
	// Default: 16; up to 65536.
	Sessions int
	// Streams bounds the bidirectional streams of a session that a client may have open, UniStreams
	// the unidirectional ones. With flow control the client is told, and more are an error of the
	// session; in any case AcceptStream hands out no more until one has ended. Those of all
	// sessions of a connection count to h3.Config.Streams and UniStreams as well.
	// Default: 100; from 1 to 65536.
	Streams, UniStreams int
	// Window is how many bytes of all streams of a session a client with flow control may send
	// before they are read.
	// Default: 1 MiB; from 1 KiB to 256 MiB.
	Window int
	// EarlyTimeout is how long streams wait for the session that they are for, which may come after
	// them, and a session for the settings of its client.
	// Default: 2 s.
	EarlyTimeout time.Duration
	// Protocols are those of the application that a client may choose from, by its order:
	// see [Session.Protocol].
	Protocols []string
}

func (c ServerConfig) withDefaults() (ServerConfig, error) {
	var err error
	bound := func(field *int, name string, value, least, most int) {
		if *field == 0 {
			*field = value
		}
		if (*field < least || *field > most) && err == nil {
			err = fmt.Errorf("webtransport: ServerConfig.%s is %d: it must be %d to %d, or 0 for the default", name, *field, least, most)
		}
	}
	bound(&c.Sessions, "Sessions", 16, 1, 1<<16)
	bound(&c.Streams, "Streams", 100, 1, 1<<16)
	bound(&c.UniStreams, "UniStreams", 100, 1, 1<<16)
	bound(&c.Window, "Window", 1<<20, 1<<10, 256<<20)
	if c.EarlyTimeout == 0 {
		c.EarlyTimeout = 2 * time.Second
	}
	if c.EarlyTimeout < 0 && err == nil {
		err = fmt.Errorf("webtransport: ServerConfig.EarlyTimeout is %v: it must be positive, or 0 for the default", c.EarlyTimeout)
	}
	return c, err
}

// Server lets servers of transport/h3 take sessions: it is their Config.WebTransport. Its methods
// may be called at any time.
type Server struct {
	cfg                     ServerConfig
	opened, refused, active atomic.Int64
}

var _ h3.WebTransport = (*Server)(nil)

// New returns a Server.
func New(cfg ServerConfig) *Server { return &Server{cfg: cfg} }

// ServerStats are counters since the start.
type ServerStats struct {
	// Opened sessions, and Active ones, which have not ended.
	Opened, Active int64
	// Refused are those that passed the route and were not opened: the connection had too many, or
	// the client cannot have what a session needs.
	Refused int64
}

// Stats returns the counters.
func (s *Server) Stats() ServerStats {
	return ServerStats{Opened: s.opened.Load(), Active: s.active.Load(), Refused: s.refused.Load()}
}

// Attach is called by the server that has s as its Config.WebTransport.
func (s *Server) Attach(server any) (h3.Sessions, error) {
	cfg, err := s.cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	over := server.(*http3.Server)
	before := over.ConnContext
	over.ConnContext = func(ctx context.Context, qc *quic.Conn) context.Context {
		if before != nil {
			ctx = before(ctx, qc)
		}
		return context.WithValue(ctx, connKey{}, &connection{qc: qc})
	}
	limits := lib.Config{MaxIncomingStreams: int64(cfg.Streams), MaxIncomingUniStreams: int64(cfg.UniStreams), MaxIncomingData: int64(cfg.Window)}
	return &host{Server: s, cfg: cfg, lib: &lib.Server{H3: over, Config: &limits, ApplicationProtocols: cfg.Protocols,
		ReorderingTimeout: cfg.EarlyTimeout, CheckOrigin: anyOrigin}}, nil
}

// host is a Server for one server of HTTP/3.
type host struct {
	*Server
	cfg ServerConfig
	lib *lib.Server
}

// Serve serves a connection until it has ended.
func (h *host) Serve(conn any) error { return h.lib.ServeQUICConn(conn.(*quic.Conn)) }

type connKey struct{}

// connection is one of QUIC.
type connection struct {
	qc *quic.Conn

	mu       sync.Mutex
	sessions int
}

// enter takes a place for a session, if there are not most already.
func (c *connection) enter(most int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions >= most {
		return false
	}
	c.sessions++
	return true
}

func (c *connection) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions--
}
