package loop_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// Behind a proxy a connection is the client's, and what came with the header is told.
func TestSocketProxy(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		remotes := make(chan net.Addr, 4)
		start := func(timeout time.Duration) *socketRig {
			return startSockets(t, host, loop.Events{
				Open: func(s *loop.Socket) { remotes <- s.Info().Remote },
				Data: echo,
			}, loop.TCPConfig{Proxy: tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: []string{"127.0.0.1"}, Timeout: timeout}})
		}
		r := start(time.Hour)
		const header = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n"
		whole := r.dial()
		says(t, whole, header+"at once", "at once")
		assert.Equal(t, (<-remotes).String(), "192.0.2.7:4711")
		parts := r.dial()
		says(t, parts, header[:10], "")
		says(t, parts, header[10:], "")
		says(t, parts, "later", "later")
		assert.Equal(t, (<-remotes).String(), "192.0.2.7:4711")
		for wrong, r := range map[string]*socketRig{"no header at all, but quite long\r\n": r, "": start(100 * time.Millisecond)} {
			nc := r.dial()
			says(t, nc, wrong, "")
			rest, _ := io.ReadAll(nc)
			assert.Equal(t, string(rest), "")
		}
		assert.Equal(t, len(remotes), 0, "connections without a header that were told")
	})
}

func TestSocketUnix(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		ln, err := net.Listen("unix", t.TempDir()+"/echo")
		assert.NoError(t, err)
		s := loop.NewTCP(loop.Events{Data: echo}, loop.TCPConfig{Listener: ln, Poller: poller, Loops: 1})
		assert.NoError(t, s.Listen(t.Context()))
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		nc, err := net.DialTimeout("unix", s.Addr().String(), rigPatience)
		assert.NoError(t, err)
		defer nc.Close()
		assert.NoError(t, nc.SetDeadline(time.Now().Add(rigPatience)))
		says(t, nc, "x", "x")
		_ = nc.Close()
		_, err = s.Shutdown(t.Context())
		assert.NoError(t, err)
		assert.NoError(t, <-served)
	})
}

// What may become a header and ends is what it is, where none has to come.
func TestSocketProxyHalf(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		r := startSockets(t, host, loop.Events{Data: echo},
			loop.TCPConfig{Proxy: tako.ProxyConfig{Mode: tako.ProxyOptional, Trusted: []string{"127.0.0.1"}}})
		nc := r.dial()
		says(t, nc, "PRO", "")
		assert.NoError(t, nc.CloseWrite())
		rest, err := io.ReadAll(nc)
		assert.NoError(t, err)
		assert.Equal(t, string(rest), "PRO")
	})
}

// A drain does not wait for a header longer than for a first word.
func TestSocketProxyDrain(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		r := startSockets(t, host, loop.Events{Data: echo},
			loop.TCPConfig{Proxy: tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: []string{"127.0.0.1"}, Timeout: time.Hour}})
		nc := r.dial()
		says(t, nc, "PROXY T", "")
		assert.Eventually(t, rigPatience, "it is accepted", func() bool { return r.s.Stats().Conns == 1 })
		_, err := r.shutdown(rigPatience)
		assert.NoError(t, err)
		rest, _ := io.ReadAll(nc)
		assert.Equal(t, string(rest), "")
	})
}
