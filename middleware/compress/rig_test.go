package compress_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/coding"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// poller is the one that the loop runtime does not choose by itself where io_uring is there.
var poller = map[bool]string{true: "epoll"}[runtime.GOOS == "linux"]

var (
	quiet   = slog.New(slog.DiscardHandler)
	certs   = transport.SelfSigned()
	codings = []string{"br", "zstd", "gzip", "deflate"}
)

// carrier is a server with a client of one protocol.
type carrier struct {
	server tako.Server
	base   string
	http.RoundTripper
}

// overAll runs f on each runtime and protocol.
func overAll(t *testing.T, app func() *tako.Router, f func(t *testing.T, s *carrier)) {
	t.Helper()
	onStd := func(certs tako.Certs) func(tako.App) tako.Server {
		return func(app tako.App) tako.Server {
			return std.New(app, std.Config{Addr: "127.0.0.1:0", Certs: certs, Log: quiet})
		}
	}
	onLoop := func(certs tako.Certs) func(tako.App) tako.Server {
		return func(app tako.App) tako.Server {
			return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Certs: certs, Log: quiet, Loops: 1, KeepProcs: true})
		}
	}
	for _, tt := range []struct {
		name  string
		proto tako.Protocol
		make  func(tako.App) tako.Server
	}{
		{"std h1", tako.HTTP11, onStd(nil)},
		{"std h2", tako.HTTP2, onStd(certs)},
		{"loop h1", tako.HTTP11, onLoop(nil)},
		{"loop h1, epoll", tako.HTTP11, func(app tako.App) tako.Server {
			return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Log: quiet, Loops: 1, KeepProcs: true, Poller: poller})
		}},
		{"loop h2", tako.HTTP2, onLoop(certs)},
		{"h3", tako.HTTP3, func(app tako.App) tako.Server {
			return h3.New(app, h3.Config{Addr: "127.0.0.1:0", Certs: certs, Log: quiet})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := app()
			r.Log(quiet)
			f(t, serve(t, tt.make(r), tt.proto))
		})
	}
}

func serve(t *testing.T, server tako.Server, proto tako.Protocol) *carrier {
	t.Helper()
	assert.NoError(t, server.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = server.Shutdown(over)
		assert.NoError(t, <-served, "Serve")
	})
	s := &carrier{server: server, base: "https://" + server.Addr().String()}
	trust := &tls.Config{RootCAs: certs.CertPool()}
	if proto == tako.HTTP3 {
		tr := &http3.Transport{TLSClientConfig: trust, DisableCompression: true}
		t.Cleanup(func() { _ = tr.Close() })
		s.RoundTripper = tr
		return s
	}
	tr := &http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true, DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	s.RoundTripper = tr
	if proto == tako.HTTP11 {
		s.base = "http://" + server.Addr().String()
	}
	return s
}

// do makes a request, which ends with the test at the latest.
func (s *carrier) do(t testing.TB, method, target string, body io.Reader, fields ...string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, s.base+target, body)
	assert.NoError(t, err)
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := s.RoundTrip(req)
	assert.NoError(t, err, method, " ", target)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// decoding reads a body in its coding, by the standard library where that can.
func decoding(t testing.TB, name string, r io.Reader) io.Reader {
	t.Helper()
	var d io.Reader
	var err error
	switch name {
	case "":
		return r
	case "gzip":
		d, err = gzip.NewReader(r)
	case "deflate":
		d, err = zlib.NewReader(r)
	default:
		d, err = coding.NewDecoder(name, r)
	}
	assert.NoError(t, err, name)
	return d
}

// encoded returns body in the codings, applied in this order.
func encoded(t testing.TB, body []byte, names ...string) []byte {
	t.Helper()
	for _, name := range names {
		var out bytes.Buffer
		e, err := coding.NewEncoder(name, 1, &out)
		assert.NoError(t, err)
		_, err = e.Write(body)
		assert.NoError(t, err)
		assert.NoError(t, e.Close())
		e.Release()
		body = out.Bytes()
	}
	return body
}
