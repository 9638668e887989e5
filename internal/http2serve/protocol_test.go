package http2serve_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// protocols answers with the protocol of the request.
func protocols() *tako.Router {
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, c.Protocol().String()) })
	return app
}

// The preface may come in any pieces.
func TestPrefaceInPieces(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		s := k.serve(t, protocols(), config{})
		for _, size := range []int{1, 2, 3, 4, 5, 17, 23, 24, 25, 30} {
			c := s.unopened(t)
			b := newBatch(c)
			_ = b.fr.WriteSettings()
			b.get(1, "/")
			all := http2.ClientPreface + b.out.String()
			for len(all) > 0 {
				n := min(size, len(all))
				_, err := io.WriteString(c, all[:n])
				assert.NoError(t, err)
				all = all[n:]
				if size < 20 {
					pass(t, 200*time.Microsecond)
				}
			}
			c.answered(200, 1)
			_ = c.Close()
		}
	})
}

// What begins like the preface, and is something else, is not served as HTTP/2.
func TestPrefaceWrong(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		s := k.serve(t, protocols(), config{})
		for _, text := range []string{"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", "PRI * HTTP/2.0\r\nHost: a\r\nConnection: close\r\n\r\n", "PRX / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"} {
			c := s.dial(t, "h2")
			_, err := io.WriteString(c, text)
			assert.NoError(t, err)
			if text[0] == 0 {
				_, _ = io.WriteString(c, strings.Repeat("\x00", 100)+"\r\n\r\n")
			}
			if got := toEnd(t, c); strings.Contains(got, "200 OK") {
				t.Errorf("%q: got %q", text, got)
			}
			if k.tls {
				continue
			}
			c = s.dial(t)
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			assert.NoError(t, err)
			assert.Equal(t, resp.StatusCode, 405)
		}
	})
}

