package tcp_test

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/runtimetest"
	"github.com/tako-go/tako/transport/tcp"
)

func TestAcceptedLate(t *testing.T) {
	runtimetest.AcceptedLate(t, func(ln net.Listener) tako.Server {
		return tcp.New(func(_ context.Context, c *tcp.Conn) error {
			_, err := c.Read(make([]byte, 4096))
			for err == nil { // it would be served for ever
				_, err = c.Read(make([]byte, 4096))
			}
			return err
		}, tcp.Config{Listener: ln, Log: slog.New(slog.DiscardHandler)})
	})
}
