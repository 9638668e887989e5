package loop_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// Misuse of the life cycle is told, and does no harm.
func TestShutdownLifeCycle(t *testing.T) {
	t.Parallel()
	inWays(t, someWays, func(t *testing.T, w way) {
		s := w.made(t, greeter(w), loop.Config{})
		assert.Equal(t, s.Addr(), nil, "address before Listen")
		assert.Equal(t, s.Describe(), "http/1.1, h2 (loop)")
		if err := s.Serve(); err == nil {
			t.Error("Serve before Listen: got no error")
		}
		assert.NoError(t, s.Listen(t.Context()))
		if w.looped() {
			assert.Equal(t, s.Describe(), "http/1.1, h2 (loop/"+w.poller+")")
		}
		if err := s.Listen(t.Context()); err == nil {
			t.Error("Listen twice: got no error")
		}
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		c := reach(t, s)
		c.send(asking("/"))
		assert.Equal(t, c.answer(200), "hello")
		if err := s.Serve(); err == nil {
			t.Error("Serve twice: got no error")
		}
		c.send(asking("/"))
		assert.Equal(t, c.answer(200), "hello")
		report, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
		assert.Equal(t, report.Idle+report.Drained, 1, "connections")
		assert.Equal(t, report.Cut, 0, "cut")
		assert.NoError(t, await(t, "Serve", served))
		assert.Equal(t, c.rest(), "")
		first := report
		for range 100 { // the result is there for everybody
			again, err := s.Shutdown(overContext())
			if again != first || err != nil {
				t.Fatalf("got %v, %v, want %v", again, err, first)
			}
		}
		if err := s.Listen(t.Context()); err == nil {
			t.Error("Listen behind Shutdown: got no error")
		}
		if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
			t.Error("the port is still open")
		}
	})
}

func TestShutdownBeforeListen(t *testing.T) {
	t.Parallel()
	inWays(t, someWays, func(t *testing.T, w way) {
		s := w.made(t, greeter(w), loop.Config{})
		report, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
		assert.Equal(t, report.Idle+report.Drained+report.Cut, 0)
		assert.ErrorIs(t, s.Listen(t.Context()), http.ErrServerClosed)
		assert.NoError(t, s.Serve())
	})
}

func TestShutdownBeforeServe(t *testing.T) {
	t.Parallel()
	inWays(t, someWays, func(t *testing.T, w way) {
		s := w.made(t, greeter(w), loop.Config{})
		assert.NoError(t, s.Listen(t.Context()))
		_, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
		assert.NoError(t, s.Serve())
		if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
			t.Error("the port is still open")
		}
	})
}

