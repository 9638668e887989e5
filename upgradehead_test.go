package tako_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
)

// hookedUpgrades has hooks around upgrades in each form, with a timeout and without one. What they
// do beyond fields must not count.
func hookedUpgrades() *tako.Router {
	app := tako.New()
	app.Log(slog.New(slog.DiscardHandler))
	app.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.BeforeHead(func(h *tako.Head) {
				h.Header.Add("X-Order", "out "+strconv.Itoa(h.Status)+" "+strconv.FormatBool(c.HeadSent()))
				h.Header.Set("Set-Cookie", "seen=1")
				h.Header.Set("Content-Length", "5")
				h.Header.Set("Transfer-Encoding", "chunked")
				h.Status, h.Length = 400, 7
				c.WrapBody(func(tako.BodyWriter) tako.BodyWriter { panic("there is no body") })
			})
			c.Hold(100, func(*tako.Head, []byte) error { panic("nothing is held") })
			return next(c)
		}
	})
	inner := func(c *tako.Context) {
		c.Header().Set("X-Handler", "yes")
		c.BeforeHead(func(h *tako.Head) { h.Header.Add("X-Order", "in") })
	}
	upgrade := func(c *tako.Context) error {
		inner(c)
		conn, err := c.Upgrade()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.Copy(conn, conn)
		return err
	}
	events := func(c *tako.Context) error {
		inner(c)
		return c.UpgradeEvents(newWatched(), tako.EventConfig{})
	}
	app.Get("/stream", upgrade)
	app.Get("/events", events)
	app.Get("/timed/stream", upgrade, tako.Timeout(time.Minute))
	app.Get("/timed/events", events, tako.Timeout(time.Minute))
	return app
}

func TestBeforeHeadOnUpgrade(t *testing.T) {
	h2 := tako.HTTP2Config{ExtendedConnect: true}
	servers := map[string]func(app tako.App) tako.Server{
		"std":  func(app tako.App) tako.Server { return std.New(app, std.Config{Addr: "127.0.0.1:0", HTTP2: h2}) },
		"ring": func(app tako.App) tako.Server { return loop.New(app, loop.Config{Addr: "127.0.0.1:0", HTTP2: h2}) },
	}
	if runtime.GOOS == "linux" {
		servers["epoll"] = func(app tako.App) tako.Server {
			return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Poller: "epoll", HTTP2: h2})
		}
	}
	for name, serve := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(hookedUpgrades())
			assert.NoError(t, s.Listen(t.Context()))
			served := make(chan error, 1)
			go func() { served <- s.Serve() }()
			for i, path := range []string{"/stream", "/events", "/timed/stream", "/timed/events"} {
				hookedUpgrade(t, s.Addr().String(), path)
				hookedTunnel(t, s.Addr().String(), path, uint32(2*i+1))
			}
			ctx, cancel := context.WithTimeout(context.Background(), eventPatience)
			defer cancel()
			_, err := s.Shutdown(ctx)
			assert.NoError(t, err)
			assert.NoError(t, <-served)
		})
	}
}

// hookedUpgrade upgrades over HTTP/1.1, and sees that the stream is free of what hooks wanted.
func hookedUpgrade(t *testing.T, addr, path string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	assert.NoError(t, err)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(eventPatience))
	_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	assert.NoError(t, err)
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	assert.NoError(t, err)
	assert.Equal(t, resp.StatusCode, 101, path)
	assert.Equal(t, resp.Header, http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo"}, "Set-Cookie": {"seen=1"}, "X-Handler": {"yes"},
		"X-Order": {"in", "out 101 true"}}, path)
	_, err = io.WriteString(conn, "hello")
	assert.NoError(t, err)
	got := make([]byte, len("hello"))
	_, err = io.ReadFull(r, got)
	assert.NoError(t, err)
	assert.Equal(t, string(got), "hello", path)
	_ = conn.(*net.TCPConn).CloseWrite()
	rest, err := io.ReadAll(r)
	assert.NoError(t, err)
	assert.Equal(t, string(rest), "", path)
}

// hookedTunnel is the same by extended CONNECT.
func hookedTunnel(t *testing.T, addr, path string, id uint32) {
	t.Helper()
	c := dialHTTP2(t, addr)
	c.connect(id, path, "echo")
	head := c.next(id).(*http2.MetaHeadersFrame)
	assert.Equal(t, head.PseudoValue("status"), "200", path)
	got := http.Header{}
	for _, f := range head.RegularFields() {
		got.Add(f.Name, f.Value)
	}
	got.Del("Date")
	assert.Equal(t, got, http.Header{"Set-Cookie": {"seen=1"}, "X-Handler": {"yes"}, "X-Order": {"in", "out 200 true"}}, path)
	assert.NoError(t, c.fr.WriteData(id, true, []byte("hello")))
	assert.Equal(t, c.text(id), "hello", path)
}

// TestBeforeHeadUpgradeFails: the response that follows begins with the header as it was, and has
// its hooks.
func TestBeforeHeadUpgradeFails(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]tako.Option{"plain": nil, "timeout": {tako.Timeout(time.Minute)}} {
		for _, how := range []string{"unsupported", "panic", "invalid"} {
			app := tako.New()
			app.Log(slog.New(slog.DiscardHandler))
			app.Use(around(func(c *tako.Context) {
				c.BeforeHead(func(h *tako.Head) {
					h.Header.Add("X-Out", strconv.Itoa(h.Status))
					switch {
					case h.Status != 101:
					case how == "panic":
						panic("the hook")
					case how == "invalid":
						h.Header.Set("X-Bad", "a\nb")
					}
				})
			}))
			app.Get("/", func(c *tako.Context) error {
				c.BeforeHead(func(h *tako.Head) { h.Header.Add("X-In", strconv.Itoa(h.Status)) })
				_, err := c.Upgrade()
				return err
			}, options...)
			w := httptest.NewRecorder() // has no connection to take over
			req := httptest.NewRequest("GET", "/", nil)
			req.Header.Set("Connection", "Upgrade")
			req.Header.Set("Upgrade", "echo")
			app.ServeHTTP(w, req)
			assert.Equal(t, w.Code, 500, name, how)
			assert.Equal(t, w.Header()["X-Out"], []string{"500"}, name, how)
			assert.Equal(t, w.Header()["X-In"], []string{"500"}, name, how)
		}
	}
}
