package ws_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/wsframe"
	"github.com/tako-go/tako/stream/ws"
)

// A message may have MaxMessage bytes and a frame MaxFrame, and no more.
func TestOutsideSizes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cfg   ws.Config
		most  int
		frame int // the largest, 0 if it may be as large as a message
	}{
		{"default", ws.Config{}, ws.DefaultMaxMessage, 0},
		{"in numbers", ws.Config{}, 256 << 10, 0},
		{"set", ws.Config{MaxMessage: 1000}, 1000, 0},
		{"frames", ws.Config{MaxMessage: 1000, MaxFrame: 100}, 1000, 100},
		{"only frames", ws.Config{MaxMessage: tako.NoLimit, MaxFrame: 1 << 20}, 2 << 20, 1 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rawly(t, tt.cfg, func(t *testing.T, to *target, form string) {
				c := openRaw(t, to, form)
				go func() { _, _ = c.conn.Write(parts(tt.most, tt.frame)) }()
				assert.Equal(t, len(c.next()), len("binary ")+tt.most)
				if tt.cfg.MaxMessage != tako.NoLimit {
					c.write(parts(tt.most+1, 100)[:14]) // of the first part, which is let in
					go func() { _, _ = c.conn.Write(parts(tt.most+1, 100)[14:]) }()
					assert.Equal(t, c.next(), "close 1009")
					c = openRaw(t, to, form)
					c.write(parts(tt.most+1, 0)[:14]) // the header says enough
					assert.Equal(t, c.next(), "close 1009")
				}
				if tt.frame > 0 {
					c = openRaw(t, to, form)
					c.write(parts(tt.frame+1, 0)[:14])
					assert.Equal(t, c.next(), "close 1009")
				}
			})
		})
	}
}

// parts is a message of n bytes in frames of at most so many, one frame if that is 0.
func parts(n, most int) (frames []byte) {
	if most == 0 {
		most = n
	}
	for op := wsframe.OpBinary; n > 0; op = wsframe.OpContinuation {
		part := min(n, most)
		n -= part
		frames = append(frames, masked(op, n == 0, strings.Repeat("x", part))...)
	}
	return frames
}

// What a Conn tells of itself, on every carrier, in the form of events.
func TestOutsideEventsConn(t *testing.T) {
	type told struct {
		value            any
		onLoop, tls      bool
		proto            string
		ctx              error
		readErr, partErr error
		writerErr        error
	}
	tellings := make(chan told, 1)
	everywhere(t, func() *tako.Router {
		app := tako.New()
		app.Get("/{room}", ws.Events{
			OnRequest: func(c *tako.Context) (any, error) {
				if c.Param("room") == "cellar" {
					return nil, tako.NotFound("there is no cellar")
				}
				return c.Param("room"), nil
			},
			OnMessage: func(c *ws.Conn, _ ws.Type, p []byte) {
				was := c.Value()
				c.SetValue(string(p))
				_, _, readErr := c.Read(context.Background())
				_, _, partErr := c.Reader(context.Background())
				_, writerErr := c.Writer(context.Background(), ws.Text)
				info := c.Info()
				tellings <- told{was, c.OnLoop(), info.TLS != nil, c.Subprotocol(), c.Context().Err(), readErr, partErr, writerErr}
				assert.Equal(t, info.Local.String() != "" && info.Remote.String() != "", true)
			},
		}.Handler(ws.Config{Subprotocols: []string{"v1"}}))
		return app
	}, func(t *testing.T, to *target) {
		_, _, err := to.dial(t, "/cellar", ws.DialConfig{})
		assert.Equal(t, statusOf(err), 404, err)
		c := to.open(t, "/attic", ws.DialConfig{Config: ws.Config{Subprotocols: []string{"v1"}}})
		for _, want := range []string{"attic", "first"} {
			assert.NoError(t, c.Write(within(t), ws.Text, []byte("first")))
			got := <-tellings
			assert.Equal(t, got.value, any(want))
			assert.Equal(t, got.onLoop, slices.Contains([]string{"epoll", "epoll-tls", "io_uring"}, to.name))
			assert.Equal(t, got.tls, to.name == "std-tls" || to.name == "epoll-tls" || to.name == "h3")
			assert.Equal(t, got.proto, "v1")
			assert.NoError(t, got.ctx)
			assert.ErrorIs(t, got.readErr, ws.ErrEvents)
			assert.ErrorIs(t, got.partErr, ws.ErrEvents)
			assert.ErrorIs(t, got.writerErr, ws.ErrEvents)
		}
		assert.Equal(t, c.Info().Remote != nil, to.name != "h3" && !strings.HasSuffix(to.name, "h2c"))
		assert.Equal(t, c.OnLoop(), false)
	})
}

