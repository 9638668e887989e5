package loop

import (
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// A client that has reset its connection before anybody asked who it is must not pass for a
// peer without an address, which is trusted.
func TestResetBeforeAccepted(t *testing.T) {
	for _, poller := range []string{"epoll", "io_uring"} {
		for _, mode := range []tako.ProxyMode{tako.ProxyOff, tako.ProxyRequired, tako.ProxyOptional} {
			t.Run(poller+"/"+mode.String(), func(t *testing.T) {
				var served atomic.Int64
				app := tako.New()
				app.Get("/", func(c *tako.Context) error {
					if ip := c.ClientIP().String(); ip != "127.0.0.1" {
						t.Errorf("served %s", ip)
					}
					served.Add(1)
					return c.Text(200, "hello")
				})
				s := New(app, Config{Addr: "127.0.0.1:0", Poller: poller, Loops: 1, Log: slog.New(slog.DiscardHandler),
					Proxy: tako.ProxyConfig{Mode: mode, Trusted: []string{"192.0.2.0/24"}}})
				if err := s.Listen(t.Context()); err != nil && poller == "io_uring" {
					t.Skipf("this kernel has no io_uring for us: %v", err)
				} else {
					assert.NoError(t, err)
				}
				for range 5 {
					nc, err := net.Dial("tcp", s.Addr().String())
					assert.NoError(t, err)
					_, err = io.WriteString(nc, "PROXY TCP4 203.0.113.7 198.51.100.1 4711 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
					assert.NoError(t, err)
					assert.NoError(t, nc.(*net.TCPConn).SetLinger(0))
					assert.NoError(t, nc.Close())
				}
				ended := make(chan error, 1)
				go func() { ended <- s.Serve() }()
				assert.Eventually(t, 10*time.Second, "all were looked at", func() bool { return s.Stats().Accepted >= 5 })
				_, err := s.Shutdown(t.Context())
				assert.NoError(t, err)
				assert.NoError(t, <-ended)
				assert.Equal(t, served.Load(), int64(0))
			})
		}
	}
}
