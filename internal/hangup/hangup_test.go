//go:build linux

package hangup

import (
	"net"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

func TestSeen(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	assert.NoError(t, err)
	server, err := ln.Accept()
	assert.NoError(t, err)
	defer server.Close()
	_, err = client.Write([]byte("unread"))
	assert.NoError(t, err)
	assert.Equal(t, Seen(server), false, "the client is there")
	assert.NoError(t, client.Close())
	assert.Eventually(t, 10*time.Second, "the client is gone behind what it sent", func() bool { return Seen(server) })
	inMemory, _ := net.Pipe()
	assert.Equal(t, Seen(inMemory), false, "a connection without a socket does not tell")
}
