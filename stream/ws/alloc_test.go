//go:build !race

package ws_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/wsframe"
	"github.com/tako-go/tako/stream/ws"
)

// echoSizes are how long messages are that go to and fro, and the frames that come back.
var echoSizes = map[string]struct{ size, answer int }{"64 B": {64, 66}, "16 KiB": {16 << 10, 16<<10 + 4}}

// thrifty is the blocking form with the same memory for each message.
func thrifty() *tako.Router {
	app := echoes(ws.Config{})()
	app.Get("/append", ws.Handler(ws.Config{}, func(ctx context.Context, c *ws.Conn) error {
		var p []byte
		for {
			typ, message, err := c.ReadAppend(ctx, p[:0])
			if err != nil {
				return err
			}
			if err := c.Write(ctx, typ, message); err != nil {
				return err
			}
			p = message
		}
	}))
	return app
}

// An echo allocates nothing but the messages that Read returns, on an event loop and on a goroutine.
func TestEchoAllocs(t *testing.T) {
	for _, runtime := range []string{"std", "epoll"} {
		to := start(t, runtime, thrifty(), plain)
		for path, most := range map[string]float64{"/events": 0.5, "/append": 0.5, "/blocking": 1.5} {
			for name, echo := range echoSizes {
				c := openRaw(t, to, path)
				frame := masked(wsframe.OpBinary, true, string(make([]byte, echo.size)))
				answer := make([]byte, echo.answer)
				once := func() {
					_, err := c.conn.Write(frame)
					assert.NoError(t, err)
					_, err = io.ReadFull(c.conn, answer)
					assert.NoError(t, err)
				}
				for range 100 {
					once()
				}
				if got := testing.AllocsPerRun(1000, once); got > most {
					t.Errorf("%s%s, %s: got %.2f allocations for an echo", runtime, path, name, got)
				}
			}
		}
	}
}

// A message for many costs each member no memory of its size.
func TestBroadcastAllocs(t *testing.T) {
	hub := new(ws.Hub)
	to := start(t, "epoll", lobby(t, hub, ws.Config{}), plain)
	const members = 50
	for range members {
		c := openRaw(t, to, "/events")
		_ = c.conn.SetDeadline(time.Time{})
		go func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }(c.conn)
	}
	assert.Eventually(t, patience, "all are in", func() bool { return hub.Members("all") == members })
	p := ws.Prepare(ws.Binary, make([]byte, 512))
	got := testing.AllocsPerRun(200, func() { hub.Broadcast("all", p) })
	if got > members {
		t.Errorf("got %.1f allocations for %d members", got, members)
	}
	t.Logf("%.1f allocations for %d members", got, members)
}

func BenchmarkEcho(b *testing.B) {
	for _, runtime := range []string{"std", "epoll", "io_uring"} {
		for _, path := range append([]string{"/append"}, forms...) {
			for name, echo := range echoSizes {
				b.Run(runtime+path+"/"+name, func(b *testing.B) {
					c := openRaw(b, start(b, runtime, thrifty(), plain), path)
					_ = c.conn.SetDeadline(time.Time{})
					frame := masked(wsframe.OpBinary, true, string(make([]byte, echo.size)))
					answer := make([]byte, echo.answer)
					b.ReportAllocs()
					for b.Loop() {
						_, _ = c.conn.Write(frame)
						if _, err := io.ReadFull(c.conn, answer); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
