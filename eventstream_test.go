package tako_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
)

// watched tells a test what happens on a stream.
type watched struct {
	tako.EventStream
	mu     sync.Mutex
	told   []string
	closed chan error
	open   chan struct{}
	begin  func(w *watched)
	data   func(w *watched, p []byte)
	end    func(w *watched)
	drain  func(w *watched)
	full   func(w *watched)
}

func newWatched() *watched {
	return &watched{closed: make(chan error, 1), open: make(chan struct{})}
}

func (w *watched) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, what)
}

func (w *watched) story() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.told, " ")
}

func (w *watched) Open(s tako.EventStream) {
	w.EventStream = s
	w.note("open")
	close(w.open)
	if w.begin != nil {
		w.begin(w)
	}
}

func (w *watched) Data(s tako.EventStream, p []byte) {
	w.note("data")
	if w.data != nil {
		w.data(w, p)
		return
	}
	_, _ = s.Write(p)
}

func (w *watched) End(s tako.EventStream) {
	w.note("end")
	if w.end != nil {
		w.end(w)
		return
	}
	s.Close()
}

func (w *watched) Writable(tako.EventStream) {
	w.note("writable")
	if w.full != nil {
		w.full(w)
	}
}

func (w *watched) Drain(s tako.EventStream) {
	w.note("drain")
	if w.drain != nil {
		w.drain(w)
		return
	}
	s.Close()
}

func (w *watched) Closed(err error) {
	w.note("closed")
	w.closed <- err
}

// eventRig serves one upgraded stream at /stream with w.
type eventRig struct {
	w      *watched
	server tako.Server
	conn   net.Conn
	r      *bufio.Reader
}

// eventPatience bounds everything a test waits for, on a busy machine too.
const eventPatience = 40 * time.Second

// onStreams runs a case on each runtime. cfg and after belong to the handler.
func onStreams(t *testing.T, w func() *watched, cfg tako.EventConfig, after error, behind string, test func(t *testing.T, rig *eventRig)) {
	servers := map[string]func(app tako.App) tako.Server{
		"std": func(app tako.App) tako.Server { return std.New(app, std.Config{Addr: "127.0.0.1:0"}) },
		"loop": func(app tako.App) tako.Server {
			return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Poller: "epoll"})
		},
		"ring": func(app tako.App) tako.Server { return loop.New(app, loop.Config{Addr: "127.0.0.1:0"}) },
	}
	if runtime.GOOS != "linux" {
		delete(servers, "loop")
	}
	for name, serve := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := &eventRig{w: w()}
			app := tako.New()
			app.Get("/stream", func(c *tako.Context) error {
				c.Header().Set("X-Answer", "yes")
				if err := c.UpgradeEvents(rig.w, cfg); err != nil {
					return err
				}
				return after
			}, tako.Needs(tako.NeedsUpgrade))
			rig.server = serve(app)
			assert.NoError(t, rig.server.Listen(t.Context()))
			served := make(chan error, 1)
			go func() { served <- rig.server.Serve() }()
			conn, err := net.Dial("tcp", rig.server.Addr().String())
			assert.NoError(t, err)
			t.Cleanup(func() {
				_ = conn.Close()
				ctx, cancel := context.WithTimeout(context.Background(), eventPatience)
				defer cancel()
				_, _ = rig.server.Shutdown(ctx)
				assert.NoError(t, <-served)
			})
			_ = conn.SetDeadline(time.Now().Add(eventPatience))
			rig.conn, rig.r = conn, bufio.NewReader(conn)
			_, err = io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"+behind)
			assert.NoError(t, err)
			head := ""
			for !strings.HasSuffix(head, "\r\n\r\n") {
				line, err := rig.r.ReadString('\n')
				if head += line; err != nil {
					break
				}
			}
			if after == nil {
				assert.Equal(t, strings.HasPrefix(head, "HTTP/1.1 101 Switching Protocols\r\n"), true, head)
				assert.Equal(t, strings.Contains(head, "X-Answer: yes\r\n") && strings.Contains(head, "Upgrade: echo\r\n"), true, head)
				<-rig.w.open // so that the test may use the stream
			}
			test(t, rig)
		})
	}
}

