package loop_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/netpoll"
	"github.com/tako-go/tako/runtime/loop"
)

const (
	// soon is what limits are set to that shall strike.
	soon = 300 * time.Millisecond
	// enough is how long a client waits for what must come.
	enough = 20 * time.Second
)

var noLog = slog.New(slog.DiscardHandler)

// way is one of the ways in which a handler runs.
type way struct {
	name   string
	poller string // "" serves on goroutines
	opts   []tako.Option
}

// looped reports whether there are event loops.
func (w way) looped() bool { return w.poller != "" }

var (
	goroutineWay = way{name: "goroutines"}
	inlineWays   = []way{
		{"epoll inline", "epoll", []tako.Option{tako.Inline()}},
		{"io_uring inline", "io_uring", []tako.Option{tako.Inline()}},
	}
	offloadedWays = []way{
		{"epoll offloaded", "epoll", []tako.Option{tako.Blocking()}},
		{"io_uring offloaded", "io_uring", []tako.Option{tako.Blocking()}},
	}
	everyWay = append(append(inlineWays[:2:2], offloadedWays...), goroutineWay)
	// someWays has each engine once.
	someWays = append(offloadedWays[:2:2], goroutineWay)
)

// inWays runs a test in each of the ways that this system has, side by side.
func inWays(t *testing.T, ways []way, run func(t *testing.T, w way)) {
	t.Helper()
	sideBySide(t, ways, func(w way) string { return w.name }, func(t *testing.T, w way) {
		w.need(t)
		run(t, w)
	})
}

// sideBySide runs all cases at once, on however few processors: they mostly wait.
func sideBySide[T any](t *testing.T, cases []T, name func(T) string, run func(t *testing.T, c T)) {
	t.Helper()
	var wg sync.WaitGroup
	for _, c := range cases {
		wg.Go(func() { t.Run(name(c), func(t *testing.T) { run(t, c) }) })
	}
	wg.Wait()
}

// asOnce runs named cases at once.
func asOnce(t *testing.T, cases map[string]func(t *testing.T)) {
	t.Helper()
	sideBySide(t, slices.Sorted(maps.Keys(cases)), func(name string) string { return name }, func(t *testing.T, name string) { cases[name](t) })
}

// need skips the test where the way does not exist.
func (w way) need(t *testing.T) {
	t.Helper()
	if w.looped() && runtime.GOOS != "linux" {
		t.Skip("event loops need Linux")
	}
	if w.poller == netpoll.IOUring {
		if err := netpoll.Probe(); err != nil {
			t.Skip(err)
		}
	}
}

// disguised wraps a listener so that it shows no socket, and its connections so
// that they are more than their sockets: they are served on goroutines.
type disguised struct{ net.Listener }

type disguisedConn struct{ *net.TCPConn }

func (l disguised) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return disguisedConn{c.(*net.TCPConn)}, nil
}

// SetDeadline lets the accept queue be emptied.
func (l disguised) SetDeadline(t time.Time) error {
	return l.Listener.(*net.TCPListener).SetDeadline(t)
}

func localListener(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// made returns a server that does not listen yet.
func (w way) made(t *testing.T, app *tako.Router, cfg loop.Config) *loop.Server {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = noLog
	}
	if cfg.Loops == 0 {
		cfg.Loops = 2
	}
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if w.looped() {
		cfg.Poller = w.poller
	} else if cfg.Listener == nil {
		cfg.Listener = disguised{localListener(t)}
	}
	app.Log(noLog)
	return loop.New(app, cfg)
}

// serve serves app until the test ends.
func (w way) serve(t *testing.T, app *tako.Router, cfg loop.Config) *loop.Server {
	t.Helper()
	s := w.made(t, app, cfg)
	assert.NoError(t, s.Listen(t.Context()))
	goServe(t, s)
	return s
}

// limited serves app with limits.
func (w way) limited(t *testing.T, app *tako.Router, limits tako.Limits) *loop.Server {
	t.Helper()
	return w.serve(t, app, loop.Config{Limits: limits})
}

// goServe serves until the test ends.
func goServe(t *testing.T, s *loop.Server) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		_, _ = s.Shutdown(overContext())
		assert.NoError(t, <-served, "Serve")
	})
}

// overContext is a context that is done.
func overContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// await waits for a value that must come.
func await[T any](t *testing.T, what string, from <-chan T) (value T) {
	t.Helper()
	limit := time.NewTimer(enough)
	defer limit.Stop()
	select {
	case value = <-from:
	case <-limit.C:
		t.Fatalf("after %v still not: %s", enough, what)
	}
	return value
}

