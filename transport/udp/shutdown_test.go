package udp_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/udp"
)

func TestSD03(t *testing.T) {
	t.Run("before Listen", func(t *testing.T) {
		conn := newFaulty()
		s := udp.New(echo, udp.Config{Conn: conn, Log: quiet})
		_, err := s.Shutdown(over())
		assert.NoError(t, err)
		<-conn.closed
		assert.ErrorIs(t, s.Listen(t.Context()), http.ErrServerClosed)
		assert.NoError(t, s.Serve())
	})
	t.Run("before Serve", func(t *testing.T) {
		s := udp.New(echo, udp.Config{Addr: "127.0.0.1:0", Log: quiet})
		assert.NoError(t, s.Listen(t.Context()))
		_, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
		assert.NoError(t, s.Serve())
	})
	t.Run("from many at once", func(t *testing.T) {
		s := start(t, echo, udp.Config{})
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				s.BeginDrain()
				if _, err := s.Shutdown(soon(t)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		first, err := s.Shutdown(over())
		assert.NoError(t, err)
		again, _ := s.Shutdown(over())
		assert.Equal(t, again, first)
	})
	t.Run("while it starts", func(t *testing.T) {
		for range 50 {
			s := udp.New(echo, udp.Config{Addr: "127.0.0.1:0", Log: quiet})
			var all sync.WaitGroup
			all.Go(func() {
				if s.Listen(t.Context()) == nil {
					assert.NoError(t, s.Serve())
				}
			})
			all.Go(func() { _, _ = s.Shutdown(soon(t)) })
			all.Wait()
		}
	})
}

func TestTwice(t *testing.T) {
	s := start(t, echo, udp.Config{})
	if err := s.Listen(t.Context()); err == nil {
		t.Error("second Listen: got no error")
	}
	c := dial(t, s.Addr())
	c.send("hello") // Serve has begun when it is answered
	assert.Equal(t, c.answer(), "hello")
	if err := s.Serve(); err == nil {
		t.Error("second Serve: got no error")
	}
	c.send("still")
	assert.Equal(t, c.answer(), "still")
	assert.Equal(t, s.Describe(), "udp")
}

func TestSD05(t *testing.T) {
	stuck, causes, free := make(chan struct{}, 2), make(chan error, 2), make(chan struct{})
	s := start(t, func(ctx context.Context, p *udp.Packet) error {
		stuck <- struct{}{}
		<-free // ignores that it is told
		causes <- context.Cause(ctx)
		_, err := p.Reply([]byte("late"))
		assert.ErrorIs(t, err, net.ErrClosed)
		return err
	}, udp.Config{Workers: 2, Queue: 10})
	c := dial(t, s.Addr())
	for range 5 {
		c.send("work")
	}
	<-stuck
	<-stuck
	assert.Eventually(t, patience, "three wait", func() bool { return s.Stats().Queued == 3 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	report, err := s.Shutdown(ctx)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	if d := time.Since(begin); d > patience/4 {
		t.Errorf("took %v", d)
	}
	assert.Equal(t, report.Cut, 5, "two handlers and three that wait")
	assert.Equal(t, report.Drained, 0)
	close(free)
	for range 2 {
		cause := <-causes
		assert.ErrorIs(t, cause, udp.ErrCut)
		assert.ErrorIs(t, cause, context.DeadlineExceeded)
	}
	st := settled(t, s)
	assert.Equal(t, st.Dropped, 3)
	assert.Equal(t, st.Served, 2)
}

// Handlers are told, and what waits is served before the server ends.
func TestSD06(t *testing.T) {
	eachBatch(t, func(t *testing.T, batch int) {
		first := make(chan struct{}, 1)
		s := start(t, func(ctx context.Context, p *udp.Packet) error {
			select {
			case first <- struct{}{}:
			default:
			}
			<-p.Draining()
			if ctx.Err() != nil {
				t.Error("the context has ended before the time was over")
			}
			return echo(ctx, p)
		}, udp.Config{Workers: 2, Batch: batch})
		c := dial(t, s.Addr())
		const sent = 20
		for range sent {
			c.send("work")
		}
		<-first
		report, err := s.Shutdown(soon(t))
		assert.NoError(t, err)
		assert.Equal(t, report.Drained, sent)
		assert.Equal(t, report.Cut, 0)
		for range sent {
			assert.Equal(t, c.answer(), "work")
		}
	})
}

// What waits in the socket is not lost when the server stops, though nothing has read it.
func TestEmptiedAtStop(t *testing.T) {
	eachBatch(t, func(t *testing.T, batch int) {
		for range 20 {
			s := udp.New(echo, udp.Config{Addr: "127.0.0.1:0", Log: quiet, Batch: batch})
			assert.NoError(t, s.Listen(t.Context()))
			c := dial(t, s.Addr())
			const sent = 100
			for range sent {
				c.send("x")
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve() }()
			assert.Equal(t, c.answer(), "x") // it serves
			report, err := s.Shutdown(soon(t))
			assert.NoError(t, err)
			assert.NoError(t, <-served)
			if report.Drained > sent {
				t.Errorf("drained %d of %d", report.Drained, sent)
			}
			assert.Equal(t, s.Stats().Served, sent)
			assert.Equal(t, s.Stats().Dropped, 0)
		}
	})
}

// A client that never stops does not keep the server from ending.
func TestFloodAtStop(t *testing.T) {
	eachBatch(t, func(t *testing.T, batch int) {
		s := start(t, echo, udp.Config{Batch: batch})
		c := dial(t, s.Addr())
		stop := make(chan struct{})
		var flood sync.WaitGroup
		flood.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = c.Write([]byte("flood"))
				}
			}
		})
		assert.Eventually(t, patience, "the flood comes", func() bool { return s.Stats().Received > 100 })
		begin := time.Now()
		_, err := s.Shutdown(soon(t))
		assert.NoError(t, err)
		if d := time.Since(begin); d > patience/2 {
			t.Errorf("took %v", d)
		}
		close(stop)
		flood.Wait()
	})
}