func (r *eventRig) read(t *testing.T, n int) string {
	t.Helper()
	p := make([]byte, n)
	_, err := io.ReadFull(r.r, p)
	assert.NoError(t, err)
	return string(p)
}

func (r *eventRig) closed(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.w.closed:
		return err
	case <-time.After(eventPatience):
		t.Fatalf("it does not end: %s", r.w.story())
		return nil
	}
}

func TestEventsEcho(t *testing.T) {
	t.Parallel()
	onStreams(t, newWatched, tako.EventConfig{}, nil, "behind", func(t *testing.T, rig *eventRig) {
		assert.Equal(t, rig.read(t, 6), "behind")
		_, _ = io.WriteString(rig.conn, "hello")
		assert.Equal(t, rig.read(t, 5), "hello")
		assert.NoError(t, rig.w.Send([]byte("sent")))
		assert.Equal(t, rig.read(t, 4), "sent")
		assert.NoError(t, rig.w.Do(func() { _, _ = rig.w.Write([]byte("done")) }))
		assert.Equal(t, rig.read(t, 4), "done")
		assert.Equal(t, rig.w.Info().Transport, "tcp")
		assert.NoError(t, rig.conn.(*net.TCPConn).CloseWrite())
		_, err := rig.r.ReadByte()
		assert.Equal(t, err, io.EOF)
		if err := rig.closed(t); err != nil && err != io.EOF {
			t.Error(err)
		}
		assert.Equal(t, strings.HasPrefix(rig.w.story(), "open data "), true)
		assert.Equal(t, strings.HasSuffix(rig.w.story(), " end closed"), true, rig.w.story())
		assert.ErrorIs(t, rig.w.Send([]byte("late")), net.ErrClosed)
		assert.ErrorIs(t, rig.w.Do(func() { t.Error("called although the stream is over") }), net.ErrClosed)
	})
}

// A stream whose handler fails after it was upgraded is broken off.
func TestEventsHandlerFails(t *testing.T) {
	t.Parallel()
	onStreams(t, newWatched, tako.EventConfig{}, errors.New("changed my mind"), "", func(t *testing.T, rig *eventRig) {
		if err := rig.closed(t); err == nil {
			t.Error("got no error")
		}
		assert.Equal(t, rig.w.story(), "closed")
	})
}

func TestEventsCloseAndReset(t *testing.T) {
	t.Parallel()
	closing := func() *watched {
		w := newWatched()
		w.data = func(w *watched, p []byte) {
			_, err := w.Write([]byte("bye"))
			assert.NoError(t, err)
			if string(p) == "reset" {
				w.Reset()
			} else {
				w.Close()
			}
			_, err = w.Write([]byte("late"))
			assert.ErrorIs(t, err, net.ErrClosed)
		}
		return w
	}
	onStreams(t, closing, tako.EventConfig{}, nil, "close", func(t *testing.T, rig *eventRig) {
		assert.Equal(t, rig.read(t, 3), "bye")
		_, err := rig.r.ReadByte()
		assert.Equal(t, err, io.EOF)
		_ = rig.conn.Close()
		assert.NoError(t, rig.closed(t))
	})
	t.Run("reset", func(t *testing.T) {
		onStreams(t, closing, tako.EventConfig{}, nil, "reset", func(t *testing.T, rig *eventRig) {
			_, err := io.Copy(io.Discard, rig.r)
			if err == nil {
				t.Error("the end of the stream looks like a valid one")
			}
			rig.closed(t)
		})
	})
}