// pass lets time pass, unless the test is over.
func pass(t *testing.T, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// caller is one connection to a server.
type caller struct {
	net.Conn
	t      *testing.T
	in     *bufio.Reader
	dialed time.Time // or a little before; the server cannot begin to count earlier
}

func reach(t *testing.T, s *loop.Server) *caller {
	t.Helper()
	dialed := time.Now()
	conn, err := net.Dial(s.Addr().Network(), s.Addr().String())
	assert.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &caller{conn, t, bufio.NewReader(conn), dialed}
}

func (c *caller) send(text string) {
	c.t.Helper()
	assert.NoError(c.t, c.SetWriteDeadline(time.Now().Add(enough)))
	_, err := io.WriteString(c, text)
	assert.NoError(c.t, err)
}

// trickle sends byte by byte.
func (c *caller) trickle(text string) {
	c.t.Helper()
	for i := range len(text) {
		c.send(text[i : i+1])
		if i%8 == 0 {
			pass(c.t, 500*time.Microsecond)
		}
	}
}

// got returns the text of a GET request.
func asking(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a.example\r\n\r\n" }

// posting returns the text of a POST request with the beginning of a body.
func posting(path, framing, body string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: a.example\r\n" + framing + "\r\n\r\n" + body
}

// respond reads a response to a request with this method.
func (c *caller) respond(method string) (*http.Response, string, error) {
	c.t.Helper()
	assert.NoError(c.t, c.SetReadDeadline(time.Now().Add(enough)))
	resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// served asks and demands an answer. It reports false where a limit has passed since then, and
// with it the connection: a machine that stalls for so long proves nothing.
func (c *caller) served(text string, since time.Time, limit time.Duration) bool {
	c.t.Helper()
	_ = c.SetWriteDeadline(time.Now().Add(enough))
	_, _ = io.WriteString(c, text)
	resp, _, err := c.respond("GET")
	if took := time.Since(since); err != nil && took < limit {
		c.t.Fatalf("got error %v within %v, the limit is %v", err, took, limit)
	}
	if err == nil {
		assert.Equal(c.t, resp.StatusCode, http.StatusOK, "status")
	}
	return err == nil
}

// unstalled plays a scenario again as long as it says that the machine has stalled.
func unstalled(t *testing.T, play func() bool) {
	t.Helper()
	for range 20 {
		if play() {
			return
		}
	}
	t.Error("the machine has stalled each time")
}

// answer reads a whole response and returns its body.
func (c *caller) answer(status int) string {
	c.t.Helper()
	resp, body, err := c.respond("GET")
	if err != nil {
		c.t.Fatalf("got error %v and %q, want a response", err, cutText(body))
	}
	assert.Equal(c.t, resp.StatusCode, status, "status")
	return body
}

// takes demands exactly this text.
func (c *caller) takes(want string) {
	c.t.Helper()
	assert.NoError(c.t, c.SetReadDeadline(time.Now().Add(enough)))
	got := make([]byte, len(want))
	n, err := io.ReadFull(c.in, got)
	assert.Equal(c.t, string(got[:n]), want)
	assert.NoError(c.t, err)
}

// toEnd returns what comes until the server closes the connection, and how it ended.
func (c *caller) toEnd() (string, error) {
	c.t.Helper()
	assert.NoError(c.t, c.SetReadDeadline(time.Now().Add(enough)))
	got, err := io.ReadAll(c.in)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("open after %v, got %q", enough, cutText(string(got)))
	}
	return string(got), err
}

// rest is toEnd for whom the kind of the end does not matter.
func (c *caller) rest() string {
	c.t.Helper()
	got, _ := c.toEnd()
	return got
}

// silent demands that nothing comes for a while, not even the end.
func (c *caller) silent(d time.Duration) {
	c.t.Helper()
	assert.NoError(c.t, c.SetReadDeadline(time.Now().Add(d)))
	if b, err := c.in.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		more, _ := c.in.Peek(c.in.Buffered())
		c.t.Fatalf("got %q, %v, want silence for %v", append(b, more...), err, d)
	}
}

func cutText(s string) string {
	if len(s) > 300 {
		return s[:150] + "…" + s[len(s)-150:]
	}
	return s
}

func halfClose(t *testing.T, c *caller) {
	t.Helper()
	assert.NoError(t, c.Conn.(*net.TCPConn).CloseWrite())
}

// greeter answers GET / with hello.
func greeter(w way) *tako.Router {
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") }, w.opts...)
	return app
}

// without adds an option to those of the way.
func (w way) with(more ...tako.Option) []tako.Option {
	return append(w.opts[:len(w.opts):len(w.opts)], more...)
}

// chunks codes text in chunks of a size, with trailers.
func chunks(text string, size int, trailers string) string {
	var b strings.Builder
	for len(text) > 0 {
		n := min(size, len(text))
		b.WriteString(hex(n) + "\r\n" + text[:n] + "\r\n")
		text = text[n:]
	}
	return b.String() + "0\r\n" + trailers + "\r\n"
}

func hex(n int) string {
	const digits = "0123456789abcdef"
	if n < 16 {
		return digits[n : n+1]
	}
	return hex(n/16) + digits[n%16:n%16+1]
}
