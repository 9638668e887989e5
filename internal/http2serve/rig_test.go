package http2serve_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/netpoll"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
)

// patience is how long anything that must come may take.
const patience = 15 * time.Second

// soon is what limits are set to that shall strike.
const soon = 200 * time.Millisecond

var noLog = slog.New(slog.DiscardHandler)

// target is a way in which HTTP/2 is served.
type target struct {
	name   string
	poller string // "" is the runtime on net/http
	tls    bool
}

var (
	clearTargets = []target{{"std", "", false}, {"epoll", netpoll.Epoll, false}, {"io_uring", netpoll.IOUring, false}}
	tlsTargets   = []target{{"std TLS", "", true}, {"epoll TLS", netpoll.Epoll, true}, {"io_uring TLS", netpoll.IOUring, true}}
	allTargets   = append(clearTargets[:3:3], tlsTargets...)
)

// TestMain demands that all tests together leave no goroutine. Servers need half a second to
// end theirs, too long to wait for it behind each test.
func TestMain(m *testing.M) {
	goroutines := runtime.NumGoroutine()
	code := m.Run()
	for limit := time.Now().Add(patience); code == 0 && runtime.NumGoroutine() > goroutines; <-time.After(5 * time.Millisecond) {
		if time.Now().After(limit) {
			buf := make([]byte, 1<<16)
			fmt.Printf("%d goroutines, %d before\n%s\n", runtime.NumGoroutine(), goroutines, buf[:runtime.Stack(buf, true)])
			code = 1
		}
	}
	os.Exit(code)
}

// over runs a test on targets side by side, which mostly wait.
func over(t *testing.T, targets []target, run func(t *testing.T, k target)) {
	t.Helper()
	var wg sync.WaitGroup
	for _, k := range targets {
		wg.Go(func() {
			t.Run(k.name, func(t *testing.T) {
				if k.poller != "" && runtime.GOOS != "linux" {
					t.Skip("event loops need Linux")
				}
				if k.poller == netpoll.IOUring && netpoll.Probe() != nil {
					t.Skip("no io_uring here")
				}
				run(t, k)
			})
		})
	}
	wg.Wait()
}

// leavesNothing demands, when the test has ended, that it has left no goroutine and no
// descriptor.
func leavesNothing(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // makes Go's poller open what it keeps
	assert.NoError(t, err)
	assert.NoError(t, ln.Close())
	fds, goroutines := descriptors(), runtime.NumGoroutine()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		limit := time.Now().Add(patience)
		for runtime.NumGoroutine() > goroutines || descriptors() > fds {
			if time.Now().After(limit) {
				buf := make([]byte, 1<<16)
				t.Errorf("%d goroutines and %d descriptors, %d and %d before\n%s", runtime.NumGoroutine(), descriptors(), goroutines, fds, buf[:runtime.Stack(buf, true)])
				return
			}
			pass(t, 5*time.Millisecond)
		}
	})
}

// descriptors is how many are open, 0 where that cannot be seen.
func descriptors() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}

// pass lets time pass.
func pass(_ *testing.T, d time.Duration) { <-time.After(d) }

// config is what both runtimes are told.
type config struct {
	http2  tako.HTTP2Config
	limits tako.Limits
	certs  tako.Certs // of TLS targets; nil makes one
}

// server is one that runs until the test ends.
type server struct {
	tako.Server
	t    *testing.T
	k    target
	cut  bool // the test ends requests by force
	self *transport.SelfSignedCerts
}

// made returns a server that does not listen yet.
func (k target) made(t *testing.T, app tako.App, cfg config) *server {
	t.Helper()
	if r, ok := app.(*tako.Router); ok {
		r.Log(noLog)
	}
	s := &server{t: t, k: k}
	if k.tls && cfg.certs == nil {
		s.self = transport.SelfSigned("a.example", "localhost", "127.0.0.1")
		cfg.certs = s.self
	}
	const addr = "127.0.0.1:0"
	if k.poller == "" {
		s.Server = std.New(app, std.Config{Addr: addr, Certs: cfg.certs, HTTP2: cfg.http2, Limits: cfg.limits, Log: noLog})
	} else {
		s.Server = loop.New(app, loop.Config{Addr: addr, Poller: k.poller, Loops: 1, Certs: cfg.certs, HTTP2: cfg.http2, Limits: cfg.limits, Log: noLog})
	}
	return s
}

// serve serves until the test ends.
func (k target) serve(t *testing.T, app tako.App, cfg config) *server {
	t.Helper()
	s := k.made(t, app, cfg)
	assert.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if report, err := s.Shutdown(ctx); err != nil && !s.cut && !t.Failed() {
			t.Errorf("Shutdown: %v, %v", report, err)
		}
		assert.NoError(t, <-served, "Serve")
	})
	return s
}

// counts are those that both runtimes have.
type counts struct{ conns, accepted, timedOut, refusedRequests, refusedHandshakes int64 }

func (s *server) counts() counts {
	switch own := s.Server.(type) {
	case *std.Server:
		st := own.Stats()
		return counts{st.Conns, st.Accepted, st.TimedOut, st.RefusedRequests, st.RefusedHandshakes}
	case *loop.Server:
		st := own.Stats()
		return counts{st.Conns, st.Accepted, st.TimedOut, st.RefusedRequests, st.RefusedHandshakes}
	}
	return counts{}
}

func (s *server) url(path string) string {
	if s.k.tls {
		return "https://" + s.Addr().String() + path
	}
	return "http://" + s.Addr().String() + path
}

// clientTLS trusts whatever the server shows.
func clientTLS(protocols ...string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: "a.example", NextProtos: protocols}
}

// client is one of net/http that speaks HTTP/2 only, over one connection.
func (s *server) client(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: clientTLS(), ExpectContinueTimeout: patience}
	tr.Protocols.SetHTTP2(s.k.tls)
	tr.Protocols.SetUnencryptedHTTP2(!s.k.tls)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// client1 is one that speaks HTTP/1.1 only.
func (s *server) client1(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: clientTLS()}
	tr.Protocols.SetHTTP1(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// dial connects, with TLS for these protocols where the target has it.
func (s *server) dial(t *testing.T, protocols ...string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	assert.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	assert.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	if !s.k.tls {
		return c
	}
	over := tls.Client(c, clientTLS(protocols...))
	assert.NoError(t, over.Handshake())
	return over
}

// toEnd reads what comes until the connection ends.
func toEnd(t *testing.T, c net.Conn) string {
	t.Helper()
	got, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("still open, got %.200q", got)
	}
	return string(got)
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body string
}

// ask sends a request and reads the response.
func ask(c *http.Client, req *http.Request) (answer, error) {
	resp, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp, string(body)}, err
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	assert.NoError(t, err)
	return req
}

// get demands a response with this status and returns its body.
func get(t *testing.T, c *http.Client, url string, status int) string {
	t.Helper()
	got, err := ask(c, request(t, http.MethodGet, url, nil))
	assert.NoError(t, err, url)
	assert.Equal(t, got.StatusCode, status, url)
	return got.body
}

// await waits for a value that must come.
func await[T any](t *testing.T, what string, from <-chan T) (value T) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case value = <-from:
	case <-limit.C:
		t.Fatalf("after %v still not: %s", patience, what)
	}
	return value
}
