package main

import (
	"crypto/tls"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/ws"
	"github.com/tako-go/tako/takotest"
	"github.com/tako-go/tako/transport"
)

func TestSockets(t *testing.T) {
	certs := transport.SelfSigned("localhost", "127.0.0.1")
	server := newServer("127.0.0.1:0", certs)
	takotest.Run(t, server)
	secure := &tls.Config{RootCAs: certs.CertPool()}
	first, err := open(t.Context(), "https://"+server.Addr().String()+"/echo", 20, secure)
	assert.NoError(t, err)
	assert.Equal(t, first, "this is HTTP/2")

	c, _, err := ws.Dial(t.Context(), "wss://"+server.Addr().String()+"/echo", &ws.DialConfig{TLS: secure})
	assert.NoError(t, err)
	_, p, err := c.Read(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, string(p), "this is HTTP/1.1")
	assert.NoError(t, c.Close(ws.CodeNormal, ""))
}
