package tcp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/tcp"
)

const (
	// short is what limits are set to that shall strike.
	short = 300 * time.Millisecond
	// rest is the idle time of clients that shall keep within it, also when they must wait for a
	// processor.
	rest = 4 * short
	// patience is how long a client waits for what must come.
	patience = 20 * time.Second
)

var quiet = slog.New(slog.DiscardHandler)

// over is a context that is done.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// echo answers lines, and is idle between two.
func echo(_ context.Context, c *tcp.Conn) error {
	lines := bufio.NewReader(c)
	for {
		if lines.Buffered() == 0 {
			c.Idle()
		}
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := c.Write(line); err != nil {
			return err
		}
	}
}

// plain echoes without ever saying that it is idle.
func plain(_ context.Context, c *tcp.Conn) error {
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return err
		}
	}
}

// start serves on a loopback port, unless cfg says where, until the test ends.
func start(t testing.TB, h tcp.Handler, cfg tcp.Config, layers ...tcp.Layer) *tcp.Server {
	t.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Log == nil {
		cfg.Log = quiet
	}
	s := tcp.New(h, cfg, layers...)
	assert.NoError(t, s.Listen(context.Background()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		_, _ = s.Shutdown(over())
		assert.NoError(t, <-served, "Serve")
	})
	return s
}

// client is one connection to a server.
type client struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

func dial(t testing.TB, s *tcp.Server) *client {
	t.Helper()
	conn, err := net.Dial(s.Addr().Network(), s.Addr().String())
	assert.NoError(t, err)
	return wrap(t, conn)
}

func wrap(t testing.TB, conn net.Conn) *client {
	t.Helper()
	assert.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	t.Cleanup(func() { _ = conn.Close() })
	return &client{conn, t, bufio.NewReader(conn)}
}

func (c *client) send(text string) {
	c.t.Helper()
	_, err := io.WriteString(c, text)
	assert.NoError(c.t, err)
}

// asks sends a line and demands that it comes back.
func (c *client) asks(line string) {
	c.t.Helper()
	c.send(line + "\n")
	c.gets(line)
}

func (c *client) gets(line string) {
	c.t.Helper()
	got, err := c.in.ReadString('\n')
	if got != line+"\n" || err != nil {
		c.t.Fatalf("got %q, %v, want %q", got, err, line)
	}
}

// ended demands that the server closes the connection in order, with nothing before.
func (c *client) ended() {
	c.t.Helper()
	got, err := io.ReadAll(c.in)
	if len(got) > 0 || err != nil {
		c.t.Fatalf("got %q, %v, want the end", got, err)
	}
}

// gone demands that the server closes the connection in any way.
func (c *client) gone() {
	c.t.Helper()
	if got, err := io.ReadAll(c.in); len(got) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("got %q, %v, want the end", got, err)
	}
}

// silent demands that nothing comes for a while, not even the end.
func (c *client) silent(d time.Duration) {
	c.t.Helper()
	assert.NoError(c.t, c.SetReadDeadline(time.Now().Add(d)))
	if b, err := c.in.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("got %q, %v, want silence for %v", b, err, d)
	}
	assert.NoError(c.t, c.SetReadDeadline(time.Now().Add(patience)))
}

// wait demands that ch is closed or gives something.
func wait[T any](t testing.TB, what string, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("after %v still not: %s", patience, what)
	}
	return v
}

// logbook keeps what is logged.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logbook) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// listener returns a TCP listener that tells whether it was closed.
func listener(t testing.TB) *watched {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	return &watched{Listener: ln}
}

type watched struct {
	net.Listener
	closed atomic.Bool
}

func (l *watched) Close() error {
	l.closed.Store(true)
	return l.Listener.Close()
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := tcp.New(echo, tcp.Config{Addr: "127.0.0.1:0", Log: quiet})
	assert.Equal(t, s.Addr(), nil, "address before Listen")
	assert.Equal(t, s.Describe(), "tcp")
	if err := s.Serve(); err == nil {
		t.Error("Serve before Listen: got no error")
	}
	assert.NoError(t, s.Listen(t.Context()))
	if err := s.Listen(t.Context()); err == nil {
		t.Error("Listen twice: got no error")
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	c := dial(t, s)
	c.asks("hello")
	assert.Eventually(t, patience, "all is counted", func() bool {
		return s.Stats() == tcp.Stats{Accepted: 1, Conns: 1, BytesIn: 6, BytesOut: 6}
	})
	if err := s.Serve(); err == nil {
		t.Error("Serve twice: got no error")
	}
	report, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, report.Idle+report.Drained, 1, "it may not have got to its next read")
	assert.Equal(t, report.Cut, 0, "cut")
	assert.NoError(t, <-served)
	c.ended()
	assert.Equal(t, s.Stats(), tcp.Stats{Accepted: 1, BytesIn: 6, BytesOut: 6})
	assert.ErrorIs(t, s.Listen(t.Context()), http.ErrServerClosed)
}

