package sse_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/stream/sse"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// poller is the one that the loop runtime does not choose by itself where io_uring is there.
var poller = map[bool]string{true: "epoll"}[runtime.GOOS == "linux"]

var (
	quiet = slog.New(slog.DiscardHandler)
	certs = transport.SelfSigned()
)

// TestMain looks for goroutines that outlive all streams.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && lingering() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		code = 1
	}
	os.Exit(code)
}

func lingering() bool {
	stacks := make([]byte, 1<<20)
	by := time.NewTimer(patience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		text := string(stacks[:runtime.Stack(stacks, true)])
		if !strings.Contains(text, "stream/sse.(") && !strings.Contains(text, "sse.relay") {
			return false
		}
		select {
		case <-by.C:
			return true
		case <-again.C:
		}
	}
}

// carrier is a server with a client of one protocol.
type carrier struct {
	name   string
	proto  tako.Protocol
	server tako.Server
	base   string
	http.RoundTripper
}

// overAll runs f on each runtime and protocol.
func overAll(t *testing.T, app func() *tako.Router, f func(t *testing.T, s *carrier)) {
	t.Helper()
	overLimited(t, tako.Limits{}, app, f)
}

func overLimited(t *testing.T, limits tako.Limits, app func() *tako.Router, f func(t *testing.T, s *carrier)) {
	t.Helper()
	type row struct {
		name  string
		proto tako.Protocol
		make  func(tako.App) tako.Server
	}
	onStd := func(certs tako.Certs) func(tako.App) tako.Server {
		return func(app tako.App) tako.Server {
			return std.New(app, std.Config{Addr: "127.0.0.1:0", Certs: certs, Limits: limits, Log: quiet})
		}
	}
	onLoop := func(certs tako.Certs) func(tako.App) tako.Server {
		return func(app tako.App) tako.Server {
			return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Certs: certs, Limits: limits, Log: quiet, Loops: 1, KeepProcs: true})
		}
	}
	for _, tt := range []row{
		{"std h1", tako.HTTP11, onStd(nil)},
		{"std h2", tako.HTTP2, onStd(certs)},
		{"loop h1", tako.HTTP11, onLoop(nil)},
		{"loop h1, epoll", tako.HTTP11, func(app tako.App) tako.Server {
			return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Limits: limits, Log: quiet, Loops: 1, KeepProcs: true, Poller: poller})
		}},
		{"loop h2", tako.HTTP2, onLoop(certs)},
		{"h3", tako.HTTP3, func(app tako.App) tako.Server {
			return h3.New(app, h3.Config{Addr: "127.0.0.1:0", Certs: certs, Limits: limits, Log: quiet})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := app()
			r.Log(quiet)
			s := &carrier{name: tt.name, proto: tt.proto, server: tt.make(r)}
			assert.NoError(t, s.server.Listen(t.Context()))
			served := make(chan error, 1)
			go func() { served <- s.server.Serve() }()
			t.Cleanup(func() {
				over, cancel := context.WithCancel(context.Background())
				cancel()
				_, _ = s.server.Shutdown(over)
				assert.NoError(t, <-served, "Serve")
			})
			s.dial(t)
			f(t, s)
		})
	}
}

func (s *carrier) dial(t *testing.T) {
	clientTLS := &tls.Config{RootCAs: certs.CertPool()}
	switch s.proto {
	case tako.HTTP3:
		tr := &http3.Transport{TLSClientConfig: clientTLS, DisableCompression: true}
		t.Cleanup(func() { _ = tr.Close() })
		s.base, s.RoundTripper = "https://"+s.server.Addr().String(), tr
	default:
		tr := &http.Transport{TLSClientConfig: clientTLS, ForceAttemptHTTP2: true, DisableCompression: true}
		t.Cleanup(tr.CloseIdleConnections)
		s.base, s.RoundTripper = "http://"+s.server.Addr().String(), tr
		if s.proto == tako.HTTP2 {
			s.base = "https://" + s.server.Addr().String()
		}
	}
}

// do makes a request, which ends with the test at the latest.
func (s *carrier) do(t testing.TB, method, target string, body io.Reader, fields ...string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, s.base+target, body)
	assert.NoError(t, err)
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := s.RoundTrip(req)
	assert.NoError(t, err, method, " ", target)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// source opens a stream as an EventSource does.
func (s *carrier) source(t testing.TB, target string, fields ...string) *eventSource {
	t.Helper()
	resp := s.do(t, "GET", target, nil, fields...)
	assert.Equal(t, resp.StatusCode, 200)
	assert.Equal(t, resp.Header.Get("Content-Type"), "text/event-stream")
	return newEventSource(t, resp.Body)
}

// ended reports whether a body ended well.
func ended(err error) bool { return errors.Is(err, io.EOF) }

// shut ends the server, with what is left to its streams to end.
func (s *carrier) shut(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	report, err := s.server.Shutdown(ctx)
	assert.NoError(t, err, "shutdown: ", report)
}

func stream[T any](events sse.Stream[T]) func(context.Context, struct{}) (sse.Stream[T], error) {
	return func(context.Context, struct{}) (sse.Stream[T], error) { return events, nil }
}
