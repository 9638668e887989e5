package ws_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/wsframe"
	"github.com/tako-go/tako/stream/ws"
)

// pipe is the far end of a client's socket, over a connection in memory whose time is that of a
// bubble.
type pipe struct {
	net.Conn
	r *bufio.Reader
}

// dialPipe opens a socket to a far end that agrees to the extensions named.
func dialPipe(t testing.TB, cfg ws.Config, extensions string) (*ws.Conn, *pipe) {
	t.Helper()
	return dialPipeOver(t, cfg, extensions, nil)
}

// dialPipeOver has the far end use what over makes of its connection, if that is not nil; TLS too.
func dialPipeOver(t testing.TB, cfg ws.Config, extensions string, over func(far net.Conn) net.Conn) (*ws.Conn, *pipe) {
	t.Helper()
	near, conn := net.Pipe()
	scheme, port := "ws", "80"
	if over != nil {
		conn = over(conn)
	}
	if _, secure := conn.(*tls.Conn); secure {
		scheme, port = "wss", "443"
	}
	far := &pipe{conn, bufio.NewReader(conn)}
	answered := make(chan error, 1)
	go func() {
		req, err := http.ReadRequest(far.r)
		if err == nil {
			_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
				ws.AcceptKey(req.Header.Get("Sec-WebSocket-Key")), extensions)
		}
		answered <- err
	}()
	c, _, err := ws.Dial(context.Background(), scheme+"://far/", &ws.DialConfig{Config: cfg, TLS: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
			assert.Equal(t, network+" "+addr, "tcp far:"+port)
			return near, nil
		}})
	assert.NoError(t, err)
	assert.NoError(t, <-answered)
	return c, far
}

// next reads the header of a frame and skips the rest; the error is that of the connection.
func (p *pipe) next() (wsframe.Header, error) {
	for want := 2; ; want++ {
		head, err := p.r.Peek(want)
		if err != nil {
			return wsframe.Header{}, err
		}
		if h, n, err := wsframe.ParseHeader(head); n > 0 || err != nil {
			_, _ = p.r.Discard(n + int(h.Length))
			return h, err
		}
	}
}

func (p *pipe) send(op wsframe.Opcode, text string) {
	_, _ = p.Write(wsframe.AppendFrame(nil, wsframe.Header{Fin: true, Op: op}, []byte(text)))
}

// Silence has the length that the configuration says, and that of the defaults without one.
func TestOutsidePings(t *testing.T) {
	for _, tt := range []struct {
		cfg        ws.Config
		ping, pong time.Duration
	}{
		{ws.Config{}, ws.DefaultPingInterval, ws.DefaultPongTimeout},
		{ws.Config{}, 30 * time.Second, 10 * time.Second},
		{ws.Config{PingInterval: time.Hour, PongTimeout: time.Minute}, time.Hour, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, far := dialPipe(t, tt.cfg, "")
			ended := make(chan error, 1)
			go func() {
				_, _, err := c.Read(context.Background())
				ended <- err
			}()
			for range 2 { // any byte will do
				began := time.Now()
				h, err := far.next()
				assert.NoError(t, err)
				assert.Equal(t, h.Op, wsframe.OpPing)
				assert.Equal(t, time.Since(began), tt.ping)
				far.send(wsframe.OpPong, "")
				synctest.Wait()
			}
			began := time.Now()
			_, err := far.next()
			assert.NoError(t, err)
			err = <-ended
			assert.ErrorIs(t, err, ws.ErrPongTimeout)
			assert.ErrorIs(t, err, ws.ErrClosed)
			assert.Equal(t, ws.CodeOf(err), ws.CodeAbnormal)
			assert.Equal(t, time.Since(began), tt.ping+tt.pong)
		})
	}
	synctest.Test(t, func(t *testing.T) { // without limits nobody is asked
		c, far := dialPipe(t, ws.Config{PingInterval: tako.NoLimit}, "")
		reading, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _, _ = c.Read(reading)
		}()
		_ = far.SetReadDeadline(time.Now().Add(24 * time.Hour))
		_, err := far.next()
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		stop()
		<-ended
		_ = c.CloseNow()
	})
}

// A peer that takes nothing, or does not answer a close frame, is given the time that is set.
func TestOutsidePatience(t *testing.T) {
	for _, tt := range []struct {
		cfg          ws.Config
		write, close time.Duration
	}{
		{ws.Config{}, ws.DefaultWriteTimeout, ws.DefaultCloseTimeout},
		{ws.Config{}, 10 * time.Second, 5 * time.Second},
		{ws.Config{WriteTimeout: time.Hour, CloseTimeout: time.Minute}, time.Hour, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := dialPipe(t, tt.cfg, "")
			began := time.Now()
			err := c.Write(context.Background(), ws.Text, []byte("x"))
			assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
			assert.ErrorIs(t, err, ws.ErrClosed)
			assert.Equal(t, time.Since(began), tt.write)
			assert.ErrorIs(t, context.Cause(c.Context()), os.ErrDeadlineExceeded)

			c, far := dialPipe(t, tt.cfg, "")
			began = time.Now()
			go func() {
				for {
					if _, err := far.next(); err != nil {
						return
					}
				}
			}()
			assert.ErrorIs(t, c.Close(ws.CodeRestart, "soon"), ws.ErrCloseTimeout)
			assert.Equal(t, time.Since(began), tt.close)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c, _ := dialPipe(t, ws.Config{WriteTimeout: tako.NoLimit, PingInterval: tako.NoLimit}, "")
		ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
		defer cancel()
		assert.ErrorIs(t, c.Write(ctx, ws.Text, []byte("x")), context.DeadlineExceeded)
		_ = c.CloseNow()
	})
}

