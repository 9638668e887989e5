package loop_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// onGoroutines stands for a poller where every connection has a goroutine.
const onGoroutines = "goroutines"

// overHosts runs a test wherever sockets can live.
func overHosts(t *testing.T, test func(t *testing.T, host string)) {
	t.Helper()
	overPollers(t, test)
	t.Run(onGoroutines, func(t *testing.T) { test(t, onGoroutines) })
}

// opaque is a listener whose connections no loop can take.
type opaque struct{ *net.TCPListener }

type opaqueConn struct{ *net.TCPConn }

func (l opaque) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return opaqueConn{c}, nil
}

// socketRig is a TCPServer that must leave nothing behind.
type socketRig struct {
	t      *testing.T
	s      *loop.TCPServer
	served chan error
	log    *logBuffer
	cut    bool // the test has shut the server down and cut connections
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func startSockets(t *testing.T, host string, events loop.Events, cfg loop.TCPConfig) *socketRig {
	t.Helper()
	warmUp(t)
	fds, goroutines := descriptorsOf(t), runtime.NumGoroutine()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		assert.Eventually(t, rigPatience, "goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines })
		assert.Eventually(t, rigPatience, "descriptors to be closed", func() bool { return descriptorsOf(t) <= fds })
	})
	r := &socketRig{t: t, served: make(chan error, 1), log: new(logBuffer)}
	cfg.Log = slog.New(slog.NewTextHandler(r.log, nil))
	if cfg.Loops == 0 {
		cfg.Loops = 1
	}
	if host == onGoroutines {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		assert.NoError(t, err)
		cfg.Listener = opaque{ln.(*net.TCPListener)}
	} else {
		cfg.Addr, cfg.Poller = "127.0.0.1:0", host
	}
	r.s = loop.NewTCP(events, cfg)
	assert.NoError(t, r.s.Listen(t.Context()))
	go func() { r.served <- r.s.Serve() }()
	t.Cleanup(r.stop)
	return r
}

func (r *socketRig) stop() {
	_, err := r.shutdown(rigPatience)
	if err != nil && !r.cut {
		r.t.Errorf("Shutdown: %v, with %d connections", err, r.s.Stats().Conns)
	}
	select {
	case err := <-r.served:
		assert.NoError(r.t, err)
	case <-time.After(rigPatience):
		r.t.Error("Serve has not ended")
	}
	if !r.t.Failed() {
		assert.Eventually(r.t, rigPatience, "connections to end", func() bool { return r.s.Stats().Conns == 0 })
	}
}

func (r *socketRig) shutdown(within time.Duration) (tako.Report, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return r.s.Shutdown(ctx)
}

// reachable reports whether clients can still connect.
func (r *socketRig) reachable() bool {
	nc, err := net.Dial("tcp", r.s.Addr().String())
	if err == nil {
		_ = nc.Close()
	}
	return err == nil
}

// dial connects a client whose reads and writes are bounded.
func (r *socketRig) dial() *net.TCPConn {
	r.t.Helper()
	nc, err := net.DialTimeout("tcp", r.s.Addr().String(), rigPatience)
	assert.NoError(r.t, err)
	assert.NoError(r.t, nc.SetDeadline(time.Now().Add(rigPatience)))
	r.t.Cleanup(func() { _ = nc.Close() })
	return nc.(*net.TCPConn)
}

// says sends text and demands the answer.
func says(t *testing.T, nc net.Conn, text, answer string) {
	t.Helper()
	if text != "" {
		_, err := io.WriteString(nc, text)
		assert.NoError(t, err)
	}
	got := make([]byte, len(answer))
	_, err := io.ReadFull(nc, got)
	assert.NoError(t, err)
	assert.Equal(t, string(got), answer)
}

// ends demands that the connection ends in good order.
func ends(t *testing.T, nc net.Conn) {
	t.Helper()
	rest, err := io.ReadAll(nc)
	assert.NoError(t, err)
	assert.Equal(t, string(rest), "")
}

// socketEnds collects the errors of Close.
type socketEnds chan error

func (e socketEnds) close(_ *loop.Socket, err error) { e <- err }

// next waits for one.
func (e socketEnds) next(t *testing.T) error {
	t.Helper()
	select {
	case err := <-e:
		return err
	case <-time.After(rigPatience):
		t.Fatal("Close was not called")
		return nil
	}
}

func echo(s *loop.Socket, p []byte) { _, _ = s.Write(p) }
