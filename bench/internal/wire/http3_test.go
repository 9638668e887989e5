package wire

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// serve3 is serve for HTTP/3.
func serve3(t *testing.T, pair Pair) (addr string) {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(pair.File, pair.File)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http3.Server{Handler: http.NotFoundHandler(), TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(conn)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
		_ = conn.Close()
	})
	return conn.LocalAddr().String()
}

func TestHTTP3(t *testing.T) {
	pair := newPair(t)
	addr := serve3(t, pair)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	from := net.IPv4(127, 0, 0, 1)
	c, err := Dial3(ctx, from, addr, pair)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if host, _, _ := net.SplitHostPort(c.LocalAddr().String()); host != from.String() {
		t.Errorf("connected from %s", c.LocalAddr())
	}
	transport := Transport3(pair)
	defer transport.Close()
	for _, rt := range []http.RoundTripper{c, transport} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+addr+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if err := H3.Check(resp); err != nil {
			t.Error(err)
		}
		if H2.Check(resp) == nil {
			t.Error("an answer over HTTP/3 counts as one over HTTP/2")
		}
	}
}

func TestHTTP3TrustsThePairAlone(t *testing.T) {
	addr := serve3(t, newPair(t))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := Dial3(ctx, nil, addr, newPair(t))
	if err == nil {
		_ = c.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}
