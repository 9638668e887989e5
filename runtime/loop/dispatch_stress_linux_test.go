package loop_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// stressFor is how long the random mix runs on each poller.
func stressFor() time.Duration {
	if testing.Short() {
		return time.Second
	}
	return 3 * time.Second
}

// crowd is a random mix of clients.
type crowd struct {
	r        *rig
	number   atomic.Int64
	answered atomic.Int64
	until    time.Time
	problem  atomic.Bool
}

// Quick, blocking, spinning and panicking handlers on two loops, asked by clients
// that pipeline, half-close, go away and reset: every response comes once, whole and
// in order, and nothing is left in the end.
func TestDispatchStress(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		r := newRig(t)
		stressRoutes(r)
		r.start(loop.Config{Poller: poller, Loops: 2}, r.app)
		r.neighbours(2, 20, "/fixed")
		assert.Eventually(t, rigPatience, "connections to end", func() bool { return r.s.Stats().Conns == 0 })
		goroutines, fds := runtime.NumGoroutine(), descriptorsOf(t)
		cr := &crowd{r: r, until: time.Now().Add(stressFor())}
		var wg sync.WaitGroup
		for i := range 24 {
			rnd := rand.New(rand.NewPCG(uint64(i), 7))
			wg.Go(func() { cr.client(rnd) })
		}
		wg.Wait()
		r.once()
		assert.Eventually(t, rigPatience, "connections to end", func() bool { return r.s.Stats().Conns == 0 })
		assert.Eventually(t, rigPatience, "descriptors to be closed", func() bool { return descriptorsOf(t) <= fds })
		assert.Eventually(t, rigPatience, "goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines })
		stats := r.s.Stats()
		t.Logf("%d requests, %d answered in full, %d on loops, %d hand-overs, %d promotions, %d demotions",
			stats.Requests, cr.answered.Load(), stats.Inline, stats.Handovers, stats.Promotions, stats.Demotions)
		if !cr.enough() {
			t.Error("too little has happened")
		}
		r.neighbours(2, 20, "/fixed")
	})
}

// stressRoutes serve the number of the request, in different classes, and block as
// the request says.
func stressRoutes(r *rig) {
	handler := func(c *tako.Context) error {
		n := c.Query("n")
		r.count(n)
		switch c.Query("do") {
		case "sleep":
			select {
			case <-time.After(8 * time.Millisecond):
			case <-c.Context().Done():
			}
		case "spin":
			for began := time.Now(); time.Since(began) < 5*time.Millisecond; {
				continue
			}
		case "panic":
			panic("as it should")
		case "abort":
			panic(http.ErrAbortHandler)
		case "large":
			return c.Text(http.StatusOK, n+strings.Repeat("x", 100<<10))
		case "flush":
			_, _ = c.WriteString(n)
			if err := c.Flush(); err != nil {
				return err
			}
			<-time.After(2 * time.Millisecond)
			return nil
		}
		return c.Text(http.StatusOK, n)
	}
	r.app.Get("/fixed", handler, tako.Inline())
	r.app.Get("/learned", handler)
	r.app.Get("/far", handler, tako.Blocking())
	r.app.Get("/timed", handler, tako.Inline(), tako.Timeout(time.Hour))
	r.app.Post("/fixed", func(c *tako.Context) error {
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		r.count(string(body))
		return c.Text(http.StatusOK, string(body))
	}, tako.Inline())
}

// ask is a request, and what must come.
type ask struct {
	text, number, do string
}

func (cr *crowd) ask(rnd *rand.Rand) ask {
	n := fmt.Sprint(cr.number.Add(1))
	path := []string{"/fixed", "/fixed", "/learned", "/learned", "/far", "/timed"}[rnd.IntN(6)]
	do := ""
	switch k := rnd.IntN(100); {
	case path == "/learned" && rnd.IntN(20) > 0: // so that it is promoted now and then
	case k < 8:
		do = "sleep"
	case k < 10:
		do = "spin"
	case k < 11:
		do = "panic"
	case k < 12:
		do = "large"
	case k < 13:
		do = "flush"
	case k < 16:
		return ask{"POST /fixed HTTP/1.1\r\nHost: a\r\nContent-Length: " + fmt.Sprint(len(n)) + "\r\n\r\n" + n, n, ""}
	}
	return ask{get(path + "?n=" + n + "&do=" + do), n, do}
}

// enough reports whether there was something to see.
func (cr *crowd) enough() bool {
	return cr.answered.Load() >= 1000 && cr.r.s.Stats().Handovers >= 50
}

// over ends the mix. A slow machine has more time for it.
func (cr *crowd) over() bool {
	late := time.Since(cr.until)
	return late > rigPatience || late > 0 && cr.enough()
}

// client asks on one connection after the other.
func (cr *crowd) client(rnd *rand.Rand) {
	for !cr.over() && !cr.problem.Load() {
		c := cr.r.dialQuietly()
		if c == nil {
			return
		}
		for range 1 + rnd.IntN(20) {
			if !cr.batch(rnd, c) || cr.over() {
				break
			}
		}
		_ = c.Close()
	}
}

// dialQuietly is dial without a cleanup, for very many connections.
func (r *rig) dialQuietly() *rigConn {
	c, err := dialOnce(r.s.Addr().String())
	if err != nil {
		r.t.Errorf("dial: %v", err)
		return nil
	}
	c.t = r.t
	return c
}

