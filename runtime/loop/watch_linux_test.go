package loop

import (
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// What the watchdog makes of a look, while there is nothing to take away.
func TestWatchLook(t *testing.T) {
	tests := []struct {
		name              string
		last, now         []uint64
		active, busy, all bool
	}{
		{"quiet", []uint64{0, 8}, []uint64{0, 8}, false, false, false},
		{"one has run", []uint64{0, 8}, []uint64{0, 10}, true, false, false},
		{"one runs", []uint64{0, 8}, []uint64{0, 9}, true, true, false},
		{"all have run", []uint64{0, 8}, []uint64{2, 12}, true, false, true},
		{"all run", []uint64{0, 8}, []uint64{1, 11}, true, true, true},
		{"another handler runs than before", []uint64{7}, []uint64{9}, true, true, true},
		{"it has ended", []uint64{7}, []uint64{8}, true, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d watchdog
			loops := make([]*loop, len(tt.now))
			for i, state := range tt.now {
				loops[i] = new(loop)
				loops[i].state.Store(state)
			}
			active, busy, all := d.look(loops, tt.last)
			assert.Equal(t, []bool{active, busy, all}, []bool{tt.active, tt.busy, tt.all}, "active, busy, all")
			assert.Equal(t, tt.last, tt.now, "what it remembers")
			for i, state := range tt.now {
				assert.Equal(t, loops[i].state.Load(), state, "state")
			}
		})
	}
}

// The watchdog sleeps while nothing runs. A leader that begins a handler is either
// seen by it before, or wakes it: no handler goes unwatched.
func TestWatchSleep(t *testing.T) {
	var d watchdog
	d.init()
	l := new(loop)
	go d.watch([]*loop{l})
	for range 40 {
		assert.Eventually(t, 10*time.Second, "the watchdog to sleep", d.asleep.Load)
		l.state.Add(2) // begun, and ended soon
		if d.asleep.Load() {
			d.wake()
		}
		assert.Eventually(t, 10*time.Second, "the watchdog to wake", func() bool { return !d.asleep.Load() })
	}
	close(d.stop)
	select {
	case <-d.ended:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}
