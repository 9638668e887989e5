package tako_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
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

const streamPatience = 20 * time.Second

// streamPeer is a server with a client of one protocol.
type streamPeer struct {
	proto tako.Protocol
	base  string
	http.RoundTripper
}

// overStreams runs f on each runtime and protocol.
func overStreams(t *testing.T, app func(t *testing.T) *tako.Router, f func(t *testing.T, s *streamPeer)) {
	t.Helper()
	log, certs := slog.New(slog.DiscardHandler), transport.SelfSigned()
	onStd := func(certs tako.Certs) func(tako.App) tako.Server {
		return func(app tako.App) tako.Server {
			return std.New(app, std.Config{Addr: "127.0.0.1:0", Certs: certs, Log: log})
		}
	}
	onLoop := func(certs tako.Certs) func(tako.App) tako.Server {
		return func(app tako.App) tako.Server {
			return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Certs: certs, Log: log, Loops: 1, KeepProcs: true})
		}
	}
	for _, tt := range []struct {
		name   string
		proto  tako.Protocol
		server func(tako.App) tako.Server
	}{
		{"std h1", tako.HTTP11, onStd(nil)}, {"std h2", tako.HTTP2, onStd(certs)},
		{"loop h1", tako.HTTP11, onLoop(nil)}, {"loop h2", tako.HTTP2, onLoop(certs)},
		{"h3", tako.HTTP3, func(app tako.App) tako.Server {
			return h3.New(app, h3.Config{Addr: "127.0.0.1:0", Certs: certs, Log: log})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := app(t)
			r.Log(log)
			server := tt.server(r)
			assert.NoError(t, server.Listen(t.Context()))
			served := make(chan error, 1)
			go func() { served <- server.Serve() }()
			t.Cleanup(func() {
				over, cancel := context.WithCancel(context.Background())
				cancel()
				_, _ = server.Shutdown(over)
				assert.NoError(t, <-served, "Serve")
			})
			s := &streamPeer{proto: tt.proto, base: "https://" + server.Addr().String()}
			clientTLS := &tls.Config{RootCAs: certs.CertPool()}
			if tt.proto == tako.HTTP3 {
				tr := &http3.Transport{TLSClientConfig: clientTLS, DisableCompression: true}
				t.Cleanup(func() { _ = tr.Close() })
				s.RoundTripper = tr
			} else {
				tr := &http.Transport{TLSClientConfig: clientTLS, ForceAttemptHTTP2: true, DisableCompression: true}
				t.Cleanup(tr.CloseIdleConnections)
				s.RoundTripper = tr
			}
			if tt.proto == tako.HTTP11 {
				s.base = "http://" + server.Addr().String()
			}
			f(t, s)
		})
	}
}

func (s *streamPeer) request(t *testing.T, method, target string, body io.Reader) *http.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), streamPatience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, s.base+target, body)
	assert.NoError(t, err)
	return req
}

func (s *streamPeer) do(t *testing.T, req *http.Request) *http.Response {
	t.Helper()
	resp, err := s.RoundTrip(req)
	assert.NoError(t, err, req.Method, " ", req.URL)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// fillReader yields n bytes, then err, and tells when it is closed.
type fillReader struct {
	left   int
	err    error
	closed chan struct{}
}

func (s *fillReader) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, s.err
	}
	n := min(s.left, len(p))
	s.left -= n
	for i := range p[:n] {
		p[i] = 'x'
	}
	return n, nil
}

func (s *fillReader) Close() error {
	close(s.closed)
	return nil
}

// A stream of any length arrives whole, one that fails or is short is broken off, and the source is
// closed, also when the client leaves.
func TestStreamOutput(t *testing.T) {
	const size = 5 << 20
	sources := make(chan *fillReader, 1)
	serve := func(n, declared int, err error) func(context.Context, struct{}) (tako.Stream, error) {
		return func(context.Context, struct{}) (tako.Stream, error) {
			from := &fillReader{n, err, make(chan struct{})}
			sources <- from
			return tako.Stream{ContentType: "text/plain", Size: int64(declared), Body: from}, nil
		}
	}
	overStreams(t, func(*testing.T) *tako.Router {
		r := tako.New()
		tako.Get(r, "/unknown", serve(size, 0, io.EOF))
		tako.Get(r, "/declared", serve(size, size, io.EOF))
		tako.Get(r, "/short", serve(size, size+1, io.EOF))
		tako.Get(r, "/fails", serve(size, 0, errors.New("the source is broken")))
		tako.Get(r, "/endless", serve(1<<60, 0, io.EOF))
		return r
	}, func(t *testing.T, s *streamPeer) {
		for path, whole := range map[string]bool{"/unknown": true, "/declared": true, "/short": false, "/fails": false, "/endless": false} {
			resp := s.do(t, s.request(t, "GET", path, nil))
			assert.Equal(t, resp.Header.Get("Content-Type"), "text/plain", path)
			var n int64
			var err error
			if path == "/endless" {
				n, err = io.CopyN(io.Discard, resp.Body, size)
				assert.NoError(t, err, path)
				_ = resp.Body.Close()
			} else {
				n, err = io.Copy(io.Discard, resp.Body)
				assert.Equal(t, err == nil, whole, path)
			}
			if whole {
				assert.Equal(t, n, int64(size), path)
			}
			from := <-sources
			select {
			case <-from.closed:
			case <-time.After(streamPatience):
				t.Fatal(path, ": the source is still open")
			}
		}
	})
}

