package loop_test

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/succession"
	"github.com/tako-go/tako/runtime/loop"
)

// Without Drain a shutdown closes connections that wait, and tells so.
func TestSocketDrainIdle(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 3)
		r := startSockets(t, host, loop.Events{Data: echo, Close: gone.close}, loop.TCPConfig{})
		var all []*net.TCPConn
		for range 3 {
			nc := r.dial()
			says(t, nc, "x", "x")
			all = append(all, nc)
		}
		reports := make(chan tako.Report, 1)
		go func() {
			report, err := r.shutdown(rigPatience)
			if err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			reports <- report
		}()
		for _, nc := range all {
			ends(t, nc)
			_ = nc.Close()
			assert.ErrorIs(t, gone.next(t), loop.ErrShutdown)
		}
		report := <-reports
		// An answer may have come before its connection counts as idle again.
		assert.Equal(t, report.Idle+report.Drained, 3)
		assert.Equal(t, report.Idle > 0, true)
		assert.Equal(t, report.Cut, 0)
	})
}

// By default a connection that has just come may say its first word. The grace is shorter for those
// that say nothing.
func TestSocketDrainFresh(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		for range 10 {
			r := startSockets(t, host, loop.Events{Data: echo}, loop.TCPConfig{})
			began := time.Now()
			speaks, silent := r.dial(), r.dial()
			assert.Eventually(t, rigPatience, "both to be served", func() bool { return r.s.Stats().Conns == 2 })
			ended := make(chan tako.Report, 1)
			go func() {
				report, _ := r.shutdown(rigPatience)
				ended <- report
			}()
			assert.Eventually(t, rigPatience, "nobody to be let in", func() bool { return !r.reachable() })
			_, err := speaks.Write([]byte("late"))
			got, _ := io.ReadAll(speaks)
			if time.Since(began) > 900*time.Millisecond {
				<-ended
				continue // it was not fresh any more
			}
			assert.NoError(t, err)
			assert.Equal(t, string(got), "late")
			ends(t, silent)
			assert.Equal(t, (<-ended).Cut, 0)
			return
		}
		t.Skip("ten times the client had its second behind it before it could speak")
	})
}

// SD-09: where a successor serves nobody is sent away at once.
func TestSocketDrainSuccessor(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		r := startSockets(t, host, loop.Events{Data: echo}, loop.TCPConfig{})
		idle := r.dial()
		says(t, idle, "x", "x")
		ended := make(chan tako.Report, 1)
		go func() {
			ctx, cancel := context.WithTimeout(succession.With(context.Background(), rigPatience), 2*rigPatience)
			defer cancel()
			report, _ := r.s.Shutdown(ctx)
			ended <- report
		}()
		assert.Eventually(t, rigPatience, "nobody to be let in", func() bool { return !r.reachable() })
		select {
		case report := <-ended:
			t.Fatalf("the server has not waited: %+v", report)
		default:
		}
		_ = idle.Close()
		assert.Equal(t, (<-ended).Cut, 0)

		r = startSockets(t, host, loop.Events{Data: echo}, loop.TCPConfig{})
		idle = r.dial()
		says(t, idle, "x", "x")
		ctx, cancel := context.WithTimeout(succession.With(context.Background(), time.Millisecond), rigPatience)
		defer cancel()
		report, _ := r.s.Shutdown(ctx) // the time for them is over soon
		ends(t, idle)
		assert.Equal(t, report.Cut, 0)
	})
}

// With Drain a connection ends when its function says so.
func TestSocketDrainTold(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 1)
		r := startSockets(t, host, loop.Events{
			Data: func(s *loop.Socket, p []byte) {
				_, _ = s.Write(p)
				if string(p) == "bye" {
					s.Close()
				}
			},
			Drain: func(s *loop.Socket) { _, _ = io.WriteString(s, "please leave") },
			Close: gone.close,
		}, loop.TCPConfig{})
		nc := r.dial()
		says(t, nc, "x", "x")
		reports := make(chan tako.Report, 1)
		go func() {
			report, _ := r.shutdown(rigPatience)
			reports <- report
		}()
		says(t, nc, "", "please leave")
		says(t, nc, "one more", "one more")
		says(t, nc, "bye", "bye")
		ends(t, nc)
		_ = nc.Close()
		assert.ErrorIs(t, gone.next(t), loop.ErrShutdown)
		report := <-reports
		assert.Equal(t, report.Idle, 0)
		assert.Equal(t, report.Drained, 1)
		assert.Equal(t, report.Cut, 0)
	})
}

