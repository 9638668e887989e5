package h3_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

const (
	// short is what limits are set to that shall strike.
	short = 300 * time.Millisecond
	// rest is the idle time of clients that shall keep within it, also when they must wait for a
	// processor.
	rest = 4 * short
	// patience is how long a client waits for what must come.
	patience = 20 * time.Second
)

var (
	quiet = slog.New(slog.DiscardHandler)
	certs = transport.SelfSigned()
)

// TestMain looks for goroutines that outlive all servers.
func TestMain(m *testing.M) {
	if text := os.Getenv(programEnv); text != "" {
		os.Exit(runProgram(text))
	}
	code := m.Run()
	if code == 0 && lingering() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		code = 1
	}
	os.Exit(code)
}

func lingering() bool {
	stacks := make([]byte, 1<<20)
	by := time.NewTimer(patience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		text := string(stacks[:runtime.Stack(stacks, true)])
		if !strings.Contains(text, "quic-go") && !strings.Contains(text, "transport/h3.") {
			return false
		}
		select {
		case <-by.C:
			return true
		case <-again.C:
		}
	}
}

// over is a context that is done.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// within is a context for what a client does.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// start serves app until the test ends.
func start(t testing.TB, app *tako.Router, cfg h3.Config) *h3.Server {
	t.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Certs == nil {
		cfg.Certs = certs
	}
	if cfg.Log == nil {
		cfg.Log = quiet
	}
	app.Log(cfg.Log)
	s := h3.New(app, cfg)
	serve(t, s)
	return s
}

// serve lets a server serve until the test ends.
func serve(t testing.TB, s tako.Server) {
	t.Helper()
	assert.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		_, _ = s.Shutdown(over())
		assert.NoError(t, <-served, "Serve")
	})
}

// client is a client of HTTP/3 with one connection.
type client struct {
	*http3.Transport
	base string
}

func newClient(t testing.TB, s tako.Server, change ...func(*http3.Transport)) *client {
	t.Helper()
	c := &client{Transport: &http3.Transport{TLSClientConfig: clientTLS(), DisableCompression: true}, base: "https://" + s.Addr().String()}
	for _, f := range change {
		f(c.Transport)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func clientTLS() *tls.Config {
	return &tls.Config{RootCAs: certs.CertPool(), NextProtos: []string{http3.NextProtoH3}}
}

// request makes a request that ends with patience.
func (c *client) request(t testing.TB, method, target string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t), method, c.base+target, body)
	assert.NoError(t, err)
	return req
}

func (c *client) do(t testing.TB, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.RoundTrip(req)
	assert.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	return resp, string(text)
}

func (c *client) get(t testing.TB, target string) (*http.Response, string) {
	t.Helper()
	return c.do(t, c.request(t, "GET", target, nil))
}

// dial opens a connection of QUIC alone.
func dial(t testing.TB, s tako.Server, change ...func(*tls.Config, *quic.Config)) *quic.Conn {
	t.Helper()
	config, qc := clientTLS(), &quic.Config{EnableDatagrams: true}
	for _, f := range change {
		f(config, qc)
	}
	c, err := quic.DialAddr(within(t), s.Addr().String(), config, qc)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = c.CloseWithError(0x100, "") })
	return c
}

// closedWith waits for the end of a connection, and returns the code of its server.
func closedWith(t testing.TB, c *quic.Conn) http3.ErrCode {
	t.Helper()
	select {
	case <-c.Context().Done():
	case <-time.After(patience):
		t.Fatal("the connection is still open")
	}
	var app *quic.ApplicationError
	if err := context.Cause(c.Context()); !errors.As(err, &app) || !app.Remote {
		t.Fatalf("the connection ended with %v", err)
	}
	return http3.ErrCode(app.ErrorCode)
}

func echo(c *tako.Context) error {
	text, err := c.ReadBody()
	if err != nil {
		return err
	}
	return c.Bytes(200, "application/octet-stream", text)
}

func packetConn(t testing.TB) net.PacketConn {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	assert.NoError(t, err)
	return pc
}
