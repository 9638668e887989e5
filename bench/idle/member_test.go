package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako/bench/internal/wire"
)

// serve answers over one protocol on a port of its own. cut ends its connections.
func serve(t *testing.T, p wire.Protocol, pair wire.Pair) (addr string, cut func()) {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(pair.File, pair.File)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	handler := http.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	if p == wire.WebSocket {
		return serveSockets(t)
	}
	if p == wire.H3 {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := &http3.Server{Handler: handler, TLSConfig: config}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = server.Serve(conn)
		}()
		return conn.LocalAddr().String(), func() {
			_ = server.Close()
			<-ended
			_ = conn.Close()
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, TLSConfig: config, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute}
	server.Protocols.SetHTTP1(!p.Multiplexed())
	server.Protocols.SetHTTP2(p == wire.H2)
	server.Protocols.SetUnencryptedHTTP2(p == wire.H2C)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if p.Secure() {
			_ = server.ServeTLS(ln, "", "")
		} else {
			_ = server.Serve(ln)
		}
	}()
	return ln.Addr().String(), func() {
		_ = server.Close()
		<-ended
	}
}

// serveSockets echoes.
func serveSockets(t *testing.T) (addr string, cut func()) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		conn, err := new(websocket.Upgrader).Upgrade(w, req, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		for {
			kind, p, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, p) != nil {
				return
			}
		}
	}))
	return server.Listener.Addr().String(), func() {
		cancel()
		server.Close()
	}
}

func TestMembers(t *testing.T) {
	pair, err := wire.NewPair(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			addr, cut := serve(t, p.Protocol, pair)
			all, err := gather(t.Context(), addr, 10, p.Protocol, pair)
			if err != nil {
				cut()
				t.Fatal(err)
			}
			defer all.leave()
			if dead, err := all.dead(t.Context()); dead != 0 || err != nil {
				t.Errorf("got %d dead, %v", dead, err)
			}
			cut()
			if dead, err := all.dead(t.Context()); dead != 10 || err != nil {
				t.Errorf("got %d dead, %v, want all", dead, err)
			}
		})
	}
}