// HTTP/1.1 and HTTP/2 are spoken on one port at the same time.
func TestBothProtocols(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		s := k.serve(t, protocols(), config{})
		var wg sync.WaitGroup
		for i := range 8 {
			c, want := s.client(t), "HTTP/2"
			if i%2 == 0 {
				c, want = s.client1(t), "HTTP/1.1"
			}
			wg.Go(func() {
				for range 50 {
					got, err := ask(c, request(t, "GET", s.url("/"), nil))
					if err != nil || got.body != want {
						t.Errorf("got %q and %v, want %q", got.body, err, want)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// Upgrade: h2c is ignored.
func TestUpgradeIgnored(t *testing.T) {
	over(t, clearTargets, func(t *testing.T, k target) {
		s := k.serve(t, protocols(), config{})
		c := s.dial(t)
		br := bufio.NewReader(c)
		for range 2 {
			_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n")
			assert.NoError(t, err)
			resp, err := http.ReadResponse(br, nil)
			assert.NoError(t, err)
			body, _ := io.ReadAll(resp.Body)
			assert.Equal(t, resp.Status+" "+string(body), "200 OK HTTP/1.1")
		}
	})
}

// stateOf is the handshake of a connection.
func stateOf(c net.Conn) tls.ConnectionState { return c.(*tls.Conn).ConnectionState() }

// ALPN decides what is spoken, and nothing else may be.
func TestALPN(t *testing.T) {
	over(t, tlsTargets, func(t *testing.T, k target) {
		s := k.serve(t, protocols(), config{})
		one := "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
		for _, tt := range []struct {
			offers []string
			agreed string
		}{{nil, ""}, {[]string{"http/1.1"}, "http/1.1"}, {[]string{"http/1.1", "h2"}, "h2"}, {[]string{"h2"}, "h2"}, {[]string{"spdy/3", "h2"}, "h2"}} {
			name := fmt.Sprint(tt.offers)
			c := s.dial(t, tt.offers...)
			assert.Equal(t, stateOf(c).NegotiatedProtocol, tt.agreed, name)
			if tt.agreed == "h2" {
				f := frames(t, c)
				_, _ = io.WriteString(f, http2.ClientPreface)
				_ = f.fr.WriteSettings()
				f.get(1, "/")
				assert.Equal(t, string(f.answered(200, 1).body), "HTTP/2", name)
			} else {
				_, _ = io.WriteString(c, one)
				assert.Contains(t, toEnd(t, c), "\r\n\r\nHTTP/1.1", name)
			}

			c = s.dial(t, tt.offers...) // the other one
			if tt.agreed == "h2" {
				_, _ = io.WriteString(c, one)
			} else {
				_, _ = io.WriteString(c, http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00\r\n\r\n")
			}
			if got := toEnd(t, c); strings.Contains(got, "200 OK") || strings.Contains(got, "HTTP/2") || tt.agreed == "h2" && strings.Contains(got, "HTTP/1") {
				t.Errorf("%s, and the other protocol: got %q", name, got)
			}
		}
		conn, err := net.Dial("tcp", s.Addr().String())
		assert.NoError(t, err)
		defer conn.Close()
		assert.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
		err = tls.Client(conn, clientTLS("spdy/3")).Handshake()
		if err == nil || !strings.Contains(err.Error(), "no application protocol") {
			t.Errorf("no common protocol: got %v", err)
		}
		assert.Eventually(t, patience, "the failure to be counted", func() bool { return s.counts().refusedHandshakes == 1 })
	})
}

// Who speaks without TLS where it is spoken is told so; the other way round the connection
// just ends.
func TestWrongPort(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		s := k.serve(t, protocols(), config{})
		dial := func() net.Conn {
			conn, err := net.Dial("tcp", s.Addr().String())
			assert.NoError(t, err)
			t.Cleanup(func() { _ = conn.Close() })
			assert.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
			return conn
		}
		if !k.tls {
			err := tls.Client(dial(), clientTLS("h2")).Handshake()
			if err == nil {
				t.Error("a handshake without certificates")
			}
			return
		}
		for _, text := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.0\r\n\r\n", http2.ClientPreface} {
			c := dial()
			_, _ = io.WriteString(c, text)
			got, _ := io.ReadAll(c)
			if !strings.HasPrefix(string(got), "HTTP/1.0 400 ") {
				t.Errorf("%.10q: got %q", text, got)
			}
		}
		c := dial()
		_, _ = io.WriteString(c, "\x01garbage\x02\x03\x04\x05 and more of it")
		if got, _ := io.ReadAll(c); strings.Contains(string(got), "HTTP") {
			t.Errorf("garbage: got %q", got)
		}
	})
}

// Clients that stall in the handshake hold up nobody, and are cut off in time.
func TestStalledHandshakes(t *testing.T) {
	over(t, tlsTargets, func(t *testing.T, k target) {
		s := k.serve(t, protocols(), config{limits: tako.Limits{HandshakeTimeout: 3 * soon}})
		const stalled = 100
		conns := make([]net.Conn, stalled)
		began := time.Now()
		for i := range conns {
			var err error
			conns[i], err = net.Dial("tcp", s.Addr().String())
			assert.NoError(t, err)
			defer conns[i].Close()
			if i%2 == 0 {
				_, _ = conns[i].Write([]byte{0x16, 3, 1, 1, 0, 1, 0})
			}
		}
		for range 5 {
			assert.Equal(t, get(t, s.client(t), s.url("/"), 200), "HTTP/2")
			assert.Equal(t, get(t, s.client1(t), s.url("/"), 200), "HTTP/1.1")
		}
		for i, c := range conns {
			_ = c.SetReadDeadline(time.Now().Add(patience))
			if n, err := c.Read(make([]byte, 100)); err == nil && i%2 == 1 {
				t.Errorf("client %d: got %d bytes", i, n)
			}
		}
		if since := time.Since(began); since > 30*soon {
			t.Errorf("cut off after %v", since)
		}
		assert.Eventually(t, patience, "them to be counted", func() bool {
			return s.counts().timedOut == stalled && s.counts().refusedHandshakes == stalled
		})
	})
}

// What is known of a connection.
func TestConnInfo(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		infos := make(chan *tako.ConnInfo, 2)
		app := tako.New()
		app.Get("/", func(c *tako.Context) error {
			infos <- c.ConnInfo()
			return c.Text(http.StatusOK, "")
		})
		s := k.serve(t, app, config{})
		c := s.framed(t)
		c.get(1, "/")
		c.get(3, "/")
		c.answered(200, 1, 3)
		info, again := await(t, "the connection", infos), await(t, "the connection", infos)
		assert.Equal(t, info == again, true, "shared")
		assert.Equal(t, info.Transport, "tcp")
		assert.Equal(t, info.Remote.String(), c.LocalAddr().String())
		assert.Equal(t, info.Local.String(), c.RemoteAddr().String())
		if !k.tls {
			assert.Equal(t, info.TLS == nil, true, "no TLS")
			return
		}
		mine := stateOf(c.Conn)
		assert.Equal(t, info.TLS.Version, mine.Version)
		assert.Equal(t, info.TLS.CipherSuite, mine.CipherSuite)
		assert.Equal(t, info.TLS.NegotiatedProtocol, "h2")
		assert.Equal(t, info.TLS.ServerName, "a.example")
		assert.Equal(t, info.TLS.HandshakeComplete, true)
		assert.Equal(t, get(t, s.client1(t), s.url("/"), 200), "")
		info = await(t, "the connection", infos)
		assert.Equal(t, info.TLS.NegotiatedProtocol == "h2", false, "h2 for a client of HTTP/1.1")
	})
}
