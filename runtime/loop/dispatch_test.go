package loop

import (
	"fmt"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// step is something that a class learns from, so many times.
type step struct {
	n    int
	what string
}

// A route is promoted after enough short calls, and only then.
func TestClassPromotion(t *testing.T) {
	tests := []struct {
		name   string
		mode   tako.DispatchMode
		steps  []step
		inline bool
	}{
		{name: "no call"},
		{name: "one too few", steps: []step{{promoteAfter - 1, "short"}}},
		{name: "enough", steps: []step{{promoteAfter, "short"}}, inline: true},
		{name: "not short", steps: []step{{1000, "middling"}}},
		{name: "not short any more", steps: []step{{promoteAfter / 2, "short"}, {100, "middling"}}},
		{name: "short at last", steps: []step{{1000, "middling"}, {100, "short"}}, inline: true},
		{name: "slow", steps: []step{{1000, "slow"}}},
		{name: "one slow among few", steps: []step{{10, "short"}, {1, "slow"}, {100, "short"}}},
		{name: "one slow among many", steps: []step{{10, "short"}, {1, "slow"}, {slowCost + promoteAfter, "short"}}, inline: true},
		{name: "often slow", steps: []step{{1, "slow, then 100 short"}, {1, "slow, then 100 short"}, {1, "slow, then 100 short"}, {1, "slow, then 100 short"}, {1, "slow, then 100 short"}}},
		{name: "a debt is bounded", steps: []step{{1000, "slow"}, {maxDebt + promoteAfter + 100, "short"}}, inline: true},
		{name: "fixed blocking", mode: tako.DispatchBlocking, steps: []step{{1000, "short"}}},
		{name: "fixed inline", mode: tako.DispatchInline, steps: []step{{1000, "slow"}}, inline: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := new(Server)
			c := s.classes.of(&tako.RouteRef{Method: "GET", Pattern: "/", Mode: tt.mode})
			for _, st := range tt.steps {
				for range st.n {
					teach(s, c, st.what)
				}
			}
			assert.Equal(t, c.inline(), tt.inline, fmt.Sprintf("credit %d, average %v", c.credit.Load(), time.Duration(c.average.Load())))
			promotions := int64(0)
			if tt.inline && tt.mode == tako.DispatchLearned {
				promotions = 1
			}
			assert.Equal(t, c.promotions.Load(), promotions, "promotions")
			assert.Equal(t, s.stats.promotions.Load(), promotions, "promotions of the server")
		})
	}
}

func teach(s *Server, c *class, what string) {
	switch what {
	case "short":
		c.ran(s, shortCall/10)
	case "middling":
		c.ran(s, 2*shortCall)
	case "slow":
		c.ran(s, 2*slowRun)
	default:
		c.ran(s, 2*slowRun)
		for range 100 {
			c.ran(s, shortCall/10)
		}
	}
}

// promoted is a class that runs on the loops.
func promoted(t *testing.T, s *Server) *class {
	t.Helper()
	c := s.classes.of(&tako.RouteRef{Method: "GET", Pattern: "/"})
	for i := 0; !c.inline(); i++ {
		if i > 10*(maxDebt+slowCost) {
			t.Fatal("not promoted")
		}
		c.notYet.Store(0)
		c.ran(s, shortCall/10)
	}
	return c
}

// One slow call is tolerated, many are not: so often in so many calls.
func TestRouteStatCredit(t *testing.T) {
	tests := []struct {
		cost     int32
		every    int // one of so many calls is slow
		calls    int
		demoted  bool
		comments string
	}{
		{slowCost, 1, 4, false, "a few at once"},
		{slowCost, 1, 10, true, "ten in a row"},
		{slowCost, 1000, 1_000_000, false, "one in a thousand"},
		{slowCost, 500, 1_000_000, false, "one in five hundred"},
		{slowCost, 100, 10_000, true, "one in a hundred"},
		{slowCost, 20, 1000, true, "one in twenty"},
		{2 * slowCost, 1, 2, false, "two hand-overs"},
		{2 * slowCost, 1, 4, true, "four hand-overs"},
		{2 * slowCost, 1000, 1_000_000, false, "a hand-over in a thousand"},
		{2 * slowCost, 500, 1_000_000, true, "a hand-over in five hundred"},
	}
	for _, tt := range tests {
		t.Run(tt.comments, func(t *testing.T) {
			s := new(Server)
			c := promoted(t, s)
			st := &routeStat{class: c}
			for i := 1; i <= tt.calls && st.inline(); i++ {
				if i%tt.every == 0 {
					st.slow(s, tt.cost)
				} else {
					st.earn()
				}
			}
			assert.Equal(t, !c.inline(), tt.demoted, "demoted")
		})
	}
}