// Serve and Shutdown at the same moment, in any order.
func TestShutdownBesideServe(t *testing.T) {
	t.Parallel()
	inWays(t, someWays, func(t *testing.T, w way) {
		for range 20 {
			s := w.made(t, greeter(w), loop.Config{})
			assert.NoError(t, s.Listen(t.Context()))
			var wg sync.WaitGroup
			wg.Go(func() { assert.NoError(t, s.Serve(), "Serve") })
			for i := range 4 {
				wg.Go(func() {
					switch i {
					case 0:
						_ = s.Stats()
						_ = s.Describe()
						_ = s.Addr()
						s.BeginDrain()
					case 1:
						if files, err := s.Sockets(); err == nil {
							for _, f := range files {
								_ = f.Close()
							}
						}
					default:
						if _, err := s.Shutdown(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
		}
	})
}

// A later Shutdown gives up waiting with its own context; the first goes on.
func TestShutdownMeanwhile(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := tako.New()
		entered, release := make(chan struct{}), make(chan struct{})
		app.Get("/", func(c *tako.Context) error {
			close(entered)
			<-release
			return c.Text(http.StatusOK, "done")
		}, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		c := reach(t, s)
		c.send(asking("/"))
		await(t, "the handler", entered)
		result := make(chan tako.Report, 1)
		go func() {
			report, err := s.Shutdown(context.Background())
			if err != nil {
				t.Error(err)
			}
			result <- report
		}()
		assert.Eventually(t, enough, "nobody can connect", func() bool {
			conn, err := net.Dial("tcp", s.Addr().String())
			if err == nil {
				_ = conn.Close()
			}
			return err != nil
		})
		report, err := s.Shutdown(overContext())
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, report, tako.Report{})
		close(release)
		resp, body, err := c.respond("GET")
		assert.NoError(t, err)
		assert.Equal(t, body, "done")
		assert.Equal(t, resp.Close, true, "says close")
		assert.Equal(t, await(t, "the first one", result).Cut, 0, "cut")
	})
}

// Idle connections are closed at once, work ends, and the report tells so.
func TestShutdownReport(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := summing(w)
		release := make(chan struct{})
		entered := make(chan struct{}, 10)
		work := func(c *tako.Context) error {
			entered <- struct{}{}
			<-release
			return c.Text(200, "worked")
		}
		app.Get("/work", work, w.opts...)
		app.Post("/work", work, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		const idle = 30
		var all []*caller
		for i := range idle {
			c := reach(t, s)
			c.send(asking("/"))
			c.answer(200)
			if i%10 == 0 { // on a stream
				c.send(posting("/sum", "Content-Length: 3", ""))
				pass(t, 5*time.Millisecond)
				c.send("abc")
				c.answer(200)
			}
			all = append(all, c)
		}
		one, two, three := reach(t, s), reach(t, s), reach(t, s)
		one.send(asking("/work"))
		two.send(posting("/work", "Content-Length: 100", "abc"))
		three.send(asking("/") + asking("/work") + asking("/work"))
		for range 3 {
			await(t, "the work", entered)
		}
		assert.Eventually(t, enough, "the others are answered", func() bool { return s.Stats().Requests >= idle+idle/10 })
		pass(t, 20*time.Millisecond)
		result := make(chan tako.Report, 1)
		began := time.Now()
		go func() {
			report, err := s.Shutdown(context.Background())
			if err != nil {
				t.Error(err)
			}
			result <- report
		}()
		for _, c := range all {
			assert.Equal(t, c.rest(), "")
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("idle connections were closed after %v", took)
		}
		close(release)
		assert.Equal(t, one.answer(200), "worked")
		assert.Equal(t, two.answer(200), "worked")
		assert.Equal(t, three.answer(200), "hello")
		assert.Equal(t, three.answer(200), "worked")
		_, _, _ = one.rest(), two.rest(), three.rest()
		report := await(t, "the drain", result)
		assert.Equal(t, report.Cut, 0, "cut")
		// A connection may not have come to rest yet when its client has the answer.
		if report.Idle+report.Drained != idle+3 || report.Drained < 3 || report.Idle < idle/2 {
			t.Errorf("got %v, want %d idle and 3 drained", report, idle)
		}
	})
}

// Those that end their work count as drained, also when others are cut.
func TestShutdownReportCut(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := tako.New()
		ended, entered := make(chan struct{}), make(chan struct{}, 10)
		app.Any("/ends", func(c *tako.Context) error {
			entered <- struct{}{}
			<-c.Draining()
			return c.Text(200, "worked")
		}, w.opts...)
		app.Any("/stuck", func(c *tako.Context) error {
			entered <- struct{}{}
			<-ended
			return c.Text(200, "worked")
		}, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		var good, stuck []*caller
		for i := range 4 {
			c := reach(t, s)
			path := []string{"/ends", "/stuck"}[i%2]
			if i < 2 {
				c.send(asking(path))
			} else {
				c.send(posting(path, "Content-Length: 10", "abc"))
			}
			await(t, "the handler", entered)
			if i%2 == 0 {
				good = append(good, c)
			} else {
				stuck = append(stuck, c)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ends := make(chan error, 1)
		var report tako.Report
		go func() {
			var err error
			report, err = s.Shutdown(ctx)
			ends <- err
		}()
		for _, c := range good {
			assert.Equal(t, c.answer(200), "worked")
			_ = c.Close()
		}
		assert.Eventually(t, enough, "those who work are left", func() bool { return s.Stats().Conns == 2 })
		cancel()
		assert.ErrorIs(t, await(t, "the end", ends), context.Canceled)
		assert.Equal(t, []int{report.Drained, report.Cut}, []int{2, 2}, "drained and cut")
		for _, c := range stuck {
			assert.Equal(t, c.rest(), "")
		}
		close(ended)
		assert.Eventually(t, enough, "all connections are gone", func() bool { return s.Stats().Conns == 0 })
	})
}

// Whatever begins at the moment of the cut is cut too.
func TestShutdownBesideRequests(t *testing.T) {
	t.Parallel()
	requests := map[string]string{
		"hijack": asking("/take"), "hijack a stream": posting("/take", "Content-Length: 10", "abc"),
		"stream": posting("/sum", "Content-Length: 10", "abc"), "request": asking("/stuck"), "body unread": posting("/stuck", "Content-Length: 10", "abc"),
		"batch": asking("/") + asking("/stuck") + asking("/take"),
	}
	inWays(t, everyWay, func(t *testing.T, w way) {
		sideBySide(t, slices.Sorted(maps.Keys(requests)), func(name string) string { return name }, func(t *testing.T, name string) {
			request := requests[name]
			for i := range 25 {
				app := summing(w)
				take := func(c *tako.Context) error {
					conn, _, err := c.Hijack()
					if err != nil {
						return err
					}
					go func() {
						defer conn.Close()
						_, _ = io.Copy(io.Discard, conn)
					}()
					return nil
				}
				app.Get("/take", take, w.opts...)
				app.Post("/take", take, w.opts...)
				stuck := func(c *tako.Context) error { <-c.Context().Done(); return nil }
				app.Get("/stuck", stuck, w.opts...)
				app.Post("/stuck", stuck, w.opts...)
				s := w.limited(t, app, tako.Limits{})
				c, other := reach(t, s), reach(t, s)
				c.send(request)
				other.send(request)
				pass(t, time.Duration(i)*20*time.Microsecond)
				_, _ = s.Shutdown(overContext())
				c.rest()
				other.rest()
				assert.Eventually(t, enough, "all connections are gone", func() bool { return s.Stats().Conns == 0 })
				if t.Failed() {
					t.Fatalf("round %d", i)
				}
			}
		})
	})
}

// A client that has not sent a byte may still do so for a moment; what waits in the
// accept queue is served.
func TestShutdownFresh(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		s := w.limited(t, greeter(w), tako.Limits{})
		c := reach(t, s)
		c.send(asking("/"))
		c.answer(200)
		late, silent := reach(t, s), reach(t, s)
		assert.Eventually(t, enough, "they were accepted", func() bool { return s.Stats().Accepted == 3 })
		var queued []*caller
		for range 5 {
			q := reach(t, s)
			q.send(asking("/"))
			queued = append(queued, q)
		}
		result := make(chan tako.Report, 1)
		began := time.Now()
		go func() {
			report, err := s.Shutdown(context.Background())
			if err != nil {
				t.Error(err)
			}
			result <- report
		}()
		assert.Equal(t, c.rest(), "", "idle")
		late.send(asking("/"))
		assert.Equal(t, late.answer(200), "hello", "late")
		for _, q := range queued {
			assert.Equal(t, q.answer(200), "hello", "queued")
		}
		assert.Equal(t, silent.rest(), "", "silent")
		report := await(t, "the drain", result)
		if took := time.Since(began); took > enough/2 {
			t.Errorf("the drain took %v", took)
		}
		assert.Equal(t, report.Cut, 0, "cut")
		assert.Equal(t, report.Idle+report.Drained, 8, "connections")
	})
}

// A head that stays unfinished does not hold the drain beyond its deadline.
func TestShutdownSlowHead(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		s := w.limited(t, greeter(w), tako.Limits{})
		c, kept := reach(t, s), reach(t, s)
		c.send("GET / HT")
		kept.send(asking("/") + "GET / HT")
		kept.answer(200)
		pass(t, 20*time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		began := time.Now()
		report, err := s.Shutdown(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, report.Cut, 2, "cut")
		if took := time.Since(began); took > soon+5*time.Second {
			t.Errorf("Shutdown took %v", took)
		}
		_, _ = c.rest(), kept.rest()
	})
}

