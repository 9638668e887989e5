package loop_test

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// An address in use is an error, also when another server of this kind has it.
func TestSocketsAddressInUse(t *testing.T) {
	t.Parallel()
	inWays(t, offloadedWays, func(t *testing.T, w way) {
		first := w.limited(t, greeter(w), tako.Limits{})
		for range 5 {
			second := w.made(t, greeter(w), loop.Config{Addr: first.Addr().String()})
			if err := second.Listen(t.Context()); err == nil {
				t.Error("got no error")
			}
			_, err := second.Shutdown(t.Context())
			assert.NoError(t, err)
		}
		for range 20 {
			c := reach(t, first)
			c.send(asking("/"))
			assert.Equal(t, c.answer(200), "hello")
			_ = c.Close()
		}
		plain := localListener(t)
		other := w.made(t, greeter(w), loop.Config{Addr: plain.Addr().String()})
		if err := other.Listen(t.Context()); err == nil {
			t.Error("beside a plain listener: got no error")
		}
	})
}

// Of servers that ask for one port at the same moment one gets it.
func TestSocketsAddressRace(t *testing.T) {
	t.Parallel()
	inWays(t, offloadedWays[:1], func(t *testing.T, w way) {
		for won, rounds := 0, 0; won < 50; rounds++ {
			if rounds == 500 {
				t.Fatalf("one got the port in %d of %d rounds", won, rounds)
			}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			assert.NoError(t, err)
			addr := ln.Addr().String()
			_ = ln.Close()
			var wg sync.WaitGroup
			var up atomic.Int32
			start := make(chan struct{})
			all := make([]*loop.Server, 4)
			for i := range all {
				all[i] = w.made(t, greeter(w), loop.Config{Addr: addr, Loops: 1})
				wg.Go(func() {
					<-start
					if all[i].Listen(t.Context()) == nil {
						up.Add(1)
					}
				})
			}
			close(start)
			wg.Wait()
			for _, s := range all {
				_, _ = s.Shutdown(t.Context())
			}
			n := int(up.Load())
			if n > 1 {
				t.Fatalf("%d servers listen on %s", n, addr)
			}
			won += n // none if another test has got the port
		}
	})
}

// Each form of an address is understood, and the true one is told.
func TestSocketsAddresses(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{ // reached by
		"127.0.0.1:0": {"127.0.0.1"},
		"localhost:0": {"localhost"},
		":0":          {"127.0.0.1", "[::1]"},
		"0.0.0.0:0":   {"127.0.0.1"},
		"[::1]:0":     {"[::1]"},
		"[::]:0":      {"127.0.0.1", "[::1]"},
	}
	inWays(t, offloadedWays, func(t *testing.T, w way) {
		for addr, reached := range tests {
			if ln, err := net.Listen("tcp", addr); err != nil {
				t.Log(err) // such as without IPv6
				continue
			} else {
				_ = ln.Close()
			}
			app := tako.New()
			app.Get("/", func(c *tako.Context) error {
				info := c.ConnInfo()
				return c.Text(200, info.Transport+" "+info.Remote.String()+" "+info.Local.String())
			}, w.opts...)
			s := w.serve(t, app, loop.Config{Addr: addr, Loops: 3})
			_, port, err := net.SplitHostPort(s.Addr().String())
			assert.NoError(t, err)
			if port == "0" {
				t.Errorf("%s: got port 0", addr)
			}
			for _, host := range reached {
				for range 10 {
					conn, err := net.Dial("tcp", host+":"+port)
					if err != nil && host == "[::1]" && addr[0] == ':' {
						break
					}
					assert.NoError(t, err, addr)
					_, err = io.WriteString(conn, asking("/"))
					assert.NoError(t, err)
					resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
					assert.NoError(t, err)
					text, err := io.ReadAll(resp.Body)
					assert.NoError(t, err)
					assert.Equal(t, string(text), "tcp "+conn.LocalAddr().String()+" "+conn.RemoteAddr().String())
					_ = conn.Close()
				}
			}
		}
	})
}