// Accept gives a socket away, which lives on when the handler has returned.
func TestOutsideAccept(t *testing.T) {
	sockets := make(chan *ws.Conn, 1)
	everywhere(t, func() *tako.Router {
		app := tako.New()
		app.Get("/", func(c *tako.Context) error {
			conn, err := ws.Accept(c, ws.Config{})
			if err == nil {
				sockets <- conn
			}
			return err
		})
		return app
	}, func(t *testing.T, to *target) {
		c := to.open(t, "/", ws.DialConfig{})
		socket := <-sockets
		for _, text := range []string{"one", "two"} {
			assert.NoError(t, c.Write(within(t), ws.Text, []byte(text)))
			typ, p, err := socket.Read(within(t))
			assert.NoError(t, err)
			assert.Equal(t, fmt.Sprint(typ, string(p)), fmt.Sprint(ws.Text, text))
			assert.NoError(t, socket.Send(ws.Binary, p))
			typ, p, err = c.Read(within(t))
			assert.NoError(t, err)
			assert.Equal(t, fmt.Sprint(typ, string(p)), fmt.Sprint(ws.Binary, text))
		}
		assert.Equal(t, socket.OnLoop(), false)
		ended := make(chan error, 1)
		go func() {
			_, _, err := socket.Read(within(t))
			ended <- err
		}()
		assert.NoError(t, c.Close(4321, "enough"))
		err := <-ended
		closed, ok := errors.AsType[*ws.CloseError](err)
		assert.Equal(t, ok, true, err)
		assert.Equal(t, *closed, ws.CloseError{Code: 4321, Reason: "enough"})
		assert.Equal(t, err.Error(), "ws: closed by the peer with 4321: enough")
		<-socket.Context().Done()
		assert.Equal(t, ws.CodeOf(context.Cause(socket.Context())), ws.Code(4321))
		assert.ErrorIs(t, socket.SendText("late"), ws.ErrClosed)
	})
}

// Each code that may be sent reaches the other side with its reason; the others become 1011,
// but for 0.
func TestOutsideCodes(t *testing.T) {
	everywhere(t, func() *tako.Router {
		app := tako.New()
		app.Get("/", ws.Handler(ws.Config{}, func(ctx context.Context, c *ws.Conn) error {
			_, p, err := c.Read(ctx)
			if err != nil {
				return err
			}
			code := 0
			_, _ = fmt.Sscan(string(p), &code)
			return c.Close(ws.Code(code), "because")
		}))
		return app
	}, func(t *testing.T, to *target) {
		for code, want := range map[ws.Code]ws.Code{
			1000: ws.CodeNormal, 1001: ws.CodeGoingAway, 1002: ws.CodeProtocolError, 1003: ws.CodeUnsupported,
			1005: ws.CodeNoStatus, 1006: ws.CodeInternal, 1007: ws.CodeInvalidPayload, 1008: ws.CodePolicy,
			1009: ws.CodeTooBig, 1010: ws.CodeMissing, 1011: ws.CodeInternal, 1012: ws.CodeRestart,
			1013: ws.CodeTryLater, 1014: ws.CodeBadGateway, 1015: ws.CodeInternal, 999: ws.CodeInternal,
			3000: 3000, 4999: 4999, 5000: ws.CodeInternal, 0: ws.CodeNoStatus,
		} {
			c := to.open(t, "/", ws.DialConfig{})
			assert.NoError(t, c.Write(within(t), ws.Text, fmt.Append(nil, int(code))))
			_, _, err := c.Read(within(t))
			closed, ok := errors.AsType[*ws.CloseError](err)
			assert.Equal(t, ok, true, code, err)
			reason := "because"
			if want == ws.CodeNoStatus {
				reason = ""
			}
			assert.Equal(t, *closed, ws.CloseError{Code: want, Reason: reason}, int(code))
		}
	})
	assert.Equal(t, ws.CodeOf(nil), ws.CodeNormal)
	assert.Equal(t, ws.CodeOf(io.EOF), ws.CodeAbnormal)
}