// A client that has sent all it wants gets all that comes.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	s := start(t, func(ctx context.Context, c *tcp.Conn) error {
		all, err := io.ReadAll(c)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			t.Error("the context has ended with the client's half of the connection")
		}
		_, err = c.Write(all)
		return err
	}, tcp.Config{})
	c := dial(t, s)
	c.send("all of it\n")
	assert.NoError(t, c.Conn.(*net.TCPConn).CloseWrite())
	c.gets("all of it")
	c.ended()
}

// What the handler has written arrives, whatever the client sends that nobody reads.
func TestUnreadInput(t *testing.T) {
	t.Parallel()
	sent := make(chan struct{})
	s := start(t, func(_ context.Context, c *tcp.Conn) error {
		<-sent
		_, err := io.WriteString(c, "no\n")
		return err
	}, tcp.Config{})
	c := dial(t, s)
	c.send("something that is not read\n")
	close(sent)
	c.gets("no")
	c.ended()
}

func TestCN11Listen(t *testing.T) {
	t.Parallel()
	taken := listener(t)
	failure := errors.New("no listener today")
	refuses := func(context.Context) (net.Listener, error) { return nil, failure }
	tests := []struct {
		name    string
		handler tcp.Handler
		cfg     tcp.Config
		layers  []tcp.Layer
		is      error
		want    string
	}{
		{name: "no address", handler: echo, want: "no address"},
		{name: "no handler", cfg: tcp.Config{Addr: "127.0.0.1:0"}, want: "no handler"},
		{name: "port taken", handler: echo, cfg: tcp.Config{Addr: taken.Addr().String()}, is: syscall.EADDRINUSE},
		{name: "bad address", handler: echo, cfg: tcp.Config{Addr: "127.0.0.1:none"}, want: "tcp: listen"},
		{name: "Listen fails", handler: echo, cfg: tcp.Config{Listen: refuses}, is: failure},
		{name: "nil layer", handler: echo, cfg: tcp.Config{Addr: "127.0.0.1:0"}, layers: []tcp.Layer{nil}, want: "layer is nil"},
		{name: "nil middleware", handler: echo, cfg: tcp.Config{Addr: "127.0.0.1:0"}, layers: []tcp.Layer{tcp.Middleware(nil)}, want: "nil Middleware"},
		{name: "middleware without handler", handler: echo, cfg: tcp.Config{Addr: "127.0.0.1:0"},
			layers: []tcp.Layer{tcp.Middleware(func(tcp.Handler) tcp.Handler { return nil })}, want: "no handler"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tcp.New(tt.handler, tt.cfg, tt.layers...)
			err := s.Listen(t.Context())
			if err == nil {
				t.Fatal("got no error")
			}
			if tt.is != nil {
				assert.ErrorIs(t, err, tt.is)
			}
			assert.Contains(t, err.Error(), tt.want)
			assert.Equal(t, s.Addr(), nil, "address")
			if err := s.Serve(); err == nil {
				t.Error("Serve: got no error")
			}
			_, err = s.Shutdown(t.Context())
			assert.NoError(t, err)
		})
	}
	s := start(t, echo, tcp.Config{Addr: "127.0.0.1:0"})
	if a, ok := s.Addr().(*net.TCPAddr); !ok || a.Port == 0 {
		t.Errorf("got address %v, want the true port", s.Addr())
	}
}

func TestListenFunc(t *testing.T) {
	t.Parallel()
	ln := listener(t)
	s := start(t, echo, tcp.Config{Listen: func(context.Context) (net.Listener, error) { return ln, nil }})
	assert.Equal(t, s.Addr(), ln.Addr())
	dial(t, s).asks("hello")
	_, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, ln.closed.Load(), true, "closed")
}

// A listener that its owner closes ends the server with an error.
func TestListenerLost(t *testing.T) {
	t.Parallel()
	ln := listener(t)
	s := tcp.New(echo, tcp.Config{Listener: ln, Log: quiet})
	assert.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	assert.NoError(t, ln.Close())
	assert.ErrorIs(t, wait(t, "Serve ends", served), net.ErrClosed)
	_, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
}
