//go:build unix

package udp_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/udp"
)

func listenUnix(path string) tako.ListenPacketFunc {
	return func(ctx context.Context) (net.PacketConn, error) {
		var lc net.ListenConfig
		return lc.ListenPacket(ctx, "unixgram", path)
	}
}

func TestUnixDatagrams(t *testing.T) {
	dir := t.TempDir()
	infos, failures := make(chan *tako.ConnInfo, 1), make(chan error, 2)
	s := start(t, func(_ context.Context, p *udp.Packet) error {
		if string(p.Data) == "nameless" {
			_, err := p.WriteTo(p.Data, netip.MustParseAddrPort("127.0.0.1:1"))
			failures <- err
			err = echo(nil, p)
			failures <- err
			return err
		}
		infos <- p.Info()
		assert.Equal(t, p.Remote().IsValid() || p.Local().IsValid(), false, "IP addresses")
		if p.Truncated {
			p.Data = append(p.Data, '+')
		}
		return echo(nil, p)
	}, udp.Config{Listen: listenUnix(filepath.Join(dir, "server")), MaxDatagram: 10}, udp.Allow("192.0.2.1"), udp.RateLimit(1, 1))
	at := &net.UnixAddr{Name: filepath.Join(dir, "client"), Net: "unixgram"}
	c, err := net.DialUnix("unixgram", at, s.Addr().(*net.UnixAddr))
	assert.NoError(t, err)
	defer c.Close()
	assert.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	for sent, want := range map[string]string{"hello": "hello", strings.Repeat("x", 10): "xxxxxxxxxx", strings.Repeat("x", 11): "xxxxxxxxxx+"} {
		_, err = c.Write([]byte(sent))
		assert.NoError(t, err)
		info := <-infos
		assert.Equal(t, info.Transport, "unix")
		assert.Equal(t, info.Remote.String(), at.Name)
		assert.Equal(t, info.Local.String(), s.Addr().String())
		buf := make([]byte, 100)
		n, err := c.Read(buf)
		assert.NoError(t, err)
		assert.Equal(t, string(buf[:n]), want)
	}
	nameless, err := net.DialUnix("unixgram", nil, s.Addr().(*net.UnixAddr))
	assert.NoError(t, err)
	defer nameless.Close()
	_, err = nameless.Write([]byte("nameless"))
	assert.NoError(t, err)
	assert.ErrorIs(t, <-failures, errors.ErrUnsupported)
	if err := <-failures; err == nil {
		t.Error("answered nobody")
	}
}

// Sockets are passed on without a copy of the flags, and who has them both is served by
// both.
func TestInherit(t *testing.T) {
	for _, addr := range []string{"udp", "unixgram"} {
		t.Run(addr, func(t *testing.T) {
			cfg := udp.Config{Addr: "127.0.0.1:0", Log: quiet}
			if addr == "unixgram" {
				cfg.Listen = listenUnix(filepath.Join(t.TempDir(), "server"))
			}
			old := start(t, echo, cfg)
			files, err := old.Sockets()
			assert.NoError(t, err)
			spare := newFaulty()
			next := udp.New(echo, udp.Config{Conn: spare, Log: quiet})
			assert.NoError(t, next.Inherit(files))
			for _, f := range files {
				if f.Close() == nil {
					t.Error("the file is open still")
				}
			}
			files, err = old.Sockets()
			assert.NoError(t, err)
			if err := next.Inherit(files); err == nil {
				t.Error("inherited twice, got no error")
			}
			assert.NoError(t, next.Listen(t.Context()))
			<-spare.closed
			assert.Equal(t, next.Addr().String(), old.Addr().String())
			_, err = old.Shutdown(soon(t))
			assert.NoError(t, err)
			_, err = old.Sockets()
			assert.ErrorIs(t, err, net.ErrClosed)
			served := make(chan error, 1)
			if addr == "udp" { // what comes in between waits
				c := dial(t, next.Addr())
				c.send("waiting")
				go func() { served <- next.Serve() }()
				assert.Equal(t, c.answer(), "waiting")
				c.send("later")
				assert.Equal(t, c.answer(), "later")
			} else {
				go func() { served <- next.Serve() }()
			}
			_, err = next.Shutdown(soon(t))
			assert.NoError(t, err)
			assert.NoError(t, <-served)
		})
	}
}

// A server that has passed its sockets on serves what waits in them all the same: nobody knows
// whether there is another process still.
func TestSharedEmptied(t *testing.T) {
	eachBatch(t, func(t *testing.T, batch int) {
		s := udp.New(echo, udp.Config{Addr: "127.0.0.1:0", Log: quiet, Batch: batch})
		assert.NoError(t, s.Listen(t.Context()))
		files, err := s.Sockets()
		assert.NoError(t, err)
		for _, f := range files {
			defer f.Close()
		}
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		c := dial(t, s.Addr())
		c.send("first")
		assert.Equal(t, c.answer(), "first") // it serves
		const sent = 50
		for range sent {
			c.send("x")
		}
		_, err = s.Shutdown(soon(t))
		assert.NoError(t, err)
		assert.NoError(t, <-served)
		for range sent {
			assert.Equal(t, c.answer(), "x")
		}
		assert.Equal(t, s.Stats().Served, sent+1)
	})
}

func TestInheritMistakes(t *testing.T) {
	s := udp.New(echo, udp.Config{})
	if err := s.Inherit(nil); err == nil {
		t.Error("nothing to inherit, got no error")
	}
	if _, err := s.Sockets(); err == nil {
		t.Error("Sockets before Listen: got no error")
	}
	hidden := udp.New(echo, udp.Config{Conn: newFaulty(), Log: quiet})
	assert.NoError(t, hidden.Listen(t.Context()))
	_, err := hidden.Sockets()
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = hidden.Shutdown(soon(t))
	assert.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer ln.Close()
	f, err := ln.(*net.TCPListener).File()
	assert.NoError(t, err)
	if err := s.Inherit([]*os.File{f}); err == nil {
		t.Error("a listener of TCP, got no error")
	}
	if f.Close() == nil {
		t.Error("the file is open still")
	}
}

// An address that several sockets share is never free between them: who wants it too gets it
// before the first, or not at all.
func TestSeveralSocketsKeepAddress(t *testing.T) {
	t.Parallel()
	first, err := net.ListenPacket("udp4", "127.0.0.1:0")
	assert.NoError(t, err)
	addr := first.LocalAddr().String()
	_ = first.Close()
	over := make(chan struct{})
	var rival sync.WaitGroup
	rival.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				if conn, err := net.ListenPacket("udp4", addr); err == nil {
					runtime.Gosched()
					_ = conn.Close()
				}
			}
		}
	})
	defer rival.Wait()
	defer close(over)
	for up, rounds := 0, 0; up < 1000 && rounds < 5000; rounds++ {
		s := udp.New(echo, udp.Config{Addr: addr, Sockets: 4, Log: quiet})
		switch err := s.Listen(t.Context()); {
		case err == nil:
			up++
		case strings.Contains(err.Error(), "4 sockets"):
			t.Fatalf("in round %d: %v", rounds, err)
		}
		_, _ = s.Shutdown(t.Context())
	}
}

// Several sockets share the senders of one address.
func TestSeveralSockets(t *testing.T) {
	s := start(t, echo, udp.Config{Sockets: 4})
	files, err := s.Sockets()
	assert.NoError(t, err)
	assert.Equal(t, len(files), 4)
	for _, f := range files {
		assert.NoError(t, f.Close())
	}
	for range 20 {
		c := dial(t, s.Addr())
		c.send("hello")
		assert.Equal(t, c.answer(), "hello")
	}
}
