package http2serve

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/dispatch"
)

const patience = 10 * time.Second

// rig is a link and its client.
type rig struct {
	*Link
	t       *testing.T
	srv     *Server
	classes dispatch.Classes
	refused atomic.Int64
	late    atomic.Int64
	served  atomic.Int64
	client  net.Conn
	fr      *http2.Framer
	ran     chan struct{} // closed when Run has returned
}

func newRig(t *testing.T, app *tako.Router, limits tako.Limits, settings tako.HTTP2Config) *rig {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	app.Log(log)
	assert.NoError(t, app.Build())
	limits, err := limits.WithDefaults()
	assert.NoError(t, err)
	settings, err = settings.WithDefaults()
	assert.NoError(t, err)
	r := &rig{t: t, ran: make(chan struct{})}
	r.srv = &Server{App: app, HTTP2: settings, Limits: limits, Log: log, Draining: make(chan struct{}), Classes: &r.classes,
		Epoch: time.Now(), Refused: &r.refused, TimedOut: &r.late, Served: &r.served}
	r.srv.Prepare()
	server, client := pipe(t)
	r.client = client
	r.fr = http2.NewFramer(client, client)
	r.Link = NewLink(r.srv, server, LinkOptions{Info: &tako.ConnInfo{Transport: "tcp", Remote: server.RemoteAddr(), Local: server.LocalAddr()},
		Received: []byte(http2.ClientPreface), Stopping: make(chan struct{})})
	assert.NoError(t, client.SetDeadline(time.Now().Add(patience)))
	go func() { defer close(r.ran); r.Run() }()
	t.Cleanup(func() {
		_ = client.Close()
		r.over()
	})
	return r
}

// pipe is a connection to ourselves.
func pipe(t *testing.T) (server, client net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer ln.Close()
	client, err = net.Dial("tcp", ln.Addr().String())
	assert.NoError(t, err)
	server, err = ln.Accept()
	assert.NoError(t, err)
	return server, client
}

// over demands that Run returns.
func (r *rig) over() {
	r.t.Helper()
	select {
	case <-r.ran:
	case <-time.After(patience):
		r.t.Error("the link goes on")
	}
}

// begin exchanges SETTINGS.
func (r *rig) begin() {
	r.t.Helper()
	_, err := r.fr.ReadFrame() // the server's
	assert.NoError(r.t, err)
	_, err = r.fr.ReadFrame() // its WINDOW_UPDATE
	assert.NoError(r.t, err)
	assert.NoError(r.t, r.fr.WriteSettings())
	assert.NoError(r.t, r.fr.WriteSettingsAck())
}

func (r *rig) get(id uint32, path string) {
	r.t.Helper()
	var block []byte
	enc := hpack.NewEncoder((*sliceWriter)(&block))
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", path}} {
		_ = enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1], Sensitive: true})
	}
	assert.NoError(r.t, r.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true, EndStream: true}))
}

type sliceWriter []byte

func (w *sliceWriter) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

// await takes frames until this stream has ended.
func (r *rig) await(id uint32) {
	r.t.Helper()
	for {
		f, err := r.fr.ReadFrame()
		if err != nil {
			r.t.Fatalf("stream %d: %v", id, err)
		}
		if f.Header().StreamID == id && f.Header().Flags.Has(http2.FlagDataEndStream) {
			return
		}
	}
}

// The lead is handed over once for each handler that blocks it, and the class learns of it.
func TestLinkHandovers(t *testing.T) {
	app := tako.New()
	release := make(chan struct{})
	app.Get("/wait", func(c *tako.Context) error {
		<-release
		return c.Text(http.StatusOK, "waited")
	}, tako.Inline())
	app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") }, tako.Inline())
	r := newRig(t, app, tako.Limits{}, tako.HTTP2Config{})
	r.begin()
	const n = 10
	for i := range uint32(n) {
		r.get(4*i+1, "/wait")
		r.get(4*i+3, "/")
		r.await(4*i + 3)
	}
	close(release)
	for range n {
		r.awaitAny()
	}
	assert.Eventually(t, patience, "all to be counted", func() bool { return r.served.Load() == 2*n })
	for _, c := range r.classes.Report() {
		want := map[string]int64{"GET /wait": n}[c.Route]
		if c.Handovers != want && c.Route != "GET /" { // a short one may be preempted
			t.Errorf("%s: got %d hand-overs, want %d", c.Route, c.Handovers, want)
		}
	}
}

// awaitAny takes frames until a stream has ended.
func (r *rig) awaitAny() {
	r.t.Helper()
	for {
		f, err := r.fr.ReadFrame()
		if err != nil {
			r.t.Fatal(err)
		}
		if f.Header().StreamID != 0 && f.Header().Flags.Has(http2.FlagDataEndStream) {
			return
		}
	}
}

