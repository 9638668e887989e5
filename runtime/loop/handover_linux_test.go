package loop_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// waysToBlock are those that rig.block knows.
var waysToBlock = []string{"channel", "mutex", "system call", "busy loop"}

// escaped is a way to block as it stands in a query.
func escaped(how string) string {
	switch how {
	case "system call":
		return "system%20call"
	case "busy loop":
		return "busy%20loop"
	}
	return how
}

// A promoted route blocks: its loop is handed over, all others are served, and no
// response is lost or comes twice. When it has blocked often enough it is demoted,
// and promoted again once it has been short for long enough.
func TestHandover(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, how := range waysToBlock {
			t.Run(how, func(t *testing.T) {
				r := newRig(t)
				r.app.Get("/work", r.work)
				r.app.Get("/near", r.work)
				r.start(loop.Config{Poller: poller}, r.app)
				r.promote("GET /near", "/near?n=")
				r.promote("GET /work", "/work?n=")
				r.mu.Lock()
				clear(r.ran)
				r.mu.Unlock()
				for i := 0; r.route("GET /work").Inline; i++ {
					if i == 20 {
						t.Fatalf("not demoted after %d times: %+v", i, r.s.Stats())
					}
					r.blockOnce(fmt.Sprint("work-", i), how)
				}
				stats := r.route("GET /work")
				assert.Equal(t, stats.Demotions, stats.Promotions, "demotions")
				if stats.Handovers < 2 {
					t.Errorf("demoted after %d hand-overs, want at least 2", stats.Handovers)
				}
				r.once()
				r.promote("GET /work", "/work?n=") // after probation
				assert.Equal(t, r.route("GET /work").Promotions, stats.Promotions+1, "promotions")
			})
		}
	})
}

// blockOnce has one client block its loop while others are served.
func (r *rig) blockOnce(n, how string) {
	r.t.Helper()
	before := r.s.Stats().Handovers
	c := r.dial()
	defer c.Close()
	r.hold()
	c.send(get("/work?n=" + n + "&how=" + escaped(how)))
	r.blocked(1, before+1)
	r.neighbours(4, 25, "/near")
	c.silent()
	r.release()
	c.expect(n)
	c.send(get("/near?n=" + n + "-again"))
	c.expect(n + "-again")
}

// Routes whose class is fixed keep it.
func TestHandoverFixed(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		r := newRig(t)
		r.app.Get("/work", r.work, tako.Inline())
		r.app.Get("/far", r.work, tako.Blocking())
		r.app.Get("/near", r.work)
		r.start(loop.Config{Poller: poller}, r.app)
		r.promote("GET /near", "/near?n=")
		for i := range 8 {
			r.blockOnce(fmt.Sprint("work-", i), "channel")
		}
		got := r.route("GET /work")
		assert.Equal(t, got.Inline && got.Fixed && got.Promotions == 0 && got.Demotions == 0, true, fmt.Sprintf("%+v", got))
		if got.Handovers < 8 {
			t.Errorf("got %d hand-overs, want 8", got.Handovers)
		}

		r.neighbours(1, 2000, "/far")
		before := r.s.Stats().Handovers
		c := r.dial()
		r.hold()
		c.send(get("/far?n=far&how=channel"))
		assert.Eventually(t, rigPatience, "the handler to block", func() bool { return r.inside.Load() == 1 })
		r.neighbours(2, 25, "/near")
		r.release()
		c.expect("far")
		far := r.route("GET /far")
		assert.Equal(t, far, loop.RouteStats{Route: "GET /far", Fixed: true})
		if got := r.s.Stats().Handovers; got != before {
			t.Logf("%d hand-overs beside a route that is not on the loop", got-before)
		}
	})
}

// The requests that no route is for have a class, too.
func TestHandoverMisses(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		r := newRig(t)
		r.app.Get("/near", r.work)
		r.app.Fallback(func(c *tako.Context) error {
			r.block(c.Query("how"))
			return c.Text(http.StatusNotFound, c.Path())
		})
		r.start(loop.Config{Poller: poller}, r.app)
		r.promote("GET /near", "/near?n=")
		r.promote("(no route)", "/nothing")
		for i := 0; r.route("(no route)").Inline; i++ {
			if i == 20 {
				t.Fatalf("not demoted: %+v", r.s.Stats())
			}
			before := r.s.Stats().Handovers
			c := r.dial()
			r.hold()
			c.send(get(fmt.Sprintf("/none%d?how=mutex", i)))
			r.blocked(1, before+1)
			r.neighbours(2, 25, "/near")
			r.release()
			assert.Equal(t, c.status(404).body, fmt.Sprintf("/none%d", i))
		}
		if got := r.route("(no route)"); got.Handovers < 2 || got.Demotions == 0 {
			t.Errorf("got %+v", got)
		}
	})
}

// A handler on the only loop may be a client of its own server.
func TestHandoverOwnServer(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		r := newRig(t)
		client := &http.Client{Timeout: rigPatience, Transport: &http.Transport{DisableKeepAlives: true}}
		r.app.Get("/deep/{n}", func(c *tako.Context) error {
			if c.Param("n") == "0" {
				return c.Text(200, "ground")
			}
			depth := c.Param("n")[0] - 1
			resp, err := client.Get("http://" + r.s.Addr().String() + "/deep/" + string(depth))
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			return c.Text(resp.StatusCode, fmt.Sprint(resp.ContentLength))
		}, tako.Inline())
		r.start(loop.Config{Poller: poller}, r.app)
		c := r.dial()
		for range 5 {
			c.send(get("/deep/1"))
			c.expect("6")
			c.send(get("/deep/5"))
			c.expect("1")
		}
		if got := r.s.Stats().Handovers; got < 10 {
			t.Errorf("got %d hand-overs", got)
		}
	})
}
