package loop_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/netpoll"
	"github.com/tako-go/tako/runtime/loop"
)

// rigPatience is how long anything that must come may take.
const rigPatience = 20 * time.Second

// rig is a server with routes that block on demand, and what its handlers did.
type rig struct {
	t   *testing.T
	s   *loop.Server
	app *tako.Router

	mu  sync.Mutex
	ran map[string]int // calls by the number of the request

	numbers atomic.Int64 // of requests

	inside atomic.Int64 // handlers that block now
	held   atomic.Pointer[held]
	served chan error
	cut    bool // the test has shut the server down and cut connections
}

// held is what handlers block on.
type held struct {
	gate chan struct{}
	lock sync.Mutex
	pipe [2]int
	free atomic.Bool // spinning handlers may end
}

// overPollers runs a test on both pollers.
func overPollers(t *testing.T, test func(t *testing.T, poller string)) {
	t.Helper()
	for _, poller := range []string{netpoll.Epoll, netpoll.IOUring} {
		t.Run(poller, func(t *testing.T) {
			if poller == netpoll.IOUring {
				if err := netpoll.Probe(); err != nil {
					t.Skip(err)
				}
			}
			test(t, poller)
		})
	}
}

// newRig makes a rig whose server does not run yet. The test adds routes to app.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, app: tako.New(), ran: map[string]int{}, served: make(chan error, 1)}
	r.app.Log(slog.New(slog.DiscardHandler))
	warmUp(t)
	fds, goroutines := descriptorsOf(t), runtime.NumGoroutine()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		assert.Eventually(t, rigPatience, "goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines })
		assert.Eventually(t, rigPatience, "descriptors to be closed", func() bool { return descriptorsOf(t) <= fds })
	})
	return r
}

// warmUp makes Go's own poller open what it keeps.
func warmUp(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	assert.NoError(t, ln.Close())
}

func descriptorsOf(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	assert.NoError(t, err)
	return len(list)
}

// start serves app until the test ends. All connections are on one loop unless
// the test says otherwise.
func (r *rig) start(cfg loop.Config, app tako.App) *rig {
	r.t.Helper()
	cfg.Addr, cfg.Log = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	if cfg.Loops == 0 {
		cfg.Loops = 1
	}
	r.s = loop.New(app, cfg)
	assert.NoError(r.t, r.s.Listen(context.Background()))
	go func() { r.served <- r.s.Serve() }()
	r.t.Cleanup(r.stop)
	return r
}

// stop ends the server in time and demands that nothing of it is left.
func (r *rig) stop() {
	r.release()
	ctx, cancel := context.WithTimeout(context.Background(), rigPatience)
	defer cancel()
	began := time.Now()
	if _, err := r.s.Shutdown(ctx); err != nil && !r.cut && !r.t.Failed() {
		r.t.Errorf("Shutdown: %v after %v, with %d connections", err, time.Since(began), r.s.Stats().Conns)
	}
	select {
	case err := <-r.served:
		if err != nil {
			r.t.Errorf("Serve: %v", err)
		}
	case <-time.After(rigPatience):
		r.t.Error("Serve has not ended")
	}
	if !r.t.Failed() {
		assert.Eventually(r.t, rigPatience, "connections to end", func() bool { return r.s.Stats().Conns == 0 })
	}
}

// hold makes handlers that are asked to block do so until release.
func (r *rig) hold() {
	r.t.Helper()
	h := &held{gate: make(chan struct{})}
	assert.NoError(r.t, syscall.Pipe2(h.pipe[:], syscall.O_CLOEXEC))
	h.lock.Lock()
	r.held.Store(h)
}

// release lets them go, and waits until they have.
func (r *rig) release() {
	h := r.held.Swap(nil)
	if h == nil {
		return
	}
	close(h.gate)
	h.lock.Unlock()
	h.free.Store(true)
	_ = syscall.Close(h.pipe[1])
	assert.Eventually(r.t, rigPatience, "handlers to go on", func() bool { return r.inside.Load() == 0 })
	_ = syscall.Close(h.pipe[0])
}

// block blocks as the request asks.
func (r *rig) block(how string) {
	h := r.held.Load()
	if how == "" || h == nil {
		return
	}
	r.inside.Add(1)
	defer r.inside.Add(-1)
	switch how {
	case "channel":
		<-h.gate
	case "mutex":
		h.lock.Lock()
		h.lock.Unlock()
	case "system call":
		var b [1]byte
		_, _ = syscall.Read(h.pipe[0], b[:])
	case "busy loop":
		for !h.free.Load() {
			continue
		}
	}
}

// count notes a call.
func (r *rig) count(n string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ran[n]++
}

