package loop_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// A drain waits for a robbed handler, answers it, and ends with it.
func TestHandoverDrain(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, path := range []string{"/work", "/far"} {
			t.Run(path[1:], func(t *testing.T) {
				r := inlineRig(t, loop.Config{Poller: poller}, nil)
				c := r.dial()
				r.hold()
				c.send(get(path + "?n=1&how=channel"))
				assert.Eventually(t, rigPatience, "the handler to block", func() bool { return r.inside.Load() == 1 })
				report := make(chan tako.Report, 1)
				go func() {
					got, err := r.s.Shutdown(t.Context())
					if err != nil {
						t.Errorf("Shutdown: %v", err)
					}
					report <- got
				}()
				assert.Eventually(t, rigPatience, "the port to be closed", func() bool { return !r.accepts() })
				c.silent()
				r.release()
				c.expect("1")
				select {
				case got := <-report:
					if got.Drained == 0 || got.Cut != 0 {
						t.Errorf("got %+v, want a drained connection and none cut", got)
					}
				case <-time.After(rigPatience):
					t.Fatal("the drain does not end")
				}
			})
		}
	})
}

// accepts reports whether the server still takes connections.
func (r *rig) accepts() bool {
	c, err := net.DialTimeout("tcp", r.s.Addr().String(), rigPatience)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// A connection is idle when its robbed handler has ended, and a drain closes it at
// once, whatever its first request was.
func TestHandoverDrainIdle(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, path := range []string{"/work", "/far"} {
			for _, parts := range []bool{false, true} {
				t.Run(fmt.Sprint(path[1:], parts), func(t *testing.T) {
					r := inlineRig(t, loop.Config{Poller: poller}, nil)
					c := r.dial()
					r.hold()
					if request := get(path + "?n=1&how=channel"); parts {
						c.send(request[:10])
						r.neighbours(1, 5, "/near")
						c.send(request[10:])
					} else {
						c.send(request)
					}
					assert.Eventually(t, rigPatience, "the handler to block", func() bool { return r.inside.Load() == 1 })
					if path == "/work" {
						r.blocked(1, 1)
					}
					r.release()
					c.expect("1")
					r.neighbours(1, 20, "/near") // it is handed back by now
					ctx, cancel := context.WithTimeout(context.Background(), rigPatience)
					defer cancel()
					report, err := r.s.Shutdown(ctx)
					assert.NoError(t, err)
					assert.Equal(t, report.Cut, 0, "cut")
					c.ended()
				})
			}
		}
	})
}

// A drain that runs out of time cuts what a robbed handler has, and says so. The
// handler ends later, and does no harm.
func TestHandoverCut(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, how := range waysToBlock {
			for _, path := range []string{"/work", "/far"} {
				t.Run(how+" "+path[1:], func(t *testing.T) {
					r := inlineRig(t, loop.Config{Poller: poller}, nil)
					r.cut = true
					idle := r.dial()
					idle.send(get("/near?n=0"))
					idle.expect("0")
					c := r.dial()
					r.hold()
					c.send(get(path+"?n=1&how="+escaped(how)) + get("/near?n=2"))
					assert.Eventually(t, rigPatience, "the handler to block", func() bool { return r.inside.Load() == 1 })
					ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
					defer cancel()
					began := time.Now()
					report, err := r.s.Shutdown(ctx)
					took := time.Since(began)
					if took > rigPatience/2 {
						t.Errorf("Shutdown took %v", took)
					}
					assert.ErrorIs(t, err, context.DeadlineExceeded)
					if took < time.Second { // a loop that has no turn for so long is not waited for
						assert.Equal(t, []int{report.Cut, report.Idle}, []int{1, 1}, "cut and idle")
					}
					c.ended()
					fds := descriptorsOf(t)
					r.release()
					assert.Eventually(t, rigPatience, "the connection to end", func() bool { return r.s.Stats().Conns == 0 })
					assert.Eventually(t, rigPatience, "its descriptor to be closed", func() bool { return descriptorsOf(t) < fds })
				})
			}
		}
	})
}

