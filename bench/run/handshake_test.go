package main

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako/bench/internal/wire"
)

// secure answers every request with text over TLS and counts handshakes.
func secure(t *testing.T, pair wire.Pair, config *tls.Config, text string) (addr string, shaken *atomic.Int64) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shaken = new(atomic.Int64)
	config.VerifyConnection = func(tls.ConnectionState) error {
		shaken.Add(1)
		return nil
	}
	server := &http.Server{
		TLSConfig: config, ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.ServeTLS(ln, pair.File, pair.File)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return ln.Addr().String(), shaken
}

func TestHandshakes(t *testing.T) {
	pair, err := wire.NewPair(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	addr, shaken := secure(t, pair, &tls.Config{}, hello.text)
	got, err := runHandshakes(t.Context(), addr, pair, 3, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if n := shaken.Load(); got.Requests != n || n < 1 {
		t.Errorf("counted %d of %d handshakes", got.Requests, n)
	}
	if got.PerSecond <= 0 || got.P99 < got.P50 || got.P50 <= 0 {
		t.Errorf("got %+v", got.counts)
	}
}

func TestHandshakeFaults(t *testing.T) {
	pair, err := wire.NewPair(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	other, err := wire.NewPair(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text, want string
		config           *tls.Config
		trusted          wire.Pair
	}{
		{"other answer", "Hello?", "got \"HTTP/1.1 200 OK", &tls.Config{}, pair},
		{"TLS 1.2", hello.text, "protocol version", &tls.Config{MaxVersion: tls.VersionTLS12}, pair},
		{"other certificate", hello.text, "certificate", &tls.Config{}, other},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr, _ := secure(t, pair, tt.config, tt.text)
			_, err := runHandshakes(t.Context(), addr, tt.trusted, 1, time.Minute)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
