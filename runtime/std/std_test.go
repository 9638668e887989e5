package std_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/std"
)

const (
	// short is what limits are set to that shall strike.
	short = 300 * time.Millisecond
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

// together runs the cases at once, on however few processors: they mostly wait.
func together(t *testing.T, cases map[string]func(t *testing.T)) {
	t.Helper()
	var wg sync.WaitGroup
	for name, run := range cases {
		wg.Go(func() { t.Run(name, run) })
	}
	wg.Wait()
}

// start serves app with limits until the test ends.
func start(t *testing.T, app *tako.Router, limits tako.Limits) *std.Server {
	t.Helper()
	return startWith(t, app, std.Config{Addr: "127.0.0.1:0", Limits: limits})
}

func startWith(t *testing.T, app *tako.Router, cfg std.Config) *std.Server {
	t.Helper()
	cfg.Log = quiet
	app.Log(quiet)
	s := std.New(app, cfg)
	assert.NoError(t, s.Listen(t.Context()))
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
	t  *testing.T
	in *bufio.Reader
}

func dial(t *testing.T, s *std.Server) *client {
	t.Helper()
	conn, err := net.Dial(s.Addr().Network(), s.Addr().String())
	assert.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &client{conn, t, bufio.NewReader(conn)}
}

func (c *client) send(text string) {
	c.t.Helper()
	_, err := io.WriteString(c, text)
	assert.NoError(c.t, err)
}

// get asks for path.
func (c *client) get(path string) {
	c.t.Helper()
	c.send("GET " + path + " HTTP/1.1\r\nHost: a.example\r\n\r\n")
}

// post asks with a body of which only the beginning is sent.
func (c *client) post(path, framing, begin string) {
	c.t.Helper()
	c.send("POST " + path + " HTTP/1.1\r\nHost: a.example\r\n" + framing + "\r\n\r\n" + begin)
}

// answer reads a response and returns its body.
func (c *client) answer(status int) string {
	c.t.Helper()
	assert.NoError(c.t, c.SetReadDeadline(time.Now().Add(patience)))
	resp, err := http.ReadResponse(c.in, nil)
	assert.NoError(c.t, err)
	body, err := io.ReadAll(resp.Body)
	assert.NoError(c.t, err)
	assert.Equal(c.t, resp.StatusCode, status)
	return string(body)
}

// rest returns what comes until the server closes the connection.
func (c *client) rest() string {
	c.t.Helper()
	assert.NoError(c.t, c.SetReadDeadline(time.Now().Add(patience)))
	got, err := io.ReadAll(c.in)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("open after %v, got %q", patience, got)
	}
	return string(got)
}

// silent demands that nothing comes for a while, not even the end.
func (c *client) silent(d time.Duration) {
	c.t.Helper()
	assert.NoError(c.t, c.SetReadDeadline(time.Now().Add(d)))
	if b, err := c.in.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("got %q, %v, want silence for %v", b, err, d)
	}
}

// dialOnce returns a connection on which a request was answered. Where the header timeout is
// short, a machine that stalls may need more than one.
func dialOnce(t *testing.T, s *std.Server) (c *client) {
	t.Helper()
	assert.Eventually(t, patience, "an answer", func() bool {
		c = dial(t, s)
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(patience))
		resp, err := http.ReadResponse(c.in, nil)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			assert.Equal(t, resp.StatusCode, http.StatusOK)
		}
		return err == nil
	})
	return c
}

func hello() *tako.Router {
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") })
	return app
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := std.New(hello(), std.Config{Addr: "127.0.0.1:0"})
	if a := s.Addr(); a != nil {
		t.Errorf("got address %v before Listen", a)
	}
	assert.Equal(t, s.Describe(), "http/1.1, h2 (std)")
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
	c.get("/")
	assert.Equal(t, c.answer(http.StatusOK), "hello")
	if err := s.Serve(); err == nil {
		t.Error("Serve twice: got no error")
	}
	report, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, report.Idle+report.Drained, 1, "connections")
	assert.Equal(t, report.Cut, 0, "cut")
	assert.NoError(t, <-served)
}

// A listener that its owner closes ends the server with an error.
func TestServeListenerLost(t *testing.T) {
	t.Parallel()
	ln := tcp(t)
	s := std.New(hello(), std.Config{Listener: ln, Log: quiet})
	assert.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	assert.NoError(t, ln.Close())
	assert.ErrorIs(t, <-served, net.ErrClosed)
	_, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
}