// A server is shut down while routes move to the loops and away, and connections
// are handed over and back. Whoever gets a response gets it whole.
func TestHandoverDrainUnderLoad(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for round := range 8 {
			r := newRig(t)
			var calls atomic.Int64
			handler := func(c *tako.Context) error {
				if calls.Add(1)%97 == 0 {
					<-time.After(4 * time.Millisecond)
				}
				return c.Text(200, c.Query("n"))
			}
			r.app.Get("/learned", handler)
			r.app.Get("/fixed", handler, tako.Inline())
			r.start(loop.Config{Poller: poller, Loops: 2}, r.app)
			var wg sync.WaitGroup
			for i := range 8 {
				c := r.dial()
				wg.Go(func() { r.untilClosed(c, []string{"/learned", "/fixed"}[i%2]) })
			}
			enough := int64(200 + 300*round)
			assert.Eventually(t, rigPatience, "load", func() bool { return calls.Load() > enough })
			ctx, cancel := context.WithTimeout(context.Background(), rigPatience)
			report, err := r.s.Shutdown(ctx)
			cancel()
			assert.NoError(t, err)
			assert.Equal(t, report.Cut, 0, "cut")
			wg.Wait()
		}
	})
}

// untilClosed asks, two requests at a time, until the server ends the connection.
func (r *rig) untilClosed(c *rigConn, path string) {
	defer c.Close()
	for i := 0; ; i++ {
		a, b := fmt.Sprint(i, "a"), fmt.Sprint(i, "b")
		c.send(get(path+"?n="+a) + get(path+"?n="+b))
		for _, want := range []string{a, b} {
			resp, err := c.read()
			if err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					r.t.Errorf("request %s: %v", want, err)
				}
				return
			}
			if resp.StatusCode != 200 || resp.body != want {
				r.t.Errorf("got %d %.100q, want %q", resp.StatusCode, resp.body, want)
				return
			}
			if resp.Close {
				return
			}
		}
	}
}

// Limits of time strike as ever once a robbed handler has ended.
func TestHandoverLimits(t *testing.T) {
	const short, long = 100 * time.Millisecond, time.Hour
	cases := []struct {
		name   string
		limits tako.Limits
		then   string // sent behind the first response
		closes bool
	}{
		{"idle", tako.Limits{IdleTimeout: short, HeaderTimeout: long}, "", true},
		{"idle, no header limit", tako.Limits{IdleTimeout: short, HeaderTimeout: tako.NoLimit}, "", true},
		{"no idle limit", tako.Limits{IdleTimeout: tako.NoLimit, HeaderTimeout: 2 * short}, "", false},
		{"head", tako.Limits{IdleTimeout: long, HeaderTimeout: short}, "GET /ne", true},
		{"head, no idle limit", tako.Limits{IdleTimeout: tako.NoLimit, HeaderTimeout: short}, "GET /ne", true},
	}
	overPollers(t, func(t *testing.T, poller string) {
		for _, path := range []string{"/work", "/far"} {
			for _, tc := range cases {
				t.Run(path[1:]+" "+tc.name, func(t *testing.T) {
					r := inlineRig(t, loop.Config{Poller: poller, Limits: tc.limits}, nil)
					r.hold()
					c := r.heldUp(get(path + "?n=1&how=channel"))
					if path == "/work" {
						r.blocked(1, 1)
					}
					r.release()
					c.expect("1")
					c.send(tc.then)
					if tc.closes {
						c.ended()
						return
					}
					_ = c.SetReadDeadline(time.Now().Add(4 * short))
					if _, err := c.br.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("got %v, want an open connection", err)
					}
				})
			}
		}
	})
}

// heldUp has a handler of a new connection block. The machine may stall until the time for the
// head is over.
func (r *rig) heldUp(request string) (c *rigConn) {
	r.t.Helper()
	assert.Eventually(r.t, rigPatience, "the handler to block", func() bool {
		if c == nil {
			c = r.dial()
			c.send(request)
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := c.br.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
			c = nil
		}
		return c != nil && r.inside.Load() == 1
	})
	return c
}
