package h3_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

// gated is an app with a handler that waits: entered gets a value, and it goes on when
// release is closed.
func gated(t *testing.T) (app *tako.Router, entered chan struct{}, release func()) {
	t.Helper()
	app = tako.New()
	entered = make(chan struct{}, 100)
	gate := make(chan struct{})
	app.Get("/wait", func(c *tako.Context) error {
		entered <- struct{}{}
		select {
		case <-gate:
			return c.Text(200, strings.Repeat("y", 50_000))
		case <-c.Context().Done():
			return c.Context().Err()
		}
	})
	app.Get("/", func(c *tako.Context) error { return c.Text(200, "ok") })
	app.Get("/ready", tako.Ready())
	release = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(release)
	return app, entered, release
}

// SD-01, SD-02
func TestDrain(t *testing.T) {
	t.Parallel()
	app, entered, release := gated(t)
	s := start(t, app, h3.Config{})
	idle, busy := newClient(t, s), newClient(t, s)
	idle.get(t, "/")
	answers := make(chan string, 1)
	req := busy.request(t, "GET", "/wait", nil)
	go func() {
		resp, err := busy.RoundTrip(req)
		if err != nil {
			answers <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			answers <- err.Error()
		}
		answers <- string(text)
	}()
	<-entered
	resp, _ := idle.get(t, "/ready")
	assert.Equal(t, resp.StatusCode, 200)
	s.BeginDrain()
	resp, _ = idle.get(t, "/ready")
	assert.Equal(t, resp.StatusCode, 503)
	assert.Eventually(t, patience, "one request runs", func() bool { return s.Stats().Running == 1 })

	type result struct {
		report tako.Report
		err    error
	}
	stopped := make(chan result, 1)
	go func() {
		report, err := s.Shutdown(within(t))
		stopped <- result{report, err}
	}()
	assert.Eventually(t, patience, "the idle connection is closed", func() bool { return s.Stats().Conns == 1 })
	select {
	case r := <-stopped:
		t.Fatalf("Shutdown ended with %v before the request", r)
	default:
	}
	start := time.Now()
	release()
	if got := <-answers; got != strings.Repeat("y", 50_000) {
		t.Errorf("got %d bytes: %.100s", len(got), got)
	}
	r := <-stopped
	assert.NoError(t, r.err)
	assert.Equal(t, r.report.Idle+r.report.Drained, 2)
	assert.Equal(t, r.report.Cut, 0)
	if d := time.Since(start); d > patience/2 {
		t.Errorf("it ended %v after the last request", d)
	}
	again, err := s.Shutdown(over())
	assert.NoError(t, err)
	assert.Equal(t, again, r.report)
}

// SD-05
func TestCut(t *testing.T) {
	t.Parallel()
	app := tako.New()
	entered, release := make(chan struct{}), make(chan struct{})
	app.Get("/deaf", func(c *tako.Context) error {
		close(entered)
		<-release
		return c.Text(200, "late")
	})
	s := start(t, app, h3.Config{})
	c := newClient(t, s)
	failed := make(chan error, 1)
	req := c.request(t, "GET", "/deaf", nil)
	go func() {
		resp, err := c.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		failed <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), short)
	defer cancel()
	report, err := s.Shutdown(ctx)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, report.Cut, 1)
	if err := <-failed; err == nil {
		t.Error("the request that was cut has no error")
	}
	close(release)
}

// SD-03, SD-10
func TestStartStop(t *testing.T) {
	app := tako.New()
	app.Log(quiet)
	app.Get("/", func(c *tako.Context) error { return c.Text(200, "ok") })
	for i := range 100 {
		s := h3.New(app, h3.Config{Addr: "127.0.0.1:0", Certs: certs, Log: quiet})
		if i%10 == 1 { // stopped before
			_, err := s.Shutdown(over())
			assert.NoError(t, err)
			assert.ErrorIs(t, s.Listen(t.Context()), http.ErrServerClosed)
			assert.NoError(t, s.Serve())
			continue
		}
		assert.NoError(t, s.Listen(t.Context()))
		if i%10 == 2 { // never served
			_, err := s.Shutdown(over())
			assert.NoError(t, err)
			assert.NoError(t, s.Serve())
			continue
		}
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		if i%5 == 0 {
			c := newClient(t, s)
			c.get(t, "/")
			defer c.Close()
		}
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { _, _ = s.Shutdown(within(t)) })
		}
		group.Wait()
		assert.NoError(t, <-served)
	}
}

func TestServeBeforeListen(t *testing.T) {
	t.Parallel()
	s := h3.New(tako.New(), h3.Config{Certs: certs, Addr: "127.0.0.1:0"})
	assert.Contains(t, s.Serve().Error(), "before Listen")
	assert.NoError(t, s.Listen(t.Context()))
	assert.Contains(t, s.Listen(t.Context()).Error(), "twice")
	_, _ = s.Shutdown(over())
}

