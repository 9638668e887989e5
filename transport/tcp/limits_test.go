package tcp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/tcp"
)

// failing is a listener that fails to accept the first times.
type failing struct {
	net.Listener
	err  error
	left atomic.Int64
	last atomic.Int64 // when it has failed
}

func (l *failing) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		l.last.Store(time.Now().UnixNano())
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: l.err}
	}
	return l.Listener.Accept()
}

func TestCN01AcceptFails(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{syscall.EMFILE, syscall.ECONNABORTED} {
		ln := &failing{Listener: listener(t), err: failure}
		ln.left.Store(5)
		logs := &logbook{}
		began := time.Now()
		s := start(t, echo, tcp.Config{Listener: ln, Log: logs.log()})
		dial(t, s).asks("hello")
		assert.Equal(t, s.Stats().AcceptErrors, int64(5))
		// 5, 10, 20, 40 and 80 ms; the last is after the last failure.
		if took := time.Duration(ln.last.Load() - began.UnixNano()); took < 70*time.Millisecond {
			t.Errorf("accept was tried 5 times within %v", took)
		}
		assert.Contains(t, logs.String(), failure.Error())
	}
}

func TestCN02Total(t *testing.T) {
	t.Parallel()
	const limit, clients = 4, 12
	var live, most atomic.Int64
	release := make(chan struct{})
	entered := make(chan struct{}, clients)
	s := start(t, func(_ context.Context, c *tcp.Conn) error {
		n := live.Add(1)
		defer live.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		entered <- struct{}{}
		<-release
		_, err := io.WriteString(c, "done\n")
		return err
	}, tcp.Config{Limits: tako.Limits{Conns: limit, ConnsPerAddr: tako.NoLimit}})
	var all []*client
	for range clients {
		all = append(all, dial(t, s))
	}
	for range limit {
		wait(t, "clients below the cap", entered)
	}
	all[clients-1].silent(short)
	assert.Equal(t, s.Stats().Conns, int64(limit))
	close(release)
	for _, c := range all {
		c.gets("done")
		c.ended()
	}
	assert.Equal(t, most.Load(), int64(limit), "connections at the same time")
}

// Whatever becomes of a connection, its slot is given back once.
func TestCN02SlotsReturn(t *testing.T) {
	t.Parallel()
	certs := transport.SelfSigned()
	s := start(t, func(_ context.Context, c *tcp.Conn) error {
		line := make([]byte, 5)
		if _, err := io.ReadFull(c, line); err != nil {
			return err
		}
		switch string(line) {
		case "panic":
			panic("on purpose")
		case "error":
			return errors.New("on purpose")
		case "close":
			return c.Close()
		case "reset":
			return c.Reset()
		}
		_, err := c.Write([]byte("fine\n"))
		return err
	}, tcp.Config{Limits: tako.Limits{Conns: 2, ConnsPerAddr: 2}}, tcp.TLS(certs))
	for range 3 {
		for _, text := range []string{"panic", "error", "close", "reset"} {
			c := secure(t, dial(t, s), certs)
			c.send(text)
			c.gone()
		}
		plain := dial(t, s)
		plain.send("this is no handshake\n")
		_, _ = io.Copy(io.Discard, plain)
	}
	assert.Eventually(t, patience, "all are gone", func() bool { return s.Stats().Conns == 0 })
	for range 3 {
		c := secure(t, dial(t, s), certs)
		c.send("serve")
		c.gets("fine")
		c.ended()
	}
	stats := s.Stats()
	assert.Equal(t, []int64{stats.Panics, stats.Errors, stats.RefusedHandshakes, stats.RefusedConns}, []int64{3, 3, 3, 0})
}

func TestCN03Address(t *testing.T) {
	t.Parallel()
	s := start(t, echo, tcp.Config{Limits: tako.Limits{ConnsPerAddr: 2}})
	a, b := dial(t, s), dial(t, s)
	a.asks("a")
	b.asks("b")
	dial(t, s).gone()
	if local := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}); true {
		conn, err := local.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Skip("this system has one loopback address only")
		}
		wrap(t, conn).asks("another address")
	}
	_ = a.Close()
	assert.Eventually(t, patience, "a place is free", func() bool { return s.Stats().Conns == 2 })
	dial(t, s).asks("again")
	assert.Equal(t, s.Stats().RefusedConns, int64(1))
}

// Clients that stop half-way have until the deadline, however they trickle.
func TestCN04Silent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		layer tcp.Layer
		begin string
		count func(s tcp.Stats) int64
	}{
		{"handshake", tcp.TLS(transport.SelfSigned()), "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("x", 300), func(s tcp.Stats) int64 { return s.RefusedHandshakes }},
		{"header", tcp.Proxy(tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: []string{"127.0.0.1"}, Timeout: short}), "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"[:30], func(s tcp.Stats) int64 { return s.RefusedHeaders }},
	}
	for _, tt := range tests {
		for _, sends := range []int{0, 1, len(tt.begin)} {
			t.Run(fmt.Sprintf("%s/%d", tt.name, sends), func(t *testing.T) {
				t.Parallel()
				s := start(t, echo, tcp.Config{Limits: tako.Limits{HandshakeTimeout: short}}, tt.layer)
				began := time.Now()
				c := dial(t, s)
				closed := make(chan struct{})
				go func() {
					defer close(closed)
					_, _ = io.Copy(io.Discard, c)
				}()
				pace := time.NewTicker(short / 10)
				defer pace.Stop()
				sent := 0
				for open := true; open; {
					select {
					case <-closed:
						open = false
					case <-pace.C:
						if sent < sends {
							_, _ = c.Write([]byte{tt.begin[sent]})
							sent++
						}
					}
				}
				if took := time.Since(began); took < short-10*time.Millisecond || took > patience/2 {
					t.Errorf("closed after %v", took)
				}
				assert.Eventually(t, patience, "it is counted", func() bool { return s.Stats().Conns == 0 })
				assert.Equal(t, tt.count(s.Stats()), int64(1), "refused")
				assert.Equal(t, s.Stats().TimedOut, int64(1), "timed out")
			})
		}
	}
}

