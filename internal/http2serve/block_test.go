package http2serve_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// gate is what handlers block on, each in one of these ways.
type gate struct {
	open   chan struct{}
	lock   sync.Mutex
	r, w   *os.File
	free   atomic.Bool
	inside atomic.Int64
	once   sync.Once
}

var waysToBlock = []string{"channel", "mutex", "read", "spin"}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{open: make(chan struct{})}
	var err error
	g.r, g.w, err = os.Pipe()
	assert.NoError(t, err)
	g.r.Fd() // makes reads of it block a thread
	g.lock.Lock()
	t.Cleanup(func() { g.release(); _ = g.r.Close() })
	return g
}

func (g *gate) block(how string) {
	g.inside.Add(1)
	defer g.inside.Add(-1)
	switch how {
	case "channel":
		<-g.open
	case "mutex":
		g.lock.Lock()
		defer g.lock.Unlock()
	case "read":
		var b [1]byte
		_, _ = g.r.Read(b[:])
	case "spin":
		for !g.free.Load() {
			runtime.Gosched()
		}
	}
}

func (g *gate) release() {
	g.once.Do(func() {
		close(g.open)
		g.lock.Unlock()
		_ = g.w.Close()
		g.free.Store(true)
	})
}

// blocking has routes that block, on the leader and elsewhere, and one that does not.
func blocking(g *gate, ran *tally) *tako.Router {
	app := tako.New()
	wait := func(c *tako.Context) error {
		ran.count(c.Query("n"))
		g.block(c.Query("how"))
		return c.Text(http.StatusOK, c.Query("n"))
	}
	app.Get("/wait", wait, tako.Inline())
	app.Get("/far", wait, tako.Blocking())
	app.Get("/near", func(c *tako.Context) error {
		ran.count(c.Query("n"))
		return c.Text(http.StatusOK, c.Query("n"))
	}, tako.Inline())
	return app
}

// tally counts how often each request has run.
type tally struct {
	mu  sync.Mutex
	all map[string]int
}

func (y *tally) count(n string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.all == nil {
		y.all = map[string]int{}
	}
	y.all[n]++
}

// once demands that this many requests have run, each once.
func (y *tally) once(t *testing.T, want int) {
	t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	assert.Equal(t, len(y.all), want, "requests that ran")
	for n, times := range y.all {
		if times != 1 {
			t.Errorf("request %s ran %d times", n, times)
		}
	}
}

// Handlers that block the leader of a connection hold up nobody else on it, and nothing is
// lost or comes twice.
func TestBlockedLeader(t *testing.T) {
	leavesNothing(t)
	for _, how := range waysToBlock {
		t.Run(how, func(t *testing.T) {
			if how != "spin" {
				over(t, allTargets, func(t *testing.T, k target) { blockedLeader(t, k, how, 8, 200) })
				return
			}
			for i := range allTargets { // one by one, as each takes a processor
				over(t, allTargets[i:i+1], func(t *testing.T, k target) { blockedLeader(t, k, how, 1, 20) })
			}
		})
	}
}

func blockedLeader(t *testing.T, k target, how string, blocked, siblings int) {
	g, ran := newGate(t), new(tally)
	s := k.serve(t, blocking(g, ran), config{})
	c := s.framed(t).settled()
	id := uint32(1)
	var waiting, near []uint32
	for i := range blocked {
		c.get(id, fmt.Sprintf("/wait?how=%s&n=w%d", how, i))
		waiting = append(waiting, id)
		id += 2
		for j := range siblings / blocked {
			c.get(id, fmt.Sprintf("/near?n=n%d-%d", i, j))
			c.answered(http.StatusOK, id)
			near = append(near, id)
			id += 2
		}
	}
	assert.Eventually(t, patience, "handlers to block", func() bool { return g.inside.Load() == int64(blocked) })
	c.alive()
	for _, id := range waiting {
		assert.Equal(t, c.on(id).over(), false, "over")
	}
	g.release()
	c.answered(http.StatusOK, waiting...)
	for i, id := range waiting {
		assert.Equal(t, string(c.on(id).body), fmt.Sprintf("w%d", i))
	}
	ran.once(t, len(waiting)+len(near))
	s.handovers(t, "GET /wait", int64(blocked))
}

// handovers demands that a route has had so many, where that can be seen.
func (s *server) handovers(t *testing.T, route string, want int64) {
	t.Helper()
	own, ok := s.Server.(*loop.Server)
	if !ok {
		return
	}
	for _, r := range own.Stats().Routes {
		if r.Route == route && r.Handovers != want {
			t.Errorf("%s: got %d hand-overs, want %d", route, r.Handovers, want)
		}
	}
}

