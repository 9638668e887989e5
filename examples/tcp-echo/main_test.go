package main

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
	"github.com/tako-go/tako/transport/tcp"
)

const patience = 20 * time.Second

func serve(t *testing.T, set settings) *tcp.Server {
	t.Helper()
	server := tcp.New(echo, tcp.Config{Addr: "127.0.0.1:0"}, set.layers()...)
	takotest.Run(t, server)
	return server
}

func dial(t *testing.T, server *tcp.Server) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", server.Addr().String(), patience)
	assert.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	assert.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

// echoes reports whether text comes back.
func echoes(conn net.Conn, intro, text string) bool {
	if _, err := io.WriteString(conn, intro+text); err != nil {
		return false
	}
	got := make([]byte, len(text))
	_, err := io.ReadFull(conn, got)
	return err == nil && string(got) == text
}

func TestLayers(t *testing.T) {
	const header = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n"
	tests := []struct {
		name  string
		set   settings
		intro string
		want  bool
	}{
		{"none", settings{}, "", true},
		{"allowed", settings{allow: "127.0.0.0/8,::1"}, "", true},
		{"not allowed", settings{allow: "192.0.2.0/24"}, "", false},
		{"behind a balancer", settings{proxy: "127.0.0.1"}, header, true},
		{"without header", settings{proxy: "127.0.0.1"}, "", false},
		{"stranger", settings{proxy: "192.0.2.1"}, header, false},
		{"allowed behind a balancer", settings{proxy: "127.0.0.1", allow: "192.0.2.0/24"}, header, true},
		{"not allowed behind a balancer", settings{proxy: "127.0.0.1", allow: "127.0.0.1"}, header, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, echoes(dial(t, serve(t, tt.set)), tt.intro, "hello\n"), tt.want)
		})
	}
}

func TestTLS(t *testing.T) {
	conn := tls.Client(dial(t, serve(t, settings{tls: true})), &tls.Config{InsecureSkipVerify: true})
	assert.Equal(t, echoes(conn, "", "hello\n"), true)
}

func TestLimit(t *testing.T) {
	server := serve(t, settings{limit: 1})
	first := dial(t, server)
	assert.Equal(t, echoes(first, "", "one"), true)
	assert.Equal(t, echoes(dial(t, server), "", "two"), false)
	assert.NoError(t, first.Close())
	assert.Eventually(t, patience, "room for another", func() bool { return echoes(dial(t, server), "", "three") })
}

// A drain does not wait for those who say nothing.
func TestDrain(t *testing.T) {
	server := serve(t, settings{})
	conn := dial(t, server)
	assert.Equal(t, echoes(conn, "", "hello"), true)
	report, err := server.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, report.Cut, 0)
	_, err = conn.Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF)
}