// What is written without the peer taking it is bounded, and Writable tells when it goes on.
func TestEventsFull(t *testing.T) {
	t.Parallel()
	const unsent = 64 << 10
	piece := make([]byte, 8<<10)
	flooding := func() *watched {
		w := newWatched()
		w.full = func(w *watched) { _, _ = w.Write([]byte("writable")) }
		w.data = func(w *watched, p []byte) {
			for range 1 << 20 {
				if _, err := w.Write(piece); err != nil {
					assert.ErrorIs(t, err, tako.ErrFull)
					return
				}
			}
			t.Error("everything was taken")
		}
		return w
	}
	onStreams(t, flooding, tako.EventConfig{Unsent: unsent}, nil, "", func(t *testing.T, rig *eventRig) {
		<-rig.w.open
		if _, err := rig.w.Write(make([]byte, unsent+1)); err == nil || errors.Is(err, tako.ErrFull) {
			t.Errorf("more than ever fits: got %v", err)
		}
		_, _ = io.WriteString(rig.conn, "x")
		all, p := "", make([]byte, 4096)
		for !strings.HasSuffix(all, "writable") {
			n, err := rig.r.Read(p)
			assert.NoError(t, err)
			all = all[max(0, len(all)-8):] + string(p[:n])
			if err != nil {
				return
			}
		}
		// Sent ones are bounded too.
		var err error
		for err == nil {
			err = rig.w.Send(piece)
		}
		assert.ErrorIs(t, err, tako.ErrFull)
		assert.Equal(t, rig.w.Waiting() <= 2*unsent, true, fmt.Sprint(rig.w.Waiting()))
	})
}

// Whoever has had enough of a peer that takes nothing need not wait for the timeout.
func TestEventsAbort(t *testing.T) {
	t.Parallel()
	onStreams(t, func() *watched {
		w := newWatched()
		w.full = func(w *watched) { _, _ = w.Write(make([]byte, 1<<20)); _, _ = w.Write([]byte("x")) }
		w.data = func(w *watched, p []byte) { w.full(w) }
		return w
	}, tako.EventConfig{WriteTimeout: tako.NoLimit}, nil, "x", func(t *testing.T, rig *eventRig) {
		<-rig.w.open
		assert.Eventually(t, eventPatience, "something waits", func() bool { return rig.w.Waiting() > 0 })
		rig.w.Abort()
		if err := rig.closed(t); err == nil {
			t.Error("closed without an error")
		}
		rig.w.Abort()
	})
}

// A peer that takes nothing is given up.
func TestEventsWriteTimeout(t *testing.T) {
	t.Parallel()
	onStreams(t, func() *watched {
		w := newWatched()
		w.full = func(w *watched) { _, _ = w.Write(make([]byte, 1<<20)); _, _ = w.Write([]byte("x")) }
		w.data = func(w *watched, p []byte) { w.full(w) }
		return w
	}, tako.EventConfig{WriteTimeout: 300 * time.Millisecond}, nil, "x", func(t *testing.T, rig *eventRig) {
		_ = rig.conn.(*net.TCPConn).SetReadBuffer(4096)
		assert.ErrorIs(t, rig.closed(t), os.ErrDeadlineExceeded)
	})
}

func TestEventsPause(t *testing.T) {
	t.Parallel()
	onStreams(t, func() *watched {
		w := newWatched()
		w.data = func(w *watched, p []byte) {
			_, _ = w.Write(p)
			w.Pause()
		}
		return w
	}, tako.EventConfig{}, nil, "", func(t *testing.T, rig *eventRig) {
		_, _ = io.WriteString(rig.conn, "a")
		assert.Equal(t, rig.read(t, 1), "a")
		_, _ = io.WriteString(rig.conn, "b")
		answered := make(chan string, 1)
		go func() { answered <- rig.read(t, 1) }()
		select {
		case got := <-answered:
			t.Errorf("got %q while paused", got)
		case <-time.After(30 * time.Millisecond):
		}
		assert.NoError(t, rig.w.Do(func() { rig.w.Resume() }))
		assert.Equal(t, <-answered, "b")
	})
}

func TestEventsDrain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		stay bool
		cut  int
	}{{"leaves", false, 0}, {"stays", true, 1}} {
		t.Run(test.name, func(t *testing.T) {
			onStreams(t, func() *watched {
				w := newWatched()
				w.drain = func(w *watched) {
					_, _ = w.Write([]byte("draining"))
					if !test.stay {
						w.Close()
					}
				}
				return w
			}, tako.EventConfig{}, nil, "", func(t *testing.T, rig *eventRig) {
				<-rig.w.open
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				result := make(chan tako.Report, 1)
				go func() {
					report, _ := rig.server.Shutdown(ctx)
					result <- report
				}()
				assert.Equal(t, rig.read(t, 8), "draining")
				if test.stay {
					_, _ = io.WriteString(rig.conn, "still")
					assert.Equal(t, rig.read(t, 5), "still")
					cancel()
				}
				_, _ = io.Copy(io.Discard, rig.r)
				_ = rig.conn.Close()
				assert.Equal(t, (<-result).Cut, test.cut, "cut")
				if err := rig.closed(t); (err != nil) != test.stay {
					t.Errorf("closed with %v", err)
				}
			})
		})
	}
}

