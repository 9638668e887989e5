package main

import (
	"cmp"
	"slices"
	"time"
)

// row is one server under one load, over all rounds: medians, and the largest
// of the memory peaks.
type row struct {
	sample
	ratio spread
	cpu   float64
}

// spread is a median with the extremes beside it.
type spread struct{ median, low, high float64 }

// summarize makes a row of each server and scenario, in the order they were
// first measured.
func summarize(samples []sample) []row {
	var rows []row
	for _, first := range samples {
		if first.Round != 1 {
			continue
		}
		of := pick(samples, first.Scenario, first.Server)
		reference := pick(samples, first.Scenario, referenceFor(samples, first.Scenario))
		rows = append(rows, newRow(of, reference))
	}
	return rows
}

// referenceFor is the server measured first: ours, when there is one.
func referenceFor(samples []sample, scenario string) string {
	for _, s := range samples {
		if s.Scenario == scenario {
			return s.Server
		}
	}
	return ""
}

func pick(samples []sample, scenario, server string) []sample {
	var of []sample
	for _, s := range samples {
		if s.Scenario == scenario && s.Server == server {
			of = append(of, s)
		}
	}
	return of
}

func newRow(of, reference []sample) row {
	r := row{sample: sample{
		Scenario:  of[0].Scenario,
		Server:    of[0].Server,
		PerSecond: medianOf(of, func(s sample) float64 { return s.PerSecond }),
		User:      medianOf(of, func(s sample) time.Duration { return s.User }),
		System:    medianOf(of, func(s sample) time.Duration { return s.System }),
		Machine:   medianOf(of, func(s sample) time.Duration { return s.Machine }),
		P50:       medianOf(of, func(s sample) time.Duration { return s.P50 }),
		P99:       medianOf(of, func(s sample) time.Duration { return s.P99 }),
	}}
	for _, s := range of {
		r.Requests += s.Requests
		r.Peak = max(r.Peak, s.Peak)
	}
	r.cpu = medianOf(of, func(s sample) float64 { return micros(s.cpu()) })
	r.ratio = ratios(of, reference)
	return r
}

// ratios compares only what was measured in the same round.
func ratios(of, reference []sample) spread {
	var all []float64
	for _, s := range of {
		for _, ref := range reference {
			if ref.Round == s.Round && ref.cpu() > 0 {
				all = append(all, float64(s.cpu())/float64(ref.cpu()))
			}
		}
	}
	if len(all) == 0 {
		return spread{}
	}
	return spread{median: median(all), low: slices.Min(all), high: slices.Max(all)}
}

// disturbed counts samples in which the machine, less wrk, was busier than the
// server by a quarter: more than the kernel does on nobody's account.
func disturbed(samples []sample) (n int) {
	for _, s := range samples {
		if s.Machine > s.cpu()*5/4 {
			n++
		}
	}
	return n
}

func medianOf[T number](samples []sample, value func(sample) T) T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = value(s)
	}
	return median(values)
}

type number interface{ ~int64 | ~float64 }

// median is the middle value, or the mean of the two in the middle.
func median[T number](values []T) T {
	slices.SortFunc(values, cmp.Compare[T])
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
