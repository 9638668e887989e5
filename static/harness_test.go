package static

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

const enough = 30 * time.Second

// poller is the one that the loop runtime does not choose by itself where io_uring is there.
var poller = map[bool]string{true: "epoll"}[runtime.GOOS == "linux"]

var quiet = slog.New(slog.DiscardHandler)

// reply is a response that was read to its end.
type reply struct {
	status int
	header http.Header
	length int64
	body   string
	broken error
}

// client asks one server.
type client struct {
	t    *testing.T
	base string
	http *http.Client
}

// do sends a request with fields like "Range: bytes=0-1".
func (c client) do(method, target string, fields ...string) reply {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), enough)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+target, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{broken: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, resp.ContentLength, string(body), err}
}

func (c client) get(target string, fields ...string) reply {
	c.t.Helper()
	return c.do("GET", target, fields...)
}

// is fails the test unless r is a whole response with this status and body.
func (r reply) is(t *testing.T, status int, body string) reply {
	t.Helper()
	assert.NoError(t, r.broken)
	assert.Equal(t, r.status, status)
	if r.body != body {
		t.Errorf("got %.80q (%d bytes), want %.80q (%d bytes)", r.body, len(r.body), body, len(body))
	}
	return r
}

// has fails the test unless r has fields like "Content-Type: text/html"; "Name: " stands
// for a field that must be absent.
func (r reply) has(t *testing.T, fields ...string) reply {
	t.Helper()
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		assert.Equal(t, strings.Join(r.header.Values(name), ", "), value, name)
	}
	return r
}

// refused fails the test unless r is a whole response with one of these statuses.
func (r reply) refused(t *testing.T, target string, statuses ...int) {
	t.Helper()
	for _, s := range statuses {
		if r.broken == nil && r.status == s {
			return
		}
	}
	t.Errorf("%s: got %d %v %.60q, want %v", target, r.status, r.broken, r.body, statuses)
}

// start serves app until the test ends.
func start(t *testing.T, server tako.Server, protocols *http.Protocols) client {
	t.Helper()
	transport := &http.Transport{DisableCompression: true, Protocols: protocols}
	return reach(t, server, "http://", transport, transport.CloseIdleConnections)
}

func reach(t *testing.T, server tako.Server, scheme string, transport http.RoundTripper, end func()) client {
	t.Helper()
	assert.NoError(t, server.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(func() {
		end()
		ctx, cancel := context.WithTimeout(context.Background(), enough)
		defer cancel()
		_, err := server.Shutdown(ctx)
		assert.NoError(t, err)
		assert.NoError(t, <-served)
	})
	return client{t, scheme + server.Addr().String(), &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// everywhere runs f against app on both runtimes and pollers, over each version of HTTP.
func everywhere(t *testing.T, app *tako.Router, f func(t *testing.T, c client)) {
	t.Helper()
	assert.NoError(t, app.Build())
	certs := transport.SelfSigned()
	trust := &tls.Config{RootCAs: certs.CertPool()}
	onStd := func(certs tako.Certs) tako.Server {
		return std.New(app, std.Config{Addr: "127.0.0.1:0", Certs: certs, Log: quiet})
	}
	onLoop := func(certs tako.Certs) tako.Server {
		return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Loops: 1, Certs: certs, Log: quiet})
	}
	clear, modern := new(http.Protocols), new(http.Protocols)
	clear.SetUnencryptedHTTP2(true)
	modern.SetHTTP2(true)
	for _, over := range []struct {
		name      string
		server    tako.Server
		secure    bool
		protocols *http.Protocols
	}{
		{"std-h1", onStd(nil), false, nil},
		{"std-h2c", onStd(nil), false, clear},
		{"std-tls", onStd(certs), true, nil},
		{"loop-h1", onLoop(nil), false, nil},
		{"loop-h2c", onLoop(nil), false, clear},
		{"loop-tls", onLoop(certs), true, nil},
		{"loop-h2", onLoop(certs), true, modern},
		{"loop-epoll", loop.New(app, loop.Config{Addr: "127.0.0.1:0", Loops: 1, Poller: poller, Log: quiet}), false, nil},
	} {
		t.Run(over.name, func(t *testing.T) {
			t.Parallel()
			scheme := "http://"
			if over.secure {
				scheme = "https://"
			}
			transport := &http.Transport{DisableCompression: true, Protocols: over.protocols, TLSClientConfig: trust.Clone()}
			f(t, reach(t, over.server, scheme, transport, transport.CloseIdleConnections))
		})
	}
	t.Run("h3", func(t *testing.T) {
		t.Parallel()
		transport := &http3.Transport{DisableCompression: true, TLSClientConfig: trust.Clone()}
		f(t, reach(t, h3.New(app, h3.Config{Addr: "127.0.0.1:0", Certs: certs, Log: quiet}), "https://", transport, func() { _ = transport.Close() }))
	})
}

// settledDir is Dir at a time when all files have settled, so that tags are strong.
func settledDir(t *testing.T, r *tako.Router, prefix, dir string, cfg Config) *site {
	t.Helper()
	tr, err := newDirTree(dir)
	assert.NoError(t, err)
	s := newSite(tr, cfg.withDefaults(), func() time.Time { return time.Now().Add(time.Hour) })
	r.Get(prefix+"{file...}", s.serve)
	return s
}

// oldDate is when the files of the tests were changed, unless they say otherwise.
var oldDate = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)

const oldText = "Thu, 02 Jan 2020 03:04:05 GMT"

// files makes a directory with these files.
func files(t testing.TB, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

func write(t testing.TB, name, content string) {
	t.Helper()
	assert.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	assert.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	assert.NoError(t, os.Chtimes(name, oldDate, oldDate))
}