func TestCN05Idle(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := start(t, func(ctx context.Context, c *tcp.Conn) error {
		err := plain(ctx, c)
		if _, again := c.Read(make([]byte, 1)); !errors.Is(again, os.ErrDeadlineExceeded) {
			t.Errorf("a later Read: %v", again)
		}
		_ = c.SetReadDeadline(time.Time{})
		if _, again := c.Read(make([]byte, 1)); !errors.Is(again, os.ErrDeadlineExceeded) {
			t.Errorf("a later Read with a deadline of its own: %v", again)
		}
		_, _ = io.WriteString(c, "goodbye\n")
		ended <- err
		return err
	}, tcp.Config{Limits: tako.Limits{IdleTimeout: rest}})
	c := dial(t, s)
	for range 6 {
		c.silent(rest / 4)
		c.asks("still here")
	}
	began := time.Now()
	c.gets("goodbye")
	c.ended()
	if took := time.Since(began); took < rest/2 || took > patience/2 {
		t.Errorf("closed after %v", took)
	}
	assert.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
	assert.Equal(t, s.Stats().TimedOut, int64(1))
	assert.Equal(t, s.Stats().Errors, int64(0))
}

// A handler that works is not idle, nor is one whose client only takes.
func TestCN05Busy(t *testing.T) {
	t.Parallel()
	s := start(t, func(_ context.Context, c *tcp.Conn) error {
		go func() { // a read under way, as of a tunnel
			_, _ = io.Copy(io.Discard, c)
		}()
		for range 8 {
			<-time.After(rest / 4)
			if _, err := io.WriteString(c, "tick\n"); err != nil {
				return err
			}
		}
		return nil
	}, tcp.Config{Limits: tako.Limits{IdleTimeout: rest}})
	c := dial(t, s)
	for range 8 {
		c.gets("tick")
	}
	work := start(t, func(_ context.Context, c *tcp.Conn) error {
		<-time.After(3 * short)
		_, err := io.WriteString(c, "done\n")
		return err
	}, tcp.Config{Limits: tako.Limits{IdleTimeout: short}})
	dial(t, work).gets("done")
	assert.Equal(t, s.Stats().TimedOut+work.Stats().TimedOut, int64(0))
}

func TestCN06Takes(t *testing.T) {
	t.Parallel()
	certs := transport.SelfSigned()
	for name, layers := range map[string][]tcp.Layer{"plain": nil, "tls": {tcp.TLS(certs)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan error, 1)
			s := start(t, func(_ context.Context, c *tcp.Conn) error {
				_, err := c.Write(make([]byte, 64<<20))
				ended <- err
				return err
			}, tcp.Config{Limits: tako.Limits{WriteTimeout: short}}, layers...)
			c := dial(t, s)
			if layers != nil {
				c = secure(t, c, certs)
			}
			assert.ErrorIs(t, wait(t, "Write fails", ended), os.ErrDeadlineExceeded)
			assert.Eventually(t, patience, "it is gone", func() bool { return s.Stats().Conns == 0 })
			assert.Equal(t, s.Stats().TimedOut, int64(1))
			assert.Equal(t, s.Stats().Errors, int64(0))
			_ = c.Close()
		})
	}
}

// A client that takes all, but slowly, is served: the timeout is for each piece.
func TestCN06Slow(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	s := start(t, func(_ context.Context, c *tcp.Conn) error {
		_, err := c.Write(make([]byte, size))
		return err
	}, tcp.Config{Limits: tako.Limits{WriteTimeout: rest}})
	c := dial(t, s)
	assert.NoError(t, c.Conn.(*net.TCPConn).SetReadBuffer(64<<10))
	pace := time.NewTicker(short / 6)
	defer pace.Stop()
	got := 0
	buf := make([]byte, 256<<10)
	for got < size {
		<-pace.C
		n, err := io.ReadFull(c.in, buf[:min(len(buf), size-got)])
		got += n
		assert.NoError(t, err)
	}
	c.ended()
}

func TestCN10Limits(t *testing.T) {
	t.Parallel()
	bad := []tako.Limits{{Conns: -7}, {ConnsPerAddr: -2}, {HandshakeTimeout: -5}, {IdleTimeout: -2}, {WriteTimeout: -2}}
	for _, limits := range bad {
		ln := listener(t)
		s := tcp.New(echo, tcp.Config{Listener: ln, Limits: limits, Log: quiet})
		if err := s.Listen(t.Context()); err == nil {
			t.Errorf("%+v: got no error", limits)
		}
		assert.Equal(t, ln.closed.Load(), true, "listener closed")
	}
	huge := time.Duration(1<<63 - 1)
	good := []tako.Limits{{}, {Conns: tako.NoLimit, ConnsPerAddr: tako.NoLimit, HandshakeTimeout: tako.NoLimit, IdleTimeout: tako.NoLimit, WriteTimeout: tako.NoLimit},
		{Conns: 1}, {HandshakeTimeout: huge, IdleTimeout: huge, WriteTimeout: huge, ConnsPerAddr: 1 << 40}}
	for _, limits := range good {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			c := dial(t, start(t, echo, tcp.Config{Limits: limits}))
			c.asks("hello")
			c.silent(1200 * time.Millisecond) // the sweeper has looked
			c.asks("again")
		})
	}
}
