package loop_test

import (
	"io"
	"net"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/runtimetest"
	"github.com/tako-go/tako/runtime/loop"
)

func TestAcceptedLate(t *testing.T) {
	t.Run("http", func(t *testing.T) {
		runtimetest.AcceptedLate(t, func(ln net.Listener) tako.Server {
			app := tako.New()
			app.Get("/", func(c *tako.Context) error { return c.Text(200, "served") })
			return loop.New(app, loop.Config{Listener: ln, Loops: 1, Log: noLog})
		})
	})
	t.Run("sockets", func(t *testing.T) {
		runtimetest.AcceptedLate(t, func(ln net.Listener) tako.Server {
			return loop.NewTCP(loop.Events{
				Open: func(s *loop.Socket) { _, _ = io.WriteString(s, "served") },
				Data: func(*loop.Socket, []byte) {},
			}, loop.TCPConfig{Listener: ln, Loops: 1, Log: noLog})
		})
	})
}
