package main

import (
	"slices"
	"time"
)

// look is the time between two looks at the progress.
const look = 20 * time.Millisecond

// tenths are the moments for which the spread is kept: when so much of all bytes has moved.
const tenths = 9

// spread is how far the slowest and the fastest stream of one direction are, in parts of
// their mean.
type spread struct{ slowest, fastest float64 }

// fairness is how evenly streams moved.
type fairness struct {
	// at has one spread for each tenth of the way.
	at []spread
	// stall is the longest time that a stream did not move, while it had to.
	stall time.Duration
}

// tracker finds the fairness of a batch out of its progress.
type tracker struct {
	kinds int
	size  int64
	found fairness
	last  []int64
	since []time.Time
}

// newTracker takes streams whose direction is one of as many kinds in turns.
func newTracker(streams, kinds int, size int64, now time.Time) *tracker {
	t := &tracker{kinds: kinds, size: size, last: make([]int64, streams), since: make([]time.Time, streams)}
	for i := range t.since {
		t.since[i] = now
	}
	return t
}

// see takes the progress at one moment.
func (t *tracker) see(now time.Time, progress []int64) {
	var total int64
	for i, n := range progress {
		total += n
		if n != t.last[i] {
			t.last[i], t.since[i] = n, now
		}
		if n < t.size {
			t.found.stall = max(t.found.stall, now.Sub(t.since[i]))
		}
	}
	all := t.size * int64(len(progress))
	for len(t.found.at) < tenths && total*10 >= all*int64(len(t.found.at)+1) {
		t.found.at = append(t.found.at, spreadOf(progress, t.kinds))
	}
}

// spreadOf keeps directions apart, since none need be as fast as the other.
func spreadOf(progress []int64, kinds int) spread {
	s := spread{1, 1}
	for kind := range min(kinds, len(progress)) {
		var same []int64
		var sum int64
		for i := kind; i < len(progress); i += kinds {
			same = append(same, progress[i])
			sum += progress[i]
		}
		mean := float64(sum) / float64(len(same))
		if mean == 0 {
			continue
		}
		s.slowest = min(s.slowest, float64(slices.Min(same))/mean)
		s.fastest = max(s.fastest, float64(slices.Max(same))/mean)
	}
	return s
}

// half is the spread in the middle of the way.
func (f fairness) half() spread {
	if len(f.at) <= tenths/2 {
		return spread{}
	}
	return f.at[tenths/2]
}

// track looks at a batch until the returned function is called.
func track(b *batch) (stop func() fairness) {
	ended := make(chan struct{})
	result := make(chan fairness)
	go func() {
		t := newTracker(len(b.moved), len(b.each), b.size, time.Now())
		again := time.NewTicker(look)
		defer again.Stop()
		for {
			select {
			case now := <-again.C:
				t.see(now, b.progress())
			case <-ended:
				result <- t.found
				return
			}
		}
	}()
	return func() fairness {
		close(ended)
		return <-result
	}
}