// A server that does not answer is waited for as long as the context says, 30 s without a deadline.
func TestOutsideDialTime(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			ctx, want := context.Background(), 30*time.Second
			if limit > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, limit)
				defer cancel()
				want = limit
			}
			began := time.Now()
			near, far := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, far) }()
			_, _, err := ws.Dial(ctx, "ws://far/", &ws.DialConfig{
				DialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil }})
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, time.Since(began), want)
		})
	}
	broken := errors.New("no such network")
	_, _, err := ws.Dial(within(t), "ws://far/", &ws.DialConfig{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, broken }})
	assert.ErrorIs(t, err, broken)
}

// What waits for a peer is bounded by Queue, and Full says what becomes of the rest.
func TestOutsideQueue(t *testing.T) {
	const size, head = 1000, 8 // a client's frame
	for _, tt := range []struct {
		cfg  ws.Config
		most int
	}{
		{ws.Config{}, ws.DefaultQueue},
		{ws.Config{}, 1 << 20},
		{ws.Config{Queue: 5000}, 5000},
		{ws.Config{Queue: 5000, Full: ws.DropNewest}, 5000},
		{ws.Config{Queue: 5000, Full: ws.DropOldest}, 5000},
	} {
		synctest.Test(t, func(t *testing.T) {
			tt.cfg.Meter = new(ws.Meter)
			c, _ := dialPipe(t, tt.cfg, "")
			var err error
			for err == nil && c.Waiting() <= tt.most {
				err = c.Send(ws.Binary, make([]byte, size))
			}
			assert.ErrorIs(t, err, ws.ErrFull)
			stats := tt.cfg.Meter.Stats()
			if waits := stats.MessagesOut * (size + head); waits > int64(tt.most) || waits < int64(tt.most)-2*size {
				t.Errorf("got %d bytes for a queue of %d", waits, tt.most)
			}
			err = c.SendText("more")
			if tt.cfg.Full == ws.Disconnect {
				assert.ErrorIs(t, err, ws.ErrClosed)
				assert.ErrorIs(t, err, ws.ErrFull)
				if stats.Dropped < 2 { // with what waited
					t.Errorf("got %d dropped", stats.Dropped)
				}
			} else {
				assert.NoError(t, err) // it is small enough
				assert.Equal(t, stats.Dropped, int64(1))
			}
			_ = c.CloseNow()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c, _ := dialPipe(t, ws.Config{Queue: tako.NoLimit}, "")
		for range 100 {
			assert.NoError(t, c.Send(ws.Binary, make([]byte, 64<<10)))
		}
		_ = c.CloseNow()
		assert.ErrorIs(t, c.SendText("late"), ws.ErrClosed)
	})
}

// Messages are compressed from Threshold on, and without context takeover as hard as Level says.
func TestOutsideCompression(t *testing.T) {
	const agreed = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n"
	sent := func(t *testing.T, comp ws.Compression, text string) (h wsframe.Header) {
		synctest.Test(t, func(t *testing.T) {
			comp.Enabled, comp.NoContextTakeover = true, true
			c, far := dialPipe(t, ws.Config{Compression: comp}, agreed)
			assert.NoError(t, c.SendText(text))
			var err error
			h, err = far.next()
			assert.NoError(t, err)
			_ = c.CloseNow()
		})
		return h
	}
	for _, tt := range []struct{ threshold, size, want int }{
		{0, 127, 0}, {0, 128, 1}, {1000, 999, 0}, {1000, 1000, 1}, {-1, 100, 1},
		{-1, 1, 0}, // it would be longer
	} {
		h := sent(t, ws.Compression{Threshold: tt.threshold}, strings.Repeat("x", tt.size))
		assert.Equal(t, h.RSV1, tt.want == 1, tt.threshold, tt.size)
	}
	var text strings.Builder
	for range 3000 {
		part := rand.Text()[:3]
		text.WriteString(part + strings.ToLower(part) + part)
	}
	sizes := map[int]int64{}
	for _, level := range []int{0, 1, 9} {
		sizes[level] = sent(t, ws.Compression{Level: level}, text.String()).Length
	}
	assert.Equal(t, sizes[0], sizes[1])
	if sizes[9] >= sizes[1] {
		t.Errorf("got %d bytes with level 9, %d with level 1", sizes[9], sizes[1])
	}
}