// All requests of one packet are served although each of the first ones blocks.
func TestBlockedBatch(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		g, ran := newGate(t), new(tally)
		s := k.serve(t, blocking(g, ran), config{})
		c := s.framed(t).settled()
		const each = 20
		var waiting, near []uint32
		send := newBatch(c)
		for i := range uint32(each) {
			waiting, near = append(waiting, 4*i+1), append(near, 4*i+3)
			send.get(4*i+1, fmt.Sprintf("/wait?how=channel&n=w%d", i))
			send.get(4*i+3, fmt.Sprintf("/near?n=n%d", i))
		}
		send.flush()
		c.answered(http.StatusOK, near...)
		g.release()
		c.answered(http.StatusOK, waiting...)
		for i := range waiting {
			assert.Equal(t, string(c.on(waiting[i]).body), fmt.Sprintf("w%d", i))
			assert.Equal(t, string(c.on(near[i]).body), fmt.Sprintf("n%d", i))
		}
		ran.once(t, 2*each)
	})
}

// A route that blocks again and again is learned to do so.
func TestBlockedUntilLearned(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		var g atomic.Pointer[gate]
		app := tako.New()
		app.Get("/learned", func(c *tako.Context) error {
			if h := g.Load(); h != nil {
				h.block("channel")
			}
			return c.Text(http.StatusOK, "done")
		})
		s := k.serve(t, app, config{})
		c := s.framed(t).settled()
		own, _ := s.Server.(*loop.Server)
		route := func() (found loop.RouteStats) {
			for _, r := range own.Stats().Routes {
				found = r
			}
			return found
		}
		id := uint32(1)
		ask := func() { c.get(id, "/learned"); id += 2 }
		for i := 0; own != nil && !route().Inline || own == nil && i < 200; i++ {
			if i > 5000 {
				t.Fatalf("not promoted: %+v", route())
			}
			ask()
			c.answered(http.StatusOK, id-2)
		}
		for i := 0; own != nil && route().Inline || own == nil && i < 10; i++ {
			if i > 20 {
				t.Fatalf("not demoted: %+v", route())
			}
			h := newGate(t)
			g.Store(h)
			ask()
			assert.Eventually(t, patience, "the handler to block", func() bool { return h.inside.Load() == 1 })
			c.alive()
			g.Store(nil)
			h.release()
			c.answered(http.StatusOK, id-2)
		}
	})
}

// A handler may end its goroutine, or panic, wherever it runs; its stream is reset, and
// everything else goes on.
func TestGoexitAndPanic(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		app := tako.New()
		for name, opt := range map[string]tako.Option{"inline": tako.Inline(), "far": tako.Blocking()} {
			end := func(how string) {
				if how == "exit" {
					runtime.Goexit()
				}
				panic(how)
			}
			app.Get("/"+name+"/{how}/before", func(c *tako.Context) error { end(c.Param("how")); return nil }, opt)
			app.Get("/"+name+"/{how}/within", func(c *tako.Context) error {
				if err := c.WriteHead(http.StatusOK); err != nil {
					return err
				}
				_, _ = c.WriteString("part")
				_ = c.Flush()
				end(c.Param("how"))
				return nil
			}, opt)
			app.Get("/"+name, func(c *tako.Context) error { return c.Text(http.StatusOK, name) }, opt)
		}
		s := k.serve(t, app, config{})
		c := s.framed(t).settled()
		id := uint32(1)
		for range 3 {
			for _, where := range []string{"inline", "far"} {
				for _, how := range []string{"exit", "panic"} {
					for _, when := range []string{"before", "within"} {
						send := newBatch(c)
						send.get(id, "/inline")
						send.get(id+2, "/"+where+"/"+how+"/"+when)
						send.get(id+4, "/inline")
						send.get(id+6, "/far")
						send.flush()
						c.until(where+" "+how+" "+when, c.on(id+2).over)
						m := c.on(id + 2)
						switch {
						case how == "panic" && when == "before":
							assert.Equal(t, m.status(), 500, where)
						case m.reset == nil:
							t.Errorf("%s %s %s: not reset: %v %q", where, how, when, m.statuses, m.body)
						}
						c.answered(http.StatusOK, id, id+4, id+6)
						id += 8
					}
				}
			}
		}
		c.alive()
	})
}