// Drain is told of a drain that has begun before Open, and does not wait for what is paused or
// for a client to stop.
func TestEventsDrainEarlyOrBusy(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{true, false} {
		hold := make(chan struct{})
		for name, serve := range map[string]func(app tako.App) tako.Server{
			"std":  func(app tako.App) tako.Server { return std.New(app, std.Config{Addr: "127.0.0.1:0"}) },
			"loop": func(app tako.App) tako.Server { return loop.New(app, loop.Config{Addr: "127.0.0.1:0"}) },
		} {
			t.Run(fmt.Sprintf("%s/early=%v", name, early), func(t *testing.T) {
				w := newWatched()
				w.data = func(w *watched, _ []byte) { w.Pause() }
				upgraded := make(chan struct{})
				app := tako.New()
				app.Get("/stream", func(c *tako.Context) error {
					err := c.UpgradeEvents(w, tako.EventConfig{})
					close(upgraded)
					if early {
						<-hold
					}
					return err
				})
				server := serve(app)
				assert.NoError(t, server.Listen(t.Context()))
				served := make(chan error, 1)
				go func() { served <- server.Serve() }()
				conn, err := net.Dial("tcp", server.Addr().String())
				assert.NoError(t, err)
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(eventPatience))
				_, err = io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
				assert.NoError(t, err)
				<-upgraded
				if !early {
					<-w.open
					_, _ = io.WriteString(conn, "a")
					assert.Eventually(t, eventPatience, "it is paused", func() bool { return strings.Contains(w.story(), "data") })
					_, _ = io.WriteString(conn, "waits")
				}
				report := make(chan tako.Report, 1)
				go func() {
					r, _ := server.Shutdown(context.Background())
					report <- r
				}()
				if early {
					assert.Eventually(t, eventPatience, "nobody can connect", func() bool {
						again, err := net.Dial("tcp", server.Addr().String())
						if err == nil {
							_ = again.Close()
						}
						return err != nil
					})
					hold <- struct{}{}
				}
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
				assert.Equal(t, (<-report).Cut, 0, w.story())
				assert.Equal(t, strings.Contains(w.story(), "drain"), true, w.story())
				assert.NoError(t, <-served)
			})
		}
	}
}

// Functions that panic, or end their goroutine, break their stream off and nothing else.
func TestEventsFault(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(){"panic": func() { panic("as a test") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			onStreams(t, func() *watched {
				w := newWatched()
				w.data = func(*watched, []byte) { fault() }
				return w
			}, tako.EventConfig{}, nil, "x", func(t *testing.T, rig *eventRig) {
				_, _ = io.Copy(io.Discard, rig.r)
				if err := rig.closed(t); err == nil {
					t.Error("closed without an error")
				}
				again, err := net.Dial("tcp", rig.server.Addr().String())
				assert.NoError(t, err)
				defer again.Close()
				_ = again.SetDeadline(time.Now().Add(eventPatience))
				_, _ = io.WriteString(again, "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				answer, err := io.ReadAll(again)
				assert.NoError(t, err)
				assert.Equal(t, strings.HasPrefix(string(answer), "HTTP/1.1 404"), true, string(answer))
			})
		})
	}
}

// Many goroutines send at once; what each has sent stays in order.
func TestEventsSendAtOnce(t *testing.T) {
	t.Parallel()
	onStreams(t, newWatched, tako.EventConfig{}, nil, "", func(t *testing.T, rig *eventRig) {
		<-rig.w.open
		const senders, each = 8, 200
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				for n := range each {
					assert.NoError(t, rig.w.Send([]byte{byte(i), byte(n)}))
				}
			})
		}
		next := [senders]int{}
		got := rig.read(t, senders*each*2)
		for i := 0; i < len(got); i += 2 {
			if next[got[i]] != int(got[i+1]) {
				t.Fatalf("of %d: got %d, want %d", got[i], got[i+1], next[got[i]])
			}
			next[got[i]]++
		}
		wg.Wait()
	})
}
