package h3_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport/h3"
)

func hello() *tako.Router {
	app := tako.New()
	app.Log(quiet)
	app.Get("/", func(c *tako.Context) error { return c.Text(200, c.Protocol().String()) })
	return app
}

func newWeb(app tako.App) *std.Server {
	return std.New(app, std.Config{Addr: "127.0.0.1:0", Listen: twin, Certs: certs, Log: quiet})
}

// twin listens at a port that is free for UDP too. It is none of those that the kernel gives by
// itself: another test could get it before, or after, the server has it.
func twin(context.Context) (net.Listener, error) { return twinOf("127.0.0.1") }

func twinOf(host string) (net.Listener, error) {
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		ln, err := net.Listen("tcp4", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			continue
		}
		conn, err := net.ListenPacket("udp4", ln.Addr().String())
		if err == nil {
			return ln, conn.Close()
		}
		_ = ln.Close()
	}
	return nil, errors.New("no port is free for both")
}

// altSvc asks over TCP, and returns the field.
func altSvc(t *testing.T, addr net.Addr) string {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certs.CertPool()}}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(within(t), "GET", "https://"+addr.String()+"/", nil)
	assert.NoError(t, err)
	resp, err := tr.RoundTrip(req)
	assert.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.Equal(t, string(text), "HTTP/1.1")
	return resp.Header.Get("Alt-Svc")
}

// advertised is the field for the port of an address.
func advertised(addr net.Addr) string {
	_, port, _ := net.SplitHostPort(addr.String())
	return `h3=":` + port + `"; ma=86400`
}

// H3-11
func TestBeside(t *testing.T) {
	t.Parallel()
	for name, web := range map[string]tako.Server{
		"std":  newWeb(hello()),
		"loop": loop.New(hello(), loop.Config{Addr: "127.0.0.1:0", Listen: twin, Certs: certs, Log: quiet}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := h3.Beside(web, h3.Config{})
			serve(t, s)
			assert.Equal(t, s.Addr(), web.Addr())
			assert.Contains(t, s.(tako.Describable).Describe(), " + h3 (quic)")
			assert.Equal(t, s.(tako.Reloader).Reloads(), true)
			resp, text := newClient(t, s).get(t, "/")
			assert.Equal(t, text, "HTTP/3")
			assert.Equal(t, resp.Header.Get("Alt-Svc"), "")
			assert.Eventually(t, patience, "HTTP/3 is advertised", func() bool { return altSvc(t, web.Addr()) == advertised(web.Addr()) })
			s.(tako.Drainer).BeginDrain()
			assert.Equal(t, altSvc(t, web.Addr()), "")
			report, err := s.Shutdown(within(t))
			assert.NoError(t, err)
			assert.Equal(t, report.Cut, 0)
		})
	}
}

func TestBesideListening(t *testing.T) {
	t.Parallel()
	web := newWeb(hello())
	serve(t, web)
	assert.Equal(t, altSvc(t, web.Addr()), "")
	s := h3.Beside(web, h3.Config{})
	assert.NoError(t, s.Listen(t.Context()))
	assert.Equal(t, altSvc(t, web.Addr()), "") // not up yet
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	_, text := newClient(t, s).get(t, "/")
	assert.Equal(t, text, "HTTP/3")
	assert.Eventually(t, patience, "HTTP/3 is advertised", func() bool { return altSvc(t, web.Addr()) == advertised(web.Addr()) })
	assert.Equal(t, s.(tako.Describable).Describe(), "h3 (quic)")
	assert.Equal(t, s.(tako.Reloader).Reloads(), false)
	_, err := s.Shutdown(within(t))
	assert.NoError(t, err)
	assert.NoError(t, <-served)
	assert.Equal(t, altSvc(t, web.Addr()), "")
}

// H3-11
func TestBesideOtherPort(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cfg  h3.Config
		want func(h3 net.Addr) string
	}{
		"other port":     {h3.Config{Addr: "127.0.0.1:0"}, nil},
		"told otherwise": {h3.Config{AltSvcPort: 443, AltSvcMaxAge: 60e9}, func(net.Addr) string { return `h3=":443"; ma=60` }},
		"not told":       {h3.Config{NoAltSvc: true}, func(net.Addr) string { return "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web := newWeb(hello())
			serve(t, web)
			s := h3.Beside(web, tt.cfg)
			serve(t, s)
			newClient(t, s).get(t, "/")
			if tt.want == nil {
				tt.want = advertised
			}
			assert.Eventually(t, patience, "the field is right", func() bool { return altSvc(t, web.Addr()) == tt.want(s.Addr()) })
		})
	}
}

// plain is no Origin.
type plain struct{ tako.Server }

func TestBesideErrors(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	half, err := twin(t.Context())
	assert.NoError(t, err)
	busy, err := net.ListenPacket("udp", half.Addr().String())
	assert.NoError(t, err)
	t.Cleanup(func() { _ = busy.Close() })
	_ = half.Close()
	for _, tt := range []struct {
		name string
		web  tako.Server
		part string
	}{
		{"no origin", plain{newWeb(hello())}, "cannot have a server beside it"},
		{"no certificates", std.New(hello(), std.Config{Addr: "127.0.0.1:0"}), "no certificates"},
		{"address taken", std.New(hello(), std.Config{Addr: taken.Addr().String(), Certs: certs}), "in use"},
		{"UDP address taken", std.New(hello(), std.Config{Addr: busy.LocalAddr().String(), Certs: certs, Log: quiet}), "in use"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := h3.Beside(tt.web, h3.Config{})
			err := s.Listen(t.Context())
			if err == nil {
				t.Fatal("Listen has no error")
			}
			assert.Contains(t, err.Error(), tt.part)
			if s.Serve() == nil {
				t.Error("Serve has no error")
			}
			_, _ = s.Shutdown(over())
			if addr := tt.web.Addr(); addr != nil { // the other one was stopped with it
				ln, err := net.Listen("tcp", addr.String())
				assert.NoError(t, err)
				_ = ln.Close()
			}
		})
	}
}

func TestBesideTwice(t *testing.T) {
	t.Parallel()
	web := newWeb(hello())
	s := h3.Beside(web, h3.Config{})
	serve(t, s)
	assert.Contains(t, s.Listen(t.Context()).Error(), "twice")
	_, err := s.Shutdown(within(t))
	assert.NoError(t, err)
	if conn, err := net.Dial("tcp", web.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("the other server still listens")
	}
}

// Beside a server of IPv4 alone HTTP/3 is too.
func TestBesideIPv4(t *testing.T) {
	t.Parallel()
	ln, err := twinOf("0.0.0.0")
	assert.NoError(t, err)
	web := std.New(hello(), std.Config{Listen: func(context.Context) (net.Listener, error) { return ln, nil }, Certs: certs, Log: quiet})
	serve(t, web)
	s := h3.Beside(web, h3.Config{})
	serve(t, s)
	assert.Equal(t, s.Addr().String(), web.Addr().String())
}
