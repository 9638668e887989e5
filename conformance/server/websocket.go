package main

import (
	"context"
	_ "embed"
	"net/http"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/stream/ws"
)

//go:embed websocket.html
var websocketPage []byte

// addWebSockets adds sockets that echo, in both forms of handlers. With ?about the first
// message tells by which protocol the handler was called, and whether the socket has no goroutine.
func addWebSockets(r *tako.Router) {
	cfg := ws.Config{Subprotocols: []string{"echo.v2", "echo.v1"}, MaxMessage: 32 << 20, Queue: 32 << 20,
		Compression: ws.Compression{Enabled: true, Threshold: -1}}
	r.Get("/ws", echoBlocking(cfg))
	r.Get("/ws/events", ws.Events{OnRequest: about, OnOpen: tellAbout, OnMessage: echoMessage}.Handler(cfg))
	cfg.Compression.NoContextTakeover = true
	r.Get("/ws/alone", ws.Events{OnMessage: echoMessage}.Handler(cfg))
	r.Get("/ws/page", func(c *tako.Context) error {
		return c.Bytes(http.StatusOK, "text/html; charset=utf-8", websocketPage)
	})
}

func echoBlocking(cfg ws.Config) tako.Handler {
	echo := ws.Handler(cfg, echoSocket)
	return func(c *tako.Context) error {
		if c.Target() != "/ws?about" {
			return echo(c)
		}
		text := c.Protocol().String()
		conn, err := ws.Accept(c, cfg)
		if err != nil {
			return err
		}
		defer conn.CloseNow()
		if err := conn.Write(c.Context(), ws.Text, []byte(text)); err != nil {
			return err
		}
		_ = echoSocket(c.Context(), conn) // it ends when the client does
		return nil
	}
}

func echoSocket(ctx context.Context, conn *ws.Conn) error {
	for {
		typ, p, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		if err := conn.Write(ctx, typ, p); err != nil {
			return err
		}
	}
}

func about(c *tako.Context) (any, error) {
	if c.Target() == "/ws/events?about" {
		return c.Protocol().String(), nil
	}
	return nil, nil
}

func tellAbout(c *ws.Conn) {
	if text, ok := c.Value().(string); ok {
		if c.OnLoop() {
			text += " on the loop"
		}
		_ = c.SendText(text)
	}
}

func echoMessage(c *ws.Conn, typ ws.Type, p []byte) { _ = c.Send(typ, p) }
