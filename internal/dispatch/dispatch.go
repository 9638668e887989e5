// Package dispatch learns which handlers are short enough to run where others wait
// for them: on an event loop, or on the goroutine of a connection that many streams share.
package dispatch

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

const (
	// ShortCall is how long a handler may take to count as short.
	ShortCall = 100 * time.Microsecond
	// promoteAfter is how many calls must have been seen before a route may run on
	// the loops.
	promoteAfter = 16
	// A call earns one credit, up to maxCredit; a slow one costs SlowCost, and twice
	// that if the loop had to be taken away from it. A route leaves the loops when
	// its debt is over maxDebt, and comes back when it has credit. So one slow call
	// in a thousand is tolerated, as preemption and garbage collection make calls
	// look slow, and one in a hundred is not.
	SlowCost  = 400
	maxCredit = SlowCost
	maxDebt   = 4 * SlowCost
	// copiedCredit is how much of a file is copied in the time of a quick call. A call
	// that copies earns as many credits as it takes the time of: where processors are
	// short, calls look slow by the time they take, not by their number.
	copiedCredit = 8 << 10
	// slowRun is what counts as slow on a goroutine, which may have to wait for a
	// processor.
	slowRun = time.Millisecond
	// A route that was sent off the loops stays away for firstProbation, and twice
	// as long each time, up to maxProbation.
	firstProbation = 100 * time.Millisecond
	maxProbation   = 10 * time.Second
)

// Class is what was learned of a route, for all loops together.
type Class struct {
	of    *Classes
	name  string
	mode  tako.DispatchMode
	state atomic.Uint32 // the lowest bit says that it runs on the loops; it grows with each change

	runs    atomic.Int64 // since it left the loops
	credit  atomic.Int64 // of these
	average atomic.Int64 // of the time they took, in nanoseconds
	notYet  atomic.Int64 // by the clock of time.Since(epoch): no promotion before it

	debt atomic.Int64 // of calls where others wait, see Late

	promotions, demotions atomic.Int64
	// Handovers is how often somebody else had to go on with what waited for a call.
	Handovers atomic.Int64
}

// Inline reports whether calls may run where others wait.
func (c *Class) Inline() bool { return c.state.Load()&1 != 0 }

// Ran learns from a call on a goroutine.
func (c *Class) Ran(took time.Duration) {
	if c.mode != tako.DispatchLearned {
		return
	}
	average := c.average.Load()
	average += (int64(took) - average) / 8
	c.average.Store(average)
	if took > slowRun {
		c.credit.Store(max(c.credit.Load()-SlowCost, -maxDebt))
	} else if c.credit.Load() < maxCredit {
		c.credit.Add(1)
	}
	if c.runs.Add(1) < promoteAfter || c.credit.Load() < promoteAfter || average > int64(ShortCall) || int64(time.Since(epoch)) < c.notYet.Load() {
		return
	}
	if state := c.state.Load(); state&1 == 0 && c.state.CompareAndSwap(state, state+1) {
		c.promotions.Add(1)
		c.of.Promotions.Add(1)
	}
}

// Copied counts n bytes of files that a call on a goroutine had copied without waiting.
func (c *Class) Copied(n int64) {
	if credit := c.credit.Load(); c.mode == tako.DispatchLearned && credit < maxCredit {
		c.credit.Store(min(credit+n/copiedCredit, maxCredit))
	}
}

// demote sends the route off the loops.
func (c *Class) demote() {
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
	c.credit.Store(-SlowCost)
	c.average.Store(int64(10 * ShortCall))
	if c.state.CompareAndSwap(state, state+1) {
		c.demotions.Add(1)
		c.of.Demotions.Add(1)
	}
}

// Late counts a call where others wait that took long, for those who keep no [Stat]. It
// sends the route away if there are too many of them.
func (c *Class) Late(cost int64) {
	if c.debt.Add(cost) > maxDebt {
		c.debt.Store(0)
		c.demote()
	}
}

// InTime counts n calls where others wait that were short.
func (c *Class) InTime(n int64) {
	if debt := c.debt.Load(); debt > 0 {
		c.debt.CompareAndSwap(debt, max(debt-n, 0))
	}
}

// Classes are those of a server. A route keeps its class when the router is swapped.
// The zero value has none. They may be used concurrently.
type Classes struct {
	mu  sync.Mutex
	all map[classKey]*Class
	// Promotions and Demotions are those of all routes.
	Promotions, Demotions atomic.Int64
}

type classKey struct {
	method, pattern string
	mode            tako.DispatchMode
}

// Of returns the class of a route.
func (cs *Classes) Of(ref *tako.RouteRef) *Class {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	key := classKey{ref.Method, ref.Pattern, ref.Mode}
	c := cs.all[key]
	if c == nil {
		c = &Class{of: cs, name: ref.String(), mode: ref.Mode}
		if ref.Mode == tako.DispatchInline {
			c.state.Store(1)
		}
		if cs.all == nil {
			cs.all = map[classKey]*Class{}
		}
		cs.all[key] = c
	}
	return c
}

// Report is what was learned of a route.
type Report struct {
	Route                            string
	Inline, Fixed                    bool
	Promotions, Demotions, Handovers int64
}

// Report tells of all routes, by name.
func (cs *Classes) Report() []Report {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	all := make([]Report, 0, len(cs.all))
	for _, c := range cs.all {
		all = append(all, Report{Route: c.name, Inline: c.Inline(), Fixed: c.mode != tako.DispatchLearned,
			Promotions: c.promotions.Load(), Demotions: c.demotions.Load(), Handovers: c.Handovers.Load()})
	}
	slices.SortFunc(all, func(a, b Report) int { return cmp.Compare(a.Route, b.Route) })
	return all
}

// epoch is what the clock of probations counts from.
var epoch = time.Now()

// Stat is what one loop keeps of a route. It is not safe for concurrent use.
type Stat struct {
	ref    *tako.RouteRef
	Class  *Class
	seen   uint32 // state of the class that credit belongs to
	credit int32
}

// Stats are those of a loop, by the index of the route.
type Stats []Stat

// Of returns what the loop keeps of a route.
func (rs *Stats) Of(cs *Classes, ref *tako.RouteRef) *Stat {
	if ref.Index < len(*rs) {
		if st := &(*rs)[ref.Index]; st.ref == ref {
			return st
		}
	}
	for ref.Index >= len(*rs) {
		*rs = append(*rs, Stat{})
	}
	st := &(*rs)[ref.Index]
	*st = Stat{ref: ref, Class: cs.Of(ref)}
	return st
}

// Inline decides where the next call runs.
func (st *Stat) Inline() bool {
	state := st.Class.state.Load()
	if state != st.seen {
		st.seen, st.credit = state, 0
	}
	return state&1 != 0
}

// Earn counts a call on the loop.
func (st *Stat) Earn() {
	if st.credit < maxCredit {
		st.credit++
	}
}

// Copied counts n bytes of files that a call on the loop had copied without waiting.
func (st *Stat) Copied(n int64) {
	st.credit = int32(min(int64(st.credit)+n/copiedCredit, maxCredit))
}

// Slow counts a call on the loop that took long, and sends the route off the loops
// if there are too many of them.
func (st *Stat) Slow(cost int32) {
	st.credit -= cost
	if st.credit < -maxDebt {
		st.Class.demote()
	}
}
