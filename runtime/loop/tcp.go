package loop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/tako-go/tako"
)

// TCPConfig configures a [TCPServer]. Addr, Listener or Listen must be set.
type TCPConfig struct {
	// Addr is the TCP address to listen on; port 0 lets the kernel choose.
	Addr string
	// Listener is used instead of Addr if it is set. The server closes it. All loops
	// share its socket.
	Listener net.Listener
	// Listen makes the listener when the server begins to listen, in place of Addr, as those of
	// package transport do.
	Listen tako.ListenFunc
	// Loops, Poller, Pin and KeepProcs are as in [Config].
	Loops     int
	Poller    string
	Pin       bool
	KeepProcs bool
	// Unsent bounds the bytes that functions have written and the client has not taken, and as
	// many that were sent by others. It is also the most that can be written at once.
	// Default: 1 MiB.
	Unsent int
	// Proxy configures the PROXY protocol, with which connections begin then.
	Proxy tako.ProxyConfig
	// Limits bounds what clients may take. These hold: Conns, ConnsPerAddr, IdleTimeout, the
	// time without a byte either way, and WriteTimeout. The others are of HTTP.
	Limits tako.Limits
	// Log gets what goes wrong on connections.
	// Default: slog.Default().
	Log *slog.Logger
}

// TCPServer is a server of raw streams: its connections are on event loops, as those of
// [Server] are, and [Events] tells what happens on them. It implements [tako.Server]. There is
// no TLS; handlers that shall have a goroutine for each connection, or TLS, are for package
// transport/tcp. Elsewhere than on Linux, and for listeners that do not show their socket,
// every connection has a goroutine, with the same functions.
type TCPServer struct {
	s   *Server
	cfg TCPConfig
}

var (
	_ tako.Server      = (*TCPServer)(nil)
	_ tako.Drainer     = (*TCPServer)(nil)
	_ tako.Describable = (*TCPServer)(nil)
	_ tako.SocketOwner = (*TCPServer)(nil)
)

// defaultUnsent is how much may wait for a client.
const defaultUnsent = 1 << 20

// NewTCP returns a server that tells events of what happens on its connections.
func NewTCP(events Events, cfg TCPConfig) *TCPServer {
	s := New(tako.New(), Config{
		Addr: cfg.Addr, Listener: cfg.Listener, Listen: cfg.Listen,
		Loops: cfg.Loops, Poller: cfg.Poller, Pin: cfg.Pin, KeepProcs: cfg.KeepProcs,
		Proxy: cfg.Proxy, Limits: cfg.Limits, Log: cfg.Log,
		HTTP2: tako.HTTP2Config{Off: true},
	})
	if cfg.Unsent == 0 {
		cfg.Unsent = defaultUnsent
	}
	s.raw = newRaw(s, events, cfg.Unsent)
	return &TCPServer{s: s, cfg: cfg}
}

// Listen checks the configuration and binds the address. If it fails a ready-made
// listener is closed.
func (t *TCPServer) Listen(ctx context.Context) error {
	var err error
	switch {
	case t.s.raw.Data == nil:
		err = errors.New("loop: Events without Data")
	case t.cfg.Unsent < 0:
		err = fmt.Errorf("loop: Unsent is %d: it must be positive, or 0 for the default", t.cfg.Unsent)
	case t.cfg.Addr == "" && t.cfg.Listener == nil && t.cfg.Listen == nil:
		err = errors.New("loop: no address to listen on")
	}
	if err == nil {
		return t.s.Listen(ctx)
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.s.engine == nil {
		t.s.closeUnused()
	}
	return err
}

// Serve accepts and serves connections until Shutdown.
func (t *TCPServer) Serve() error { return t.s.Serve() }

// Addr is the address the server listens on, nil before Listen.
func (t *TCPServer) Addr() net.Addr { return t.s.Addr() }

// BeginDrain does nothing that a connection can see: that is for Shutdown.
func (t *TCPServer) BeginDrain() { t.s.BeginDrain() }

// Shutdown drains the server: connections in the accept queue are taken, all are told
// Drain, and those left are cut when ctx is done, which their Close may still see when it
// returns. It honours the first call's ctx; later calls wait for the result.
func (t *TCPServer) Shutdown(ctx context.Context) (tako.Report, error) { return t.s.Shutdown(ctx) }

// Describe returns "tcp (loop/epoll)" or so.
func (t *TCPServer) Describe() string {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.s.engine == nil {
		return "tcp (loop)"
	}
	return "tcp (loop/" + t.s.engine.describe() + ")"
}

// Sockets returns a duplicate of each listening socket, as [tako.SocketOwner] says.
func (t *TCPServer) Sockets() ([]*os.File, error) { return t.s.Sockets() }

// Inherit makes Listen serve these sockets, as [tako.SocketOwner] says.
func (t *TCPServer) Inherit(sockets []*os.File) error { return t.s.Inherit(sockets) }

// TCPStats are counters since the start.
type TCPStats struct {
	// Accepted connections, and those closed for the limit of their address.
	Accepted, RefusedConns int64
	// Inline events were told on an event loop, Offloaded ones on a goroutine.
	Inline, Offloaded int64
	// RefusedHeaders are connections without a valid PROXY header of a trusted source.
	RefusedHeaders int64
	// TimedOut connections: PROXY header, idle or write.
	TimedOut int64
	// Panics of functions. Each has ended its connection.
	Panics int64
	// AcceptErrors is how often accepting failed and was tried again.
	AcceptErrors int64
	// Conns is the number of open connections.
	Conns int64
	// Handovers is how often a loop was taken away from a function that blocked.
	Handovers int64
}

// Stats returns the counters. It may be called at any time.
func (t *TCPServer) Stats() TCPStats {
	all := t.s.Stats()
	return TCPStats{Accepted: all.Accepted, RefusedConns: all.RefusedConns, Inline: all.Inline, Offloaded: all.Offloaded + all.Streamed,
		RefusedHeaders: all.RefusedHeaders, TimedOut: all.TimedOut, Panics: t.s.raw.panics.Load(), AcceptErrors: all.AcceptErrors, Conns: all.Conns, Handovers: all.Handovers}
}
