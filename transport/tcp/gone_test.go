package tcp_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/tcp"
)

// forgetful is a connection whose socket has forgotten its other end, which has reset it.
type forgetful struct{ net.Conn }

func (forgetful) RemoteAddr() net.Addr { return nil }

type forgetfulListener struct{ net.Listener }

func (l forgetfulListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return forgetful{c}, nil
}

// Nobody knows who it is, so it must not pass for a peer that has no address by its nature.
func TestGoneBeforeAccepted(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	s := tcp.New(func(context.Context, *tcp.Conn) error {
		t.Error("it was served")
		return nil
	}, tcp.Config{Listener: forgetfulListener{ln}, Log: slog.New(slog.DiscardHandler)})
	assert.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	nc, err := net.Dial("tcp", s.Addr().String())
	assert.NoError(t, err)
	defer nc.Close()
	assert.NoError(t, nc.SetDeadline(time.Now().Add(10*time.Second)))
	if n, _ := nc.Read(make([]byte, 1)); n > 0 {
		t.Error("it was answered")
	}
	_, err = s.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.NoError(t, <-served)
	assert.Equal(t, s.Stats().Accepted, int64(1))
}
