package std_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/std"
)

// A request that a handler has seen is answered, also if it came just when a drain
// closes idle connections.
func TestDrainBesideRequests(t *testing.T) {
	for range 20 {
		var served atomic.Int64
		app := tako.New()
		app.Get("/", func(c *tako.Context) error { served.Add(1); return c.Text(200, "hello") })
		s := std.New(app, std.Config{Addr: "127.0.0.1:0"})
		assert.NoError(t, s.Listen(context.Background()))
		ended := make(chan error, 1)
		go func() { ended <- s.Serve() }()
		var answered atomic.Int64
		var clients sync.WaitGroup
		for range 8 {
			c, err := net.Dial("tcp", s.Addr().String())
			assert.NoError(t, err)
			clients.Go(func() { answered.Add(askUntilClosed(c)) })
		}
		assert.Eventually(t, 10*time.Second, "requests", func() bool { return served.Load() > 200 })
		_, err := s.Shutdown(context.Background())
		assert.NoError(t, err)
		assert.NoError(t, <-ended)
		clients.Wait()
		assert.Equal(t, answered.Load(), served.Load(), "answers to requests that were served")
	}
}

// askUntilClosed sends one request after the other, and returns how many were
// answered in full.
func askUntilClosed(c net.Conn) (n int64) {
	defer c.Close()
	buf := make([]byte, 4096)
	for {
		if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
			return n
		}
		got := 0
		for got < 5 || string(buf[got-5:got]) != "hello" {
			more, err := c.Read(buf[got:])
			if err != nil {
				return n
			}
			got += more
		}
		n++
	}
}
