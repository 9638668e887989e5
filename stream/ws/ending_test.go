package ws_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/ws"
)

// A peer that ends its side behind its close frame gets all answers, and the close frame.
func TestWS11HalfClose(t *testing.T) {
	const requests, size = 60, 200_000
	reply := strings.Repeat("r", size)
	for _, runtime := range http1 {
		app := tako.New()
		app.Get("/events", ws.Events{OnMessage: func(c *ws.Conn, _ ws.Type, _ []byte) { _ = c.SendText(reply) }}.Handler(ws.Config{Queue: 16 << 20}))
		app.Get("/blocking", ws.Handler(ws.Config{}, func(ctx context.Context, c *ws.Conn) error {
			for {
				if _, _, err := c.Read(ctx); err != nil {
					return err
				}
				if err := c.Write(ctx, ws.Text, []byte(reply)); err != nil {
					return err
				}
			}
		}))
		to := start(t, runtime, app, plain)
		for _, form := range forms {
			t.Run(runtime+form, func(t *testing.T) {
				c := openRaw(t, to, form)
				c.write(bytes.Repeat(masked(1, true, "get"), requests), closeFrame(1000, ""))
				assert.NoError(t, c.conn.(*net.TCPConn).CloseWrite())
				for range requests {
					assert.Equal(t, len(c.next()), len("text ")+size)
				}
				assert.Equal(t, c.next(), "close 1000")
				assert.Equal(t, c.next(), "")
			})
		}
	}
}

// The end without a close frame lets queued answers out as well, and is 1006.
func TestHalfCloseWithoutFrame(t *testing.T) {
	const size = 1 << 20
	for _, runtime := range http1 {
		app, why := tako.New(), make(chan error, 1)
		app.Get("/", ws.Events{
			OnMessage: func(c *ws.Conn, _ ws.Type, _ []byte) { _ = c.SendText(strings.Repeat("r", size)) },
			OnClose:   func(_ *ws.Conn, err error) { why <- err },
		}.Handler(ws.Config{}))
		c := openRaw(t, start(t, runtime, app, plain), "/")
		c.write(masked(1, true, "get"))
		assert.NoError(t, c.conn.(*net.TCPConn).CloseWrite())
		assert.Equal(t, len(c.next()), len("text ")+size, runtime)
		assert.Equal(t, c.next(), "", runtime)
		assert.Equal(t, ws.CodeOf(<-why), ws.CodeAbnormal, runtime)
	}
}

// What a peer has sent before it knows of a shutdown is delivered, in both forms.
func TestSD06Delivers(t *testing.T) {
	for _, runtime := range http1 {
		for _, form := range forms {
			t.Run(runtime+form, func(t *testing.T) {
				var told atomic.Int64
				app := tako.New()
				app.Get("/events", ws.Events{OnMessage: func(c *ws.Conn, _ ws.Type, _ []byte) {
					told.Add(1)
					assert.ErrorIs(t, c.SendText("late"), ws.ErrClosed)
				}}.Handler(ws.Config{}))
				app.Get("/blocking", ws.Handler(ws.Config{}, func(ctx context.Context, c *ws.Conn) error {
					for {
						if _, _, err := c.Read(ctx); err != nil {
							return err
						}
						told.Add(1)
					}
				}))
				to := start(t, runtime, app, plain)
				c := openRaw(t, to, form)
				cut := make(chan int, 1)
				go func() {
					report, _ := to.server.Shutdown(within(t))
					cut <- report.Cut
				}()
				assert.Equal(t, c.next(), "close 1001")
				c.write(masked(1, true, "one"), masked(1, true, "two"))
				c.write(closeFrame(1001, ""))
				assert.Equal(t, c.next(), "")
				assert.Equal(t, <-cut, 0)
				assert.Equal(t, told.Load(), int64(2))
			})
		}
	}
}

// Behind Close of its own a socket of events is told nothing but the end.
func TestDeafAfterClose(t *testing.T) {
	for _, runtime := range http1 {
		app, told, why := tako.New(), make(chan string, 9), make(chan error, 1)
		app.Get("/", ws.Events{
			OnMessage: func(c *ws.Conn, _ ws.Type, p []byte) {
				told <- string(p)
				_ = c.Close(4000, "")
			},
			OnClose: func(_ *ws.Conn, err error) { why <- err },
		}.Handler(ws.Config{}))
		c := openRaw(t, start(t, runtime, app, plain), "/")
		c.write(masked(1, true, "one"), masked(1, true, "two"))
		assert.Equal(t, c.next(), "close 4000", runtime)
		c.write(masked(1, true, "three"), closeFrame(4000, ""))
		assert.Equal(t, ws.CodeOf(<-why), ws.Code(4000), runtime)
		assert.Equal(t, <-told, "one", runtime)
		assert.Equal(t, len(told), 0, runtime)
	}
}

// OnRequest that panics is answered in plain HTTP.
func TestOnRequestPanic(t *testing.T) {
	for _, runtime := range http1 {
		app := tako.New()
		app.Get("/", ws.Events{OnRequest: func(*tako.Context) (any, error) { panic("tako") }}.Handler(ws.Config{Subprotocols: []string{"a"}}))
		c := dialRaw(t, start(t, runtime, app, plain), handshakeText("/", "Sec-WebSocket-Protocol: a"))
		assert.Equal(t, c.resp.StatusCode, 500)
		for _, name := range []string{"Upgrade", "Sec-Websocket-Accept", "Sec-Websocket-Protocol"} {
			assert.Equal(t, c.resp.Header.Get(name), "", name)
		}
	}
}