func TestSD10(t *testing.T) {
	fds, goroutines := descriptors(), runtime.NumGoroutine()
	for i := range 100 {
		s := udp.New(echo, udp.Config{Addr: "127.0.0.1:0", Batch: batches[i%2], Log: quiet})
		assert.NoError(t, s.Listen(t.Context()))
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		conn, err := net.Dial("udp", s.Addr().String())
		assert.NoError(t, err)
		_, err = conn.Write([]byte("hello"))
		assert.NoError(t, err)
		assert.NoError(t, conn.Close())
		ctx := t.Context()
		if i%3 == 0 {
			ctx = over()
		}
		_, _ = s.Shutdown(ctx)
		assert.NoError(t, <-served)
		taken := udp.New(echo, udp.Config{Addr: "192.0.2.1:0", Log: quiet}) // not ours
		if taken.Listen(t.Context()) == nil {
			t.Error("bound a foreign address")
		}
		_, err = taken.Shutdown(over())
		assert.NoError(t, err)
	}
	assert.Eventually(t, patience, "no goroutine and no descriptor is left", func() bool {
		return runtime.NumGoroutine() <= goroutines && descriptors() <= fds
	})
}

func TestPanicAndGoexit(t *testing.T) {
	log := &logText{}
	s := start(t, func(ctx context.Context, p *udp.Packet) error {
		switch string(p.Data) {
		case "panic":
			panic("at the disco")
		case "exit":
			runtime.Goexit()
		case "fail":
			return errors.New("no luck")
		}
		return echo(ctx, p)
	}, udp.Config{Workers: 2, Log: log.logger()})
	c := dial(t, s.Addr())
	for range 10 {
		for _, text := range []string{"panic", "exit", "fail"} {
			c.send(text)
		}
		c.send("hello")
		assert.Equal(t, c.answer(), "hello")
	}
	st := settled(t, s)
	assert.Equal(t, st.Panics, 10)
	assert.Equal(t, st.Errors, 20)
	assert.Equal(t, st.Served, 40)
	text := log.String()
	assert.Contains(t, text, "at the disco")
	assert.Contains(t, text, "shutdown_test.go")
	assert.Equal(t, strings.Count(text, "panicked"), 4, "lines: the 1st, 2nd, 4th and 8th")
	report, err := s.Shutdown(soon(t))
	assert.NoError(t, err)
	assert.Equal(t, report, tako.Report{Elapsed: report.Elapsed})
}

// told runs f when a drain says why it cuts handlers off.
type told struct {
	context.Context
	f func()
}

func (c told) Value(key any) any {
	c.f()
	return c.Context.Value(key)
}

// Handlers that end just when they are cut off are in the report, once.
func TestSD05Counts(t *testing.T) {
	t.Parallel()
	const n = 3
	free := make(chan struct{})
	s := start(t, func(context.Context, *udp.Packet) error {
		<-free
		return nil
	}, udp.Config{Workers: n})
	c := dial(t, s.Addr())
	for range n {
		c.send("work")
	}
	assert.Eventually(t, patience, "all are being served", func() bool { return s.Stats().InFlight == n })
	report, _ := s.Shutdown(told{over(), sync.OnceFunc(func() {
		close(free)
		assert.Eventually(t, patience, "all have ended", func() bool { return s.Stats().Served == n })
	})})
	assert.Equal(t, report.Drained+report.Cut, n)
}