// Shutdown while all places are taken and clients wait.
func TestShutdownFull(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		for _, stuck := range []bool{false, true} {
			app := greeter(w)
			entered, release := make(chan struct{}, 9), make(chan struct{})
			app.Get("/wait", func(c *tako.Context) error { entered <- struct{}{}; <-release; return c.Text(200, "waited") }, w.opts...)
			s := w.limited(t, app, tako.Limits{Conns: 2})
			busy, other := reach(t, s), reach(t, s)
			busy.send(asking("/wait"))
			await(t, "the handler", entered)
			other.send(asking("/"))
			other.answer(200)
			var waiting []*caller
			for range 6 {
				c := reach(t, s)
				_, _ = io.WriteString(c, asking("/"))
				waiting = append(waiting, c)
			}
			pass(t, 20*time.Millisecond)
			within := enough
			if stuck {
				within = 2 * soon
			}
			ctx, cancel := context.WithTimeout(t.Context(), within)
			began := time.Now()
			if !stuck {
				go func() { pass(t, soon/2); close(release) }()
			}
			report, err := s.Shutdown(ctx)
			cancel()
			if stuck {
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				close(release)
			} else {
				assert.NoError(t, err)
				assert.Equal(t, report.Cut, 0, "cut")
				assert.Equal(t, busy.answer(200), "waited")
			}
			if took := time.Since(began); took > within+5*time.Second {
				t.Errorf("Shutdown took %v", took)
			}
			_, _ = busy.rest(), other.rest()
			for _, c := range waiting {
				c.rest()
			}
			assert.Eventually(t, enough, "all connections are gone", func() bool { return s.Stats().Conns == 0 })
		}
	})
}

