package ws_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/wsframe"
	"github.com/tako-go/tako/stream/ws"
)

// rawly runs test over HTTP/1.1 on each runtime, with both forms.
func rawly(t *testing.T, cfg ws.Config, test func(t *testing.T, to *target, form string)) {
	t.Helper()
	for _, runtime := range http1 {
		to := start(t, runtime, echoes(cfg)(), plain)
		for _, form := range forms {
			t.Run(runtime+form, func(t *testing.T) { test(t, to, form) })
		}
	}
}

func frame(h wsframe.Header, p string) []byte {
	return wsframe.AppendFrame(nil, h, []byte(p))
}

// Each violation ends the socket with the code for it, and then the connection.
func TestWS05WS06WS07Violations(t *testing.T) {
	long := strings.Repeat("x", 200)
	tests := []struct {
		name   string
		frames []byte
		want   string
	}{
		{"unmasked", frame(wsframe.Header{Fin: true, Op: 1}, "x"), "close 1002"},
		{"rsv1", frame(wsframe.Header{Fin: true, RSV1: true, Op: 1, Masked: true}, "x"), "close 1002"},
		{"rsv2", frame(wsframe.Header{Fin: true, RSV2: true, Op: 1, Masked: true}, "x"), "close 1002"},
		{"rsv3", frame(wsframe.Header{Fin: true, RSV3: true, Op: 1, Masked: true}, "x"), "close 1002"},
		{"5 in 16 bits", []byte("\x82\xfe\x00\x05\x00\x00\x00\x00hello"), "close 1002"},
		{"5 in 64 bits", []byte("\x82\xff\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00hello"), "close 1002"},
		{"top bit", []byte("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "close 1009"},
		{"opcode", masked(3, true, ""), "close 1002"},
		{"long ping", masked(9, true, long), "close 1002"},
		{"part of a ping", masked(9, false, ""), "close 1002"},
		{"continuation alone", masked(0, true, "x"), "close 1002"},
		{"text in text", append(masked(1, false, "x"), masked(1, true, "y")...), "close 1002"},
		{"no utf-8", masked(1, true, "\xff"), "close 1007"},
		{"half a character at the end", append(masked(1, false, "\xc3"), masked(0, true, "")...), "close 1007"},
		{"wrong second half", append(masked(1, false, "\xc3"), masked(0, true, "x")...), "close 1007"},
		{"reason no utf-8", closeFrame(1000, "\xff"), "close 1007"},
		{"code 1005", closeFrame(1005, ""), "close 1002"},
		{"code 999", closeFrame(999, ""), "close 1002"},
		{"half a code", masked(8, true, "\x03"), "close 1002"},
		{"2^62 bytes", wsframe.AppendHeader(nil, wsframe.Header{Fin: true, Op: 2, Masked: true, Length: 1 << 62}), "close 1009"},
		{"large frame", masked(2, true, strings.Repeat("x", 1001)), "close 1009"},
		{"many parts", []byte(string(masked(2, false, "")) + strings.Repeat(string(masked(0, false, long)), 6)), "close 1009"},
		{"close", closeFrame(1000, "bye"), "close 1000"},
		{"text behind close", append(closeFrame(1000, "bye"), masked(1, true, "late")...), "close 1000"},
		{"close without code", masked(8, true, ""), "close"},
		{"close 4999", closeFrame(4999, ""), "close 4999"},
	}
	rawly(t, ws.Config{MaxMessage: 1000}, func(t *testing.T, to *target, form string) {
		for _, tt := range tests {
			c := openRaw(t, to, form)
			c.write(tt.frames)
			assert.Equal(t, c.next(), tt.want, tt.name)
			assert.Equal(t, c.next(), "", tt.name)
		}
	})
}

// One KB that unpacks to far more than the limit is 1009.
func TestWS08Bomb(t *testing.T) {
	cfg := ws.Config{Compression: ws.Compression{Enabled: true}, MaxMessage: 64 << 10}
	everywhere(t, echoes(cfg), func(t *testing.T, to *target) {
		for _, form := range forms {
			c := to.open(t, form, ws.DialConfig{Config: ws.Config{Compression: cfg.Compression, MaxMessage: 32 << 20}})
			assert.NoError(t, c.Write(within(t), ws.Binary, make([]byte, 16<<20)))
			_, _, err := c.Read(within(t))
			assert.Equal(t, ws.CodeOf(err), ws.CodeTooBig, form, err)
		}
	})
}

// What was not agreed on is a violation, and offers nobody understands are declined.
func TestWS08Offers(t *testing.T) {
	cfg := ws.Config{Compression: ws.Compression{Enabled: true}}
	rawly(t, cfg, func(t *testing.T, to *target, form string) {
		for offer, want := range map[string]string{
			"permessage-deflate; nonsense=1":                     "",
			"x-webkit-deflate-frame":                             "",
			"permessage-deflate; server_no_context_takeover=yes": "",
			"permessage-deflate; client_max_window_bits":         "permessage-deflate",
			"permessage-deflate":                                 "permessage-deflate",
		} {
			c := openRaw(t, to, form, "Sec-WebSocket-Extensions: "+offer)
			got := c.resp.Header.Get("Sec-Websocket-Extensions")
			assert.Equal(t, strings.HasPrefix(got, want) && (want != "") == (got != ""), true, offer, got)
		}
	})
}

func TestWS09Pings(t *testing.T) {
	rawly(t, ws.Config{}, func(t *testing.T, to *target, form string) {
		c := openRaw(t, to, form)
		c.write(masked(9, true, "one"), masked(10, true, "unasked"), masked(1, false, "in "), masked(9, true, "two"), masked(0, true, "two"))
		assert.Equal(t, c.next(), "pong one")
		assert.Equal(t, c.next(), "pong two")
		assert.Equal(t, c.next(), "text in two")
	})
}

// A peer that floods pings and reads nothing is not read any more: little is kept for it.
func TestWS09PingFlood(t *testing.T) {
	meter := new(ws.Meter)
	rawly(t, ws.Config{Meter: meter}, func(t *testing.T, to *target, form string) {
		c := openRaw(t, to, form)
		stalled := false
		flood := []byte(strings.Repeat(string(masked(9, true, strings.Repeat("p", 125))), 500))
		for range 4000 { // 262 MB, far more than buffers of the system take
			_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second / 2))
			if _, err := c.conn.Write(flood); err != nil {
				assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
				stalled = true
				break
			}
		}
		assert.Equal(t, stalled, true)
		if got := meter.Stats().Buffered; got > 512<<10 {
			t.Errorf("got %d bytes kept", got)
		}
	})
}