// What does not end is cut, also a connection whose function blocks.
func TestSocketCut(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 2)
		free := make(chan struct{})
		var inside atomic.Bool
		r := startSockets(t, host, loop.Events{
			Data: func(s *loop.Socket, p []byte) {
				if string(p) == "block" {
					inside.Store(true)
					<-free
				}
				_, _ = s.Write(p)
			},
			Drain: func(*loop.Socket) {},
			Close: gone.close,
		}, loop.TCPConfig{})
		r.cut = true
		stays, blocks := r.dial(), r.dial()
		says(t, stays, "x", "x")
		_, err := io.WriteString(blocks, "block")
		assert.NoError(t, err)
		assert.Eventually(t, rigPatience, "the function to block", inside.Load)
		report, err := r.shutdown(100 * time.Millisecond)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, report.Cut, 2)
		for _, nc := range []*net.TCPConn{stays, blocks} {
			if _, err := io.ReadAll(nc); err == nil {
				t.Error("a connection that was cut has ended in good order")
			}
		}
		close(free)
		assert.ErrorIs(t, gone.next(t), loop.ErrShutdown)
		assert.ErrorIs(t, gone.next(t), loop.ErrShutdown)
	})
}

func TestSocketLimits(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 8)
		r := startSockets(t, host, loop.Events{Data: echo, Close: gone.close}, loop.TCPConfig{Limits: tako.Limits{Conns: 2, ConnsPerAddr: 2}})
		first, second, third := r.dial(), r.dial(), r.dial()
		says(t, first, "1", "1")
		says(t, second, "2", "2")
		_, err := io.WriteString(third, "3")
		assert.NoError(t, err)
		assert.Equal(t, r.s.Stats().Conns, 2)
		_ = first.Close()
		assert.ErrorIs(t, gone.next(t), io.EOF)
		says(t, third, "", "3")
	})
}

func TestSocketLimitPerAddress(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		r := startSockets(t, host, loop.Events{Data: echo}, loop.TCPConfig{Limits: tako.Limits{ConnsPerAddr: 1}})
		says(t, r.dial(), "1", "1")
		_, _ = io.ReadAll(r.dial())
		assert.Eventually(t, rigPatience, "it to be counted", func() bool { return r.s.Stats().RefusedConns == 1 })
	})
}

// A second server can take over the listening sockets.
func TestSocketInherit(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		r := startSockets(t, poller, loop.Events{Data: echo}, loop.TCPConfig{Loops: 2})
		files, err := r.s.Sockets()
		assert.NoError(t, err)
		assert.Equal(t, len(files), 2)
		addr := r.s.Addr().String()
		assert.Contains(t, r.s.Describe(), "tcp (loop/")
		next := loop.NewTCP(loop.Events{Data: func(s *loop.Socket, _ []byte) { _, _ = io.WriteString(s, "next") }}, loop.TCPConfig{Addr: addr, Poller: poller})
		assert.NoError(t, next.Inherit(files))
		assert.NoError(t, next.Listen(t.Context()))
		_, err = r.shutdown(rigPatience)
		assert.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- next.Serve() }()
		says(t, r.dial(), "x", "next")
		ctx, cancel := context.WithTimeout(context.Background(), rigPatience)
		defer cancel()
		_, err = next.Shutdown(ctx)
		assert.NoError(t, err)
		assert.NoError(t, <-served)
	})
}

func TestTCPConfig(t *testing.T) {
	for name, s := range map[string]*loop.TCPServer{
		"no Data":    loop.NewTCP(loop.Events{}, loop.TCPConfig{Addr: "127.0.0.1:0"}),
		"no address": loop.NewTCP(loop.Events{Data: echo}, loop.TCPConfig{}),
		"Unsent":     loop.NewTCP(loop.Events{Data: echo}, loop.TCPConfig{Addr: "127.0.0.1:0", Unsent: -1}),
		"Limits":     loop.NewTCP(loop.Events{Data: echo}, loop.TCPConfig{Addr: "127.0.0.1:0", Limits: tako.Limits{Conns: -5}}),
		"Poller":     loop.NewTCP(loop.Events{Data: echo}, loop.TCPConfig{Addr: "127.0.0.1:0", Poller: "none"}),
	} {
		if err := s.Listen(t.Context()); err == nil {
			t.Errorf("%s: Listen has no error", name)
		}
		_, err := s.Shutdown(t.Context())
		assert.NoError(t, err, name)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	s := loop.NewTCP(loop.Events{}, loop.TCPConfig{Listener: ln})
	if s.Listen(t.Context()) == nil {
		t.Error("Listen has no error")
	}
	assert.ErrorIs(t, ln.Close(), net.ErrClosed)
}

// A client that goes on sending does not keep a connection that was closed.
func TestSocketClosedDripping(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		r := startSockets(t, host, loop.Events{Data: func(s *loop.Socket, _ []byte) { s.Close() }}, loop.TCPConfig{})
		nc := r.dial()
		over := make(chan struct{})
		go func() {
			defer close(over)
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if _, err := nc.Write([]byte("x")); err != nil {
					return
				}
			}
		}()
		select {
		case <-over:
		case <-time.After(rigPatience):
			t.Error("the connection lives on")
		}
	})
}
