package dispatch

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
		{name: "one slow among many", steps: []step{{10, "short"}, {1, "slow"}, {SlowCost + promoteAfter, "short"}}, inline: true},
		{name: "often slow", steps: []step{{1, "slow, then 100 short"}, {1, "slow, then 100 short"}, {1, "slow, then 100 short"}, {1, "slow, then 100 short"}, {1, "slow, then 100 short"}}},
		{name: "a debt is bounded", steps: []step{{1000, "slow"}, {maxDebt + promoteAfter + 100, "short"}}, inline: true},
		{name: "fixed blocking", mode: tako.DispatchBlocking, steps: []step{{1000, "short"}}},
		{name: "fixed inline", mode: tako.DispatchInline, steps: []step{{1000, "slow"}}, inline: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := new(Classes)
			c := s.Of(&tako.RouteRef{Method: "GET", Pattern: "/", Mode: tt.mode})
			for _, st := range tt.steps {
				for range st.n {
					teach(s, c, st.what)
				}
			}
			assert.Equal(t, c.Inline(), tt.inline, fmt.Sprintf("credit %d, average %v", c.credit.Load(), time.Duration(c.average.Load())))
			promotions := int64(0)
			if tt.inline && tt.mode == tako.DispatchLearned {
				promotions = 1
			}
			assert.Equal(t, c.promotions.Load(), promotions, "promotions")
			assert.Equal(t, s.Promotions.Load(), promotions, "promotions of the server")
		})
	}
}

func teach(s *Classes, c *Class, what string) {
	switch what {
	case "short":
		c.Ran(ShortCall / 10)
	case "middling":
		c.Ran(2 * ShortCall)
	case "slow":
		c.Ran(2 * slowRun)
	default:
		c.Ran(2 * slowRun)
		for range 100 {
			c.Ran(ShortCall / 10)
		}
	}
}

// promoted is a class that runs on the loops.
func promoted(t *testing.T, s *Classes) *Class {
	t.Helper()
	c := s.Of(&tako.RouteRef{Method: "GET", Pattern: "/"})
	for i := 0; !c.Inline(); i++ {
		if i > 10*(maxDebt+SlowCost) {
			t.Fatal("not promoted")
		}
		c.notYet.Store(0)
		c.Ran(ShortCall / 10)
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
		{SlowCost, 1, 4, false, "a few at once"},
		{SlowCost, 1, 10, true, "ten in a row"},
		{SlowCost, 1000, 1_000_000, false, "one in a thousand"},
		{SlowCost, 500, 1_000_000, false, "one in five hundred"},
		{SlowCost, 100, 10_000, true, "one in a hundred"},
		{SlowCost, 20, 1000, true, "one in twenty"},
		{2 * SlowCost, 1, 2, false, "two hand-overs"},
		{2 * SlowCost, 1, 4, true, "four hand-overs"},
		{2 * SlowCost, 1000, 1_000_000, false, "a hand-over in a thousand"},
		{2 * SlowCost, 500, 1_000_000, true, "a hand-over in five hundred"},
	}
	for _, tt := range tests {
		t.Run(tt.comments, func(t *testing.T) {
			s := new(Classes)
			c := promoted(t, s)
			st := &Stat{Class: c}
			for i := 1; i <= tt.calls && st.Inline(); i++ {
				if i%tt.every == 0 {
					st.Slow(tt.cost)
				} else {
					st.Earn()
				}
			}
			assert.Equal(t, !c.Inline(), tt.demoted, "demoted")
		})
	}
}

// A class that loops demote at the same time is demoted once, and a loop that still
// has debts from before does not demote it anew at once.
func TestRouteStatForgets(t *testing.T) {
	s := new(Classes)
	c := promoted(t, s)
	one, two := &Stat{Class: c}, &Stat{Class: c}
	assert.Equal(t, one.Inline() && two.Inline(), true)
	two.Slow(maxDebt)
	for c.Inline() {
		one.Slow(SlowCost)
	}
	two.Slow(SlowCost) // was under way
	assert.Equal(t, c.demotions.Load(), int64(1), "demotions")
	promoted(t, s)
	assert.Equal(t, two.Inline(), true)
	assert.Equal(t, two.credit, int32(0), "credit after a promotion")
	two.Slow(SlowCost)
	assert.Equal(t, c.Inline(), true, "inline")
}

