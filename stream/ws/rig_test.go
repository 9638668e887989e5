package ws_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/wsframe"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/stream/ws"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

const (
	patience       = 20 * time.Second
	timeoutOfRoute = 500 * time.Millisecond
)

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// target is a running server as clients find it.
type target struct {
	name   string
	addr   string
	server tako.Server
	dial   func(t testing.TB, path string, cfg ws.DialConfig) (*ws.Conn, *http.Response, error)
}

// open opens a socket that has to be opened.
func (to *target) open(t testing.TB, path string, cfg ws.DialConfig) *ws.Conn {
	t.Helper()
	c, _, err := to.dial(t, path, cfg)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// stop shuts the server down, and tells how many connections were cut.
func (to *target) stop(t testing.TB) tako.Report {
	t.Helper()
	report, err := to.server.Shutdown(within(t))
	assert.NoError(t, err)
	return report
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// ways to open a socket.
const (
	plain = iota
	overTLS
	overHTTP2
	overHTTP3
)

var own = transport.SelfSigned()

func serverOf(runtime string, app *tako.Router, way int) tako.Server {
	extended := tako.HTTP2Config{ExtendedConnect: true}
	var certs tako.Certs
	if way == overTLS {
		certs = own
	}
	switch runtime {
	case "h3":
		return h3.New(app, h3.Config{Addr: "127.0.0.1:0", Certs: own, Log: quiet(), ExtendedConnect: true})
	case "std":
		return std.New(app, std.Config{Addr: "127.0.0.1:0", HTTP2: extended, Certs: certs, Log: quiet()})
	}
	return loop.New(app, loop.Config{Addr: "127.0.0.1:0", HTTP2: extended, Certs: certs, Poller: runtime, Loops: 2, Log: quiet()})
}

func start(t testing.TB, runtime string, app *tako.Router, way int) *target {
	t.Helper()
	app.Log(quiet())
	s := serverOf(runtime, app, way)
	assert.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = s.Shutdown(ctx)
		assert.NoError(t, <-served)
	})
	to := &target{addr: s.Addr().String(), server: s}
	to.dial = func(t testing.TB, path string, cfg ws.DialConfig) (*ws.Conn, *http.Response, error) {
		scheme := "ws"
		switch way {
		case overTLS:
			scheme, cfg.TLS = "wss", &tls.Config{RootCAs: own.CertPool(), ServerName: "localhost"}
		case overHTTP2:
			cfg.HTTP2 = carrierHTTP2(t)
		case overHTTP3:
			scheme, cfg.HTTP3 = "wss", carrierHTTP3(t)
		}
		return ws.Dial(within(t), scheme+"://"+to.addr+path, &cfg)
	}
	return to
}

func carrierHTTP2(t testing.TB) *http2.Transport {
	carrier := &http2.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	t.Cleanup(carrier.CloseIdleConnections)
	return carrier
}

func carrierHTTP3(t testing.TB) *http3.Transport {
	secure := &tls.Config{RootCAs: own.CertPool(), ServerName: "localhost", NextProtos: []string{http3.NextProtoH3}}
	carrier := &http3.Transport{TLSClientConfig: secure}
	t.Cleanup(func() { _ = carrier.Close() })
	return carrier
}

// carriers are all runtimes with the ways they have.
var carriers = []struct {
	name, runtime string
	way           int
}{
	{"std", "std", plain}, {"std-tls", "std", overTLS}, {"std-h2c", "std", overHTTP2},
	{"epoll", "epoll", plain}, {"epoll-tls", "epoll", overTLS}, {"epoll-h2c", "epoll", overHTTP2},
	{"io_uring", "io_uring", plain}, {"h3", "h3", overHTTP3},
}

// everywhere runs test over each.
func everywhere(t *testing.T, app func() *tako.Router, test func(t *testing.T, to *target)) {
	t.Helper()
	for _, on := range carriers {
		t.Run(on.name, func(t *testing.T) {
			to := start(t, on.runtime, app(), on.way)
			to.name = on.name
			test(t, to)
		})
	}
}

// echoEvents and echoBlocking send back what they get, in the two forms.
func echoEvents(cfg ws.Config) tako.Handler {
	return ws.Events{OnMessage: func(c *ws.Conn, typ ws.Type, p []byte) { _ = c.Send(typ, p) }}.Handler(cfg)
}

func echoBlocking(cfg ws.Config) tako.Handler {
	return ws.Handler(cfg, func(ctx context.Context, c *ws.Conn) error {
		for {
			typ, p, err := c.Read(ctx)
			if err != nil {
				return err
			}
			if err := c.Write(ctx, typ, p); err != nil {
				return err
			}
		}
	})
}

// echoes is an app with both.
func echoes(cfg ws.Config) func() *tako.Router {
	return func() *tako.Router {
		app := tako.New()
		app.Get("/events", echoEvents(cfg))
		app.Get("/blocking", echoBlocking(cfg))
		return app
	}
}

var forms = []string{"/events", "/blocking"}

// raw is a client of WebSocket in frames, over HTTP/1.1.
type raw struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
	resp *http.Response
}

const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

func handshakeText(path string, fields ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + sampleKey + "\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

// dialRaw sends a request, and what follows it in the same write.
func dialRaw(t testing.TB, to *target, request string) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", to.addr)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, err = io.WriteString(conn, request)
	assert.NoError(t, err)
	c := &raw{t: t, conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}
	c.resp, err = http.ReadResponse(c.r, nil)
	assert.NoError(t, err)
	return c
}

func openRaw(t testing.TB, to *target, path string, fields ...string) *raw {
	t.Helper()
	c := dialRaw(t, to, handshakeText(path, fields...))
	assert.Equal(t, c.resp.StatusCode, 101)
	return c
}

// masked is a frame as clients send it.
func masked(op wsframe.Opcode, fin bool, p string) []byte {
	return wsframe.AppendFrame(nil, wsframe.Header{Fin: fin, Op: op, Masked: true, Key: 0x12345678}, []byte(p))
}

func (c *raw) write(frames ...[]byte) {
	c.t.Helper()
	_, err := c.conn.Write(bytes.Join(frames, nil))
	assert.NoError(c.t, err)
}

// next reads a frame, "" at the end.
func (c *raw) next() string {
	c.t.Helper()
	var h wsframe.Header
	n := 0
	for want := 2; n == 0; want++ {
		p, err := c.r.Peek(want)
		if err == io.EOF {
			return ""
		} else if err != nil {
			return "error " + err.Error()
		}
		h, n, err = wsframe.ParseHeader(p)
		assert.NoError(c.t, err)
	}
	_, _ = c.r.Discard(n)
	body := make([]byte, h.Length)
	_, err := io.ReadFull(c.r, body)
	assert.NoError(c.t, err)
	if h.Masked {
		return "masked"
	}
	switch h.Op {
	case wsframe.OpText:
		return "text " + string(body)
	case wsframe.OpBinary:
		return "binary " + string(body)
	case wsframe.OpPing:
		return "ping " + string(body)
	case wsframe.OpPong:
		return "pong " + string(body)
	case wsframe.OpClose:
		if len(body) < 2 {
			return "close"
		}
		return fmt.Sprintf("close %d", int(body[0])<<8|int(body[1]))
	}
	return fmt.Sprintf("op %d", h.Op)
}

func closeFrame(code int, reason string) []byte {
	return masked(wsframe.OpClose, true, string([]byte{byte(code >> 8), byte(code)})+reason)
}
