//go:build !race

package loop_test

import (
	"io"
	"testing"

	"github.com/tako-go/tako/runtime/loop"
)

// An event costs no memory, once functions are known to be short.
func TestSocketAllocations(t *testing.T) {
	overHosts(t, func(t *testing.T, host string) {
		r := startSockets(t, host, loop.Events{Data: echo}, loop.TCPConfig{})
		nc := r.dial()
		message, answer := make([]byte, 512), make([]byte, 512)
		roundTrip := func() {
			if _, err := nc.Write(message); err != nil {
				t.Errorf("write: %v", err)
			}
			if _, err := io.ReadFull(nc, answer); err != nil {
				t.Errorf("read: %v", err)
			}
		}
		for range 200 {
			roundTrip()
		}
		costsNothing(t, "an event", 2000, roundTrip)
	})
}

// costsNothing demands runs without memory. A machine that stalls makes functions look long,
// which have goroutines until they were short again.
func costsNothing(t *testing.T, what string, runs int, f func()) {
	t.Helper()
	var got float64
	for range 5 {
		if got = testing.AllocsPerRun(runs, f); got == 0 {
			return
		}
	}
	t.Errorf("%s: got %v allocations, want none", what, got)
}
