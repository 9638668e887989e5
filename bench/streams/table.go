package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
)

// group puts samples of the same key together, in the order of their first.
func group[S any](samples []S, key func(S) string) (rows [][]S) {
	at := map[string]int{}
	for _, s := range samples {
		i, met := at[key(s)]
		if !met {
			i = len(rows)
			at[key(s)] = i
			rows = append(rows, nil)
		}
		rows[i] = append(rows[i], s)
	}
	return rows
}

func moveColumns() []report.Column[[]moved] {
	number := func(format string, value func(moved) float64) func([]moved) string {
		return func(r []moved) string { return fmt.Sprintf(format, report.MedianOf(r, value)) }
	}
	mib := func(bytes func(moved) int64) func([]moved) string {
		return func(r []moved) string {
			return report.SpreadOf(r, func(m moved) float64 { return float64(bytes(m)) / (1 << 20) }).String()
		}
	}
	return []report.Column[[]moved]{
		{Name: "protocol", Left: true, Value: func(r []moved) string { return r[0].protocol }},
		{Name: "direction", Left: true, Value: func(r []moved) string { return r[0].direction }},
		{Name: "server", Left: true, Value: func(r []moved) string { return r[0].server }},
		{Name: "time", Value: func(r []moved) string {
			return report.ShortTime(report.MedianOf(r, func(m moved) time.Duration { return m.took }))
		}},
		{Name: "MB/s", Value: number("%.0f", func(m moved) float64 { return float64(m.bytes) / 1e6 / m.took.Seconds() })},
		{Name: "CPU ms/GB", Value: number("%.0f", func(m moved) float64 { return 1000 * m.cpu.Seconds() / (float64(m.bytes) / 1e9) })},
		{Name: "RSS before MiB", Value: mib(func(m moved) int64 { return m.before })},
		{Name: "growth of VmHWM MiB", Value: mib(func(m moved) int64 { return m.peak - m.before })},
		{Name: "of sampled VmRSS", Value: mib(func(m moved) int64 { return m.sampled - m.before })},
		{Name: "after", Value: mib(func(m moved) int64 { return m.after - m.before })},
		{Name: "slowest at half", Value: number("%.2f", func(m moved) float64 { return m.fairness.half().slowest })},
		{Name: "fastest at half", Value: number("%.2f", func(m moved) float64 { return m.fairness.half().fastest })},
		{Name: "longest stall", Value: func(r []moved) string {
			var stall time.Duration
			for _, m := range r {
				stall = max(stall, m.fairness.stall)
			}
			return report.ShortTime(stall)
		}},
	}
}

// spreads has one line for each sample: how even its streams were on the way.
func spreads(samples []moved) []string {
	lines := []string{"slowest..fastest stream in parts of the mean, at each tenth of the way:", ""}
	for _, m := range samples {
		var at []string
		for _, s := range m.fairness.at {
			at = append(at, fmt.Sprintf("%.2f..%.2f", s.slowest, s.fastest))
		}
		lines = append(lines, fmt.Sprintf("- %s round %d: %s", m.key(), m.round, strings.Join(at, " ")))
	}
	return lines
}

func probeColumns() []report.Column[[]probed] {
	latency := func(value func(probed) time.Duration) func([]probed) string {
		return func(r []probed) string { return report.ShortTime(report.MedianOf(r, value)) }
	}
	return []report.Column[[]probed]{
		{Name: "protocol", Left: true, Value: func(r []probed) string { return r[0].protocol }},
		{Name: "beside", Left: true, Value: func(r []probed) string { return r[0].beside }},
		{Name: "server", Left: true, Value: func(r []probed) string { return r[0].server }},
		{Name: "requests", Value: func(r []probed) string {
			return fmt.Sprintf("%d", report.MedianOf(r, func(p probed) int64 { return p.requests }))
		}},
		{Name: "p50", Value: latency(func(p probed) time.Duration { return p.p50 })},
		{Name: "p99", Value: latency(func(p probed) time.Duration { return p.p99 })},
		{Name: "longest", Value: func(r []probed) string {
			var longest time.Duration
			for _, p := range r {
				longest = max(longest, p.longest)
			}
			return report.ShortTime(longest)
		}},
		{Name: "MB/s beside", Value: func(r []probed) string {
			return fmt.Sprintf("%.0f", report.MedianOf(r, func(p probed) float64 { return p.perSecond / 1e6 }))
		}},
		{Name: "CPUs", Value: func(r []probed) string {
			return fmt.Sprintf("%.2f", report.MedianOf(r, func(p probed) float64 { return p.cpus }))
		}},
	}
}