type question struct {
	N int `json:"n" maximum:"9"`
}

type answer struct {
	Text string `json:"text"`
}

// All functions of JSON are called, and OnInvalid in place of the close.
func TestOutsideJSON(t *testing.T) {
	ends := make(chan error, 1)
	everywhere(t, func() *tako.Router {
		app := tako.New()
		app.Get("/", ws.JSON[question, answer]{
			OnRequest: func(*tako.Context) (any, error) { return "value", nil },
			OnOpen:    func(p ws.Peer[answer]) { _ = p.Send(answer{fmt.Sprint("open ", p.Value())}) },
			OnMessage: func(p ws.Peer[answer], in question) {
				prepared, err := ws.PrepareJSON(answer{fmt.Sprint("got ", in.N)})
				assert.NoError(t, err)
				assert.Equal(t, fmt.Sprint(prepared.Type(), strings.TrimSpace(string(prepared.Data()))), fmt.Sprint(ws.Text, `{"text":"got 3"}`))
				assert.NoError(t, p.SendPrepared(prepared))
				assert.NoError(t, ws.SendJSON(p.Conn, answer{"and so on"}))
			},
			OnInvalid: func(p ws.Peer[answer], err error) {
				invalid, ok := errors.AsType[*tako.Error](err)
				assert.Equal(t, ok, true, err)
				_ = p.Send(answer{fmt.Sprint("invalid ", invalid.Status)})
			},
			OnClose: func(_ ws.Peer[answer], err error) { ends <- err },
		}.Handler(ws.Config{}))
		return app
	}, func(t *testing.T, to *target) {
		c := to.open(t, "/", ws.DialConfig{})
		hears := func(want ...string) {
			t.Helper()
			for _, text := range want {
				got, err := ws.ReadJSON[answer](within(t), c)
				assert.NoError(t, err)
				assert.Equal(t, got.Text, text)
			}
		}
		hears("open value")
		for _, tt := range []struct {
			text string
			want []string
		}{
			{`{"n":3}`, []string{"got 3", "and so on"}},
			{`{"n":10}`, []string{"invalid 422"}},
			{`{"n":`, []string{"invalid 400"}},
			{`{"n":3,"n":3}`, []string{"invalid 400"}},
		} {
			assert.NoError(t, c.Write(within(t), ws.Text, []byte(tt.text)))
			hears(tt.want...)
		}
		assert.NoError(t, c.Close(ws.CodeUnsupported, ""))
		assert.Equal(t, ws.CodeOf(<-ends), ws.CodeUnsupported)
	})
	_, err := ws.PrepareJSON(make(chan int))
	assert.Contains(t, err.Error(), "encode message")
}

