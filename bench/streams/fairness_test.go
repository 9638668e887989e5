package main

import (
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
)

func TestTracker(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	tr := newTracker(4, 1, 100, start)
	tr.see(at(10), []int64{10, 10, 10, 10})
	tr.see(at(20), []int64{50, 60, 40, 50}) // half of the way
	tr.see(at(90), []int64{100, 90, 40, 60})
	tr.see(at(95), []int64{100, 100, 100, 100})
	got := tr.found
	if len(got.at) != tenths || got.at[0] != (spread{1, 1}) || got.half() != (spread{0.8, 1.2}) {
		t.Errorf("got %+v", got.at)
	}
	if got.stall != 70*time.Millisecond {
		t.Errorf("longest stall: got %v, want that of the third stream, 70ms", got.stall)
	}
}

func TestStallEndsWithTheBody(t *testing.T) {
	start := time.Unix(1000, 0)
	tr := newTracker(2, 1, 100, start)
	tr.see(start.Add(time.Millisecond), []int64{100, 10})
	for i := range 10 {
		tr.see(start.Add(time.Duration(i+2)*time.Millisecond), []int64{100, int64(11 + i)})
	}
	if tr.found.stall != 0 {
		t.Errorf("a stream that was done stalled for %v", tr.found.stall)
	}
}

func TestSpreadKeepsDirectionsApart(t *testing.T) {
	if got := spreadOf([]int64{10, 90, 10, 90}, 2); got != (spread{1, 1}) {
		t.Errorf("two directions: got %+v", got)
	}
	if got := spreadOf([]int64{10, 90}, 1); got != (spread{0.2, 1.8}) {
		t.Errorf("one direction: got %+v", got)
	}
	if got := spreadOf([]int64{0, 0}, 1); got != (spread{1, 1}) {
		t.Errorf("before anything moved: got %+v", got)
	}
	if got := (fairness{}).half(); got != (spread{}) {
		t.Errorf("too quick to see: got %+v", got)
	}
}

func TestTables(t *testing.T) {
	one := moved{
		server: "tako/std", protocol: "h2", direction: "both", round: 1, bytes: 2e9, took: 2 * time.Second, cpu: time.Second,
		before: 10 << 20, sampled: 11 << 20, peak: 12 << 20, after: 10 << 20,
		fairness: fairness{at: []spread{{1, 1}, {1, 1}, {1, 1}, {1, 1}, {0.9, 1.5}}, stall: 30 * time.Millisecond},
	}
	two := one
	two.round, two.peak = 2, 14<<20
	other := one
	other.server = "nethttp"
	table := report.NewTable(moveColumns(), group([]moved{one, other, two}, moved.key)).Text()
	want := "h2 both tako/std 2.00 s 1000 500 10.00 (10.00..10.00) 3.00 (2.00..4.00) 1.00 (1.00..1.00) 0.00 (0.00..0.00) 0.90 1.50 30.00 ms"
	if got := strings.Join(strings.Fields(table[1]), " "); len(table) != 3 || got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := spreads([]moved{one}); !strings.HasSuffix(got[2], "h2 both tako/std round 1: 1.00..1.00 1.00..1.00 1.00..1.00 1.00..1.00 0.90..1.50") {
		t.Errorf("got %q", got)
	}
	slow := probed{server: "tako/std", protocol: "h2c", beside: "nothing", requests: 10, p50: time.Millisecond, p99: 2 * time.Millisecond, longest: 9 * time.Millisecond, perSecond: 5e6, cpus: 0.5}
	quick := slow
	quick.longest = 3 * time.Millisecond
	lines := report.NewTable(probeColumns(), group([]probed{slow, quick}, probed.key)).Text()
	if got, want := strings.Join(strings.Fields(lines[1]), " "), "h2c nothing tako/std 10 1.00 ms 2.00 ms 9.00 ms 5 0.50"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