// Silence is answered with a ping, and then with the end.
func TestWS09Dead(t *testing.T) {
	meter := new(ws.Meter)
	cfg := ws.Config{PingInterval: 50 * time.Millisecond, PongTimeout: time.Second, Meter: meter}
	t.Run("sockets", func(t *testing.T) {
		rawly(t, cfg, func(t *testing.T, to *target, form string) {
			t.Parallel()
			c := openRaw(t, to, form)
			for range 3 {
				assert.Equal(t, c.next(), "ping ")
				c.write(masked(10, true, ""))
			}
			assert.Equal(t, c.next(), "ping ")
			if got := c.next(); got == "ping " {
				t.Error("got another ping")
			}
		})
	})
	assert.Eventually(t, patience, "all are counted", func() bool { return meter.Stats().PingsMissed == int64(len(http1)*len(forms)) })
	assert.Eventually(t, patience, "all are over", func() bool { return meter.Stats().Open == 0 })
}

// Frames of several writers do not mix.
func TestWS10Writers(t *testing.T) {
	const writers, messages = 8, 50
	handlers := map[string]func(done *atomic.Int64) tako.Handler{
		"events": func(done *atomic.Int64) tako.Handler {
			return ws.Events{OnOpen: func(c *ws.Conn) { go writeMany(c, writers, messages, done) }}.Handler(ws.Config{})
		},
		"blocking": func(done *atomic.Int64) tako.Handler {
			return ws.Handler(ws.Config{}, func(ctx context.Context, c *ws.Conn) error {
				writeMany(c, writers, messages, done)
				_, _, err := c.Read(ctx)
				return err
			})
		},
	}
	for form, handler := range handlers {
		t.Run(form, func(t *testing.T) {
			var done atomic.Int64
			everywhere(t, func() *tako.Router {
				app := tako.New()
				app.Get("/", handler(&done))
				return app
			}, func(t *testing.T, to *target) {
				c := to.open(t, "/", ws.DialConfig{})
				seen := map[byte]int{}
				for range writers * messages {
					_, p, err := c.Read(within(t))
					assert.NoError(t, err)
					who, text := p[0], string(p)
					assert.Equal(t, text[1:], strings.Repeat(string(who), len(p)-1))
					assert.Equal(t, len(p), size(seen[who]), "order of one writer")
					seen[who]++
				}
				assert.NoError(t, c.Close(ws.CodeNormal, ""))
			})
		})
	}
}

func size(i int) int { return 1 + (i*7919)%5000 }

func writeMany(c *ws.Conn, writers, messages int, done *atomic.Int64) {
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range messages {
				text := strings.Repeat(string(rune('a'+w)), size(i))
				if w%2 == 0 {
					_ = c.Write(context.Background(), ws.Text, []byte(text))
				} else {
					for c.SendText(text) == ws.ErrFull {
						_ = c.Ping(context.Background())
					}
				}
			}
			done.Add(1)
		})
	}
	all.Wait()
}