// A class that loops demote at the same time is demoted once, and a loop that still
// has debts from before does not demote it anew at once.
func TestRouteStatForgets(t *testing.T) {
	s := new(Server)
	c := promoted(t, s)
	one, two := &routeStat{class: c}, &routeStat{class: c}
	assert.Equal(t, one.inline() && two.inline(), true)
	two.slow(s, maxDebt)
	for c.inline() {
		one.slow(s, slowCost)
	}
	two.slow(s, slowCost) // was under way
	assert.Equal(t, c.demotions.Load(), int64(1), "demotions")
	promoted(t, s)
	assert.Equal(t, two.inline(), true)
	assert.Equal(t, two.credit, int32(0), "credit after a promotion")
	two.slow(s, slowCost)
	assert.Equal(t, c.inline(), true, "inline")
}

// Probation grows with each demotion, and no call promotes before its end.
func TestProbation(t *testing.T) {
	s := new(Server)
	want := firstProbation
	for i := range 80 {
		c := promoted(t, s)
		before := time.Since(epoch)
		c.demote(s)
		assert.Equal(t, c.inline(), false, "inline")
		left := time.Duration(c.notYet.Load()) - before
		if slack := time.Since(epoch) - before; left < want || left > want+slack {
			t.Fatalf("probation %d is %v, want %v", i, left, want)
		}
		for range 2 * (slowCost + promoteAfter) {
			c.ran(s, 0)
		}
		if time.Since(epoch)-before < want {
			assert.Equal(t, c.inline(), false, "inline during probation")
		}
		want = min(2*want, maxProbation)
	}
}

// Classes outlive routers, and tell routes apart by method, pattern and mode.
func TestClasses(t *testing.T) {
	var cs classes
	ref := func(method, pattern string, mode tako.DispatchMode) *tako.RouteRef {
		return &tako.RouteRef{Index: 7, Method: method, Pattern: pattern, Mode: mode}
	}
	a := cs.of(ref("GET", "/a", tako.DispatchLearned))
	if cs.of(ref("GET", "/a", tako.DispatchLearned)) != a {
		t.Error("another class for the same route")
	}
	for _, other := range []*tako.RouteRef{ref("POST", "/a", 0), ref("GET", "/b", 0), ref("GET", "/a", tako.DispatchInline), {}} {
		if cs.of(other) == a {
			t.Errorf("%v has the class of GET /a", other)
		}
	}
	names := ""
	for _, route := range cs.stats() {
		names += fmt.Sprintf("%s %v %v; ", route.Route, route.Inline, route.Fixed)
	}
	assert.Contains(t, names, "(no route) false false; ")
	assert.Contains(t, names, "GET /a true true; ")
	assert.Contains(t, names, "GET /b false false; ")
}

// What a loop keeps is found by index, and belongs to one router.
func TestRouteStats(t *testing.T) {
	s := new(Server)
	var rs routeStats
	first := &tako.RouteRef{Index: 3, Method: "GET", Pattern: "/"}
	next := &tako.RouteRef{Index: 3, Method: "GET", Pattern: "/"}
	other := &tako.RouteRef{Index: 3, Method: "GET", Pattern: "/other"}
	st := rs.of(s, first)
	st.inline()
	st.credit = 5
	if rs.of(s, first) != st || st.credit != 5 {
		t.Error("forgotten between two calls")
	}
	class := st.class
	if got := rs.of(s, next); got.class != class {
		t.Error("another class after a swap")
	}
	if got := rs.of(s, other); got.class == class {
		t.Error("the class of another route")
	}
	rs.of(s, &tako.RouteRef{Index: 1000})
	assert.Equal(t, len(rs), 1001)
}

// Servers are told apart.
func TestClassesOfServers(t *testing.T) {
	a, b := new(Server), new(Server)
	promoted(t, a)
	assert.Equal(t, b.classes.of(&tako.RouteRef{Method: "GET", Pattern: "/"}).inline(), false, "inline on another server")
}
