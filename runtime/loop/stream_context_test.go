package loop_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// A client that leaves ends the context of its request, with the cause, whatever
// of its request is unread.
func TestStreamClientGone(t *testing.T) {
	t.Parallel()
	type test struct {
		name  string
		first string
		later string // behind the head
		leave func(c *caller)
	}
	end := func(c *caller) { _ = c.Close() }
	reset := func(c *caller) { _ = c.Conn.(*net.TCPConn).SetLinger(0); _ = c.Close() }
	half := func(c *caller) { _ = c.Conn.(*net.TCPConn).CloseWrite() }
	tests := []test{
		{"get", asking("/"), "", end},
		{"get, reset", asking("/"), "", reset},
		{"get, half closed", asking("/"), "", half},
		{"read body", posting("/?read", "Content-Length: 3", "abc"), "", end},
		{"read body behind", posting("/?read", "Content-Length: 3", ""), "abc", end},
		{"read body behind, reset", posting("/?read", "Content-Length: 3", ""), "abc", reset},
		{"whole body unread", posting("/", "Content-Length: 3", "abc"), "", end},
		{"unread body", posting("/", "Content-Length: 100", "abc"), "", end},
		{"unread body behind", posting("/", "Content-Length: 100", ""), "abc", end},
		{"unread body, reset", posting("/", "Content-Length: 100", "abc"), "", reset},
		{"unread chunks", posting("/", "Transfer-Encoding: chunked", "3\r\nabc\r\n"), "", end},
		{"large unread body", posting("/", "Content-Length: 100000", strings.Repeat("x", 100000)), "", end},
		{"pipelined", asking("/") + strings.Repeat(asking("/"), 20), "", end},
		{"pipelined later", asking("/"), strings.Repeat(asking("/"), 20), end},
		{"pipelined, reset", asking("/") + strings.Repeat(asking("/"), 20), "", reset},
		{"much pipelined, reset", asking("/"), strings.Repeat(asking("/"), 3000), reset},
		{"begun request", asking("/") + "GET", "", end},
		{"stream, pipelined, reset", posting("/?read", "Content-Length: 3", ""), "abc" + strings.Repeat(asking("/"), 20), reset},
	}
	inWays(t, everyWay, func(t *testing.T, w way) {
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			app := tako.New()
			entered := make(chan struct{}, 5000)
			gone := make(chan error, 5000)
			wait := func(c *tako.Context) error {
				if c.RawQuery() == "read" {
					if _, err := io.Copy(io.Discard, c.Body()); err != nil {
						return err
					}
				}
				ctx := c.Context()
				entered <- struct{}{}
				<-ctx.Done()
				if err := ctx.Err(); !errors.Is(err, context.Canceled) {
					t.Errorf("got error %v, want %v", err, context.Canceled)
				}
				gone <- context.Cause(ctx)
				return nil
			}
			app.Get("/", wait, w.opts...)
			app.Post("/", wait, w.opts...)
			s := w.limited(t, app, tako.Limits{})
			c := reach(t, s)
			c.send(tt.first)
			if tt.later != "" {
				pass(t, 10*time.Millisecond)
				c.send(tt.later)
			}
			await(t, "the handler begins", entered)
			pass(t, 20*time.Millisecond)
			left := time.Now()
			tt.leave(c)
			assert.ErrorIs(t, await(t, "the context ends", gone), tako.ErrClientGone)
			if took := time.Since(left); took > enough/2 {
				t.Errorf("the context ended %v after the client had left", took)
			}
			_ = c.Close()
			assert.Eventually(t, enough, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
		})
	})
}

// What is derived from the context of a request works, and costs no goroutine that
// stays.
func TestStreamDerivedContexts(t *testing.T) {
	t.Parallel()
	type key struct{}
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := tako.New()
		kept := make(chan context.Context, 1)
		results := make(chan error, 10)
		after := make(chan struct{}, 1)
		app.Get("/derive", func(c *tako.Context) error {
			ctx := c.Context()
			if ctx.Err() != nil || context.Cause(ctx) != nil {
				t.Error("the context has ended early")
			}
			if _, ok := ctx.Deadline(); ok {
				t.Error("got a deadline, want none")
			}
			value := context.WithValue(ctx, key{}, "value")
			cancelled, cancel := context.WithCancel(value)
			timed, cancelTimed := context.WithTimeout(ctx, time.Hour)
			defer cancelTimed()
			short, cancelShort := context.WithTimeout(ctx, time.Millisecond)
			defer cancelShort()
			context.AfterFunc(ctx, func() { after <- struct{}{} })
			stop := context.AfterFunc(ctx, func() { t.Error("a stopped function was called") })
			if !stop() {
				t.Error("an AfterFunc cannot be stopped")
			}
			for range 200 { // would be as many goroutines if the package did not know the context
				_, cancelOne := context.WithCancel(ctx)
				defer cancelOne()
			}
			if n := propagating(); n > 150 {
				t.Errorf("%d goroutines for them", n)
			}
			if cancelled.Value(key{}) != "value" {
				t.Error("the value is lost")
			}
			<-short.Done()
			results <- short.Err()
			cancel()
			results <- cancelled.Err()
			kept <- timed
			return c.Text(200, "derived")
		}, w.opts...)
		c := reach(t, w.limited(t, app, tako.Limits{}))
		for range 3 {
			c.send(asking("/derive"))
			assert.Equal(t, c.answer(200), "derived")
			assert.ErrorIs(t, <-results, context.DeadlineExceeded)
			assert.ErrorIs(t, <-results, context.Canceled)
			timed := <-kept
			await(t, "the end of a derived context", timed.Done())
			assert.ErrorIs(t, timed.Err(), context.Canceled)
			await(t, "the AfterFunc", after)
		}
	})
}

