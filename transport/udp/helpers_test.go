package udp_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/udp"
)

// patience bounds every wait for something that happens soon.
const patience = 20 * time.Second

var quiet = slog.New(slog.DiscardHandler)

// TestMain demands that all tests together leave no goroutine.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	for limit := time.Now().Add(patience); code == 0 && runtime.NumGoroutine() > before; <-time.After(5 * time.Millisecond) {
		if time.Now().After(limit) {
			buf := make([]byte, 1<<16)
			fmt.Printf("%d goroutines, %d before\n%s\n", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
			code = 1
		}
	}
	os.Exit(code)
}

func echo(_ context.Context, p *udp.Packet) error {
	_, err := p.Reply(p.Data)
	return err
}

// start serves until the test ends.
func start(tb testing.TB, h udp.Handler, cfg udp.Config, layers ...udp.Layer) *udp.Server {
	tb.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Log == nil {
		cfg.Log = quiet
	}
	s := udp.New(h, cfg, layers...)
	assert.NoError(tb, s.Listen(context.Background()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	tb.Cleanup(func() {
		_, _ = s.Shutdown(soon(tb))
		select {
		case err := <-served:
			assert.NoError(tb, err, "Serve")
		case <-time.After(patience):
			tb.Error("Serve did not return")
		}
	})
	return s
}

// soon is a context that ends after a while, if the test has no better idea.
func soon(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	return ctx
}

// over is a context that has ended.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// client is a connected socket.
type client struct {
	*net.UDPConn
	tb testing.TB
}

func dial(tb testing.TB, to net.Addr) *client {
	tb.Helper()
	conn, err := net.DialUDP("udp", nil, to.(*net.UDPAddr))
	assert.NoError(tb, err)
	tb.Cleanup(func() { _ = conn.Close() })
	return &client{conn, tb}
}

func (c *client) send(text string) {
	c.tb.Helper()
	_, err := c.Write([]byte(text))
	assert.NoError(c.tb, err)
}

// answer returns the next datagram.
func (c *client) answer() string {
	c.tb.Helper()
	buf := make([]byte, 1<<16)
	assert.NoError(c.tb, c.SetReadDeadline(time.Now().Add(patience)))
	n, err := c.Read(buf)
	assert.NoError(c.tb, err)
	return string(buf[:n])
}

// settled waits until nothing is under way and returns the counters.
func settled(tb testing.TB, s *udp.Server) udp.Stats {
	tb.Helper()
	assert.Eventually(tb, patience, "received = served + dropped", func() bool {
		st := s.Stats()
		return st.Received == st.Served+st.Dropped && st.InFlight+st.Queued == 0
	})
	return s.Stats()
}

// logText is what a server has logged.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// loopback is the address of this machine for a socket for all of them.
func loopback(a net.Addr) net.Addr {
	return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: a.(*net.UDPAddr).Port}
}

func needIPv6(t *testing.T) {
	t.Helper()
	c, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here")
	}
	_ = c.Close()
}

// descriptors counts the open ones, where that can be seen.
func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}
