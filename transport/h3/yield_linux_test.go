package h3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

// generation is a server that says which one it is.
type generation struct {
	*h3.Server
	entered chan struct{}
	gate    chan struct{}
	served  chan error
}

func newGeneration(t *testing.T, name string) *generation {
	t.Helper()
	g := &generation{entered: make(chan struct{}, 10), gate: make(chan struct{}), served: make(chan error, 1)}
	app := tako.New()
	app.Log(quiet)
	app.Get("/", func(c *tako.Context) error { return c.Text(200, name) })
	app.Post("/echo", func(c *tako.Context) error {
		g.entered <- struct{}{}
		<-g.gate
		return echo(c)
	})
	g.Server = h3.New(app, h3.Config{Addr: "127.0.0.1:0", Certs: certs, Log: quiet, Retry: h3.RetryAlways})
	t.Cleanup(func() {
		_, _ = g.Shutdown(over())
		select {
		case err := <-g.served:
			assert.NoError(t, err, name)
		default:
		}
	})
	return g
}

func (g *generation) serve() { go func() { g.served <- g.Serve() }() }

// follow hands the socket of one over to the next.
func follow(t *testing.T, old, next *generation) {
	t.Helper()
	files, letGo, err := old.Yield()
	assert.NoError(t, err)
	assert.NoError(t, next.Succeed(files))
	assert.NoError(t, next.Listen(t.Context()))
	assert.Equal(t, next.Addr().String(), old.Addr().String())
	assert.NoError(t, letGo())
	next.serve()
}

// SD-09: a server takes over from another, and a third one from that; whoever is connected
// goes on where it is.
func TestYield(t *testing.T) {
	t.Parallel()
	first, second, third := newGeneration(t, "first"), newGeneration(t, "second"), newGeneration(t, "third")
	assert.NoError(t, first.Listen(t.Context()))
	first.serve()

	body := bytes.Repeat([]byte("x"), 300_000)
	type upload struct {
		r   *raw
		str *quic.Stream
	}
	var uploads []upload
	begin := func(g *generation) {
		t.Helper()
		r := dialRaw(t, g)
		str := r.open(ask("POST", "/echo"), frame(frameData, body[:1000]...))
		<-g.entered
		uploads = append(uploads, upload{r, str})
	}
	begin(first)
	old := dialRaw(t, first)
	assert.Equal(t, old.request(ask("GET", "/")).body, "first")

	follow(t, first, second)
	assert.Equal(t, old.request(ask("GET", "/")).body, "first")
	assert.Equal(t, dialRaw(t, second).request(ask("GET", "/")).body, "second")
	begin(second)

	follow(t, second, third)
	assert.Equal(t, old.request(ask("GET", "/")).body, "first")
	assert.Equal(t, dialRaw(t, third).request(ask("GET", "/")).body, "third")

	for _, g := range []*generation{first, second, third} {
		close(g.gate)
	}
	for i, u := range uploads {
		answers := make(chan answer, 1)
		go func() { answers <- read(t, u.str) }()
		_, err := u.str.Write(frame(frameData, body[1000:]...))
		assert.NoError(t, err)
		assert.NoError(t, u.str.Close())
		if a := <-answers; a.err != nil || a.body != string(body) {
			t.Errorf("upload %d: got %d bytes and error %v", i, len(a.body), a.err)
		}
	}
	for _, g := range []*generation{first, second} {
		report, err := g.Shutdown(within(t))
		assert.NoError(t, err)
		assert.Equal(t, report.Cut, 0)
	}
	assert.Equal(t, dialRaw(t, third).request(ask("GET", "/")).body, "third")
}

// The report has connections that end before their server tells the others to go.
func TestYieldReport(t *testing.T) {
	t.Parallel()
	first, second := newGeneration(t, "first"), newGeneration(t, "second")
	assert.NoError(t, first.Listen(t.Context()))
	first.serve()
	h, idle := holds(t, first), dialRaw(t, first)
	assert.Equal(t, idle.request(ask("GET", "/")).body, "first")
	follow(t, first, second)
	ctx := within(t)
	reports := make(chan tako.Report, 1)
	go func() {
		report, err := first.Shutdown(ctx)
		assert.NoError(t, err)
		reports <- report
	}()
	assert.Eventually(t, patience, "the drain has begun", func() bool { return first.Marked() == 2 })
	assert.NoError(t, h.str.Close())
	close(first.gate)
	assert.Equal(t, read(t, h.str).body, "a")
	assert.NoError(t, h.client.CloseWithError(0, ""))
	assert.NoError(t, idle.CloseWithError(0, ""))
	report := <-reports
	assert.Equal(t, report, tako.Report{Drained: 1, Idle: 1, Elapsed: report.Elapsed})
}

