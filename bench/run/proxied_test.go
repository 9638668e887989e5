package main

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
)

// behindProxy demands headers, and puts what they say of the client into heads.
func behindProxy(t *testing.T, heads chan<- *tako.ConnInfo) (addr string) {
	t.Helper()
	app := tako.New()
	app.Get("/", func(c *tako.Context) error {
		select {
		case heads <- c.ConnInfo():
		default:
		}
		return c.Text(http.StatusOK, hello.text)
	})
	server := std.New(app, std.Config{
		Addr:  "127.0.0.1:0",
		Proxy: tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: []string{"127.0.0.1"}},
	})
	if err := server.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, _ = server.Shutdown(ctx)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return server.Addr().String()
}

func TestProxied(t *testing.T) {
	heads := make(chan *tako.ConnInfo, 1)
	addr := behindProxy(t, heads)
	for _, v := range variants[1:] {
		if err := checkConnection(t.Context(), addr, v); err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		info := <-heads
		if got := info.Remote.String(); got != "192.0.2.1:57005" {
			t.Errorf("%s: got client %s", v.name, got)
		}
		if want := v.name != "v2"; (info.Proxy.TLS != nil) != want || (info.Proxy.ALPN == "http/1.1") != want {
			t.Errorf("%s: got %+v", v.name, info.Proxy)
		}
		got, err := runConnections(t.Context(), addr, v, 2, 300*time.Millisecond)
		if err != nil || got.Requests < 2 {
			t.Errorf("%s: got %+v, %v", v.name, got.counts, err)
		}
		<-heads
	}
	if _, err := runConnections(t.Context(), addr, variants[0], 1, time.Minute); err == nil {
		t.Error("connections without a header are counted")
	}
}

func TestVariants(t *testing.T) {
	plain, full := variants[1].head(), variants[2].head()
	if n := len(full) - len(plain); n < 180 || n > 220 {
		t.Errorf("got TLVs of %d bytes, want about 200", n)
	}
	if !bytes.Equal(full, variants[2].head()) {
		t.Error("a header is not always the same")
	}
	if got := variants[0].serverOptions(); got != nil {
		t.Errorf("without a header the server gets %q", got)
	}
	if got := variants[1].serverOptions(); !slices.Equal(got, []string{"-proxy"}) {
		t.Errorf("with a header the server gets %q", got)
	}
}
