package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/bench/internal/transfer"
	"github.com/tako-go/tako/bench/internal/wire"
)

func TestParseConfigRejects(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-protocol h3", `no "h3"`},
		{"-direction sideways", `no "sideways"`},
		{"-direction ,", "nothing selected"},
		{"-measure luck", `no "luck"`},
		{"-size 0", "-size"},
		{"-size 1073741825", "-size"},
		{"-streams 0", "-streams"},
		{"-rate 0", "-rate"},
		{"-window 4194304", "-window"},
		{"-rivals gin", "gin has no large bodies"},
		{"-rivals actix", "actix has no large bodies"},
		{"-ours ,", "no server selected"},
		{"std", "unexpected argument"},
	} {
		_, err := parseConfig(strings.Fields(tt.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.args, err, tt.want)
		}
	}
	cfg, err := parseConfig(strings.Fields("-protocol h2 -direction both -measure latency -rivals nethttp"), io.Discard)
	if err != nil || len(cfg.protocols) != 1 || len(cfg.directions[0].each) != 2 || cfg.moves || !cfg.latency {
		t.Errorf("got %+v, %v", cfg, err)
	}
}

// serve speaks HTTP/2 in clear text, with as many streams on each connection.
func serve(t *testing.T, streams int) (addr string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Hello, World!") })
	mux.HandleFunc("GET /bytes/{n}", func(w http.ResponseWriter, req *http.Request) {
		n, _ := strconv.Atoi(req.PathValue("n"))
		_, _ = io.WriteString(w, strings.Repeat("x", n))
	})
	mux.HandleFunc("POST /upload", func(w http.ResponseWriter, req *http.Request) {
		n, _ := io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(w, `{"bytes":`+strconv.FormatInt(n, 10)+`}`)
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler: mux, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: streams},
	}
	server.Protocols.SetUnencryptedHTTP2(true)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return ln.Addr().String()
}

func dialed(t *testing.T, cfg config, addr string) conn {
	t.Helper()
	c, err := dial(t.Context(), cfg, wire.H2C, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestBatch(t *testing.T) {
	const size = 300_000
	c := dialed(t, config{streams: 10}, serve(t, 10))
	b := newBatch(c, 10, size, []transfer.Direction{transfer.Upload, transfer.Download})
	fair := track(b)
	if err := b.move(t.Context()); err != nil {
		t.Fatal(err)
	}
	fair()
	for i, n := range b.progress() {
		if n != size {
			t.Errorf("stream %d moved %d bytes", i, n)
		}
	}
	if b.total() != 10*size {
		t.Errorf("moved %d bytes in all", b.total())
	}

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	again := newBatch(c, 2, size, b.each)
	go func() { ended <- again.repeat(ctx) }()
	if err := warm(t.Context(), c, again); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the end of a repetition: got %v", err)
	}
}

func TestTooManyStreams(t *testing.T) {
	_, err := dial(t.Context(), config{streams: 11}, wire.H2C, serve(t, 10))
	if err == nil || !strings.Contains(err.Error(), "allows 10 streams") {
		t.Errorf("got %v", err)
	}
}

func TestBatchFails(t *testing.T) {
	c := dialed(t, config{streams: 1}, serve(t, 10))
	none := transfer.Direction{Name: "nowhere", Move: transfer.Download.Move}
	b := newBatch(c, 2, 10, []transfer.Direction{none})
	b.conn.base += "/none"
	if err := b.move(t.Context()); err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("got %v", err)
	}
	if err := b.repeat(t.Context()); err == nil {
		t.Error("a repetition hides its error")
	}
}
