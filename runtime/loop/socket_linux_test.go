package loop_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

func TestSocketEcho(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 1)
		r := startSockets(t, host, loop.Events{Data: echo, Close: gone.close}, loop.TCPConfig{})
		nc := r.dial()
		for _, b := range "byte by byte" {
			says(t, nc, string(b), string(b))
		}
		large := make([]byte, 1<<20)
		_, _ = rand.NewChaCha8([32]byte{1}).Read(large)
		go func() {
			_, _ = nc.Write(large)
			_ = nc.CloseWrite()
		}()
		got, err := io.ReadAll(nc)
		assert.NoError(t, err)
		assert.Equal(t, bytes.Equal(got, large), true)
		assert.ErrorIs(t, gone.next(t), io.EOF)
		assert.Equal(t, r.s.Stats().Accepted, 1)
		assert.Eventually(t, rigPatience, "calls to be counted", func() bool { return r.s.Stats().Inline+r.s.Stats().Offloaded > 12 })
	})
}

// Open comes first and may speak first, a value stays, and Info is there to the end.
func TestSocketOpen(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		infos := make(chan *tako.ConnInfo, 1)
		r := startSockets(t, host, loop.Events{
			Open: func(s *loop.Socket) {
				s.SetValue(new(int))
				_, _ = s.Write([]byte("hello "))
			},
			Data: func(s *loop.Socket, p []byte) {
				n := s.Value().(*int)
				*n += len(p)
				_, _ = fmt.Fprintf(s, "%d", *n)
				s.Close()
			},
			Close: func(s *loop.Socket, _ error) { infos <- s.Info() },
		}, loop.TCPConfig{})
		nc := r.dial()
		says(t, nc, "", "hello ")
		says(t, nc, "1234", "4")
		ends(t, nc)
		_ = nc.Close()
		select {
		case info := <-infos:
			assert.Equal(t, info.Remote.String(), nc.LocalAddr().String())
			assert.Equal(t, info.Transport, "tcp")
		case <-time.After(rigPatience):
			t.Fatal("Close was not called")
		}
	})
}

// A client that has ended its side still gets answers.
func TestSocketHalfClosed(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 1)
		r := startSockets(t, host, loop.Events{
			Data: func(s *loop.Socket, p []byte) { s.SetValue(string(p)) },
			End: func(s *loop.Socket) {
				text := s.Value().(string)
				go func() {
					_ = s.Send([]byte(text))
					_ = s.Do(s.Close)
				}()
			},
			Close: gone.close,
		}, loop.TCPConfig{})
		nc := r.dial()
		_, err := io.WriteString(nc, "late")
		assert.NoError(t, err)
		assert.NoError(t, nc.CloseWrite())
		says(t, nc, "", "late")
		ends(t, nc)
		assert.ErrorIs(t, gone.next(t), io.EOF)
	})
}

// What is written before Close arrives, also if the client has sent more than was read.
func TestSocketCloseFromData(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 1)
		text := strings.Repeat("last words ", 1000)
		r := startSockets(t, host, loop.Events{
			Data: func(s *loop.Socket, _ []byte) {
				_, _ = io.WriteString(s, text)
				s.Close()
				_, err := s.Write([]byte("more"))
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("Write after Close: %v", err)
				}
			},
			Close: gone.close,
		}, loop.TCPConfig{})
		nc := r.dial()
		_, err := nc.Write(make([]byte, 900_000))
		assert.NoError(t, err)
		says(t, nc, "", text)
		ends(t, nc)
		_ = nc.Close()
		assert.NoError(t, gone.next(t))
	})
}

func TestSocketReset(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 1)
		r := startSockets(t, host, loop.Events{Data: func(s *loop.Socket, _ []byte) { s.Reset() }, Close: gone.close}, loop.TCPConfig{})
		nc := r.dial()
		_, err := nc.Write([]byte("x"))
		assert.NoError(t, err)
		if _, err := io.ReadAll(nc); err == nil {
			t.Error("a connection that was broken off has ended in good order")
		}
		assert.NoError(t, gone.next(t))
	})
}