// tcp returns a listener that tells whether it was closed.
func tcp(t *testing.T) *watched {
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

func TestReadyListener(t *testing.T) {
	t.Parallel()
	transport := func() *tako.Router {
		app := tako.New()
		app.Get("/transport", func(c *tako.Context) error { return c.Text(http.StatusOK, c.ConnInfo().Transport) })
		return app
	}
	t.Run("tcp", func(t *testing.T) {
		ln := tcp(t)
		s := startWith(t, transport(), std.Config{Addr: "256.0.0.1:none", Listener: ln})
		assert.Equal(t, s.Addr(), ln.Addr())
		c := dial(t, s)
		c.get("/transport")
		assert.Equal(t, c.answer(http.StatusOK), "tcp")
		_, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
		assert.Equal(t, ln.closed.Load(), true, "closed")
	})
	t.Run("unix", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "s")
		ln, err := net.Listen("unix", file)
		assert.NoError(t, err)
		// Unix clients have no address that could have too many.
		s := startWith(t, transport(), std.Config{Listener: ln, Limits: tako.Limits{ConnsPerAddr: 1}})
		for range 2 {
			c := dial(t, s)
			c.get("/transport")
			assert.Equal(t, c.answer(http.StatusOK), "unix")
		}
		_, err = s.Shutdown(t.Context())
		assert.NoError(t, err)
		_, err = os.Stat(file)
		assert.ErrorIs(t, err, fs.ErrNotExist, "socket file")
	})
}

// failing is a listener that fails to accept the first times.
type failing struct {
	net.Listener
	left int
}

func (l *failing) Accept() (net.Conn, error) {
	if l.left--; l.left >= 0 {
		return nil, errors.New("too many open files")
	}
	return l.Listener.Accept()
}