// Ready-made listeners of all kinds.
func TestSocketsReadyListener(t *testing.T) {
	t.Parallel()
	inWays(t, offloadedWays, func(t *testing.T, w way) {
		app := func() *tako.Router {
			app := tako.New()
			app.Get("/", func(c *tako.Context) error { return c.Text(200, c.ConnInfo().Transport) }, w.opts...)
			return app
		}
		t.Run("tcp", func(t *testing.T) {
			ln := localListener(t)
			s := w.serve(t, app(), loop.Config{Addr: "256.0.0.1:none", Listener: ln, Loops: 3})
			assert.Equal(t, s.Addr().String(), ln.Addr().String())
			for range 20 {
				c := reach(t, s)
				c.send(asking("/"))
				assert.Equal(t, c.answer(200), "tcp")
			}
			_, err := s.Shutdown(t.Context())
			assert.NoError(t, err)
			if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
				t.Error("it is still open")
			}
			assert.ErrorIs(t, ln.Close(), net.ErrClosed)
		})
		t.Run("unix", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "s")
			ln, err := net.Listen("unix", file)
			assert.NoError(t, err)
			// Unix clients have no address that could have too many.
			s := w.serve(t, app(), loop.Config{Listener: ln, Limits: tako.Limits{ConnsPerAddr: 1}})
			for range 3 {
				c := reach(t, s)
				c.send(asking("/"))
				assert.Equal(t, c.answer(200), "unix")
				split := posting("/", "Content-Length: 3", "")
				c.send(split)
				pass(t, 2*time.Millisecond)
				c.send("abc")
				c.answer(405)
			}
			assert.Equal(t, s.Stats().RefusedConns, int64(0))
			_, err = s.Shutdown(t.Context())
			assert.NoError(t, err)
			_, err = os.Stat(file)
			assert.ErrorIs(t, err, fs.ErrNotExist, "socket file")
		})
		t.Run("wrapped", func(t *testing.T) { // gives plain connections, so there are loops
			s := w.serve(t, app(), loop.Config{Listener: struct{ net.Listener }{localListener(t)}})
			for range 10 {
				c := reach(t, s)
				c.send(asking("/"))
				assert.Equal(t, c.answer(200), "tcp")
			}
			assert.Eventually(t, enough, "they are served on loops", func() bool { return s.Stats().Offloaded == 10 })
			_, err := s.Sockets()
			assert.ErrorIs(t, err, errors.ErrUnsupported)
		})
	})
}

// A ready-made listener belongs to the server, also to one that never served.
func TestSocketsListenerClosed(t *testing.T) {
	t.Parallel()
	broken := tako.New()
	broken.Get("/{", func(c *tako.Context) error { return nil })
	tests := []struct {
		name string
		app  tako.App
		cfg  loop.Config
		stop bool // before Listen
	}{
		{name: "shut down before", app: greeter(way{}), stop: true},
		{name: "bad limits", app: greeter(way{}), cfg: loop.Config{Limits: tako.Limits{Conns: -7}}},
		{name: "bad loops", app: greeter(way{}), cfg: loop.Config{Loops: -7}},
		{name: "bad poller", app: greeter(way{}), cfg: loop.Config{Poller: "kqueue"}},
		{name: "bad routes", app: broken},
		{name: "no app"},
	}
	for _, tt := range tests {
		for _, wrapped := range []bool{false, true} {
			own := localListener(t)
			ln := own
			if wrapped {
				ln = disguised{own}
			}
			tt.cfg.Listener, tt.cfg.Log = ln, noLog
			s := loop.New(tt.app, tt.cfg)
			if tt.stop {
				_, err := s.Shutdown(t.Context())
				assert.NoError(t, err, tt.name)
				assert.ErrorIs(t, own.Close(), net.ErrClosed, tt.name, " by Shutdown")
			}
			if err := s.Listen(t.Context()); err == nil {
				t.Errorf("%s: got no error", tt.name)
			}
			assert.ErrorIs(t, own.Close(), net.ErrClosed, tt.name)
			_, err := s.Shutdown(t.Context())
			assert.NoError(t, err, tt.name)
		}
	}
}

// sharing returns duplicates of the sockets of a listening server.
func sharing(t *testing.T, s *loop.Server) []*os.File {
	t.Helper()
	files, err := s.Sockets()
	assert.NoError(t, err)
	return files
}

func closedFile(f *os.File) bool { return errors.Is(f.Close(), os.ErrClosed) }

// once asks on a connection of its own.
func once(addr net.Addr) error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: enough}
	res, err := client.Get("http://" + addr.String() + "/")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return nil
}

// Each inherited socket is served, whatever the number of loops; what waits in the
// queues too.
func TestSocketsInherit(t *testing.T) {
	t.Parallel()
	inWays(t, offloadedWays, func(t *testing.T, w way) {
		for _, loops := range []struct{ first, then int }{{1, 1}, {1, 3}, {3, 1}, {2, 3}, {3, 2}, {2, 2}} {
			a := w.made(t, greeter(w), loop.Config{Loops: loops.first})
			assert.NoError(t, a.Listen(t.Context()))
			files := sharing(t, a)
			assert.Equal(t, len(files), loops.first, "sockets")
			b := w.made(t, greeter(w), loop.Config{Loops: loops.then, Addr: "192.0.2.1:1"}) // not ours: must not be used
			assert.NoError(t, b.Inherit(files))
			assert.NoError(t, b.Listen(t.Context()))
			for _, f := range files {
				assert.Equal(t, closedFile(f), true, "closed")
			}
			assert.Equal(t, b.Addr().String(), a.Addr().String())
			again := sharing(t, b)
			assert.Equal(t, len(again), loops.first, "sockets")
			for _, f := range again {
				assert.NoError(t, f.Close())
			}
			_, err := a.Shutdown(t.Context())
			assert.NoError(t, err)
			if _, err := a.Sockets(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Sockets behind Shutdown: got %v, want %v", err, net.ErrClosed)
			}
			var waiting []*caller
			for range 10 { // REUSEPORT spreads them over the sockets
				c := reach(t, b)
				c.send(asking("/"))
				waiting = append(waiting, c)
			}
			served := make(chan error, 1)
			go func() { served <- b.Serve() }()
			for _, c := range waiting {
				assert.Equal(t, c.answer(200), "hello")
			}
			for range 20 {
				assert.NoError(t, once(b.Addr()))
			}
			var late []*caller
			for range 10 {
				c := reach(t, b)
				c.send(asking("/"))
				late = append(late, c)
			}
			_, err = b.Shutdown(t.Context())
			assert.NoError(t, err)
			assert.NoError(t, await(t, "Serve", served))
			for _, c := range late {
				assert.Equal(t, c.answer(200), "hello")
			}
			if err := once(b.Addr()); err == nil {
				t.Error("a socket is still open")
			}
		}
	})
}

