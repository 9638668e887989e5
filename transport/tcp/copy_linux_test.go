package tcp_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/tcp"
)

// noise is data that no two places have in common.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return b
}

// tunnel copies between the client and another server, both ways.
func tunnel(to net.Addr) tcp.Handler {
	return func(_ context.Context, c *tcp.Conn) error {
		up, err := net.Dial("tcp", to.String())
		if err != nil {
			return err
		}
		defer up.Close()
		there := make(chan error, 1)
		go func() {
			_, err := io.Copy(up, c)
			there <- errors.Join(err, up.(*net.TCPConn).CloseWrite())
		}()
		_, err = io.Copy(c, up)
		return errors.Join(err, c.CloseWrite(), <-there)
	}
}

// What the kernel copies arrives whole, with what came behind a PROXY header, and is counted.
func TestTunnel(t *testing.T) {
	t.Parallel()
	certs := transport.SelfSigned()
	data := noise(5 << 20)
	for name, layers := range map[string][]tcp.Layer{"plain": nil, "proxy": {proxied()}, "tls": {tcp.TLS(certs)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, tunnel(start(t, plain, tcp.Config{}).Addr()), tcp.Config{}, layers...)
			c := dial(t, s)
			if name == "tls" {
				c = secure(t, c, certs)
			}
			go func() {
				all := data
				if name == "proxy" {
					all = append([]byte(header), data...)
				}
				_, _ = c.Write(all)
				_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
			}()
			got, err := io.ReadAll(c.in)
			assert.NoError(t, err)
			assert.Equal(t, sha256.Sum256(got), sha256.Sum256(data), len(got), " bytes")
			assert.Eventually(t, patience, "it is gone", func() bool { return s.Stats().Conns == 0 })
			stats := s.Stats()
			assert.Equal(t, []int64{stats.BytesIn, stats.BytesOut, stats.Errors}, []int64{int64(len(data)), int64(len(data)), 0})
		})
	}
}

// Between two connections of ours, and some bytes only.
func TestCopyN(t *testing.T) {
	t.Parallel()
	conns := make(chan *tcp.Conn, 2)
	ended := make(chan struct{})
	s := start(t, func(_ context.Context, c *tcp.Conn) error {
		conns <- c
		<-ended
		return nil
	}, tcp.Config{})
	from := dial(t, s)
	src := <-conns
	to := dial(t, s)
	dst := <-conns
	from.send("hello\nworld\n")
	n, err := io.CopyN(dst, src, 6)
	assert.NoError(t, err)
	assert.Equal(t, n, int64(6))
	to.gets("hello")
	rest := make([]byte, 6)
	_, err = io.ReadFull(src, rest)
	assert.NoError(t, err)
	assert.Equal(t, string(rest), "world\n")
	close(ended)
	to.ended()
}

func TestSendFile(t *testing.T) {
	t.Parallel()
	data := noise(3 << 20)
	name := filepath.Join(t.TempDir(), "file")
	assert.NoError(t, os.WriteFile(name, data, 0o600))
	s := start(t, func(_ context.Context, c *tcp.Conn) error {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if n, err := io.CopyN(c, f, 10); n != 10 || err != nil {
			return errors.Join(errors.New("short"), err)
		}
		_, err = io.Copy(c, f)
		return err
	}, tcp.Config{})
	got, err := io.ReadAll(dial(t, s).in)
	assert.NoError(t, err)
	assert.Equal(t, bytes.Equal(got, data), true, "arrived whole")
	assert.Equal(t, s.Stats().BytesOut, int64(len(data)))
}

// A tunnel is idle when nothing goes through it, not because the kernel does not tell.
func TestCN05Tunnel(t *testing.T) {
	t.Parallel()
	s := start(t, tunnel(start(t, plain, tcp.Config{}).Addr()), tcp.Config{Limits: tako.Limits{IdleTimeout: rest, WriteTimeout: rest}})
	c := dial(t, s)
	for range 8 {
		c.asks("hello")
		c.silent(rest / 4)
	}
	assert.Equal(t, s.Stats().TimedOut, int64(0))
	began := time.Now()
	c.gone()
	if took := time.Since(began); took > patience/2 {
		t.Errorf("closed after %v", took)
	}
	assert.Equal(t, s.Stats().TimedOut, int64(1))
}

// flooded copies from a server that never stops.
func flooded(t *testing.T, limits tako.Limits) *tcp.Server {
	t.Helper()
	flood := start(t, func(_ context.Context, c *tcp.Conn) error {
		for {
			if _, err := c.Write(make([]byte, 1<<20)); err != nil {
				return nil
			}
		}
	}, tcp.Config{})
	return start(t, func(_ context.Context, c *tcp.Conn) error {
		up, err := net.Dial("tcp", flood.Addr().String())
		if err != nil {
			return err
		}
		defer up.Close()
		_, err = io.Copy(c, up)
		return err
	}, tcp.Config{Limits: limits})
}

// The client that takes nothing is the one that is cut off.
func TestCN06Tunnel(t *testing.T) {
	t.Parallel()
	s := flooded(t, tako.Limits{WriteTimeout: short})
	dial(t, s)
	assert.Eventually(t, patience, "it is cut off", func() bool { return s.Stats().TimedOut == 1 && s.Stats().Conns == 0 })
	assert.Equal(t, s.Stats().Errors, int64(0))
}

// One that takes slowly is not, however full the socket always is.
func TestCN06TunnelSlow(t *testing.T) {
	t.Parallel()
	s := flooded(t, tako.Limits{WriteTimeout: rest})
	c := dial(t, s)
	pace := time.NewTicker(short / 10)
	defer pace.Stop()
	for range 60 {
		<-pace.C
		_, err := io.CopyN(io.Discard, c, 128<<10)
		assert.NoError(t, err)
	}
	assert.Equal(t, s.Stats().TimedOut, int64(0))
	assert.Equal(t, s.Stats().Conns, int64(1))
}
