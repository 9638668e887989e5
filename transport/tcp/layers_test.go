package tcp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/tcp"
)

// secure does the handshake of a client.
func secure(t testing.TB, c *client, certs *transport.SelfSignedCerts, protocols ...string) *client {
	t.Helper()
	conn := tls.Client(c.Conn, &tls.Config{RootCAs: certs.CertPool(), ServerName: "localhost", NextProtos: protocols})
	assert.NoError(t, conn.Handshake())
	return wrap(t, conn)
}

// tell answers with what the handler knows of its connection, and then echoes.
func tell(ctx context.Context, c *tcp.Conn) error {
	i := c.Info()
	text := fmt.Sprintf("%s %v %v", i.Transport, c.RemoteAddr(), c.LocalAddr())
	if i.TLS != nil {
		text += fmt.Sprintf(" %x %s %s", i.TLS.Version, i.TLS.NegotiatedProtocol, i.TLS.ServerName)
	}
	if i.Proxy != nil {
		text += fmt.Sprintf(" v%d %v", i.Proxy.Version, i.Proxy.Proxy)
	}
	if _, err := fmt.Fprintln(c, text); err != nil {
		return err
	}
	return echo(ctx, c)
}

func proxied() tcp.Layer {
	return tcp.Proxy(tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: []string{"127.0.0.1"}})
}

const header = "PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\r\n"

func TestCN14Info(t *testing.T) {
	t.Parallel()
	certs := transport.SelfSigned()
	t.Run("tcp", func(t *testing.T) {
		c := dial(t, start(t, tell, tcp.Config{}))
		c.gets(fmt.Sprintf("tcp %v %v", c.LocalAddr(), c.RemoteAddr()))
	})
	t.Run("tls", func(t *testing.T) {
		s := start(t, tell, tcp.Config{}, tcp.TLS(certs, "echo/2", "echo/1"))
		assert.Equal(t, s.Describe(), "tls (tcp)")
		c := secure(t, dial(t, s), certs, "echo/1", "other")
		c.gets(fmt.Sprintf("tcp %v %v 304 echo/1 localhost", c.LocalAddr(), c.RemoteAddr()))
		c.asks("hello")
	})
	t.Run("PP-10 proxy", func(t *testing.T) {
		c := dial(t, start(t, tell, tcp.Config{}, proxied()))
		c.send(header + "with it\n")
		c.gets("tcp 192.0.2.7:1234 192.0.2.1:443 v1 " + c.LocalAddr().String())
		c.gets("with it")
		c.asks("later")
		c.asks(strings.TrimSpace(header[:len(header)-2])) // a second one is data
	})
	t.Run("PP-08 local", func(t *testing.T) {
		c := dial(t, start(t, tell, tcp.Config{}, proxied()))
		c.send("PROXY UNKNOWN\r\n")
		c.gets(fmt.Sprintf("tcp %v %v v1 %v", c.LocalAddr(), c.RemoteAddr(), c.LocalAddr()))
	})
	t.Run("PP-10 proxy and tls", func(t *testing.T) {
		s := start(t, tell, tcp.Config{}, proxied(), tcp.TLS(certs))
		raw := dial(t, s)
		raw.send(header)
		c := secure(t, raw, certs)
		c.gets("tcp 192.0.2.7:1234 192.0.2.1:443 304  localhost v1 " + raw.LocalAddr().String())
		c.asks("hello")
	})
	t.Run("PP-04 byte by byte", func(t *testing.T) {
		c := dial(t, start(t, tell, tcp.Config{}, proxied()))
		for _, b := range []byte(header + "hello\n") {
			c.send(string(b))
		}
		c.gets("tcp 192.0.2.7:1234 192.0.2.1:443 v1 " + c.LocalAddr().String())
		c.gets("hello")
	})
	t.Run("unix", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "s")
		ln, err := net.Listen("unix", file)
		assert.NoError(t, err)
		peers := make(chan *tako.PeerCred, 1)
		s := start(t, func(ctx context.Context, c *tcp.Conn) error {
			peers <- c.Info().Peer
			return tell(ctx, c)
		}, tcp.Config{Listener: ln})
		assert.Equal(t, s.Describe(), "unix")
		c := dial(t, s)
		c.gets("unix @ " + file)
		if got := <-peers; runtime.GOOS == "linux" && (got == nil || *got != tako.PeerCred{PID: os.Getpid(), UID: os.Getuid(), GID: os.Getgid()}) {
			t.Errorf("got peer %+v", got)
		}
		c.asks("hello")
		_, err = s.Shutdown(t.Context())
		assert.NoError(t, err)
		_, err = os.Stat(file)
		assert.ErrorIs(t, err, os.ErrNotExist)
	})
	t.Run("unix and proxy", func(t *testing.T) {
		ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
		assert.NoError(t, err)
		c := dial(t, start(t, tell, tcp.Config{Listener: ln}, proxied()))
		c.send(header)
		c.gets("unix 192.0.2.7:1234 192.0.2.1:443 v1 @")
	})
}

func TestLayerMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		layer tcp.Layer
		want  string
	}{
		{tcp.TLS(nil), "without certificates"},
		{tcp.TLS(transport.CertFiles("no-such-cert.pem", "no-such-key.pem")), "no-such-cert.pem"},
		{tcp.Proxy(tako.ProxyConfig{Mode: tako.ProxyRequired}), "Trusted is empty"},
		{tcp.Proxy(tako.ProxyConfig{Mode: 77}), "unknown Mode"},
		{tcp.Allow(), "without networks"},
		{tcp.Allow("10.0.0.0/8", "example.com"), `Allow: "example.com"`},
		{tcp.Deny("10.0.0.0/99"), `Deny: "10.0.0.0/99"`},
		{tcp.Limit(0), "Limit(0)"},
		{tcp.PerAddress(-1), "PerAddress(-1)"},
	}
	for _, tt := range tests {
		ln := listener(t)
		err := tcp.New(echo, tcp.Config{Listener: ln, Log: quiet}, tt.layer).Listen(t.Context())
		if err == nil {
			t.Errorf("no error, want %q", tt.want)
			continue
		}
		assert.Contains(t, err.Error(), tt.want)
		assert.Equal(t, ln.closed.Load(), true, "closed: "+tt.want)
	}
}

// The first layer is outermost, and an error is the caller's business.
func TestLayerOrder(t *testing.T) {
	t.Parallel()
	var calls []string
	mark := func(name string) tcp.Layer {
		return tcp.Middleware(func(next tcp.Handler) tcp.Handler {
			return func(ctx context.Context, c *tcp.Conn) error {
				calls = append(calls, name)
				err := next(ctx, c)
				calls = append(calls, name+" after")
				return err
			}
		})
	}
	logs := &logbook{}
	s := start(t, func(context.Context, *tcp.Conn) error { return errors.New("on purpose") },
		tcp.Config{Log: logs.log()}, tcp.Log(nil), mark("a"), mark("b"))
	dial(t, s).ended()
	assert.Eventually(t, patience, "it is counted", func() bool { return s.Stats().Conns == 0 })
	assert.Equal(t, calls, []string{"a", "b", "b after", "a after"})
	assert.Equal(t, s.Stats().Errors, int64(1))
	assert.Contains(t, logs.String(), "msg=connection peer=127.0.0.1")
	assert.Contains(t, logs.String(), `msg="handler failed"`)
	assert.Contains(t, logs.String(), `err="on purpose"`)
}