// SD-09: no request fails while servers follow each other.
func TestYieldUnderLoad(t *testing.T) {
	t.Parallel()
	g := newGeneration(t, "0")
	assert.NoError(t, g.Listen(t.Context()))
	g.serve()
	base := "https://" + g.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var done atomic.Int64
	const clients = 4
	failures := make(chan error, clients)
	for range clients {
		go func() { failures <- load(ctx, t, base, &done) }()
	}
	for i := range 5 {
		before := done.Load()
		assert.Eventually(t, patience, "there is load", func() bool { return done.Load() > before+50 })
		next := newGeneration(t, string(rune('1'+i)))
		follow(t, g, next)
		report, err := g.Shutdown(within(t))
		assert.NoError(t, err)
		assert.Equal(t, report.Cut, 0)
		g = next
	}
	before := done.Load()
	assert.Eventually(t, patience, "there is load", func() bool { return done.Load() > before+50 })
	stop()
	for range clients {
		assert.NoError(t, <-failures)
	}
}

// load makes one request after the other, each third one over a new connection.
func load(ctx context.Context, t *testing.T, base string, done *atomic.Int64) error {
	tr := &http3.Transport{TLSClientConfig: clientTLS()}
	defer func() { _ = tr.Close() }()
	c := &client{Transport: tr, base: base}
	for i := 1; ctx.Err() == nil; i++ {
		resp, err := tr.RoundTrip(c.request(t, "GET", "/", nil))
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return err
		}
		done.Add(1)
		if i%3 == 0 {
			_ = tr.Close()
			tr = &http3.Transport{TLSClientConfig: clientTLS()}
		}
	}
	return nil
}

// A successor that never begins changes nothing.
func TestYieldInVain(t *testing.T) {
	t.Parallel()
	g := newGeneration(t, "g")
	_, _, err := g.Yield()
	assert.Contains(t, err.Error(), "before Listen")
	assert.NoError(t, g.Listen(t.Context()))
	g.serve()
	for range 3 {
		files, letGo, err := g.Yield()
		assert.NoError(t, err)
		defer func() {
			if letGo() == nil {
				t.Error("an offer that was replaced can still be taken")
			}
		}()
		closeFiles(files)
	}
	files, letGo, err := g.Yield()
	assert.NoError(t, err)
	assert.Equal(t, dialRaw(t, g).request(ask("GET", "/")).body, "g")
	assert.NoError(t, letGo())
	closeFiles(files) // as if the successor ended at once: the socket is read again
	assert.Equal(t, dialRaw(t, g).request(ask("GET", "/")).body, "g")
	_, err = g.Shutdown(within(t))
	assert.NoError(t, err)
	_, _, err = g.Yield()
	assert.ErrorIs(t, err, net.ErrClosed)
}

// Who has handed over cannot do so again: two would read what is left to him.
func TestYieldTwice(t *testing.T) {
	t.Parallel()
	first, second := newGeneration(t, "first"), newGeneration(t, "second")
	assert.NoError(t, first.Listen(t.Context()))
	first.serve()
	old := dialRaw(t, first)
	follow(t, first, second)
	files, letGo, err := first.Yield()
	if err == nil {
		assert.NoError(t, letGo())
		closeFiles(files)
		t.Fatal("the socket was handed over twice")
	}
	assert.Contains(t, err.Error(), "another process has the socket")
	assert.Equal(t, len(files), 0)
	assert.Equal(t, old.request(ask("GET", "/")).body, "first")
	assert.Equal(t, dialRaw(t, second).request(ask("GET", "/")).body, "second")
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

func TestSucceedErrors(t *testing.T) {
	t.Parallel()
	g := newGeneration(t, "g")
	if g.Succeed(nil) == nil {
		t.Error("nothing was taken over")
	}
	r, w, err := os.Pipe()
	assert.NoError(t, err)
	_ = w.Close()
	again, err := os.Open(os.DevNull)
	assert.NoError(t, err)
	third, err := os.Open(os.DevNull)
	assert.NoError(t, err)
	if g.Succeed([]*os.File{third, again, r}) == nil {
		t.Error("files that are no sockets were taken over")
	}
	_, err = r.Stat()
	assert.ErrorIs(t, err, os.ErrClosed)

	s := start(t, echoApp(), h3.Config{Conn: struct{ net.PacketConn }{packetConn(t)}})
	_, _, err = s.Yield()
	assert.ErrorIs(t, err, errors.ErrUnsupported)
}

// Beside passes the sockets of both on.
func TestBesideYield(t *testing.T) {
	t.Parallel()
	old, next := h3.Beside(newWeb(hello()), h3.Config{}), h3.Beside(newWeb(hello()), h3.Config{})
	serve(t, old)
	newClient(t, old).get(t, "/")
	files, letGo, err := old.(tako.Yielder).Yield()
	assert.NoError(t, err)
	assert.NoError(t, next.(tako.Yielder).Succeed(files))
	assert.NoError(t, next.Listen(t.Context()))
	assert.Equal(t, next.Addr().String(), old.Addr().String())
	assert.NoError(t, letGo())
	served := make(chan error, 1)
	go func() { served <- next.Serve() }()
	_, err = old.Shutdown(within(t))
	assert.NoError(t, err)
	_, text := newClient(t, next).get(t, "/")
	assert.Equal(t, text, "HTTP/3")
	assert.Equal(t, altSvc(t, next.Addr()), advertised(next.Addr()))
	_, err = next.Shutdown(within(t))
	assert.NoError(t, err)
	assert.NoError(t, <-served)
}