// A client that goes on after GOAWAY learns that its request was not served.
func TestRejectedAfterGoaway(t *testing.T) {
	t.Parallel()
	app, entered, release := gated(t)
	s := start(t, app, h3.Config{})
	conn := dial(t, s)
	cc := (&http3.Transport{}).NewClientConn(conn)
	c := &client{base: "https://" + s.Addr().String()}
	answered := make(chan error, 1)
	first := c.request(t, "GET", "/wait", nil)
	go func() {
		resp, err := cc.RoundTrip(first)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
		}
		answered <- err
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() {
		_, err := s.Shutdown(within(t))
		stopped <- err
	}()
	assert.Eventually(t, patience, "requests are rejected", func() bool {
		_, err := cc.RoundTrip(c.request(t, "GET", "/", nil))
		return err != nil
	})
	release()
	assert.NoError(t, <-answered)
	assert.NoError(t, <-stopped)
}

// stopping lets a server shut down meanwhile; the channel gets how long that took.
func stopping(t *testing.T, s *h3.Server) <-chan time.Duration {
	t.Helper()
	took := make(chan time.Duration, 1)
	ctx, begun := within(t), time.Now()
	go func() {
		report, err := s.Shutdown(ctx)
		assert.NoError(t, err)
		assert.Equal(t, report.Cut, 0)
		took <- time.Since(begun)
	}()
	return took
}

// SD-02: a drain leaves a client the time to take what was sent before, also what it had no
// window for.
func TestDrainSlowReader(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ window, size int }{
		"the end waits for the window": {2500, 3000},
		"all has come":                 {0, 300_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := tako.New()
			app.Get("/", func(c *tako.Context) error { return c.Text(200, strings.Repeat("x", tt.size)) })
			s := start(t, app, h3.Config{})
			c := newClient(t, s, func(tr *http3.Transport) {
				tr.QUICConfig = &quic.Config{InitialStreamReceiveWindow: uint64(tt.window), MaxStreamReceiveWindow: uint64(tt.window)}
			})
			resp, err := c.RoundTrip(c.request(t, "GET", "/", nil))
			assert.NoError(t, err)
			defer resp.Body.Close()
			assert.Eventually(t, patience, "the handler has returned", func() bool { return s.Stats().Running == 0 })
			took := stopping(t, s)
			<-time.After(2 * short)
			text, err := io.ReadAll(resp.Body)
			assert.NoError(t, err)
			assert.Equal(t, len(text), tt.size)
			<-took
		})
	}
}

// SD-01: clients that heed the GOAWAY, and those without a request, are not waited for.
func TestDrainIsQuick(t *testing.T) {
	t.Parallel()
	s := start(t, echoApp(), h3.Config{})
	newClient(t, s).get(t, "/")
	dialRaw(t, s)
	assert.Eventually(t, patience, "both are accepted", func() bool { return s.Stats().Accepted == 2 })
	if took := <-stopping(t, s); took > patience/3 {
		t.Errorf("it took %v", took)
	}
}

// deaf is a socket whose owner gets no answers.
type deaf struct{ net.PacketConn }

func (d deaf) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		if _, _, err := d.PacketConn.ReadFrom(b); err != nil {
			return 0, nil, err
		}
	}
}

// stall begins a handshake that stops behind the first packet.
func stall(t *testing.T, s *h3.Server) {
	t.Helper()
	pc := packetConn(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = pc.Close()
	})
	go func() {
		defer close(ended)
		_, _ = quic.Dial(ctx, deaf{pc}, s.Addr(), clientTLS(), nil)
	}()
}

// SD-04: handshakes have a second.
func TestDrainStalledHandshake(t *testing.T) {
	t.Parallel()
	s := start(t, echoApp(), h3.Config{Limits: tako.Limits{HandshakeTimeout: patience}})
	stall(t, s)
	assert.Eventually(t, patience, "a handshake is open", func() bool { return s.Stats().Handshakes == 1 })
	if took := <-stopping(t, s); took > patience/3 {
		t.Errorf("it took %v", took)
	}
	assert.Equal(t, s.Stats().Handshakes, int64(0))
}

// H3-06: those who have to prove their address come in where many handshakes are open.
func TestRetryBeforeFull(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]tako.Limits{
		"all":         {Conns: 8, ConnsPerAddr: tako.NoLimit},
		"per address": {Conns: 1000, ConnsPerAddr: 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, echoApp(), h3.Config{Limits: limits})
			for range 10 {
				stall(t, s)
			}
			assert.Eventually(t, patience, "some had to prove their address", func() bool { return s.Stats().Retries >= 8 })
			goesOn(t, dialRaw(t, s))
			assert.Equal(t, s.Stats().RefusedConns, int64(0))
		})
	}
}
