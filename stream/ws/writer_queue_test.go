package ws_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/ws"
)

// single serves one handler over std, and opens a raw socket to it.
func single(t *testing.T, cfg ws.Config, f func(ctx context.Context, c *ws.Conn) error) *raw {
	t.Helper()
	app := tako.New()
	app.Get("/", ws.Handler(cfg, f))
	return openRaw(t, start(t, "std", app, plain), "/")
}

// What waits for a Writer counts for the queue.
func TestWS10QueueWithWriter(t *testing.T) {
	meter, done := new(ws.Meter), make(chan struct{})
	c := single(t, ws.Config{Queue: 64 << 10, Full: ws.DropNewest, Meter: meter}, func(ctx context.Context, c *ws.Conn) error {
		defer close(done)
		w, err := c.Writer(ctx, ws.Text)
		assert.NoError(t, err)
		for range 2 {
			assert.NoError(t, c.Send(ws.Binary, make([]byte, 32<<10)))
		}
		assert.ErrorIs(t, c.Send(ws.Binary, make([]byte, 1)), ws.ErrFull)
		assert.ErrorIs(t, c.SendPrepared(ws.Prepare(ws.Binary, make([]byte, 1))), ws.ErrFull)
		assert.Equal(t, c.Waiting(), 64<<10)
		assert.Equal(t, meter.Stats().Buffered >= 64<<10, true)
		assert.Equal(t, meter.Stats().Dropped, int64(2))
		assert.NoError(t, w.Close())
		_, _, err = c.Read(ctx)
		return err
	})
	assert.Equal(t, c.next(), "text ")
	for range 2 {
		assert.Equal(t, len(c.next()), len("binary ")+32<<10)
	}
	c.write(closeFrame(1000, ""))
	assert.Equal(t, c.next(), "close 1000")
	<-done
}

// A hub drops from what waits for a Writer as from all else, and says so.
func TestWS10HubWithWriter(t *testing.T) {
	const messages, queue = 100, 4
	want := map[ws.Policy]string{ws.DropOldest: "m96 m97 m98 m99", ws.DropNewest: "m0 m1 m2 m3", ws.Disconnect: ""}
	for policy, want := range want {
		hub, meter := &ws.Hub{Queue: queue, Full: policy}, new(ws.Meter)
		c := single(t, ws.Config{Meter: meter}, func(ctx context.Context, c *ws.Conn) error {
			w, err := c.Writer(ctx, ws.Text)
			assert.NoError(t, err)
			assert.NoError(t, hub.Join("all", c))
			assert.NoError(t, c.SendText("own"))
			for i := range messages {
				hub.Broadcast("all", ws.Prepare(ws.Text, []byte(fmt.Sprint("m", i))))
			}
			_ = w.Close()
			_, _, err = c.Read(ctx)
			return err
		})
		var got []string
		for len(got) < 1+queue {
			f := c.next()
			if text, ok := strings.CutPrefix(f, "text "); !ok {
				assert.Equal(t, f, "close 1013")
				break
			} else if text != "" { // that of the Writer is empty
				got = append(got, text)
			}
		}
		c.write(closeFrame(1000, ""))
		for f := c.next(); f != "" && !strings.HasPrefix(f, "error "); f = c.next() {
		}
		stats := hub.Stats()
		if policy == ws.Disconnect {
			assert.Equal(t, len(got), 0)
			assert.Equal(t, stats.Dropped, int64(queue+1))
			assert.Equal(t, meter.Stats().Dropped, int64(queue+2), "the socket's own message as well")
			continue
		}
		assert.Equal(t, strings.Join(got, " "), "own "+want)
		assert.Equal(t, stats.Dropped, int64(messages-queue))
	}
}

// Nothing follows a close frame, also if it has waited for a Writer.
func TestWS06NoDataBehindClose(t *testing.T) {
	closed := make(chan struct{})
	c := single(t, ws.Config{}, func(ctx context.Context, c *ws.Conn) error {
		w, err := c.Writer(ctx, ws.Text)
		assert.NoError(t, err)
		_, err = w.Write([]byte("part"))
		assert.NoError(t, err)
		assert.NoError(t, c.SendText("behind"))
		go func() { _ = c.Close(ws.CodeNormal, "") }()
		<-closed
		assert.ErrorIs(t, w.Close(), ws.ErrClosed)
		<-ctx.Done()
		return nil
	})
	assert.Equal(t, c.next(), "close 1000")
	close(closed)
	c.write(closeFrame(1000, ""))
	assert.Equal(t, c.next(), "")
}

// A Write whose message is dropped with the socket does not report success.
func TestWS10WriteDropped(t *testing.T) {
	hub, meter, joined, failed := &ws.Hub{Queue: 2}, new(ws.Meter), make(chan *ws.Conn, 1), make(chan error, 1)
	c := single(t, ws.Config{Queue: 64 << 20, Meter: meter}, func(ctx context.Context, c *ws.Conn) error {
		assert.NoError(t, hub.Join("all", c))
		assert.NoError(t, c.Send(ws.Binary, make([]byte, 16<<20))) // the peer does not read
		joined <- c
		failed <- c.Write(ctx, ws.Text, []byte("important"))
		return nil
	})
	conn := <-joined
	assert.Eventually(t, patience, "the message waits", func() bool { return meter.Stats().MessagesOut == 2 && conn.Waiting() > 1<<20 })
	for range 3 {
		hub.Broadcast("all", ws.Prepare(ws.Text, []byte("x")))
	}
	assert.Equal(t, len(c.next()), len("binary ")+16<<20)
	assert.Equal(t, c.next(), "close 1013")
	err := <-failed
	assert.ErrorIs(t, err, ws.ErrClosed)
	assert.ErrorIs(t, err, ws.ErrFull)
	assert.Equal(t, hub.Stats().Dropped, int64(3))
	assert.Equal(t, meter.Stats().Dropped, int64(4))
	c.write(closeFrame(1013, ""))
	assert.Equal(t, c.next(), "")
}