// A handler on the leader that has to wait to write lets another goroutine lead.
func TestLinkLeavesToWrite(t *testing.T) {
	app := tako.New()
	app.Get("/large", func(c *tako.Context) error {
		_, err := c.Write(make([]byte, 300<<10))
		return err
	}, tako.Inline())
	app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") }, tako.Inline())
	r := newRig(t, app, tako.Limits{}, tako.HTTP2Config{})
	r.begin()
	r.get(1, "/large")
	// Reads what the windows allow, and then still gets an answer on another stream.
	for got := 0; got < 65535; {
		f, err := r.fr.ReadFrame()
		assert.NoError(t, err)
		if f, ok := f.(*http2.DataFrame); ok {
			got += len(f.Data())
		}
	}
	assert.NoError(t, r.fr.WriteWindowUpdate(0, 1000))
	r.get(3, "/")
	r.await(3)
	assert.NoError(t, r.fr.WriteWindowUpdate(0, 1<<20))
	assert.NoError(t, r.fr.WriteWindowUpdate(1, 1<<20))
	r.await(1)
}

// A link whose client reads nothing ends by its write timeout, and so do its handlers.
func TestLinkWriteTimeout(t *testing.T) {
	app := tako.New()
	ended := make(chan error, 1)
	app.Get("/", func(c *tako.Context) error {
		var err error
		for piece := make([]byte, 64<<10); err == nil; {
			_, err = c.Write(piece)
		}
		ended <- err
		return err
	})
	r := newRig(t, app, tako.Limits{WriteTimeout: 500 * time.Millisecond}, tako.HTTP2Config{})
	r.begin()
	assert.NoError(t, r.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}))
	assert.NoError(t, r.fr.WriteWindowUpdate(0, 1<<30))
	r.get(1, "/")
	r.over()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("no error")
		}
	case <-time.After(patience):
		t.Error("the handler goes on")
	}
	assert.Eventually(t, patience, "it is counted", func() bool { return r.late.Load() > 0 })
}

// The end of a link waits for its handlers, and only for them.
func TestLinkEnds(t *testing.T) {
	ends := map[string]func(r *rig){
		"closed by the client": func(r *rig) { _ = r.client.Close() },
		"cut":                  func(r *rig) { r.Cut(io.ErrClosedPipe) },
		"drained":              func(r *rig) { r.Drain(true) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			app := tako.New()
			entered, release := make(chan struct{}), make(chan struct{})
			app.Get("/wait", func(c *tako.Context) error {
				close(entered)
				<-release
				return c.Text(http.StatusOK, "waited")
			})
			r := newRig(t, app, tako.Limits{}, tako.HTTP2Config{})
			r.begin()
			r.get(1, "/wait")
			var wg sync.WaitGroup
			wg.Go(func() {
				_, _ = io.Copy(io.Discard, r.client)
				_ = r.client.Close()
			})
			<-entered
			end(r)
			select {
			case <-r.ran:
				t.Error("has not waited for the handler")
			case <-time.After(20 * time.Millisecond):
			}
			close(release)
			r.over()
			_ = r.client.Close()
			wg.Wait()
		})
	}
}

// Drain and Cut tell whether something was under way, at any time and from any goroutine.
func TestLinkDrainConcurrently(t *testing.T) {
	for range 50 {
		app := tako.New()
		app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") })
		r := newRig(t, app, tako.Limits{}, tako.HTTP2Config{})
		r.begin()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = io.Copy(io.Discard, r.client)
			_ = r.client.Close()
		})
		wg.Go(func() {
			for id := uint32(1); id < 20; id += 2 {
				if r.fr.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
					return
				}
			}
		})
		wg.Go(func() { r.Drain(false) })
		wg.Go(func() { r.Drain(true) })
		wg.Go(func() { r.Cut(errors.New("enough")) })
		r.over()
		_ = r.client.Close()
		wg.Wait()
	}
}

func TestPreface(t *testing.T) {
	const preface = http2.ClientPreface
	for i := range len(preface) + 1 {
		whole, part := Preface([]byte(preface[:i]))
		assert.Equal(t, whole, i == len(preface), fmt.Sprint(i, " bytes"))
		assert.Equal(t, part, i < len(preface), fmt.Sprint(i, " bytes"))
		if i > 0 {
			wrong := []byte(preface[:i])
			wrong[i-1] ^= 1
			whole, part = Preface(wrong)
			assert.Equal(t, whole || part, false, fmt.Sprint("wrong at ", i))
		}
	}
	whole, part := Preface([]byte(preface + "more"))
	assert.Equal(t, whole && !part, true, "with more behind it")
}

// The Date of a response is that of its second.
func TestDateCache(t *testing.T) {
	var d dateCache
	now := time.Unix(1_700_000_000, 0)
	for i := range 5 {
		at := now.Add(time.Duration(i) * 500 * time.Millisecond)
		assert.Equal(t, d.value(at), at.UTC().Format(http.TimeFormat))
	}
}