// work is a handler that answers its number, and blocks if it is asked to.
func (r *rig) work(c *tako.Context) error {
	n := c.Query("n")
	r.count(n)
	r.block(c.Query("how"))
	return c.Text(http.StatusOK, n)
}

// once demands that every request that was counted ran once.
func (r *rig) once() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, times := range r.ran {
		if times != 1 {
			r.t.Errorf("request %q ran %d times", n, times)
		}
	}
}

func (r *rig) route(name string) loop.RouteStats {
	for _, route := range r.s.Stats().Routes {
		if route.Route == name {
			return route
		}
	}
	return loop.RouteStats{}
}

// promote asks until the route runs on the loops.
func (r *rig) promote(route, path string) {
	r.t.Helper()
	c := r.dial()
	defer c.Close()
	until := time.Now().Add(rigPatience)
	for !r.route(route).Inline {
		if time.Now().After(until) {
			r.t.Fatalf("%s is not promoted: %+v", route, r.s.Stats())
		}
		for range 50 {
			c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
			if _, err := c.read(); err != nil {
				r.t.Fatalf("%s: %v", path, err)
			}
		}
	}
}

// blocked waits until so many handlers block, and handovers were seen.
func (r *rig) blocked(n, handovers int64) {
	r.t.Helper()
	assert.Eventually(r.t, rigPatience, "handlers to block", func() bool { return r.inside.Load() == n })
	assert.Eventually(r.t, rigPatience, "hand-overs", func() bool { return r.s.Stats().Handovers >= handovers })
}

// rigConn is a client.
type rigConn struct {
	net.Conn
	t  *testing.T
	br *bufio.Reader
}

func (r *rig) dial() *rigConn {
	r.t.Helper()
	c, err := dialOnce(r.s.Addr().String())
	assert.NoError(r.t, err)
	c.t = r.t
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

func dialOnce(addr string) (*rigConn, error) {
	nc, err := net.DialTimeout("tcp", addr, rigPatience)
	if err != nil {
		return nil, err
	}
	return &rigConn{Conn: nc, br: bufio.NewReader(nc)}, nil
}

func (c *rigConn) send(parts ...string) {
	_ = c.SetWriteDeadline(time.Now().Add(rigPatience))
	_, _ = io.WriteString(c.Conn, strings.Join(parts, ""))
}

// get is a request for a path, HTTP/1.1 with further fields.
func get(path string, fields ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + strings.Join(fields, "") + "\r\n"
}

// rigResponse is a response that was read to its end.
type rigResponse struct {
	*http.Response
	body string
}

func (c *rigConn) read() (rigResponse, error) {
	_ = c.SetReadDeadline(time.Now().Add(rigPatience))
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return rigResponse{}, err
	}
	body, err := io.ReadAll(resp.Body)
	return rigResponse{resp, string(body)}, err
}

// expect reads responses and demands 200 and these bodies.
func (c *rigConn) expect(bodies ...string) {
	c.t.Helper()
	for i, want := range bodies {
		resp, err := c.read()
		if err != nil {
			c.t.Fatalf("response %d of %d: %v", i+1, len(bodies), err)
		}
		if resp.StatusCode != http.StatusOK || resp.body != want {
			c.t.Fatalf("response %d of %d: got %d %.100q, want 200 %.100q", i+1, len(bodies), resp.StatusCode, resp.body, want)
		}
	}
}

// status reads a response and demands its status.
func (c *rigConn) status(want int) rigResponse {
	c.t.Helper()
	resp, err := c.read()
	if err != nil || resp.StatusCode != want {
		c.t.Fatalf("got %+v and %v, want %d", resp.Response, err, want)
	}
	return resp
}

// silent demands that nothing has come yet.
func (c *rigConn) silent() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	if b, err := c.br.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("got %q and %v, want nothing yet", b, err)
	}
}

// ended demands the end of the connection, without another byte.
func (c *rigConn) ended() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(rigPatience))
	rest, err := io.ReadAll(c.br)
	if errors.Is(err, os.ErrDeadlineExceeded) || len(rest) > 0 {
		c.t.Fatalf("got %.200q and %v, want the end of the connection", rest, err)
	}
}

// neighbours has several clients ask, and demands all answers.
func (r *rig) neighbours(clients, each int, path string) {
	r.t.Helper()
	var wg sync.WaitGroup
	for i := range clients {
		c := r.dial()
		wg.Go(func() {
			defer c.Close()
			for j := range each {
				n := fmt.Sprint("near-", r.numbers.Add(1))
				c.send(get(path + "?n=" + n))
				resp, err := c.read()
				if err != nil || resp.body != n {
					r.t.Errorf("neighbour %d, request %d: got %.100q and %v", i, j, resp.body, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
