package loop_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
)

// BenchmarkNetHTTP compares what the same answer costs from a handler of Tako, from
// one of net/http, and behind a middleware of net/http. The client sends sixteen
// requests in one write and allocates nothing, so that what is seen is the server.
func BenchmarkNetHTTP(b *testing.B) {
	text := []byte("Hello, World!")
	raw := func(c *tako.Context) error { return c.Bytes(200, "text/plain; charset=utf-8", text) }
	plain := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(text)
	})
	through := tako.Std(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { next.ServeHTTP(w, req) })
	})
	for _, tt := range []struct {
		name    string
		handler tako.Handler
		options []tako.Option
	}{
		{"raw", raw, nil},
		{"handler", tako.HTTP(plain), nil},
		{"middleware", raw, []tako.Option{tako.With(through)}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			app := tako.New()
			app.Get("/", tt.handler, append(tt.options, tako.Inline())...)
			askFor(b, app)
		})
	}
}

// askFor asks a server for / in batches over one connection.
func askFor(b *testing.B, app tako.App) {
	s := loop.New(app, loop.Config{Addr: "127.0.0.1:0", Loops: 1, KeepProcs: true, Log: slog.New(slog.DiscardHandler)})
	if err := s.Listen(context.Background()); err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	nc, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = nc.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if _, err := s.Shutdown(ctx); err != nil {
			b.Error(err)
		}
		<-served
	}()

	const batch = 16
	requests := bytes.Repeat([]byte("GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"), batch)
	got := make([]byte, 64<<10)
	ask := func(want int) (n int) {
		if _, err := nc.Write(requests); err != nil {
			b.Fatal(err)
		}
		for n < want || want == 0 && bytes.Count(got[:n], []byte("Hello, World!")) < batch {
			more, err := nc.Read(got[n:])
			if err != nil && err != io.EOF || more == 0 {
				b.Fatalf("after %d bytes: %v", n, err)
			}
			n += more
		}
		return n
	}
	size := ask(0)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%batch == 0 {
			ask(size)
		}
	}
}
