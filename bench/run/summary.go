package main

import (
	"math"
	"slices"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
)

// row is one server under one load, over all rounds: medians, and the largest
// of the memory peaks.
type row struct {
	sample
	rate report.Spread[float64]
	cpu  float64
	// cpuRatio is CPU time against the reference, rateRatio the reference's rate
	// against this one's: above 1 the reference is better.
	cpuRatio, rateRatio report.Spread[float64]
}

// summarize makes a row of each server and load, in the order they were first
// measured.
func summarize(samples []sample) []row {
	var rows []row
	for _, first := range samples {
		if first.Round == 1 {
			rows = append(rows, newRow(pick(samples, first), pick(samples, referenceFor(samples, first))))
		}
	}
	return rows
}

// referenceFor is the server measured first under the same load: ours, when
// there is one. Variants are compared with one of the same server.
func referenceFor(samples []sample, load sample) sample {
	i := slices.IndexFunc(samples, func(s sample) bool {
		return s.Scenario == load.Scenario && s.Conns == load.Conns && (load.Against == "" || s.Server == load.Against)
	})
	return samples[i]
}

func pick(samples []sample, like sample) []sample {
	var of []sample
	for _, s := range samples {
		if s.Scenario == like.Scenario && s.Conns == like.Conns && s.Server == like.Server {
			of = append(of, s)
		}
	}
	return of
}

func newRow(of, reference []sample) row {
	r := row{sample: sample{
		Scenario: of[0].Scenario,
		Server:   of[0].Server,
		Conns:    of[0].Conns,
		User:     report.MedianOf(of, func(s sample) time.Duration { return s.User }),
		System:   report.MedianOf(of, func(s sample) time.Duration { return s.System }),
		Machine:  report.MedianOf(of, func(s sample) time.Duration { return s.Machine }),
		P50:      report.MedianOf(of, func(s sample) time.Duration { return s.P50 }),
		P99:      report.MedianOf(of, func(s sample) time.Duration { return s.P99 }),
		Allocs:   report.MedianOf(of, func(s sample) float64 { return s.Allocs }),
	}}
	for _, s := range of {
		r.Requests += s.Requests
		r.Peak = max(r.Peak, s.Peak)
		r.Lost += s.Lost
	}
	r.rate = report.SpreadOf(of, func(s sample) float64 { return s.PerSecond })
	r.cpu = report.MedianOf(of, func(s sample) float64 { return micros(s.cpu()) })
	r.cpuRatio = ratios(of, reference, func(s, ref sample) float64 { return float64(s.cpu()) / float64(ref.cpu()) })
	r.rateRatio = ratios(of, reference, func(s, ref sample) float64 { return ref.PerSecond / s.PerSecond })
	return r
}

// ratios compares only what was measured in the same round.
func ratios(of, reference []sample, ratio func(s, ref sample) float64) report.Spread[float64] {
	var all []float64
	for _, s := range of {
		for _, ref := range reference {
			if one := ratio(s, ref); ref.Round == s.Round && !math.IsInf(one, 0) && !math.IsNaN(one) {
				all = append(all, one)
			}
		}
	}
	return report.SpreadOf(all, func(one float64) float64 { return one })
}

// disturbed counts samples in which the machine, less the load generator, was busier than the
// server by a quarter: more than the kernel does on nobody's account.
func disturbed(samples []sample) (n int) {
	for _, s := range samples {
		if s.Machine > s.cpu()*5/4 {
			n++
		}
	}
	return n
}