func TestStats(t *testing.T) {
	t.Parallel()
	t.Run("accepted", func(t *testing.T) {
		s := start(t, hello(), tako.Limits{ConnsPerAddr: 1})
		assert.Equal(t, s.Stats(), std.Stats{})
		first := dial(t, s)
		first.get("/")
		first.answer(http.StatusOK)
		assert.Equal(t, s.Stats(), std.Stats{Accepted: 1, Conns: 1})
		assert.Equal(t, dial(t, s).rest(), "", "second connection")
		assert.Eventually(t, patience, "it is counted", func() bool { return s.Stats() == std.Stats{Accepted: 2, RefusedConns: 1, Conns: 1} })
		first.Close()
		assert.Eventually(t, patience, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
		dialOnce(t, s) // its place may come free a little later
		stats := s.Stats()
		assert.Equal(t, []int64{stats.Accepted - stats.RefusedConns, stats.Conns}, []int64{2, 1}, "served, and there now")
	})
	t.Run("refused requests", func(t *testing.T) {
		s := start(t, hello(), tako.Limits{TargetBytes: 10})
		for i, target := range []string{`/a\b`, "/0123456789"} {
			c := dial(t, s)
			c.get(target)
			c.rest()
			assert.Eventually(t, patience, "it is counted", func() bool { return s.Stats().RefusedRequests == int64(i+1) })
		}
		c := dial(t, s)
		c.get("/not-found")
		c.answer(http.StatusNotFound)
		assert.Equal(t, s.Stats().RefusedRequests, int64(2))
	})
	t.Run("accept errors", func(t *testing.T) {
		s := startWith(t, hello(), std.Config{Listener: &failing{Listener: tcp(t), left: 3}})
		c := dial(t, s)
		c.get("/")
		c.answer(http.StatusOK)
		assert.Equal(t, s.Stats(), std.Stats{Accepted: 1, AcceptErrors: 3, Conns: 1})
	})
	t.Run("timed out", func(t *testing.T) {
		app := hello()
		app.Post("/read", func(c *tako.Context) error {
			_, err := io.Copy(io.Discard, c.Body())
			return err
		})
		app.Get("/flood", func(c *tako.Context) error { return c.Stream(http.StatusOK, "text/plain", endless{}) })
		s := start(t, app, tako.Limits{BodyTimeout: short, WriteTimeout: short})
		c := dial(t, s)
		c.get("/")
		c.answer(http.StatusOK)
		assert.Equal(t, s.Stats().TimedOut, int64(0))
		c.post("/read", "Content-Length: 10", "abc")
		c.answer(http.StatusRequestTimeout)
		c.rest()
		assert.Eventually(t, patience, "the body is counted", func() bool { return s.Stats().TimedOut == 1 })
		dial(t, s).get("/flood")
		assert.Eventually(t, patience, "the client that takes nothing is cut", func() bool { return s.Stats().TimedOut == 2 })
		assert.Eventually(t, patience, "both are gone", func() bool { return s.Stats().Conns == 0 })
		assert.Equal(t, s.Stats(), std.Stats{Accepted: 2, TimedOut: 2})
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A client that leaves ends the context of its request, also while the handler
// does nothing at all.
func TestClientGone(t *testing.T) {
	t.Parallel()
	leaves := func(ask func(c *client), after time.Duration) func(t *testing.T) {
		return func(t *testing.T) {
			app := tako.New()
			entered, gone := make(chan struct{}), make(chan struct{})
			wait := func(c *tako.Context) error {
				if c.RawQuery() == "read" {
					if _, err := io.Copy(io.Discard, c.Body()); err != nil {
						return err
					}
				}
				close(entered)
				<-c.Context().Done()
				close(gone)
				return nil
			}
			app.Get("/", wait)
			app.Post("/", wait)
			c := dial(t, start(t, app, tako.Limits{}))
			ask(c)
			<-entered
			if after > 0 {
				c.silent(after)
			}
			left := time.Now()
			c.Close()
			select {
			case <-gone:
			case <-time.After(patience):
				t.Fatal("the context goes on")
			}
			if took := time.Since(left); took > patience/2 {
				t.Errorf("the context ended %v after the client had left", took)
			}
		}
	}
	get := func(c *client) { c.get("/") }
	cases := map[string]func(t *testing.T){
		"at once":   leaves(get, 0),
		"later":     leaves(get, 1200*time.Millisecond),
		"read body": leaves(func(c *client) { c.post("/?read", "Content-Length: 3", "abc") }, 0),
	}
	if runtime.GOOS == "linux" { // elsewhere nobody can tell
		cases["unread body"] = leaves(func(c *client) { c.post("/", "Content-Length: 100", "abc") }, 0)
		cases["unread body, later"] = leaves(func(c *client) { c.post("/", "Content-Length: 3", "abc") }, 1200*time.Millisecond)
	}
	together(t, cases)
}

// The read that watches for the end of the connection takes no byte away from the
// requests that follow.
func TestPipelined(t *testing.T) {
	t.Parallel()
	const head = " HTTP/1.1\r\nHost: a.example\r\n\r\n"
	pipelined := func(first, whileItLingers, whileItReads string) func(t *testing.T) {
		return func(t *testing.T) {
			app := hello()
			entered, release := make(chan struct{}), make(chan struct{})
			app.Get("/wait", func(c *tako.Context) error {
				close(entered)
				<-release
				return c.Text(http.StatusOK, "waited")
			})
			app.Get("/{n}", func(c *tako.Context) error { return c.Text(http.StatusOK, c.Param("n")) })
			c := dial(t, start(t, app, tako.Limits{}))
			c.send("GET /wait" + head + first)
			<-entered
			c.send(whileItLingers)
			if whileItReads != "" {
				c.silent(1200 * time.Millisecond)
				c.send(whileItReads)
			}
			close(release)
			assert.Equal(t, c.answer(http.StatusOK), "waited")
			for _, want := range []string{"1", "2", "3"} {
				assert.Equal(t, c.answer(http.StatusOK), want)
			}
			c.get("/")
			assert.Equal(t, c.answer(http.StatusOK), "hello")
		}
	}
	one, two, three := "GET /1"+head, "GET /2"+head, "GET /3"+head
	together(t, map[string]func(t *testing.T){
		"together":   pipelined(one+two+three, "", ""),
		"lingering":  pipelined("", one+two+three, ""),
		"reading":    pipelined("", "", one+two+three),
		"spread":     pipelined(one, two, three),
		"in pieces":  pipelined(one[:1], one[1:9], strings.Join([]string{one[9:], two, three}, "")),
		"first byte": pipelined("", one[:1], one[1:]+two+three),
		"last byte":  pipelined(one+two+three[:len(three)-1], "", three[len(three)-1:]),
	})
}