// Both sides send at once, each behind what the other has sent, with trailers at both ends.
func TestStreamBothWays(t *testing.T) {
	const rounds = 100
	overStreams(t, func(t *testing.T) *tako.Router {
		r := tako.New()
		r.Post("/", func(c *tako.Context) error {
			if err := c.EnableFullDuplex(); err != nil {
				return err
			}
			c.Header().Set("Trailer", "X-Sum")
			sum, buf := sha256.New(), make([]byte, 1<<10)
			if err := c.Flush(); err != nil {
				return err
			}
			for {
				n, err := c.Body().Read(buf)
				sum.Write(buf[:n])
				if _, failed := c.Write(buf[:n]); failed != nil {
					return failed
				}
				if failed := c.Flush(); failed != nil {
					return failed
				}
				if err == io.EOF {
					break
				}
				if err != nil {
					return err
				}
			}
			for name, value := range c.RequestTrailers() {
				c.Trailer().Set("X-Got", name+"="+value)
			}
			c.Trailer().Set("X-Sum", hex.EncodeToString(sum.Sum(nil)))
			return nil
		})
		return r
	}, func(t *testing.T, s *streamPeer) {
		r, w := io.Pipe()
		req := s.request(t, "POST", "/", r)
		req.Trailer = http.Header{"X-End": nil}
		resp := s.do(t, req)
		assert.Equal(t, resp.StatusCode, 200)
		part, got, sum := []byte(strings.Repeat("ab", 300)), make([]byte, 600), sha256.New()
		for range rounds {
			_, err := w.Write(part)
			assert.NoError(t, err)
			_, err = io.ReadFull(resp.Body, got)
			assert.NoError(t, err)
			assert.Equal(t, string(got), string(part))
			sum.Write(part)
		}
		req.Trailer.Set("X-End", "over")
		assert.NoError(t, w.Close())
		rest, err := io.ReadAll(resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, string(rest), "")
		assert.Equal(t, resp.Trailer.Get("X-Sum"), hex.EncodeToString(sum.Sum(nil)))
		if s.proto != tako.HTTP3 { // its client sends none
			assert.Equal(t, resp.Trailer.Get("X-Got"), "X-End=over")
		}
	})
}

// Progress is told over every protocol, while the body comes.
func TestProgressWire(t *testing.T) {
	const size = 1 << 20
	told := make(chan tako.Progress, 1000)
	overStreams(t, func(t *testing.T) *tako.Router {
		r := tako.New()
		r.BodyLimit(size)
		r.Timeout(streamPatience)
		r.Post("/", func(c *tako.Context) error {
			c.OnProgress(tako.ProgressConfig{Bytes: size / 8, Interval: time.Nanosecond}, func(p tako.Progress) { told <- p })
			_, err := io.Copy(io.Discard, c.Body())
			return err
		})
		return r
	}, func(t *testing.T, s *streamPeer) {
		r, w := io.Pipe()
		req := s.request(t, "POST", "/", r)
		req.ContentLength = size
		go func() { _, _ = w.Write(make([]byte, size/2)) }()
		go func() {
			p := <-told
			for p.Read < size/4 { // before the rest is sent
				p = <-told
			}
			_, _ = w.Write(make([]byte, size/2))
			_ = w.Close()
		}()
		resp := s.do(t, req)
		assert.Equal(t, resp.StatusCode, 200)
		for {
			select {
			case p := <-told:
				assert.Equal(t, p.Total, int64(size))
				if p.Done {
					assert.Equal(t, p.Read, int64(size))
					return
				}
			case <-time.After(streamPatience):
				t.Fatal("no end")
			}
		}
	})
}

// Fields that would mislead behind a body are not sent there, over whatever protocol.
func TestTrailersLeftOut(t *testing.T) {
	misplaced := []string{"Connection", "Content-Length", "Content-Type", "Content-Encoding", "Host", "If-Match", "Keep-Alive",
		"Proxy-Authenticate", "Set-Cookie", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Cache-Control"}
	overStreams(t, func(*testing.T) *tako.Router {
		r := tako.New()
		r.Get("/{sum}", func(c *tako.Context) error {
			for _, name := range misplaced {
				c.Trailer().Set(name, "5")
			}
			if sum := c.Param("sum"); sum != "none" {
				c.Trailer().Set("X-Sum", sum)
			}
			return c.Stream(200, "text/plain", strings.NewReader("hello"))
		})
		return r
	}, func(t *testing.T, s *streamPeer) {
		for target, want := range map[string]string{"/7": "7", "/none": ""} {
			resp := s.do(t, s.request(t, "GET", target, nil))
			text, err := io.ReadAll(resp.Body)
			assert.NoError(t, err)
			assert.Equal(t, string(text), "hello")
			assert.Equal(t, resp.Trailer.Get("X-Sum"), want)
			for _, name := range misplaced {
				assert.Equal(t, resp.Trailer.Values(name), nil, name)
			}
		}
	})
}