// A client that reads nothing costs bounded memory, and others go on.
func TestSocketSlowReader(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		var received, refused atomic.Int64
		r := startSockets(t, host, loop.Events{Data: func(s *loop.Socket, p []byte) {
			received.Add(int64(len(p)))
			if _, err := s.Write(p); err != nil {
				refused.Add(1)
			}
		}}, loop.TCPConfig{Loops: 1})
		slow := r.dial()
		const all = 64 << 20
		sent := make(chan error, 1)
		go func() {
			_, err := io.Copy(slow, io.LimitReader(zeros{}, all))
			sent <- err
		}()
		last := int64(-1)
		assert.Eventually(t, rigPatience, "the server to stop reading", func() bool {
			for now := received.Load(); now != last || now == 0; now = received.Load() {
				last = now
				return false
			}
			return true
		})
		assert.Equal(t, received.Load() < all/2, true, received.Load())
		says(t, r.dial(), "others", "others")
		n, err := io.CopyN(io.Discard, slow, all)
		assert.NoError(t, err, n)
		assert.NoError(t, <-sent)
		assert.Equal(t, received.Load(), all+int64(len("others")))
		assert.Equal(t, refused.Load(), 0, "writes")
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// Somebody who writes more than the client takes is told, and told again when it has.
func TestSocketFull(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		const all = 32 << 20
		piece := make([]byte, 100_000)
		var full, writable atomic.Int64
		fill := func(s *loop.Socket) {
			left := s.Value().(*int)
			for *left > 0 {
				n, err := s.Write(piece[:min(len(piece), *left)])
				if *left -= n; err != nil {
					if !errors.Is(err, loop.ErrFull) {
						t.Errorf("Write: %v", err)
					}
					full.Add(1)
					return
				}
			}
			s.SetValue(nil)
			_ = s.Send([]byte("."))
		}
		r := startSockets(t, host, loop.Events{
			Open: func(s *loop.Socket) {
				n := all
				s.SetValue(&n)
				if _, err := s.Write(make([]byte, 300_000)); err == nil || errors.Is(err, loop.ErrFull) {
					t.Errorf("more than ever fits: %v", err)
				}
				fill(s)
			},
			Data: func(s *loop.Socket, _ []byte) { s.Close() },
			Writable: func(s *loop.Socket) {
				if writable.Add(1); s.Value() != nil {
					fill(s)
				}
			},
		}, loop.TCPConfig{Unsent: 256 << 10})
		nc := r.dial()
		n, err := io.CopyN(io.Discard, nc, all+1)
		assert.NoError(t, err, n)
		says(t, nc, "bye", "")
		ends(t, nc)
		assert.Equal(t, writable.Load(), full.Load())
	})
}

// Many goroutines send to one connection: nothing is lost, and each stays in order.
func TestSocketSend(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		sockets := make(chan *loop.Socket, 1)
		r := startSockets(t, host, loop.Events{Open: func(s *loop.Socket) { sockets <- s }, Data: echo}, loop.TCPConfig{})
		nc := r.dial()
		s := <-sockets
		const senders, messages = 8, 200
		var all sync.WaitGroup
		for id := range senders {
			all.Go(func() {
				for n := range messages {
					for {
						err := s.Send([]byte{byte(id), byte(n)})
						if err == nil {
							break
						}
						if !errors.Is(err, loop.ErrFull) {
							t.Errorf("Send: %v", err)
							return
						}
					}
				}
			})
		}
		var next [senders]byte
		got := make([]byte, 2)
		for range senders * messages {
			_, err := io.ReadFull(nc, got)
			assert.NoError(t, err)
			assert.Equal(t, got[1], next[got[0]])
			next[got[0]]++
		}
		all.Wait()
		assert.NoError(t, s.Do(s.Close))
		ends(t, nc)
		_ = nc.Close()
		assert.Eventually(t, rigPatience, "the connection to end", func() bool { return r.s.Stats().Conns == 0 })
		assert.ErrorIs(t, s.Send([]byte("x")), net.ErrClosed)
		assert.ErrorIs(t, s.Do(func() { t.Error("called after the end") }), net.ErrClosed)
	})
}

// A paused connection is not read from, until it is resumed.
func TestSocketPause(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		sockets := make(chan *loop.Socket, 1)
		var received atomic.Int64
		r := startSockets(t, host, loop.Events{Data: func(s *loop.Socket, p []byte) {
			if received.Add(int64(len(p))) == 1 {
				s.Pause()
				sockets <- s
			}
		}}, loop.TCPConfig{})
		nc := r.dial()
		_, err := nc.Write([]byte("1"))
		assert.NoError(t, err)
		s := <-sockets
		const all = 16 << 20
		sent := make(chan error, 1)
		go func() {
			_, err := io.Copy(nc, io.LimitReader(zeros{}, all))
			sent <- err
		}()
		says(t, r.dial(), "", "")
		done := make(chan int64, 1)
		assert.NoError(t, s.Do(func() { done <- received.Load() }))
		assert.Equal(t, <-done, 1)
		assert.NoError(t, s.Do(s.Resume))
		assert.NoError(t, <-sent)
		assert.Eventually(t, rigPatience, "the rest", func() bool { return received.Load() == all+1 })
	})
}

// Close tells why, whoever has ended the connection.
func TestSocketClientGone(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 1)
		r := startSockets(t, host, loop.Events{Data: echo, Close: gone.close}, loop.TCPConfig{})
		nc := r.dial()
		says(t, nc, "x", "x")
		assert.NoError(t, nc.SetLinger(0))
		_ = nc.Close()
		err := gone.next(t)
		assert.Equal(t, err != nil && !errors.Is(err, io.EOF), true, err)
	})
}

func TestSocketIdle(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 1)
		r := startSockets(t, host, loop.Events{Data: echo, Close: gone.close}, loop.TCPConfig{Limits: tako.Limits{IdleTimeout: 100 * time.Millisecond}})
		nc := r.dial()
		_, _ = io.WriteString(nc, "x")
		_, _ = io.ReadAll(nc)
		assert.ErrorIs(t, gone.next(t), os.ErrDeadlineExceeded)
		assert.Eventually(t, rigPatience, "it to be counted", func() bool { return r.s.Stats().TimedOut == 1 })
	})
}

