package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
)

// row is one server in one case, over all rounds.
type row struct {
	first   sample // of the first round, for its names
	samples []sample
	// ratio is p99 against that of GET / alone in the same round.
	ratio report.Spread[float64]
}

func summarize(samples []sample) []row {
	var rows []row
	for _, first := range samples {
		if first.round != 1 {
			continue
		}
		r := row{first: first, samples: pick(samples, first, first.beside)}
		var ratios []float64
		for _, s := range r.samples {
			for _, alone := range pick(samples, first, "alone") {
				if alone.round == s.round && alone.p99 > 0 {
					ratios = append(ratios, float64(s.p99)/float64(alone.p99))
				}
			}
		}
		r.ratio = report.SpreadOf(ratios, func(v float64) float64 { return v })
		rows = append(rows, r)
	}
	return rows
}

func pick(samples []sample, like sample, beside string) (of []sample) {
	for _, s := range samples {
		if s.server == like.server && s.rate == like.rate && s.beside == beside {
			of = append(of, s)
		}
	}
	return of
}

var columns = []report.Column[row]{
	{Name: "pace of /", Left: true, Value: func(r row) string { return paceName(r.first.rate) }},
	{Name: "server", Left: true, Value: func(r row) string { return r.first.server }},
	{Name: "beside", Left: true, Value: func(r row) string { return r.first.beside }},
	{Name: "/ per s", Value: func(r row) string { return count(r, func(s sample) float64 { return s.perSecond }) }},
	{Name: "p50", Value: func(r row) string { return latency(r, func(s sample) time.Duration { return s.p50 }) }},
	{Name: "p99", Value: func(r row) string { return latency(r, func(s sample) time.Duration { return s.p99 }) }},
	{Name: "max", Value: func(r row) string { return latency(r, func(s sample) time.Duration { return s.max }) }},
	{Name: "p99 to alone", Value: ratio},
	{Name: "beside per s", Value: func(r row) string { return count(r, func(s sample) float64 { return s.besidePerSecond }) }},
	{Name: "of ideal", Value: ofIdeal},
	{Name: "quick p50", Value: func(r row) string { return latency(r, func(s sample) time.Duration { return s.quick[0] }) }},
	{Name: "quick p99", Value: func(r row) string { return latency(r, func(s sample) time.Duration { return s.quick[1] }) }},
	{Name: "sleeping p50", Value: func(r row) string { return latency(r, func(s sample) time.Duration { return s.sleeping[0] }) }},
	{Name: "sleeping p99", Value: func(r row) string { return latency(r, func(s sample) time.Duration { return s.sleeping[1] }) }},
	{Name: "CPUs", Value: func(r row) string {
		return fmt.Sprintf("%.2f", report.MedianOf(r.samples, func(s sample) float64 { return s.cpu }))
	}},
	{Name: "errors", Value: func(r row) string {
		var sum int64
		for _, s := range r.samples {
			sum += s.errors
		}
		return fmt.Sprint(sum)
	}},
}

func count(r row, value func(sample) float64) string {
	if median := report.MedianOf(r.samples, value); median > 0 {
		return fmt.Sprintf("%.0f", median)
	}
	return "-"
}

func latency(r row, value func(sample) time.Duration) string {
	if median := report.MedianOf(r.samples, value); median > 0 {
		return report.ShortTime(median)
	}
	return "-"
}

func ofIdeal(r row) string {
	part := report.SpreadOf(r.samples, func(s sample) float64 {
		if s.ideal == 0 {
			return 0
		}
		return s.besidePerSecond / s.ideal
	})
	if part.Median == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %% (%.1f..%.1f)", 100*part.Median, 100*part.Low, 100*part.High)
}

func ratio(r row) string {
	if r.ratio.Median == 0 {
		return "-"
	}
	return r.ratio.String()
}

// notes are what a table cannot hold: the first error of each row, and what our
// runtime counted in its last round.
func notes(rows []row) (lines []string) {
	for _, r := range rows {
		name := strings.Join([]string{paceName(r.first.rate), r.first.server, r.first.beside}, ", ")
		for _, s := range r.samples {
			if s.fault != nil {
				lines = append(lines, fmt.Sprintf("- %s: first error: %v", name, s.fault))
				break
			}
		}
		if stats := r.samples[len(r.samples)-1].stats; stats != "" {
			lines = append(lines, fmt.Sprintf("- %s: `%s`", name, stats))
		}
	}
	return lines
}