// A Hub counts what it does, and members may leave.
func TestOutsideHub(t *testing.T) {
	for _, tt := range []struct {
		hub  *ws.Hub
		most int64
	}{
		{&ws.Hub{}, ws.DefaultHubQueue}, {&ws.Hub{}, 256}, {&ws.Hub{Queue: 10}, 10},
		{&ws.Hub{Queue: 10, Full: ws.DropNewest}, 10}, {&ws.Hub{Queue: 10, Full: ws.DropOldest}, 10},
	} {
		synctest.Test(t, func(t *testing.T) {
			hub := tt.hub
			slow, _ := dialPipe(t, ws.Config{}, "")
			gone, _ := dialPipe(t, ws.Config{}, "")
			for _, c := range []*ws.Conn{slow, slow, gone} {
				assert.NoError(t, hub.Join("reef", c))
			}
			assert.NoError(t, hub.Join("bay", gone))
			assert.Equal(t, hub.Stats(), ws.HubStats{Rooms: 2, Members: 3})
			assert.Equal(t, hub.Leave("reef", gone), true)
			assert.Equal(t, hub.Leave("reef", gone), false)
			assert.Equal(t, hub.Leave("none", gone), false)
			p := ws.Prepare(ws.Text, []byte("x"))
			assert.Equal(t, hub.Broadcast("bay", p, gone), 0)
			_ = gone.CloseNow()
			assert.ErrorIs(t, hub.Join("bay", gone), ws.ErrClosed)
			assert.Equal(t, hub.Stats(), ws.HubStats{Rooms: 1, Members: 1, Broadcasts: 1})

			hub.Broadcast("reef", p)
			synctest.Wait() // it is on its way, and not taken
			for range tt.most {
				assert.Equal(t, hub.Broadcast("reef", p), 1)
			}
			want := ws.HubStats{Rooms: 1, Members: 1, Broadcasts: 2 + tt.most, Delivered: 1 + tt.most}
			assert.Equal(t, hub.Stats(), want)
			want.Broadcasts++
			if got := hub.Broadcast("reef", p); hub.Full == ws.DropOldest {
				assert.Equal(t, got, 1)
				want.Delivered++
			} else {
				assert.Equal(t, got, 0)
			}
			want.Dropped++
			if hub.Full == ws.Disconnect {
				want.Dropped += tt.most // with all that waited
				want.Disconnected++
			}
			got := hub.Stats()
			assert.Equal(t, got, want)
			_ = slow.CloseNow()
			synctest.Wait()
			assert.Equal(t, hub.Stats().Members, 0)
		})
	}
}

// A refusal tells the status of the response and what is wrong with it.
func TestOutsideHandshakeError(t *testing.T) {
	const good = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: upgrade\nSec-WebSocket-Accept: $ACCEPT\n"
	for head, want := range map[string]ws.HandshakeError{
		good:                                  {Status: 101, Reason: "the server speaks none of the subprotocols"},
		good + "Sec-WebSocket-Protocol: v2\n": {Status: 101, Reason: "the server speaks a subprotocol that was not offered"},
		"HTTP/1.1 503 Service Unavailable\nContent-Length: 0\n":        {Status: 503, Reason: "the server refuses"},
		strings.Replace(good, "$ACCEPT", "AAAA", 1):                    {Status: 101, Reason: "Sec-WebSocket-Accept is wrong"},
		strings.Replace(good, "Upgrade: websocket", "Upgrade: h2c", 1): {Status: 101, Reason: "the server switches to something else"},
	} {
		_, resp, err := ws.Dial(within(t), respond(t, head, ""), &ws.DialConfig{Config: ws.Config{Subprotocols: []string{"v1"}, RequireSubprotocol: true}})
		got, ok := errors.AsType[*ws.HandshakeError](err)
		assert.Equal(t, ok, true, err)
		assert.Equal(t, *got, want)
		assert.Equal(t, resp.StatusCode, want.Status)
		assert.Equal(t, err.Error(), fmt.Sprintf("ws: no socket: %s (status %d)", want.Reason, want.Status))
	}
}