// Uploads and downloads that are under way are ended.
func TestShutdownTransfers(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := summing(w)
		entered := make(chan struct{})
		app.Get("/download", func(c *tako.Context) error {
			close(entered)
			for range 20 {
				if _, err := c.WriteString(pattern(50_000)); err != nil {
					return err
				}
				pass(t, 10*time.Millisecond)
			}
			c.Trailer().Set("X-End", "1")
			return nil
		}, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		up, down := reach(t, s), reach(t, s)
		up.send(posting("/sum", "Content-Length: 100000", ""))
		down.send(asking("/download"))
		await(t, "the download", entered)
		result := make(chan tako.Report, 1)
		go func() {
			report, err := s.Shutdown(context.Background())
			if err != nil {
				t.Error(err)
			}
			result <- report
		}()
		pass(t, soon/3)
		up.send(pattern(100_000))
		assert.Equal(t, up.answer(200), sum(pattern(100_000), ""))
		resp, body, err := down.respond("GET")
		assert.NoError(t, err)
		assert.Equal(t, len(body), 20*50_000)
		assert.Equal(t, resp.Trailer.Get("X-End"), "1")
		_, _ = up.rest(), down.rest()
		assert.Equal(t, await(t, "the drain", result).Drained, 2, "drained")
	})
}

// Clients that come all the time do not keep the drain from its end.
func TestShutdownFlood(t *testing.T) {
	t.Parallel()
	inWays(t, someWays, func(t *testing.T, w way) {
		s := w.limited(t, greeter(w), tako.Limits{})
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					conn, err := net.Dial("tcp", s.Addr().String())
					if err != nil {
						return
					}
					_ = conn.(*net.TCPConn).SetLinger(0)
					_ = conn.Close()
				}
			})
		}
		defer wg.Wait()
		defer close(stop)
		assert.Eventually(t, enough, "some hundred came", func() bool { return s.Stats().Accepted > 300 })
		ctx, cancel := context.WithTimeout(context.Background(), enough/2)
		defer cancel()
		report, err := s.Shutdown(ctx)
		assert.NoError(t, err)
		assert.Equal(t, report.Cut, 0, "cut")
	})
}

// Readiness goes before the server does.
func TestShutdownBeginDrain(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := tako.New()
		app.Get("/", tako.Ready(), w.opts...)
		s := w.limited(t, app, tako.Limits{})
		c := reach(t, s)
		c.send(asking("/"))
		c.answer(200)
		s.BeginDrain()
		s.BeginDrain()
		c.send(asking("/"))
		c.answer(503)
		fresh := reach(t, s)
		fresh.send(asking("/"))
		fresh.answer(503)
	})
}

// lateListener gives a connection only when it is let, whatever else is asked of it.
type lateListener struct {
	net.Listener
	let   chan net.Conn
	asked atomic.Int32
}

