package conformance_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako/internal/assert"
)

// dialClear connects without TLS where the client asks for it with.
func dialClear(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// TestXNetPings sends more pings than anybody needs, on a connection with a stream
// and on one without: that is a nuisance, not an attack.
func TestXNetPings(t *testing.T) {
	each(t, nil, func(t *testing.T, s *server) {
		ctx, cancel := context.WithTimeout(t.Context(), peerLimit)
		defer cancel()
		conn := dialH2(t, s)
		defer conn.Close()
		cc, err := new(http2.Transport).NewClientConn(conn)
		assert.NoError(t, err)
		waited := make(chan error, 1)
		wait, leave := context.WithCancel(ctx)
		for _, streams := range []bool{false, true} {
			if streams {
				go func() {
					resp, err := cc.RoundTrip(request(t, http.MethodGet, s.url("/wait"), nil).WithContext(wait))
					if err == nil {
						resp.Body.Close()
					}
					waited <- err
				}()
			}
			for i := range 200 {
				assert.NoError(t, cc.Ping(ctx), "ping ", i, ", with a stream: ", streams)
			}
		}
		leave()
		assert.ErrorIs(t, <-waited, context.Canceled)
		resp, err := cc.RoundTrip(request(t, http.MethodGet, s.url("/"), nil))
		assert.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, resp.StatusCode, http.StatusOK)
	})
}

func dialH2(t *testing.T, s *server) net.Conn {
	t.Helper()
	if !s.tls {
		conn, err := net.DialTimeout("tcp", s.addr, peerLimit)
		assert.NoError(t, err)
		return conn
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: peerLimit}, "tcp", s.addr, insecureTLS())
	assert.NoError(t, err)
	assert.Equal(t, conn.ConnectionState().NegotiatedProtocol, "h2")
	return conn
}

// TestALPN is TL-03.
func TestALPN(t *testing.T) {
	tests := []struct {
		offer []string
		want  string
		fails bool
	}{
		{offer: []string{"h2", "http/1.1"}, want: "h2"},
		{offer: []string{"http/1.1", "h2"}, want: "h2"},
		{offer: []string{"http/1.1"}, want: "http/1.1"},
		{offer: nil, want: ""},
		{offer: []string{"spdy/3", "foo"}, fails: true},
	}
	each(t, overTLS, func(t *testing.T, s *server) {
		for _, tt := range tests {
			config := insecureTLS()
			config.NextProtos = tt.offer
			conn, err := tls.DialWithDialer(&net.Dialer{Timeout: peerLimit}, "tcp", s.addr, config)
			if tt.fails {
				if err == nil {
					conn.Close()
					t.Errorf("%v: the handshake succeeded", tt.offer)
					continue
				}
				assert.Contains(t, err.Error(), "no application protocol", tt.offer)
				continue
			}
			assert.NoError(t, err, tt.offer)
			assert.Equal(t, conn.ConnectionState().NegotiatedProtocol, tt.want, tt.offer)
			conn.Close()
		}
	})
}

// TestMixedUp is the rest of TL-03 and TL-09: who speaks something else than was agreed
// is refused, and nobody else notices.
func TestMixedUp(t *testing.T) {
	each(t, nil, func(t *testing.T, s *server) {
		var conn net.Conn
		var err error
		if s.tls {
			config := insecureTLS()
			config.NextProtos = []string{"http/1.1"}
			conn, err = tls.Dial("tcp", s.addr, config)
			assert.NoError(t, err)
			_, err = io.WriteString(conn, http2.ClientPreface)
		} else {
			conn, err = net.Dial("tcp", s.addr)
			assert.NoError(t, err)
			_, err = conn.Write([]byte("\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + strings.Repeat("\x01", 158)))
		}
		assert.NoError(t, err)
		defer conn.Close()
		assert.NoError(t, conn.SetReadDeadline(time.Now().Add(stopLimit)))
		answer, err := io.ReadAll(conn)
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			t.Error("the connection stays open")
		}
		text := string(answer)
		if text != "" && !strings.HasPrefix(text, "HTTP/1.1 400 ") && !strings.HasPrefix(text, "HTTP/1.1 505 ") {
			t.Errorf("got %q, want an error or nothing", text)
		}
		assert.Contains(t, s.ask(t, "/"), "Hello")
	})
}
