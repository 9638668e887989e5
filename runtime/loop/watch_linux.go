package loop

import (
	"sync/atomic"
	"time"
)

// watchdog takes loops away from handlers that block them. It looks at all loops of
// a server, and sleeps while none runs handlers.
type watchdog struct {
	asleep atomic.Bool
	nudge  chan struct{}
	stop   chan struct{}
	ended  chan struct{}
}

const (
	// watchTick is how often it looks. A handler that is seen at work is looked at
	// again after watchAgain, and then the loop is taken away from it.
	watchTick  = 2 * time.Millisecond
	watchAgain = time.Millisecond
	// busyTick is how often it looks while all loops are busy: they keep an eye on
	// each other then, which costs less than a timer.
	busyTick = 8 * time.Millisecond
	// quietTicks without a change send it to sleep.
	quietTicks = 2
)

func (d *watchdog) init() {
	d.nudge, d.stop, d.ended = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
}

// wake is called by a leader that is about to run a handler.
func (d *watchdog) wake() {
	if d.asleep.CompareAndSwap(true, false) {
		select {
		case d.nudge <- struct{}{}:
		default:
		}
	}
}

// watch looks until the server ends.
func (d *watchdog) watch(loops []*loop) {
	defer close(d.ended)
	last := make([]uint64, len(loops))
	timer := time.NewTimer(watchTick)
	defer timer.Stop()
	for quiet := 0; ; {
		select {
		case <-timer.C:
		case <-d.stop:
			return
		}
		active, busy, all := d.look(loops, last)
		if quiet++; active {
			quiet = 0
		}
		if quiet > quietTicks {
			if !d.sleep(loops, last) {
				return
			}
			quiet = 0
		}
		switch {
		case all && !busy && len(loops) > 1:
			timer.Reset(busyTick)
		case busy && !all:
			timer.Reset(watchAgain)
		default:
			timer.Reset(watchTick)
		}
	}
}

// sleep waits until a leader is about to run a handler. It returns false when the
// server has ended.
func (d *watchdog) sleep(loops []*loop, last []uint64) bool {
	d.asleep.Store(true)
	// A leader that began a handler before it could see that is seen here.
	if active, _, _ := d.look(loops, last); !active {
		select {
		case <-d.nudge:
		case <-d.stop:
			return false
		}
	}
	d.asleep.Store(false)
	return true
}

// look takes loops away from handlers that run since the last look. It reports
// whether any loop has run handlers since, whether one does now, and whether all
// have turned.
func (d *watchdog) look(loops []*loop, last []uint64) (active, busy, all bool) {
	all = true
	for i, l := range loops {
		state := l.state.Load()
		if state == last[i] {
			all = false
			if state&1 == 0 {
				continue
			}
		}
		active = true
		if state == last[i] && l.state.CompareAndSwap(state, state+1) {
			l.handOver()
			state++
		}
		last[i] = state
		busy = busy || state&1 != 0
	}
	return active, busy, all
}

// sighting is what a loop saw of the next one.
type sighting struct {
	at    int64 // when, in milliseconds since epoch
	state uint64
	since int64
}

// asideAfter is how many milliseconds a handler of the next loop must have been
// seen at work. With the coarse clock that is one to two.
const asideAfter = 2

// lookAside takes the next loop away from a handler that blocks it.
func (l *loop) lookAside() {
	l.other.at = l.now
	loops := l.reactor.loops
	next := loops[(l.id+1)%len(loops)]
	state := next.state.Load()
	if state&1 == 0 || state != l.other.state || next == l {
		l.other.state, l.other.since = state, l.now
		return
	}
	if l.now-l.other.since >= asideAfter && next.state.CompareAndSwap(state, state+1) {
		next.handOver()
	}
}
