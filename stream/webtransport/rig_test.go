package webtransport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	lib "github.com/quic-go/webtransport-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/webtransport"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

// patience is how long a client waits for what must come.
const patience = 20 * time.Second

var (
	quiet = slog.New(slog.DiscardHandler)
	certs = transport.SelfSigned()
)

// TestMain looks for goroutines that outlive all servers.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && lingering() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		code = 1
	}
	os.Exit(code)
}

func lingering() bool {
	stacks := make([]byte, 1<<20)
	by := time.NewTimer(10 * time.Second)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		text := string(stacks[:runtime.Stack(stacks, true)])
		if !strings.Contains(text, "quic-go") && !strings.Contains(text, "stream/webtransport.") {
			return false
		}
		select {
		case <-by.C:
			return true
		case <-again.C:
		}
	}
}

// rig is a server with one route.
type rig struct {
	t        testing.TB
	server   *h3.Server
	sessions *webtransport.Server
	app      *tako.Router
}

// start serves f at /wt until the test ends.
func start(t testing.TB, cfg webtransport.ServerConfig, route webtransport.Config, f func(context.Context, *webtransport.Session) error) *rig {
	t.Helper()
	r := &rig{t: t, sessions: webtransport.New(cfg), app: tako.New()}
	r.app.Log(quiet)
	r.app.Get("/wt", webtransport.Handler(route, f))
	r.app.Get("/plain", func(c *tako.Context) error { return c.Text(200, "plain") })
	r.server = h3.New(r.app, h3.Config{Addr: "127.0.0.1:0", Certs: certs, Log: quiet, WebTransport: r.sessions})
	assert.NoError(t, r.server.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- r.server.Serve() }()
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = r.server.Shutdown(over)
		assert.NoError(t, <-served, "Serve")
	})
	return r
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func clientTLS() *tls.Config {
	return &tls.Config{RootCAs: certs.CertPool(), NextProtos: []string{http3.NextProtoH3}}
}

func (r *rig) url(path string) string { return "https://" + r.server.Addr().String() + path }

// client is a connection, and the library's client on it.
type client struct {
	*lib.ClientConn
	quic *quic.Conn
}

// flow is the configuration of a client that has flow control.
var flow = lib.Config{MaxIncomingStreams: 10, MaxIncomingUniStreams: 10, MaxIncomingData: 1 << 20}

// dial opens a connection.
func (r *rig) dial(cfg *lib.Config, protocols ...string) *client {
	r.t.Helper()
	qc, err := quic.DialAddr(within(r.t), r.server.Addr().String(), clientTLS(), &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true})
	assert.NoError(r.t, err)
	r.t.Cleanup(func() { _ = qc.CloseWithError(0x100, "") })
	c, err := (&lib.Transport{Config: cfg, ApplicationProtocols: protocols}).NewClientConn(qc)
	assert.NoError(r.t, err)
	return &client{c, qc}
}

// open opens a session on a connection of its own.
func (r *rig) open(cfg *lib.Config) (*client, *lib.Session) {
	r.t.Helper()
	c := r.dial(cfg)
	return c, r.session(c, nil)
}

func (r *rig) session(c *client, header http.Header) *lib.Session {
	r.t.Helper()
	_, s, err := c.Dial(within(r.t), r.url("/wt"), header)
	assert.NoError(r.t, err)
	return s
}

// refused opens no session, and returns the status.
func (r *rig) refused(path string, header http.Header) int {
	r.t.Helper()
	resp, _, err := r.dial(nil).Dial(within(r.t), r.url(path), header)
	if err == nil || resp == nil {
		r.t.Fatalf("%s: the session was opened, or there is no response: %v", path, err)
	}
	return resp.StatusCode
}

// echo sends back what comes, in every way, until the client ends the session.
func echo(ctx context.Context, s *webtransport.Session) error {
	go func() {
		for {
			in, err := s.AcceptUniStream(ctx)
			if err != nil {
				return
			}
			text, err := io.ReadAll(in)
			if err != nil {
				continue
			}
			if out, err := s.OpenUniStream(ctx); err == nil {
				_, _ = out.Write(text)
				_ = out.Close()
			}
		}
	}()
	go func() {
		for {
			p, err := s.ReceiveDatagram(ctx)
			if err != nil {
				return
			}
			_ = s.SendDatagram(p)
		}
	}()
	for {
		str, err := s.AcceptStream(ctx)
		if err != nil {
			return err
		}
		go func() {
			defer str.Close()
			if _, err := io.Copy(str, str); err != nil {
				str.CancelRead(7)
			}
		}()
	}
}

// hold keeps a session until it ends, and tells of that.
func hold(ended chan<- error) func(context.Context, *webtransport.Session) error {
	return func(ctx context.Context, s *webtransport.Session) error {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil
	}
}

func await[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("waited in vain for " + what)
		panic("unreachable")
	}
}

func sessionError(t testing.TB, err error) *webtransport.SessionError {
	t.Helper()
	e, ok := errors.AsType[*webtransport.SessionError](err)
	if !ok {
		t.Fatalf("got %v, want a SessionError", err)
	}
	return e
}

func fails(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
}
