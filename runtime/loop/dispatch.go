package loop

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

const (
	// shortCall is how long a handler may take to count as short.
	shortCall = 100 * time.Microsecond
	// promoteAfter is how many calls must have been seen before a route may run on
	// the loops.
	promoteAfter = 16
	// A call earns one credit, up to maxCredit; a slow one costs slowCost, and twice
	// that if the loop had to be taken away from it. A route leaves the loops when
	// its debt is over maxDebt, and comes back when it has credit. So one slow call
	// in a thousand is tolerated, as preemption and garbage collection make calls
	// look slow, and one in a hundred is not.
	slowCost  = 400
	maxCredit = slowCost
	maxDebt   = 4 * slowCost
	// slowRun is what counts as slow on a goroutine, which may have to wait for a
	// processor.
	slowRun = time.Millisecond
	// A route that was sent off the loops stays away for firstProbation, and twice
	// as long each time, up to maxProbation.
	firstProbation = 100 * time.Millisecond
	maxProbation   = 10 * time.Second
)

// class is what was learned of a route, for all loops together.
type class struct {
	name  string
	mode  tako.DispatchMode
	state atomic.Uint32 // the lowest bit says that it runs on the loops; it grows with each change

	runs    atomic.Int64 // since it left the loops
	credit  atomic.Int64 // of these
	average atomic.Int64 // of the time they took, in nanoseconds
	notYet  atomic.Int64 // by the clock of time.Since(epoch): no promotion before it

	promotions, demotions, handovers atomic.Int64
}

func (c *class) inline() bool { return c.state.Load()&1 != 0 }

// ran learns from a call on a goroutine.
func (c *class) ran(s *Server, took time.Duration) {
	if c.mode != tako.DispatchLearned {
		return
	}
	average := c.average.Load()
	average += (int64(took) - average) / 8
	c.average.Store(average)
	if took > slowRun {
		c.credit.Store(max(c.credit.Load()-slowCost, -maxDebt))
	} else if c.credit.Load() < maxCredit {
		c.credit.Add(1)
	}
	if c.runs.Add(1) < promoteAfter || c.credit.Load() < promoteAfter || average > int64(shortCall) || int64(time.Since(epoch)) < c.notYet.Load() {
		return
	}
	if state := c.state.Load(); state&1 == 0 && c.state.CompareAndSwap(state, state+1) {
		c.promotions.Add(1)
		s.stats.promotions.Add(1)
	}
}

// demote sends the route off the loops.
func (c *class) demote(s *Server) {
	state := c.state.Load()
	if c.mode != tako.DispatchLearned || state&1 == 0 {
		return
	}
	n := c.demotions.Load()
	probation := maxProbation
	if n < 10 {
		probation = min(firstProbation<<n, maxProbation)
	}
	c.notYet.Store(int64(time.Since(epoch) + probation))
	c.runs.Store(0)
	c.credit.Store(-slowCost)
	c.average.Store(int64(10 * shortCall))
	if c.state.CompareAndSwap(state, state+1) {
		c.demotions.Add(1)
		s.stats.demotions.Add(1)
	}
}

// classes are those of a server. A route keeps its class when the router is swapped.
type classes struct {
	mu  sync.Mutex
	all map[classKey]*class
}

type classKey struct {
	method, pattern string
	mode            tako.DispatchMode
}

func (cs *classes) of(ref *tako.RouteRef) *class {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	key := classKey{ref.Method, ref.Pattern, ref.Mode}
	c := cs.all[key]
	if c == nil {
		c = &class{name: ref.String(), mode: ref.Mode}
		if ref.Mode == tako.DispatchInline {
			c.state.Store(1)
		}
		if cs.all == nil {
			cs.all = map[classKey]*class{}
		}
		cs.all[key] = c
	}
	return c
}

func (cs *classes) stats() []RouteStats {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	all := make([]RouteStats, 0, len(cs.all))
	for _, c := range cs.all {
		all = append(all, RouteStats{Route: c.name, Inline: c.inline(), Fixed: c.mode != tako.DispatchLearned,
			Promotions: c.promotions.Load(), Demotions: c.demotions.Load(), Handovers: c.handovers.Load()})
	}
	slices.SortFunc(all, func(a, b RouteStats) int { return cmp.Compare(a.Route, b.Route) })
	return all
}

// routeStat is what one loop keeps of a route. Only the leader of the loop uses it.
type routeStat struct {
	ref    *tako.RouteRef
	class  *class
	seen   uint32 // state of the class that credit belongs to
	credit int32
}

// routeStats are those of a loop, by the index of the route.
type routeStats []routeStat

// of returns what the loop keeps of a route.
func (rs *routeStats) of(s *Server, ref *tako.RouteRef) *routeStat {
	if ref.Index < len(*rs) {
		if st := &(*rs)[ref.Index]; st.ref == ref {
			return st
		}
	}
	for ref.Index >= len(*rs) {
		*rs = append(*rs, routeStat{})
	}
	st := &(*rs)[ref.Index]
	*st = routeStat{ref: ref, class: s.classes.of(ref)}
	return st
}

// inline decides where the next call runs.
func (st *routeStat) inline() bool {
	state := st.class.state.Load()
	if state != st.seen {
		st.seen, st.credit = state, 0
	}
	return state&1 != 0
}

// earn counts a call on the loop.
func (st *routeStat) earn() {
	if st.credit < maxCredit {
		st.credit++
	}
}

// slow counts a call on the loop that took long, and sends the route off the loops
// if there are too many of them.
func (st *routeStat) slow(s *Server, cost int32) {
	st.credit -= cost
	if st.credit < -maxDebt {
		st.class.demote(s)
	}
}
