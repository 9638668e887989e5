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
		active, busy := d.look(loops, last)
		if quiet++; active {
			quiet = 0
		}
		if quiet > quietTicks {
			if !d.sleep(loops, last) {
				return
			}
			quiet = 0
		}
		if busy {
			timer.Reset(watchAgain)
		} else {
			timer.Reset(watchTick)
		}
	}
}

// sleep waits until a leader is about to run a handler. It returns false when the
// server has ended.
func (d *watchdog) sleep(loops []*loop, last []uint64) bool {
	d.asleep.Store(true)
	// A leader that began a handler before it could see that is seen here.
	if active, _ := d.look(loops, last); !active {
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
// whether any loop has run handlers, and whether one does now.
func (d *watchdog) look(loops []*loop, last []uint64) (active, busy bool) {
	for i, l := range loops {
		state := l.state.Load()
		if state == last[i] && state&1 == 0 {
			continue
		}
		active = true
		if state == last[i] && l.state.CompareAndSwap(state, state+1) {
			l.handOver()
			state++
		}
		last[i] = state
		busy = busy || state&1 != 0
	}
	return active, busy
}
