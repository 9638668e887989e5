package ws_test

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/wsframe"
	"github.com/tako-go/tako/stream/ws"
)

// large is more than fits between two sides. The race detector looks at less.
func large() int {
	if testing.Short() {
		return 1 << 20
	}
	return 8 << 20
}

// bothSend reads as many large messages as it sends, and pings meanwhile.
func bothSend(ctx context.Context, t *testing.T, c *ws.Conn) {
	const messages = 3
	size := large()
	var all sync.WaitGroup
	all.Go(func() {
		p := make([]byte, size)
		for range messages {
			assert.NoError(t, c.Write(ctx, ws.Binary, p))
		}
	})
	read, done := context.WithCancel(ctx)
	defer done()
	for range 4 {
		go func() {
			for c.Ping(read) == nil {
			}
		}()
	}
	for range messages {
		_, p, err := c.Read(ctx)
		assert.NoError(t, err)
		assert.Equal(t, len(p), size)
	}
	all.Wait()
}

// Pings do not keep two sides from reading that both send, and a Close of both waits for neither.
func TestPingsWhileBothSend(t *testing.T) {
	cfg := ws.Config{MaxMessage: 16 << 20, WriteTimeout: patience, CloseTimeout: patience}
	everywhere(t, func() *tako.Router {
		app := tako.New()
		app.Get("/", ws.Handler(cfg, func(ctx context.Context, c *ws.Conn) error {
			bothSend(ctx, t, c)
			_, _, err := c.Read(ctx)
			return err
		}))
		return app
	}, func(t *testing.T, to *target) {
		c := to.open(t, "/", ws.DialConfig{Config: cfg})
		bothSend(within(t), t, c)
		assert.NoError(t, c.Close(ws.CodeNormal, ""))
	})
}

// Both sides may close while more is queued than fits between them.
func TestBothCloseWithQueue(t *testing.T) {
	size := large()
	cfg := ws.Config{MaxMessage: int64(size), Queue: 2 * size, WriteTimeout: patience, CloseTimeout: patience}
	var closed chan error
	everywhere(t, func() *tako.Router {
		app := tako.New()
		closed = make(chan error, 1)
		closed := closed
		app.Get("/", ws.Handler(cfg, func(ctx context.Context, c *ws.Conn) error {
			_, _, err := c.Read(ctx)
			assert.NoError(t, err)
			assert.NoError(t, c.Send(ws.Binary, make([]byte, size)))
			closed <- c.Close(ws.CodeNormal, "")
			return nil
		}))
		return app
	}, func(t *testing.T, to *target) {
		c := to.open(t, "/", ws.DialConfig{Config: cfg})
		assert.NoError(t, c.SendText("go"))
		assert.NoError(t, c.Send(ws.Binary, make([]byte, size)))
		assert.NoError(t, c.Close(ws.CodeNormal, ""))
		assert.NoError(t, <-closed)
	})
}

// Close reads before everything is sent, and what was queued arrives in front of the close frame.
func TestCloseReadsWhileItSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := dialPipe(t, ws.Config{Queue: 2 << 20, WriteTimeout: tako.NoLimit}, "")
		began, closed := time.Now(), make(chan error, 1)
		assert.NoError(t, c.Send(ws.Binary, make([]byte, 1<<20)))
		go func() { closed <- c.Close(ws.CodeRestart, "") }()
		synctest.Wait()
		far.send(wsframe.OpPing, "late") // which is not answered behind the close frame
		far.send(wsframe.OpText, string(make([]byte, 100<<10)))
		h, err := far.next()
		assert.NoError(t, err)
		assert.Equal(t, h.Length, int64(1<<20))
		h, err = far.next()
		assert.NoError(t, err)
		assert.Equal(t, h.Op, wsframe.OpClose)
		far.send(wsframe.OpClose, "")
		_, err = far.next()
		assert.Equal(t, err != nil, true)
		assert.NoError(t, <-closed)
		assert.Equal(t, time.Since(began) < ws.DefaultCloseTimeout, true)
	})
}

// A peer that has ended its side gets what is queued in front of Close.
func TestCloseAfterHalfClose(t *testing.T) {
	const size = 8 << 20
	for _, runtime := range http1 {
		app := tako.New()
		app.Get("/", ws.Handler(ws.Config{WriteTimeout: patience, CloseTimeout: patience}, func(ctx context.Context, c *ws.Conn) error {
			if _, _, err := c.Read(ctx); err != nil {
				return err
			}
			assert.NoError(t, c.Send(ws.Binary, make([]byte, size)))
			return c.Close(ws.CodeRestart, "")
		}))
		c := openRaw(t, start(t, runtime, app, plain), "/")
		c.write(masked(wsframe.OpText, true, "go"))
		assert.NoError(t, c.conn.(*net.TCPConn).CloseWrite())
		assert.Equal(t, len(c.next()), len("binary ")+size, runtime)
		assert.Equal(t, c.next(), "close 1012", runtime)
	}
}

// A pong needs nobody who goes on to read or write.
func TestPongAlone(t *testing.T) {
	for _, runtime := range http1 {
		app := tako.New()
		app.Get("/", ws.Handler(ws.Config{}, func(ctx context.Context, c *ws.Conn) error {
			_, _, err := c.Read(ctx)
			assert.NoError(t, err)
			<-ctx.Done()
			return nil
		}))
		c := openRaw(t, start(t, runtime, app, plain), "/")
		c.write(masked(wsframe.OpText, false, "one"), masked(wsframe.OpPing, true, "1"), masked(wsframe.OpPing, true, "2"), masked(wsframe.OpContinuation, true, ""))
		assert.Equal(t, c.next(), "pong 1", runtime)
		assert.Equal(t, c.next(), "pong 2", runtime)
	}
}

