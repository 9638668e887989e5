package main

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
)

// row is what was measured of one contender.
type row struct {
	name   string
	cpu    []time.Duration // of one round
	ns     spread          // of one request
	allocs float64
	bytes  float64
}

// spread is the CPU time of one request in nanoseconds.
type spread struct{ low, median float64 }

// measure asks each contender in turns, a round at a time.
func measure(list []contender, rounds, requests int) ([]row, error) {
	rows, callers := make([]row, len(list)), make([]caller, len(list))
	for i, c := range list {
		rows[i].name = c.name
		callers[i] = c.ask(new(users), good)
		for range requests/10 + 10 {
			callers[i].call()
		}
		if status, body := callers[i].answer(); status != 200 {
			return nil, fmt.Errorf("%s answers %d: %s", c.name, status, body)
		}
	}
	for range rounds {
		for i, c := range callers {
			rows[i].round(c, requests)
		}
	}
	for i := range rows {
		rows[i].finish(requests)
	}
	return rows, nil
}

// round begins with an empty heap, so that nobody collects the garbage of the one
// before.
func (r *row) round(c caller, requests int) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := cpuTime()
	for range requests {
		c.call()
	}
	r.cpu = append(r.cpu, cpuTime()-start)
	runtime.ReadMemStats(&after)
	r.allocs = float64(after.Mallocs-before.Mallocs) / float64(requests)
	r.bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(requests)
}

func (r *row) finish(requests int) {
	each := make([]float64, len(r.cpu))
	for i, d := range r.cpu {
		each[i] = float64(d) / float64(requests)
	}
	r.ns = spread{slices.MinFunc(each, cmp.Compare[float64]), report.Median(each)}
}

// decoding counts the allocations of a decoder alone.
func decoding(decode func([]byte, any) error) float64 {
	text := []byte(goodBody)
	var before, after runtime.MemStats
	const times = 1000
	runtime.ReadMemStats(&before)
	for range times {
		if err := decode(text, new(newUser)); err != nil {
			panic(err) // the text is a constant
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs)/times - 1 // the value itself
}
