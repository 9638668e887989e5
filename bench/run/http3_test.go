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

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako/bench/internal/wire"
)

// secure3 answers every request with text over HTTP/3 and counts handshakes and requests.
func secure3(t *testing.T, pair wire.Pair, text string) (addr string, shaken, asked *atomic.Int64) {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(pair.File, pair.File)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shaken, asked = new(atomic.Int64), new(atomic.Int64)
	server := &http3.Server{
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{cert},
			VerifyConnection: func(tls.ConnectionState) error {
				shaken.Add(1)
				return nil
			},
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			_, _ = io.WriteString(w, text)
		}),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(conn)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
		_ = conn.Close()
	})
	return conn.LocalAddr().String(), shaken, asked
}

func TestHTTP3(t *testing.T) {
	pair, err := wire.NewPair(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := plain.over("", wire.H3, 2, 3)
	addr, shaken, asked := secure3(t, pair, hello.text)
	if err := checkScenario(t.Context(), addr, pair, s); err != nil {
		t.Fatal(err)
	}
	before := asked.Load()
	got, err := runStreams3(t.Context(), addr, pair, 2, s, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if n := asked.Load() - before - 6; got.Requests != n || n < 1 {
		t.Errorf("counted %d of %d requests", got.Requests, n)
	}
	if n := shaken.Load(); n != 3 {
		t.Errorf("got %d connections", n)
	}
	got, err = runHandshakes3(t.Context(), addr, pair, 2, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if n := shaken.Load() - 3; got.Requests != n || n < 1 {
		t.Errorf("counted %d of %d handshakes", got.Requests, n)
	}
}

func TestHTTP3RefusesOthers(t *testing.T) {
	pair, err := wire.NewPair(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	addr, _, _ := secure3(t, pair, "Hello?")
	if _, err := runStreams3(t.Context(), addr, pair, 1, plain.over("", wire.H3, 1, 1), time.Minute); err == nil || !strings.Contains(err.Error(), "Hello?") {
		t.Errorf("requests: got %v", err)
	}
	if _, err := runHandshakes3(t.Context(), addr, pair, 1, time.Minute); err == nil || !strings.Contains(err.Error(), "Hello?") {
		t.Errorf("handshakes: got %v", err)
	}
}
