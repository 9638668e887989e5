package runtimetest

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

func loadCases() []testCase {
	return []testCase{
		{id: "RT-14/unknown-paths", serial: true, run: unknownPaths, faults: []fault{around("memory-kept", keeping)}},
		{id: "RT-14/long-paths", serial: true, run: longPaths, faults: []fault{around("slow", func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error { pause(c, 250*time.Millisecond); return next(c) }
		})}},
		{id: "RT-14/swap", serial: true, run: swapUnderLoad, faults: []fault{planted("half-swapped"), planted("memory-kept"), replies("mixed", "middleware=1", "middleware=0")}},
	}
}

// unknownPaths asks for many paths that were never seen before; nothing may
// remember them.
func unknownPaths(x *T) {
	const n, room = 20_000, 8 << 20
	rounds := n
	if x.fault != nil {
		rounds = 200
	}
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/known/{id}/{rest...}", say("known")) })
	c := s.dial()
	ask := func(from, to int) {
		for i := from; i < to; i++ {
			c.send("GET /unknown/"+itoa(i)+"/x HTTP/1.1\r\nHost: a.example\r\n\r\n", "GET /known/"+itoa(i)+"/y/z HTTP/1.1\r\nHost: a.example\r\n\r\n")
			c.expect(404)
			c.expect(200)
		}
	}
	ask(0, 20)
	before := heap()
	ask(20, rounds)
	if grown := heap() - before; grown > room {
		x.Errorf("the heap grew by %d bytes over %d paths", grown, rounds)
	}
}

// longPaths are as costly as their length, whatever the tree looks like.
func longPaths(x *T) {
	s := x.serve(tako.Limits{TargetBytes: 1 << 20, HeaderBytes: 1 << 20}, func(app *tako.Router) {
		app.Get("/a/{p}/a/{q}/b", say("b"))
		app.Get("/{p}/a/{q}/a/c", say("c"))
		app.Get("/a/{p...}", say("rest"))
	})
	c := s.dial()
	began, most := time.Now(), 8*time.Second
	if x.fault != nil {
		most = x.patience
	}
	for _, path := range []string{strings.Repeat("/a", 30<<10), "/" + strings.Repeat("a", 60<<10), strings.Repeat("/a/..", 12<<10), strings.Repeat("/", 60<<10), strings.Repeat("/%61", 15<<10)} {
		for range 10 {
			c.send("GET " + path + " HTTP/1.1\r\nHost: a.example\r\n\r\n")
			c.expect(200, 404, 405)
			if took := time.Since(began); took > most {
				x.Fatalf("50 long paths take more than %v", took)
			}
		}
	}
}

// swapUnderLoad replaces the router all the time; the middleware and the handler
// of a request always come from the same one.
func swapUnderLoad(x *T) {
	version := func(n int) *tako.Router {
		r := tako.New()
		r.Use(func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				c.Header().Set("X-Version", itoa(n))
				return next(c)
			}
		})
		other := n
		if x.planted("half-swapped") {
			other++
		}
		r.Get("/v", func(c *tako.Context) error { return c.Text(200, "middleware=1\nhandler="+itoa(other)+"\n") })
		r.Get(alivePath, say("alive"))
		return r
	}
	var live *tako.Live
	s := x.serveWith(setup{app: func(*tako.Router) tako.App {
		live = tako.NewLive(version(0))
		return live
	}}, nil)
	var stop atomic.Bool
	var served atomic.Int64
	var group sync.WaitGroup
	for range 4 {
		c := s.dial()
		group.Go(func() {
			for !stop.Load() {
				c.send(request("GET", "/v", ""))
				r, err := c.tryRead("GET")
				if err != nil || r.status != 200 || r.line("handler") != r.get("X-Version") || r.line("middleware") != "1" {
					x.Errorf("got %+v and %v from a router that is swapped", r, err)
					return
				}
				served.Add(1)
			}
		})
	}
	var kept [][]byte
	before := heap()
	swaps := 0
	for ; swaps < 1000 || served.Load() < 1000 && !x.Failed(); swaps++ {
		if err := live.Swap(version(swaps + 1)); err != nil {
			x.Errorf("swap: %v", err)
			break
		}
		if x.planted("memory-kept") {
			kept = append(kept, make([]byte, 64<<10))
		}
	}
	bad := tako.New()
	bad.Get("no slash", say(""))
	if err := live.Swap(bad); err == nil {
		x.Error("a router with mistakes was swapped in")
	}
	stop.Store(true)
	group.Wait()
	if grown := heap() - before; grown > 8<<20 {
		x.Errorf("the heap grew by %d bytes over %d swaps", grown, swaps)
	}
	runtime.KeepAlive(kept)
	if got := s.get("/v", 200).line("handler"); got != itoa(swaps) && !x.planted("half-swapped") {
		x.Errorf("the last router is %s", got)
	}
}