// propagating is how many goroutines watch a context for others, in this and other tests.
func propagating() int {
	var all strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2)
	return strings.Count(all.String(), "created by context.(*cancelCtx).propagateCancel")
}

// The context of a request ends with it, and is never that of another one.
func TestStreamContextEnds(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := tako.New()
		var mu sync.Mutex
		var all []context.Context
		keep := func(c *tako.Context) error {
			ctx := c.Context()
			if ctx.Err() != nil {
				t.Errorf("a new request has the ended context %v", ctx.Err())
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, ctx)
			if c.RawQuery() == "panic" {
				panic(http.ErrAbortHandler)
			}
			return c.Text(200, "kept")
		}
		app.Get("/", keep, w.opts...)
		app.Post("/", keep, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		c := reach(t, s)
		for range 20 {
			c.send(asking("/") + asking("/") + posting("/", "Content-Length: 3", ""))
			c.answer(200)
			c.answer(200)
			c.send("abc")
			c.answer(200)
		}
		c.send(asking("/?panic"))
		c.rest()
		mu.Lock()
		defer mu.Unlock()
		assert.Equal(t, len(all), 61)
		seen := map[context.Context]bool{}
		for i, ctx := range all {
			if seen[ctx] {
				t.Fatalf("context %d was used again", i)
			}
			seen[ctx] = true
			await(t, "the end of the context", ctx.Done())
			assert.ErrorIs(t, ctx.Err(), context.Canceled)
			if cause := context.Cause(ctx); cause == nil || errors.Is(cause, tako.ErrClientGone) {
				t.Errorf("got cause %v", cause)
			}
		}
	})
}

// When the drain limit has passed the contexts end.
func TestStreamContextCut(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		for _, req := range []string{asking("/"), posting("/", "Content-Length: 10", "abc")} {
			app := tako.New()
			entered, ended := make(chan struct{}), make(chan error, 1)
			wait := func(c *tako.Context) error {
				close(entered)
				<-c.Context().Done()
				ended <- context.Cause(c.Context())
				return nil
			}
			app.Get("/", wait, w.opts...)
			app.Post("/", wait, w.opts...)
			s := w.limited(t, app, tako.Limits{})
			c := reach(t, s)
			c.send(req)
			await(t, "the handler", entered)
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			report, err := s.Shutdown(ctx)
			cancel()
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, report.Cut, 1, "cut")
			if cause := await(t, "the context ends", ended); cause == nil || errors.Is(cause, tako.ErrClientGone) {
				t.Errorf("got cause %v", cause)
			}
			c.rest()
		}
	})
}

// Half-closed clients get all their answers.
func TestStreamHalfClosed(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := summing(w)
		app.Get("/slow", func(c *tako.Context) error {
			pass(t, 20*time.Millisecond)
			return c.Text(200, "slow")
		}, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		asOnce(t, map[string]func(t *testing.T){
			"one": func(t *testing.T) {
				c := reach(t, s)
				c.send(asking("/slow"))
				halfClose(t, c)
				assert.Equal(t, c.answer(200), "slow")
				assert.Equal(t, c.rest(), "")
			},
			"pipelined": func(t *testing.T) {
				c := reach(t, s)
				c.send(strings.Repeat(asking("/slow"), 5))
				halfClose(t, c)
				for range 5 {
					assert.Equal(t, c.answer(200), "slow")
				}
				assert.Equal(t, c.rest(), "")
			},
			"body": func(t *testing.T) {
				c := reach(t, s)
				c.send(posting("/sum", "Content-Length: 3", ""))
				pass(t, 5*time.Millisecond)
				c.send("abc")
				halfClose(t, c)
				assert.Equal(t, c.answer(200), sum("abc", ""))
				assert.Equal(t, c.rest(), "")
			},
			"part of a body": func(t *testing.T) {
				c := reach(t, s)
				c.send(posting("/sum", "Content-Length: 3", "ab"))
				halfClose(t, c)
				if got := c.rest(); strings.Contains(got, "200 OK") {
					t.Errorf("got %q", got)
				}
			},
			"part of a head": func(t *testing.T) {
				c := reach(t, s)
				c.send(asking("/") + "GET / HT")
				halfClose(t, c)
				assert.Equal(t, c.answer(200), "hello")
				c.rest()
			},
		})
	})
}
