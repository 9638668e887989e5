package main

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
	"github.com/tako-go/tako/transport/udp"
)

const patience = 20 * time.Second

func serve(t *testing.T, set settings) (*udp.Server, net.Conn) {
	t.Helper()
	set.addr = "127.0.0.1:0"
	server := newServer(set)
	takotest.Run(t, server)
	conn, err := net.Dial("udp", server.Addr().String())
	assert.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	assert.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return server, conn
}

func TestEcho(t *testing.T) {
	_, conn := serve(t, settings{delay: time.Millisecond})
	_, err := conn.Write([]byte("hello"))
	assert.NoError(t, err)
	p := make([]byte, 100)
	n, err := conn.Read(p)
	assert.NoError(t, err)
	assert.Equal(t, string(p[:n]), "hello")
}

// What has no room is dropped, and all is accounted for.
func TestDropped(t *testing.T) {
	server, conn := serve(t, settings{workers: 1, queue: 1, delay: 100 * time.Millisecond})
	const sent = 20
	for i := range sent {
		_, err := fmt.Fprint(conn, i)
		assert.NoError(t, err)
	}
	assert.Eventually(t, patience, "all datagrams", func() bool { return server.Stats().Received == sent })
	report, err := server.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, report.Cut, 0)
	s := server.Stats()
	if s.Dropped == 0 || s.Sent == 0 || s.Dropped+s.Sent != sent {
		t.Errorf("got %+v", s)
	}
}

func TestRate(t *testing.T) {
	server, conn := serve(t, settings{rate: 1})
	for range 3 {
		_, err := conn.Write([]byte("hello"))
		assert.NoError(t, err)
	}
	assert.Eventually(t, patience, "all datagrams", func() bool { return server.Stats().Served == 3 })
	if s := server.Stats(); s.Refused == 0 || s.Sent == 0 {
		t.Errorf("got %+v", s)
	}
}
