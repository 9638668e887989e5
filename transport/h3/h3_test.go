package h3_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

func TestHello(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Get("/hello", func(c *tako.Context) error { return c.Text(200, c.Protocol().String()) })
	s := start(t, app, h3.Config{})
	c := newClient(t, s)
	resp, text := c.get(t, "/hello")
	assert.Equal(t, resp.StatusCode, 200)
	assert.Equal(t, text, "HTTP/3")
	assert.Equal(t, resp.Header.Get("Content-Length"), "6")
	assert.Equal(t, resp.Header.Get("Alt-Svc"), "")
	resp, _ = c.get(t, "/nothing")
	assert.Equal(t, resp.StatusCode, 404)
	resp, text = c.do(t, c.request(t, "HEAD", "/hello", nil))
	assert.Equal(t, resp.StatusCode, 200)
	assert.Equal(t, text, "")
	assert.Equal(t, s.Stats().Requests, int64(3))
	assert.Equal(t, s.Stats().Conns, int64(1))
	assert.Equal(t, s.Describe(), "h3 (quic)")
}

func TestEcho(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.BodyLimit(2 << 20)
	app.Post("/echo", echo)
	app.Post("/stream", func(c *tako.Context) error {
		if err := c.WriteHead(200); err != nil {
			return err
		}
		_, err := io.Copy(c, c.Body())
		return err
	})
	c := newClient(t, start(t, app, h3.Config{}))
	sent := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	for _, target := range []string{"/echo", "/stream"} {
		for _, length := range []int64{int64(len(sent)), -1} {
			req := c.request(t, "POST", target, bytes.NewReader(sent))
			req.ContentLength = length
			resp, text := c.do(t, req)
			assert.Equal(t, resp.StatusCode, 200)
			if text != string(sent) {
				t.Errorf("%s: got %d bytes, not those that were sent", target, len(text))
			}
		}
	}
}

func TestTrailers(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Post("/", func(c *tako.Context) error {
		if _, err := c.ReadBody(); err != nil {
			return err
		}
		for name, value := range c.RequestTrailers() {
			c.Trailer().Set("X-"+name, value)
		}
		return c.Text(200, "ok")
	})
	c := newClient(t, start(t, app, h3.Config{}))
	req := c.request(t, "POST", "/", strings.NewReader("body"))
	req.ContentLength = -1
	req.Trailer = http.Header{"Sum": {"42"}}
	resp, text := c.do(t, req)
	assert.Equal(t, text, "ok")
	assert.Equal(t, resp.Trailer, http.Header{"X-Sum": {"42"}})
}

// CN-14
func TestConnInfo(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Get("/", func(c *tako.Context) error {
		i := c.ConnInfo()
		return c.Text(200, strings.Join([]string{i.Transport, i.Remote.String(), i.Local.String(), i.TLS.ServerName, i.TLS.NegotiatedProtocol,
			fmt.Sprintf("%x", i.TLS.Version), c.Scheme(), c.ClientIP().String()}, " "))
	})
	s := start(t, app, h3.Config{})
	c := newClient(t, s, func(tr *http3.Transport) { tr.TLSClientConfig.ServerName = "localhost" })
	_, text := c.get(t, "/")
	got := strings.Fields(text)
	remote, err := net.ResolveUDPAddr("udp", got[1])
	assert.NoError(t, err)
	assert.Equal(t, remote.IP.String(), "127.0.0.1")
	got[1] = "client"
	assert.Equal(t, got, []string{"quic", "client", s.Addr().String(), "localhost", "h3", "304", "https", "127.0.0.1"})
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Get("/{n}", func(c *tako.Context) error { return c.Text(200, c.Param("n")) })
	s := start(t, app, h3.Config{Streams: 8})
	c := newClient(t, s)
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			want := strings.Repeat("x", i+1)
			if _, got := c.get(t, "/"+want); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	group.Wait()
	assert.Equal(t, s.Stats().Excessive, int64(0))
}

