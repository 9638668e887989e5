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
	// watchTick is how often it looks; a handler is noticed after one to two of them.
	watchTick = time.Millisecond
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
		if d.look(loops, last) {
			quiet = 0
		} else if quiet++; quiet > quietTicks {
			d.asleep.Store(true)
			// A leader that began a handler before it could see that is seen here.
			if !d.look(loops, last) {
				select {
				case <-d.nudge:
				case <-d.stop:
					return
				}
			}
			d.asleep.Store(false)
			quiet = 0
		}
		timer.Reset(watchTick)
	}
}

// look takes loops away from handlers that run since the last look, and reports
// whether any loop has run handlers.
func (d *watchdog) look(loops []*loop, last []uint64) (active bool) {
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
	}
	return active
}