func (l *lateListener) Accept() (net.Conn, error) {
	l.asked.Add(1)
	conn, ok := <-l.let
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l *lateListener) Close() error { return nil }

// A listener that gives a connection when the server has ended does not revive it.
func TestShutdownLateAccept(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		name string
		wrap func(*net.TCPConn) net.Conn
	}{{"socket", func(c *net.TCPConn) net.Conn { return c }}, {"goroutine", func(c *net.TCPConn) net.Conn { return disguisedConn{c} }}} {
		t.Run(way.name, func(t *testing.T) {
			ln := localListener(t)
			late := &lateListener{Listener: ln, let: make(chan net.Conn)}
			var served atomic.Int32
			app := tako.New()
			app.Get("/", func(c *tako.Context) error { served.Add(1); return c.Text(200, "late") })
			s := loop.New(app, loop.Config{Listener: late, Log: noLog, Loops: 1})
			assert.NoError(t, s.Listen(t.Context()))
			go func() { _ = s.Serve() }()
			assert.Eventually(t, enough, "Accept is called", func() bool { return late.asked.Load() > 0 })
			c := reach(t, s)
			conn, err := ln.Accept()
			assert.NoError(t, err)
			began := time.Now()
			_, _ = s.Shutdown(overContext())
			if took := time.Since(began); took > enough/2 {
				t.Errorf("Shutdown took %v", took)
			}
			late.let <- way.wrap(conn.(*net.TCPConn))
			close(late.let)
			_, _ = io.WriteString(c, asking("/"))
			assert.Equal(t, c.rest(), "")
			assert.Equal(t, served.Load(), int32(0), "requests served behind the end")
			assert.Eventually(t, enough, "no connection is left", func() bool { return s.Stats().Conns == 0 })
		})
	}
}

// stubborn is a listener without deadlines that claims to have them.
type stubborn struct{ net.Listener }

func (stubborn) SetDeadline(time.Time) error { return nil }

func TestShutdownStubbornListener(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{0, soon} {
		s := loop.New(greeter(way{}), loop.Config{Listener: stubborn{localListener(t)}, Log: noLog})
		assert.NoError(t, s.Listen(t.Context()))
		go func() { _ = s.Serve() }()
		c := reach(t, s)
		c.send(asking("/"))
		c.answer(http.StatusOK)
		ctx, cancel := context.Background(), context.CancelFunc(func() {})
		if timeout > 0 {
			ctx, cancel = context.WithTimeout(ctx, timeout)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = s.Shutdown(ctx)
		}()
		await(t, "Shutdown", ended)
		cancel()
	}
}

// A listener that its owner closes ends the server with an error.
func TestShutdownListenerLost(t *testing.T) {
	t.Parallel()
	ln := disguised{localListener(t)}
	s := loop.New(greeter(way{}), loop.Config{Listener: ln, Log: noLog})
	assert.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	assert.NoError(t, ln.Close())
	assert.ErrorIs(t, await(t, "Serve", served), net.ErrClosed)
	_, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
}

// brokenAccept fails to accept the first times.
type brokenAccept struct {
	disguised
	left atomic.Int32
}

func (l *brokenAccept) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, errors.New("too many open files")
	}
	return l.disguised.Accept()
}

func TestShutdownAcceptErrors(t *testing.T) {
	t.Parallel()
	ln := &brokenAccept{disguised: disguised{localListener(t)}}
	ln.left.Store(3)
	s := goroutineWay.serve(t, greeter(goroutineWay), loop.Config{Listener: ln})
	c := reach(t, s)
	c.send(asking("/"))
	c.answer(200)
	assert.Equal(t, s.Stats().AcceptErrors, int64(3))
	// In back-off, too, the server ends in time.
	ln = &brokenAccept{disguised: disguised{localListener(t)}}
	ln.left.Store(1 << 30)
	s = goroutineWay.serve(t, greeter(goroutineWay), loop.Config{Listener: ln})
	assert.Eventually(t, enough, "the back-off is long", func() bool { return s.Stats().AcceptErrors > 6 })
	began := time.Now()
	_, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
	if took := time.Since(began); took > enough/2 {
		t.Errorf("Shutdown took %v", took)
	}
}
