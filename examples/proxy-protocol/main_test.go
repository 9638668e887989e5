package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/takotest"
)

func TestBehindBalancer(t *testing.T) {
	server := std.New(app(), std.Config{Addr: "127.0.0.1:0", Proxy: proxied("127.0.0.1")})
	takotest.Run(t, server)
	conn, err := net.DialTimeout("tcp", server.Addr().String(), 10*time.Second)
	assert.NoError(t, err)
	defer conn.Close()
	assert.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, "PROXY TCP4 203.0.113.7 198.51.100.1 4711 80\r\n"+
		"GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n\r\n")
	assert.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	assert.NoError(t, err)
	defer resp.Body.Close()
	var got answer
	assert.NoError(t, json.NewDecoder(resp.Body).Decode(&got))
	assert.Equal(t, got, answer{Client: "203.0.113.7", Proxy: conn.LocalAddr().String(), Scheme: "http",
		Forwarded: `for="203.0.113.7:4711";proto=http`, Version: 1})
}

func TestStrangers(t *testing.T) {
	server := std.New(app(), std.Config{Addr: "127.0.0.1:0", Proxy: proxied("192.0.2.0/24")})
	takotest.Run(t, server)
	conn, err := net.DialTimeout("tcp", server.Addr().String(), 10*time.Second)
	assert.NoError(t, err)
	defer conn.Close()
	assert.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, _ = io.WriteString(conn, "PROXY TCP4 203.0.113.7 198.51.100.1 4711 80\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if b, _ := io.ReadAll(conn); len(b) > 0 {
		t.Errorf("a stranger was answered %q", b)
	}
}