// Read does not wait for the pong of a ping, and of many only until ctx ends. Nothing is lost by
// that, and what waits is bounded.
func TestPongsOfAPeerThatTakesNothing(t *testing.T) {
	const pings, size = 2000, 125
	synctest.Test(t, func(t *testing.T) {
		c, far := dialPipe(t, ws.Config{MaxMessage: 1 << 20, WriteTimeout: tako.NoLimit, PingInterval: tako.NoLimit}, "")
		wrote := make(chan error, 1)
		go func() { wrote <- c.Write(context.Background(), ws.Binary, make([]byte, 100<<10)) }()
		synctest.Wait()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			far.send(wsframe.OpPing, "one")
			far.send(wsframe.OpText, "behind one")
			for range pings {
				far.send(wsframe.OpPing, string(make([]byte, size)))
			}
			far.send(wsframe.OpText, "behind all")
		}()
		_, p, err := c.Read(context.Background())
		assert.NoError(t, err)
		assert.Equal(t, string(p), "behind one")
		for range 3 {
			began := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_, _, err = c.Read(ctx)
			cancel()
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, time.Since(began), time.Second)
			if waits := c.Waiting(); waits > (100+64+1)<<10 {
				t.Errorf("%d bytes wait", waits)
			}
		}
		assert.NoError(t, c.Context().Err())
		got := make(chan error, 1)
		go func() {
			_, p, err := c.Read(context.Background())
			assert.Equal(t, string(p), "behind all")
			got <- err
		}()
		for i := range pings + 2 {
			h, err := far.next()
			assert.NoError(t, err)
			want := map[int]wsframe.Header{0: {Op: wsframe.OpBinary, Length: 100 << 10}, 1: {Op: wsframe.OpPong, Length: 3}}[i]
			if i > 1 {
				want = wsframe.Header{Op: wsframe.OpPong, Length: size}
			}
			assert.Equal(t, h.Op, want.Op, i)
			assert.Equal(t, h.Length, want.Length, i)
		}
		assert.NoError(t, <-wrote)
		assert.NoError(t, <-got)
		<-sent
		_ = c.CloseNow()
	})
}

// A connection that always has something to send is read on, however many pings come.
func TestPingsOfALongLife(t *testing.T) {
	const rounds, size = 1500, 125
	message := make([]byte, 8<<10)
	synctest.Test(t, func(t *testing.T) {
		c, far := dialPipe(t, ws.Config{WriteTimeout: tako.NoLimit, PingInterval: tako.NoLimit, Queue: tako.NoLimit}, "")
		for range 64 {
			assert.NoError(t, c.Send(ws.Binary, message))
		}
		for range rounds {
			assert.NoError(t, c.Send(ws.Binary, message)) // so that the queue is never empty
			go func() {
				far.send(wsframe.OpPing, string(make([]byte, size)))
				far.send(wsframe.OpText, "x")
			}()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			_, _, err := c.Read(ctx)
			cancel()
			assert.NoError(t, err)
			for range 2 {
				_, err := far.next()
				assert.NoError(t, err)
			}
		}
		_ = c.CloseNow()
	})
}

// slow lets few bytes through in each second.
type slow struct {
	net.Conn
	atOnce int
}

func (s *slow) Read(p []byte) (int, error) {
	if s.atOnce == 0 {
		return s.Conn.Read(p)
	}
	<-time.After(time.Second)
	return s.Conn.Read(p[:min(len(p), s.atOnce)])
}

// A peer that takes something is waited for: any bytes, over TLS a piece of 16 KiB.
func TestWriteTimeoutOfASlowPeer(t *testing.T) {
	certs, err := own.TLS(t.Context(), []string{"http/1.1"}, quiet())
	assert.NoError(t, err)
	for _, tt := range []struct {
		name    string
		secure  bool
		atOnce  int
		timeout time.Duration
		want    error
	}{
		{"plain", false, 1 << 10, 2 * time.Second, nil},
		{"plain, stalled", false, 1 << 10, time.Second / 2, os.ErrDeadlineExceeded},
		{"tls", true, 4 << 10, 10 * time.Second, nil},
		{"tls, slower", true, 1 << 10, 10 * time.Second, os.ErrDeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg, conn := ws.Config{WriteTimeout: tt.timeout, PingInterval: tako.NoLimit}, &slow{}
				c, far := dialPipeOver(t, cfg, "", func(far net.Conn) net.Conn {
					if conn.Conn = far; tt.secure {
						return tls.Server(conn, certs)
					}
					return conn
				})
				conn.atOnce = tt.atOnce
				read := make(chan error, 1)
				go func() {
					_, err := far.next()
					read <- err
				}()
				err := c.Write(context.Background(), ws.Binary, make([]byte, 200<<10))
				if tt.want != nil {
					_ = c.CloseNow()
					_ = conn.Close()
				}
				assert.ErrorIs(t, err, tt.want)
				if err := <-read; tt.want == nil {
					assert.NoError(t, err)
				}
				_ = c.CloseNow()
				_ = conn.Close()
			})
		})
	}
}