// Probation grows with each demotion, and no call promotes before its end.
func TestProbation(t *testing.T) {
	s := new(Classes)
	want := firstProbation
	for i := range 80 {
		c := promoted(t, s)
		before := time.Since(epoch)
		c.demote()
		assert.Equal(t, c.Inline(), false, "inline")
		left := time.Duration(c.notYet.Load()) - before
		if slack := time.Since(epoch) - before; left < want || left > want+slack {
			t.Fatalf("probation %d is %v, want %v", i, left, want)
		}
		for range 2 * (SlowCost + promoteAfter) {
			c.Ran(0)
		}
		if time.Since(epoch)-before < want {
			assert.Equal(t, c.Inline(), false, "inline during probation")
		}
		want = min(2*want, maxProbation)
	}
}

// Classes outlive routers, and tell routes apart by method, pattern and mode.
func TestClasses(t *testing.T) {
	var cs Classes
	ref := func(method, pattern string, mode tako.DispatchMode) *tako.RouteRef {
		return &tako.RouteRef{Index: 7, Method: method, Pattern: pattern, Mode: mode}
	}
	a := cs.Of(ref("GET", "/a", tako.DispatchLearned))
	if cs.Of(ref("GET", "/a", tako.DispatchLearned)) != a {
		t.Error("another class for the same route")
	}
	for _, other := range []*tako.RouteRef{ref("POST", "/a", 0), ref("GET", "/b", 0), ref("GET", "/a", tako.DispatchInline), {}} {
		if cs.Of(other) == a {
			t.Errorf("%v has the class of GET /a", other)
		}
	}
	names := ""
	for _, route := range cs.Report() {
		names += fmt.Sprintf("%s %v %v; ", route.Route, route.Inline, route.Fixed)
	}
	assert.Contains(t, names, "(no route) false false; ")
	assert.Contains(t, names, "GET /a true true; ")
	assert.Contains(t, names, "GET /b false false; ")
}

// What a loop keeps is found by index, and belongs to one router.
func TestRouteStats(t *testing.T) {
	s := new(Classes)
	var rs Stats
	first := &tako.RouteRef{Index: 3, Method: "GET", Pattern: "/"}
	next := &tako.RouteRef{Index: 3, Method: "GET", Pattern: "/"}
	other := &tako.RouteRef{Index: 3, Method: "GET", Pattern: "/other"}
	st := rs.Of(s, first)
	st.Inline()
	st.credit = 5
	if rs.Of(s, first) != st || st.credit != 5 {
		t.Error("forgotten between two calls")
	}
	class := st.Class
	if got := rs.Of(s, next); got.Class != class {
		t.Error("another class after a swap")
	}
	if got := rs.Of(s, other); got.Class == class {
		t.Error("the class of another route")
	}
	rs.Of(s, &tako.RouteRef{Index: 1000})
	assert.Equal(t, len(rs), 1001)
}

// Servers are told apart.
func TestClassesOfServers(t *testing.T) {
	a, b := new(Classes), new(Classes)
	promoted(t, a)
	assert.Equal(t, b.Of(&tako.RouteRef{Method: "GET", Pattern: "/"}).Inline(), false, "inline on another server")
}

// Calls that copy files earn patience by the time that takes.
func TestCopiedEarns(t *testing.T) {
	for _, n := range []int64{0, 100 << 10} {
		s := new(Classes)
		st := Stat{Class: promoted(t, s)}
		for i := range 100_000 {
			if st.Inline(); i%200 == 0 {
				st.Slow(2 * SlowCost)
				continue
			}
			st.Earn()
			st.Copied(n)
		}
		assert.Equal(t, st.Class.Inline(), n > 0, fmt.Sprintf("%d bytes, a hand-over in two hundred", n))
		assert.Equal(t, st.credit <= maxCredit, true, "credit is bounded")
	}
	for _, mode := range []tako.DispatchMode{tako.DispatchLearned, tako.DispatchBlocking} {
		c := new(Classes).Of(&tako.RouteRef{Method: "GET", Pattern: "/", Mode: mode})
		c.Copied(1 << 40)
		c.Ran(2 * slowRun)
		c.Copied(100 << 10)
		for range promoteAfter {
			c.Ran(ShortCall / 10)
		}
		assert.Equal(t, c.Inline(), mode == tako.DispatchLearned, "after one slow call")
	}
}