// Who is let in depends on the address that is known so far.
func TestPP10Lists(t *testing.T) {
	t.Parallel()
	certs := transport.SelfSigned()
	tests := []struct {
		name   string
		layers []tcp.Layer
		in     bool
	}{
		{"the balancer is allowed", []tcp.Layer{tcp.Allow("127.0.0.0/8"), proxied()}, true},
		{"the client is not", []tcp.Layer{proxied(), tcp.Allow("127.0.0.0/8")}, false},
		{"the client is", []tcp.Layer{proxied(), tcp.Allow("unix", "2001:db8::/32", "192.0.2.7")}, true},
		{"the client is denied", []tcp.Layer{proxied(), tcp.Deny("::ffff:192.0.2.0/120")}, false},
		{"others are denied", []tcp.Layer{proxied(), tcp.Deny("192.0.2.6", "unix")}, true},
		{"behind TLS", []tcp.Layer{proxied(), tcp.TLS(certs), tcp.Allow("192.0.2.0/24")}, true},
		{"not behind TLS", []tcp.Layer{proxied(), tcp.TLS(certs), tcp.Deny("0.0.0.0/0")}, false},
		{"who is not trusted", []tcp.Layer{tcp.Proxy(tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: []string{"192.0.2.0/24"}})}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, echo, tcp.Config{}, tt.layers...)
			c := dial(t, s)
			c.send(header)
			if s.Describe() == "tls (tcp)" {
				c = secure(t, c, certs)
			}
			if tt.in {
				c.asks("hello")
			} else {
				c.gone()
			}
			stats := s.Stats()
			assert.Equal(t, stats.RefusedConns+stats.RefusedHeaders == 0, tt.in, "counted")
		})
	}
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	assert.NoError(t, err)
	dial(t, start(t, echo, tcp.Config{Listener: ln}, tcp.Allow("unix"))).asks("hello")
	ln, err = net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	assert.NoError(t, err)
	dial(t, start(t, echo, tcp.Config{Listener: ln}, tcp.Allow("0.0.0.0/0", "::/0"))).gone()
}

func TestPP02NoHeader(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"GET / HTTP/1.1\r\n", "PROXY TCP4 x\r\n", "PROXX"} {
		logs := &logbook{}
		s := start(t, echo, tcp.Config{Log: logs.log()}, proxied())
		c := dial(t, s)
		c.send(text)
		c.gone()
		assert.Eventually(t, patience, "it is gone", func() bool { return s.Stats().Conns == 0 })
		assert.Equal(t, s.Stats(), tcp.Stats{Accepted: 1, RefusedHeaders: 1}, text)
		assert.Contains(t, logs.String(), "PROXY header refused")
	}
}

// Behind a balancer the client counts, not the balancer.
func TestCN03Proxied(t *testing.T) {
	t.Parallel()
	s := start(t, echo, tcp.Config{Limits: tako.Limits{ConnsPerAddr: 2}}, proxied())
	as := func(ip string) *client {
		c := dial(t, s)
		c.send("PROXY TCP4 " + ip + " 192.0.2.1 1 2\r\n")
		return c
	}
	for _, ip := range []string{"192.0.2.8", "192.0.2.8", "192.0.2.9", "192.0.2.9"} {
		as(ip).asks(ip)
	}
	as("192.0.2.8").gone()
	as("192.0.2.10").asks("somebody else")
	assert.Equal(t, s.Stats().RefusedConns, int64(1))
}

func TestCaps(t *testing.T) {
	t.Parallel()
	for name, layer := range map[string]tcp.Layer{"Limit": tcp.Limit(2), "PerAddress": tcp.PerAddress(2)} {
		t.Run(name, func(t *testing.T) {
			// One layer may stand before several servers, which do not share the cap.
			one, two := start(t, echo, tcp.Config{}, layer), start(t, echo, tcp.Config{}, layer)
			a, b := dial(t, one), dial(t, one)
			a.asks("a")
			b.asks("b")
			dial(t, one).gone()
			assert.Equal(t, one.Stats().RefusedConns, int64(1))
			dial(t, two).asks("c")
			_ = a.Close()
			assert.Eventually(t, patience, "a is gone", func() bool { return one.Stats().Conns == 1 })
			dial(t, one).asks("d")
		})
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	s := tcp.New(echo, tcp.Config{})
	assert.Equal(t, s.Reloads(), false)
	assert.NoError(t, s.Reload(t.Context()))
	certs := &reloaded{Certs: transport.SelfSigned(), err: errors.New("on purpose")}
	s = tcp.New(echo, tcp.Config{}, tcp.Log(nil), tcp.TLS(certs))
	assert.Equal(t, s.Reloads(), true)
	assert.ErrorIs(t, s.Reload(t.Context()), certs.err)
	assert.Equal(t, certs.times, 1)
}

type reloaded struct {
	tako.Certs
	err   error
	times int
}

func (r *reloaded) Reload(context.Context) error { r.times++; return r.err }