// What cannot be inherited is refused and closed.
func TestSocketsInheritRefuses(t *testing.T) {
	t.Parallel()
	inWays(t, offloadedWays, func(t *testing.T, w way) {
		owner := w.limited(t, greeter(w), tako.Limits{})
		fresh := func() *loop.Server { return w.made(t, greeter(w), loop.Config{}) }
		if err := fresh().Inherit(nil); err == nil {
			t.Error("nothing: got no error")
		}
		for _, first := range []bool{false, true} {
			for _, kind := range []string{"file", "connection", "pipe"} {
				var odd *os.File
				var err error
				switch kind {
				case "file":
					odd, err = os.Create(filepath.Join(t.TempDir(), "file"))
				case "pipe":
					var other *os.File
					odd, other, err = os.Pipe()
					assert.NoError(t, other.Close())
				default:
					odd, err = reach(t, owner).Conn.(*net.TCPConn).File()
				}
				assert.NoError(t, err)
				files := append(sharing(t, owner), odd)
				if first {
					files[0], files[len(files)-1] = odd, files[0]
				}
				s := fresh()
				err = s.Inherit(files)
				if err == nil {
					err = s.Listen(t.Context())
				}
				if err == nil {
					t.Errorf("%s, first %v: got no error", kind, first)
				}
				for _, f := range files {
					assert.Equal(t, closedFile(f), true, kind, " closed")
				}
				_, err = s.Shutdown(t.Context())
				assert.NoError(t, err)
			}
		}
		s := fresh()
		assert.NoError(t, s.Inherit(sharing(t, owner)))
		twice := sharing(t, owner)
		if err := s.Inherit(twice); err == nil {
			t.Error("twice: got no error")
		}
		_, err := s.Shutdown(t.Context()) // never listened: closes the first ones
		assert.NoError(t, err)
		late := sharing(t, owner)
		if err := owner.Inherit(late); err == nil {
			t.Error("behind Listen: got no error")
		}
		for _, f := range append(twice, late...) {
			assert.Equal(t, closedFile(f), true, "closed")
		}
		assert.NoError(t, once(owner.Addr()))
	})
}

// Under load with a new connection for each request, server after server takes the
// sockets over. No request fails.
func TestSocketsRoll(t *testing.T) {
	t.Parallel()
	inWays(t, offloadedWays, func(t *testing.T, w way) {
		s := w.made(t, greeter(w), loop.Config{})
		assert.NoError(t, s.Listen(t.Context()))
		go func() { _ = s.Serve() }()
		addr := s.Addr()
		var wg sync.WaitGroup
		var asked atomic.Int64
		stop := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if err := once(addr); err != nil {
						t.Errorf("request %d: %v", asked.Load(), err)
						return
					}
					asked.Add(1)
				}
			})
		}
		for i := range 6 {
			from := asked.Load()
			assert.Eventually(t, enough, "the load goes on", func() bool { return t.Failed() || asked.Load() > from+100 })
			next := w.made(t, greeter(w), loop.Config{Loops: 1 + i%3})
			assert.NoError(t, next.Inherit(sharing(t, s)))
			assert.NoError(t, next.Listen(t.Context()))
			go func() { _ = next.Serve() }()
			report, err := s.Shutdown(t.Context())
			assert.NoError(t, err)
			assert.Equal(t, report.Cut, 0, "cut")
			s = next
		}
		close(stop)
		wg.Wait()
		_, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
	})
}

// GOMAXPROCS is raised for the loops unless the server is told not to; pinned loops
// serve like others. It runs alone, because the setting is the process's.
func TestSocketsProcs(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	inWays(t, inlineWays, func(t *testing.T, w way) {
		s := w.serve(t, greeter(w), loop.Config{Loops: 2, Pin: true, KeepProcs: true})
		for range 20 {
			assert.NoError(t, once(s.Addr()))
		}
	})
	assert.Equal(t, runtime.GOMAXPROCS(0), before, "kept")
	for _, w := range inlineWays {
		t.Run(w.name, func(t *testing.T) {
			w.need(t)
			s := w.serve(t, greeter(w), loop.Config{Loops: before + 3})
			assert.NoError(t, once(s.Addr()))
			if n := runtime.GOMAXPROCS(0); n < before+3 {
				t.Errorf("got GOMAXPROCS %d for %d loops", n, before+3)
			}
		})
	}
}