func TestSocketWriteTimeout(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 1)
		r := startSockets(t, host, loop.Events{
			Open: func(s *loop.Socket) {
				if _, err := s.Write(make([]byte, 16<<20)); err != nil {
					t.Errorf("Write: %v", err)
				}
			},
			Data: echo, Close: gone.close,
		}, loop.TCPConfig{Unsent: 16 << 20, Limits: tako.Limits{WriteTimeout: 100 * time.Millisecond}})
		nc := r.dial()
		assert.ErrorIs(t, gone.next(t), os.ErrDeadlineExceeded)
		if n, err := io.Copy(io.Discard, nc); err == nil {
			t.Errorf("the connection ended in good order after %d bytes", n)
		}
	})
}

// Functions that fail end their connection and nothing else.
func TestSocketPanics(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		gone := make(socketEnds, 64)
		r := startSockets(t, host, loop.Events{
			Data: func(s *loop.Socket, p []byte) {
				switch string(p) {
				case "panic":
					panic("on purpose")
				case "exit":
					runtime.Goexit()
				}
				_, _ = s.Write(p)
			},
			Close: gone.close,
		}, loop.TCPConfig{})
		other := r.dial()
		for i, what := range []string{"panic", "exit", "panic", "exit"} {
			for n := 0; i > 1 && n < 1000; n++ { // on the loop then, on goroutines before
				says(t, other, "x", "x")
			}
			nc := r.dial()
			_, err := io.WriteString(nc, what)
			assert.NoError(t, err)
			if _, err := io.ReadAll(nc); err == nil {
				t.Errorf("%s: the connection ended in good order", what)
			}
			err = gone.next(t)
			assert.Equal(t, err != nil, true, what)
			says(t, other, "still here", "still here")
		}
		assert.Eventually(t, rigPatience, "panics to be counted", func() bool { return r.s.Stats().Panics == 2 })
		assert.Contains(t, r.log.String(), "on purpose")
	})
}

// Functions that block do not hold up the other connections of their loop, and what
// comes meanwhile is told in order when they return.
func TestSocketBlocks(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		free := make(chan struct{})
		var inside atomic.Int64
		r := startSockets(t, host, loop.Events{Data: func(s *loop.Socket, p []byte) {
			if bytes.HasPrefix(p, []byte("block")) {
				inside.Add(1)
				<-free
				p = p[len("block"):]
			}
			_, _ = s.Write(p)
		}}, loop.TCPConfig{})
		other := r.dial()
		onLoop := func() bool { // or never
			before := r.s.Stats().Inline
			for range 50 {
				says(t, other, "x", "x")
			}
			return host == onGoroutines || r.s.Stats().Inline >= before+20
		}
		assert.Eventually(t, rigPatience, "events to be on the loop", onLoop)
		const blocked = 20
		var all []*net.TCPConn
		for i := range blocked {
			nc := r.dial()
			_, err := io.WriteString(nc, "block")
			assert.NoError(t, err)
			assert.Eventually(t, rigPatience, "the function to block", func() bool { return inside.Load() == int64(i+1) })
			says(t, other, "neighbour", "neighbour")
			_, err = io.WriteString(nc, fmt.Sprint("later", i))
			assert.NoError(t, err)
			all = append(all, nc)
		}
		gone := r.dial() // a client that leaves while its function blocks
		_, err := io.WriteString(gone, "block")
		assert.NoError(t, err)
		assert.Eventually(t, rigPatience, "the function to block", func() bool { return inside.Load() == blocked+1 })
		_ = gone.Close()
		close(free)
		for i, nc := range all {
			text := fmt.Sprint("later", i)
			says(t, nc, "", text)
		}
		if host != onGoroutines {
			assert.Eventually(t, rigPatience, "hand-overs", func() bool { return r.s.Stats().Handovers > 0 })
			assert.Eventually(t, rigPatience, "the log", func() bool { return strings.Contains(r.log.String(), "has blocked its event loop") })
		}
	})
}

// Connections that do nothing have no goroutine, and thousands of them cost no others.
func TestSocketIdleConnections(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		r := startSockets(t, poller, loop.Events{Data: echo}, loop.TCPConfig{})
		says(t, r.dial(), "x", "x")
		before := runtime.NumGoroutine()
		const conns = 5000
		all := make([]*net.TCPConn, conns)
		for i := range all {
			all[i] = r.dial()
		}
		assert.Eventually(t, rigPatience, "all to be accepted", func() bool { return r.s.Stats().Conns == conns+1 })
		assert.Eventually(t, rigPatience, "no more goroutines", func() bool { return runtime.NumGoroutine() <= before })
		for _, nc := range all[:100] {
			says(t, nc, "still", "still")
		}
		for _, nc := range all {
			_ = nc.Close()
		}
	})
}