func TestStdMiddleware(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Get("/", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	})))
	c := newClient(t, start(t, app, h3.Config{}))
	_, text := c.get(t, "/")
	assert.Equal(t, text, "HTTP/3.0")
}

func TestListenErrors(t *testing.T) {
	t.Parallel()
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	assert.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	for _, tt := range []struct {
		name string
		cfg  h3.Config
		part string
	}{
		{"no certificates", h3.Config{Addr: "127.0.0.1:0"}, "Certs is not set"},
		{"limit", h3.Config{Certs: certs, Limits: tako.Limits{IdleTimeout: -2}}, "IdleTimeout"},
		{"streams", h3.Config{Certs: certs, Streams: -1}, "Streams is -1"},
		{"uni streams", h3.Config{Certs: certs, UniStreams: 2}, "UniStreams is 2"},
		{"resets", h3.Config{Certs: certs, Resets: -1}, "Resets is -1"},
		{"window", h3.Config{Certs: certs, Window: 5}, "Window is 5"},
		{"windows", h3.Config{Certs: certs, Window: 1 << 20, MaxWindow: 1 << 19}, "MaxWindow is 524288"},
		{"connection window", h3.Config{Certs: certs, ConnWindow: 1}, "ConnWindow is 1"},
		{"largest connection window", h3.Config{Certs: certs, MaxConnWindow: 1 << 40}, "MaxConnWindow is"},
		{"retry", h3.Config{Certs: certs, Retry: 9}, "Retry 9"},
		{"retry after", h3.Config{Certs: certs, RetryAfter: -1}, "RetryAfter is -1"},
		{"keep alive", h3.Config{Certs: certs, KeepAlive: -2}, "KeepAlive"},
		{"age", h3.Config{Certs: certs, AltSvcMaxAge: 1}, "AltSvcMaxAge"},
		{"port", h3.Config{Certs: certs, AltSvcPort: 70000}, "AltSvcPort is 70000"},
		{"address taken", h3.Config{Certs: certs, Addr: taken.LocalAddr().String()}, "in use"},
		{"listen", h3.Config{Certs: certs, Listen: func(context.Context) (net.PacketConn, error) { return nil, io.ErrNoProgress }}, io.ErrNoProgress.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pc, err := net.ListenPacket("udp", "127.0.0.1:0")
			assert.NoError(t, err)
			if tt.cfg.Addr == "" {
				tt.cfg.Conn = pc
			}
			s := h3.New(tako.New(), tt.cfg)
			err = s.Listen(t.Context())
			if err == nil {
				t.Fatal("Listen has no error")
			}
			assert.Contains(t, err.Error(), tt.part)
			assert.Equal(t, s.Addr(), nil)
			if _, err := pc.WriteTo([]byte("x"), pc.LocalAddr()); tt.cfg.Conn != nil {
				assert.ErrorIs(t, err, net.ErrClosed, "the socket")
			}
			_ = pc.Close()
			_, err = s.Shutdown(over())
			assert.NoError(t, err)
		})
	}
}

func TestReadyMadeSocket(t *testing.T) {
	t.Parallel()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	assert.NoError(t, err)
	made, err := net.ListenPacket("udp", "127.0.0.1:0")
	assert.NoError(t, err)
	for name, cfg := range map[string]h3.Config{
		"Conn":    {Conn: pc},
		"wrapped": {Conn: struct{ net.PacketConn }{func() net.PacketConn { p, _ := net.ListenPacket("udp", "127.0.0.1:0"); return p }()}},
		"Listen":  {Listen: func(context.Context) (net.PacketConn, error) { return made, nil }},
	} {
		t.Run(name, func(t *testing.T) {
			app := tako.New()
			app.Get("/", func(c *tako.Context) error { return c.Text(200, "ok") })
			_, text := newClient(t, start(t, app, cfg)).get(t, "/")
			assert.Equal(t, text, "ok")
		})
	}
}