// batch sends some requests, in pieces at times, and reads the responses unless it
// goes away before. It reports whether the connection goes on.
func (cr *crowd) batch(rnd *rand.Rand, c *rigConn) bool {
	asks := make([]ask, 1+rnd.IntN(8)*rnd.IntN(3))
	text := ""
	for i := range asks {
		asks[i] = cr.ask(rnd)
		text += asks[i].text
	}
	if rnd.IntN(50) == 0 {
		asks = append(asks, ask{number: "", do: "abort"})
		text += get("/fixed?do=abort&n=" + fmt.Sprint(cr.number.Add(1)))
	}
	half := false
	if at := rnd.IntN(len(text)); rnd.IntN(3) == 0 {
		c.send(text[:at])
		runtime.Gosched()
		c.send(text[at:])
	} else {
		c.send(text)
	}
	switch rnd.IntN(60) {
	case 0: // goes away
		return false
	case 1:
		_ = c.Conn.(interface{ SetLinger(int) error }).SetLinger(0)
		return false
	case 2:
		sendEnd(c)
		half = true
	}
	for i, a := range asks {
		if !cr.check(c, a) {
			if cr.problem.Load() {
				cr.r.t.Logf("it was number %d of %+q", i, asks)
			}
			return false
		}
		if i == len(asks)-1 && half {
			c.ended()
		}
	}
	return !half
}

// check reads a response.
func (cr *crowd) check(c *rigConn, a ask) bool {
	resp, err := c.read()
	want, body := http.StatusOK, resp.body
	switch a.do {
	case "abort":
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			cr.fail("an aborted request: got %.100q and %v", resp.body, err)
		}
		return false
	case "panic":
		want = http.StatusInternalServerError
		body = a.number
	case "large":
		body = strings.TrimRight(body, "x")
	}
	if err != nil || resp.StatusCode != want || body != a.number {
		cr.fail("request %s %q: got %.200q and %v", a.number, a.do, resp.body, err)
		return false
	}
	cr.answered.Add(1)
	return true
}

func (cr *crowd) fail(format string, args ...any) {
	cr.problem.Store(true)
	cr.r.t.Errorf(format, args...)
}

// A router is replaced all the time while its handlers block: a route keeps what was
// learned of it, and every request is answered by one router.
func TestDispatchSwap(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		unstalled(t, func() bool { return swapOften(t, poller) })
	})
}

// swapOften reports false if a machine that stalled made a route look as if it blocked.
func swapOften(t *testing.T, poller string) bool {
	r := newRig(t)
	router := func(extra int) *tako.Router {
		app := tako.New()
		for i := range extra { // so that the routes have other places
			app.Get(fmt.Sprint("/extra", i), r.work)
		}
		app.Get("/work", r.work)
		app.Get("/near", r.work)
		return app
	}
	live := tako.NewLive(router(0))
	r.start(loop.Config{Poller: poller}, live)
	r.promote("GET /work", "/work?n=")
	r.promote("GET /near", "/near?n=")
	before := r.s.Stats()
	c := r.dial()
	r.hold()
	c.send(get("/work?n=old&how=channel"))
	r.blocked(1, before.Handovers+1)
	for i := range 20 {
		assert.NoError(t, live.Swap(router(i%5)))
		r.neighbours(2, 5, "/near")
	}
	r.release()
	c.expect("old")
	after := r.s.Stats()
	if after.Handovers > before.Handovers+1 {
		return false
	}
	assert.Equal(t, after.Promotions, before.Promotions, "promotions")
	assert.Equal(t, after.Demotions, before.Demotions, "demotions")
	assert.Eventually(t, rigPatience, "201 requests on the loop since the first swap", func() bool { return r.s.Stats().Inline-before.Inline >= 201 })
	assert.Equal(t, len(slices.DeleteFunc(after.Routes, func(s loop.RouteStats) bool { return !s.Inline })), 2, "routes on the loop")
	return true
}

// The counters tell each request once, also while the server is quiet.
func TestDispatchCounts(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		r := inlineRig(t, loop.Config{Poller: poller}, nil)
		c := r.dial()
		r.hold()
		requests, bodies := batch(1, 30, "/near /far /near", map[int]string{10: "channel"})
		c.send(requests)
		r.blocked(1, 1)
		r.release()
		c.expect(bodies...)
		assert.Eventually(t, rigPatience, "30 requests to be counted", func() bool { return r.s.Stats().Requests >= 30 })
		stats := r.s.Stats()
		assert.Equal(t, []int64{stats.Requests, stats.Streamed}, []int64{30, 0}, "requests, streamed")
		// When the machine stalls, others are taken to block, too.
		assert.Equal(t, r.route("GET /work").Handovers, int64(1), "hand-overs of the route")
		assert.Equal(t, stats.Handovers, 1+r.route("GET /near").Handovers, "hand-overs")
	})
}

// A context that a robbed handler was given ends with its handler, and with a cut.
func TestHandoverContext(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		kept := make(chan context.Context, 8)
		r := inlineRig(t, loop.Config{Poller: poller}, func(r *rig) {
			for path, option := range map[string]tako.Option{"/keep": tako.Inline(), "/keepfar": tako.Blocking()} {
				r.app.Get(path, func(c *tako.Context) error {
					kept <- c.Context()
					r.block(c.Query("how"))
					if c.Query("exit") != "" {
						runtime.Goexit()
					}
					return c.Text(200, c.Query("n"))
				}, option)
			}
		})
		for _, path := range []string{"/keep", "/keepfar"} {
			for _, exit := range []string{"", "1"} {
				c := r.dial()
				r.hold()
				c.send(get(path + "?n=1&how=channel&exit=" + exit))
				ctx := <-kept
				assert.Eventually(t, rigPatience, "the handler to block", func() bool { return r.inside.Load() == 1 })
				r.neighbours(1, 5, "/near")
				assert.NoError(t, ctx.Err(), "while the handler runs")
				r.release()
				select {
				case <-ctx.Done():
				case <-time.After(rigPatience):
					t.Fatalf("%s, exit %q: the context does not end", path, exit)
				}
				_ = c.Close()
			}
		}
	})
}