// A handler that panics, or fails, closes with 1011.
func TestWS10Panic(t *testing.T) {
	everywhere(t, func() *tako.Router {
		app := tako.New()
		app.Get("/panic", ws.Handler(ws.Config{}, func(context.Context, *ws.Conn) error { panic("tako") }))
		app.Get("/events", ws.Events{OnMessage: func(*ws.Conn, ws.Type, []byte) { panic("tako") }}.Handler(ws.Config{Log: quiet()}))
		app.Get("/open", ws.Events{OnOpen: func(*ws.Conn) { panic("tako") }}.Handler(ws.Config{Log: quiet()}))
		app.Get("/fail", ws.Handler(ws.Config{}, func(context.Context, *ws.Conn) error { return fmt.Errorf("tako") }))
		app.Get("/done", ws.Handler(ws.Config{}, func(context.Context, *ws.Conn) error { return nil }))
		return app
	}, func(t *testing.T, to *target) {
		for path, want := range map[string]ws.Code{"/panic": ws.CodeInternal, "/events": ws.CodeInternal, "/open": ws.CodeInternal, "/fail": ws.CodeInternal, "/done": ws.CodeNormal} {
			c := to.open(t, path, ws.DialConfig{})
			if path == "/events" {
				assert.NoError(t, c.Write(within(t), ws.Text, nil))
			}
			_, _, err := c.Read(within(t))
			assert.Equal(t, ws.CodeOf(err), want, path, err)
		}
	})
}

// A shutdown says goodbye to each socket, and waits for those that answer.
func TestSD06Drain(t *testing.T) {
	everywhere(t, echoes(ws.Config{}), func(t *testing.T, to *target) {
		var all []*ws.Conn
		for _, form := range forms {
			for range 5 {
				c := to.open(t, form, ws.DialConfig{})
				assert.NoError(t, c.Write(within(t), ws.Text, []byte("x")))
				_, _, err := c.Read(within(t))
				assert.NoError(t, err)
				all = append(all, c)
			}
		}
		codes := make(chan ws.Code, len(all))
		for _, c := range all {
			go func() {
				_, _, err := c.Read(within(t))
				codes <- ws.CodeOf(err)
			}()
		}
		report := to.stop(t)
		for range all {
			assert.Equal(t, <-codes, ws.CodeGoingAway)
		}
		assert.Equal(t, report.Cut, 0)
	})
}

// Text may be split anywhere.
func TestWS07SplitCharacter(t *testing.T) {
	rawly(t, ws.Config{}, func(t *testing.T, to *target, form string) {
		c := openRaw(t, to, form)
		c.write(masked(1, false, "a\xe2"), masked(0, false, "\x82"), masked(9, true, ""), masked(0, true, "\xac"))
		assert.Equal(t, c.next(), "pong ")
		assert.Equal(t, c.next(), "text a\u20ac")
	})
}

// A peer that sends without pause is told of a shutdown, too.
func TestSD06Busy(t *testing.T) {
	for _, runtime := range http1 {
		for _, form := range forms {
			to := start(t, runtime, echoes(ws.Config{CloseTimeout: patience})(), plain)
			c := openRaw(t, to, form)
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				many := bytes.Repeat(masked(1, true, strings.Repeat("x", 100)), 20)
				for {
					select {
					case <-stop:
						_, _ = c.conn.Write(closeFrame(1001, ""))
						return
					default:
						_, _ = c.conn.Write(many)
					}
				}
			}()
			assert.Equal(t, strings.HasPrefix(c.next(), "text "), true)
			cut := make(chan int, 1)
			go func() {
				report, _ := to.server.Shutdown(within(t))
				cut <- report.Cut
			}()
			f := c.next()
			for strings.HasPrefix(f, "text ") {
				f = c.next()
			}
			assert.Equal(t, f, "close 1001", runtime, form)
			close(stop)
			<-stopped
			assert.Equal(t, <-cut, 0, runtime, form)
		}
	}
}

// A peer that does not answer is cut at the end.
func TestSD06Cut(t *testing.T) {
	rawly(t, ws.Config{CloseTimeout: patience}, func(t *testing.T, to *target, form string) {
		if form != forms[0] {
			to = start(t, "std", echoes(ws.Config{CloseTimeout: patience})(), plain)
		}
		c := openRaw(t, to, form)
		ctx, cancel := context.WithCancel(within(t))
		defer cancel()
		cut := make(chan int, 1)
		go func() {
			report, _ := to.server.Shutdown(ctx)
			cut <- report.Cut
		}()
		assert.Equal(t, c.next(), "close 1001")
		cancel()
		assert.Equal(t, <-cut, 1)
	})
}

// The closing handshake does not last for ever.
func TestCloseTimeout(t *testing.T) {
	cfg := ws.Config{CloseTimeout: 300 * time.Millisecond}
	for _, runtime := range http1 {
		app, why := tako.New(), make(chan error, 1)
		app.Get("/events", ws.Events{
			OnOpen:  func(c *ws.Conn) { _ = c.Close(ws.CodeNormal, "") },
			OnClose: func(_ *ws.Conn, err error) { why <- err },
		}.Handler(cfg))
		app.Get("/blocking", ws.Handler(cfg, func(_ context.Context, c *ws.Conn) error {
			why <- c.Close(ws.CodeNormal, "")
			return nil
		}))
		to := start(t, runtime, app, plain)
		for _, form := range forms {
			c := openRaw(t, to, form)
			assert.Equal(t, c.next(), "close 1000", runtime, form)
			assert.ErrorIs(t, <-why, ws.ErrCloseTimeout, runtime, form)
		}
	}
}
