package tcp

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// Copies between TCP connections are the kernel's, whichever of them is ours.
func TestSplices(t *testing.T) {
	back, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer back.Close()
	conns := make(chan *Conn, 1)
	s := New(func(ctx context.Context, c *Conn) error {
		up, err := net.Dial("tcp", back.Addr().String())
		if err != nil {
			return err
		}
		defer up.Close()
		conns <- c
		go func() { _, _ = io.Copy(c, up) }()
		_, err = io.Copy(up, c)
		return err
	}, Config{Addr: "127.0.0.1:0"})
	assert.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	client, err := net.Dial("tcp", s.Addr().String())
	assert.NoError(t, err)
	c := <-conns
	assert.Eventually(t, 10*time.Second, "both ways are the kernel's", func() bool { return c.splicing.Load() == 2 })
	assert.Equal(t, silence(c.raw) >= 0, true, "the kernel tells of silence")
	assert.Equal(t, writable(c.raw), true, "writable")
	assert.Equal(t, c.takes(), false, "nothing was sent")
	_, err = c.Write(make([]byte, piece))
	assert.NoError(t, err)
	_, err = io.ReadFull(client, make([]byte, piece))
	assert.NoError(t, err)
	assert.Eventually(t, 10*time.Second, "the client has taken a piece", c.takes)
	assert.Equal(t, c.takes(), false, "it is counted once")
	_ = client.Close()
	_, err = s.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.NoError(t, <-served)
	assert.Eventually(t, 10*time.Second, "no copy is under way", func() bool { return c.splicing.Load() == 0 })
}

func TestIsFile(t *testing.T) {
	r, w, err := os.Pipe()
	assert.NoError(t, err)
	defer r.Close()
	defer w.Close()
	assert.Equal(t, isFile(r), false, "a pipe makes its reader wait")
	assert.Equal(t, isFile(struct{ io.Reader }{r}), false)
}
