package ws_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/coding"
	"github.com/tako-go/tako/internal/wsframe"
	"github.com/tako-go/tako/stream/ws"
)

const deflated = "Sec-WebSocket-Extensions: permessage-deflate"

// packed is the payload of a compressed message.
func packed(p []byte) string {
	out := coding.AppendFlate(nil, p, 1, 15)
	return string(out[:len(out)-len(coding.FlateTail)])
}

// awaited is a context that tells each time a read of the connection begins to wait with it.
type awaited struct {
	context.Context
	waits chan struct{}
}

// Value hides that the context is one of the standard library, which would not call AfterFunc.
func (a awaited) Value(any) any { return nil }

func (a awaited) AfterFunc(f func()) func() bool {
	a.waits <- struct{}{}
	return context.AfterFunc(a.Context, f)
}

// A message of which a Reader was given up is skipped. If it is compressed, and the context has
// ended in the middle of a read, it cannot be: the socket ends, with an error that is not that of
// the context.
func TestReaderContext(t *testing.T) {
	for _, test := range []struct{ compressed, within, lost bool }{
		{compressed: false, within: true},
		{compressed: true, within: false},
		{compressed: true, within: true, lost: true},
	} {
		app, gaveUp, read := tako.New(), make(chan error, 1), make(chan error, 2)
		app.Get("/", ws.Handler(ws.Config{Compression: ws.Compression{Enabled: true}}, func(ctx context.Context, c *ws.Conn) error {
			ending, cancel := context.WithCancel(ctx)
			short := awaited{ending, make(chan struct{}, 100)}
			_, r, err := c.Reader(short)
			assert.NoError(t, err)
			if test.within {
				for len(short.waits) > 0 { // that was for the beginning
					<-short.waits
				}
				go func() {
					<-short.waits
					cancel()
				}()
			} else {
				cancel()
			}
			_, err = io.ReadAll(r)
			gaveUp <- err
			for range 2 {
				_, _, err = c.Read(ctx)
				read <- err
			}
			return nil
		}))
		c := openRaw(t, start(t, "std", app, plain), "/", deflated)
		payload, h := strings.Repeat("hello ", 1000), wsframe.Header{Op: 1, Masked: true, Key: 1, RSV1: test.compressed}
		if test.compressed {
			payload = packed([]byte(payload))
		}
		c.write(frame(h, payload[:len(payload)/2]))
		assert.ErrorIs(t, <-gaveUp, context.Canceled)
		c.write(masked(0, true, payload[len(payload)/2:]), masked(1, true, "next"))
		if !test.lost {
			assert.NoError(t, <-read)
			continue
		}
		assert.Equal(t, c.next(), "close 1011")
		c.write(closeFrame(1011, ""))
		for range 2 {
			err := <-read
			assert.ErrorIs(t, err, ws.ErrClosed)
			assert.Equal(t, errors.Is(err, context.DeadlineExceeded), false, err)
		}
	}
}

// MaxMessage is about decompressed bytes: what gets longer by compression passes as well.
func TestWS08Incompressible(t *testing.T) {
	noise := make([]byte, 100<<10)
	_, _ = rand.Read(noise)
	rawly(t, ws.Config{MaxMessage: int64(len(noise)), Compression: ws.Compression{Enabled: true}}, func(t *testing.T, to *target, form string) {
		c := openRaw(t, to, form, deflated)
		p := packed(noise)
		assert.Equal(t, len(p) > len(noise), true)
		c.write(frame(wsframe.Header{Fin: true, RSV1: true, Op: 2, Masked: true}, p))
		assert.Equal(t, c.next() == "binary "+string(noise), true)
		c.write(masked(2, true, string(noise)+"x"))
		assert.Equal(t, c.next(), "close 1009")
	})
}

// A Write whose context ends loses and doubles nothing; over TLS it ends the socket, and says so.
func TestWS11WriteContext(t *testing.T) {
	const size = 100_000
	type outcome struct {
		wrote int
		err   error
	}
	var ended chan outcome
	everywhere(t, func() *tako.Router {
		app := tako.New()
		ended = make(chan outcome, 1)
		ended := ended
		app.Get("/", ws.Handler(ws.Config{}, func(ctx context.Context, c *ws.Conn) error {
			for i := 0; ; i++ {
				short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
				err := c.Write(short, ws.Text, []byte(strings.Repeat(string(rune('a'+i%26)), size)))
				cancel()
				if err != nil {
					ended <- outcome{i + 1, err}
					break
				}
			}
			if err := c.Write(ctx, ws.Text, []byte("end")); err != nil {
				return err
			}
			_, _, err := c.Read(ctx)
			return err
		}))
		return app
	}, func(t *testing.T, to *target) {
		c := to.open(t, "/", ws.DialConfig{})
		out := <-ended // nothing was read until then
		assert.ErrorIs(t, out.err, context.DeadlineExceeded)
		if strings.HasSuffix(to.name, "-tls") {
			assert.ErrorIs(t, out.err, ws.ErrClosed)
			return
		}
		assert.Equal(t, errors.Is(out.err, ws.ErrClosed), false, out.err)
		for i := range out.wrote {
			_, p, err := c.Read(within(t))
			assert.NoError(t, err, i)
			assert.Equal(t, string(p) == strings.Repeat(string(rune('a'+i%26)), size), true, i)
		}
		_, p, err := c.Read(within(t))
		assert.NoError(t, err)
		assert.Equal(t, string(p), "end")
	})
}
