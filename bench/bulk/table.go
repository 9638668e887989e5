package main

import (
	"fmt"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
)

// row is one server and direction over all rounds.
type row []sample

func summarize(samples []sample) (rows []row) {
	type key struct{ direction, server string }
	at := map[key]int{}
	for _, s := range samples {
		k := key{s.direction, s.server}
		i, met := at[k]
		if !met {
			i = len(rows)
			at[k] = i
			rows = append(rows, nil)
		}
		rows[i] = append(rows[i], s)
	}
	return rows
}

func columns(cfg config) []report.Column[row] {
	all := float64(cfg.size) * float64(cfg.conns)
	mib := func(bytes func(sample) int64) func(row) string {
		return func(r row) string {
			return report.SpreadOf(r, func(s sample) float64 { return float64(bytes(s)) / (1 << 20) }).String()
		}
	}
	return []report.Column[row]{
		{Name: "direction", Left: true, Value: func(r row) string { return r[0].direction }},
		{Name: "server", Left: true, Value: func(r row) string { return r[0].server }},
		{Name: "time", Value: func(r row) string {
			return report.ShortTime(report.MedianOf(r, func(s sample) time.Duration { return s.took }))
		}},
		{Name: "MiB/s", Value: func(r row) string {
			return fmt.Sprintf("%.0f", report.MedianOf(r, func(s sample) float64 { return all / (1 << 20) / s.took.Seconds() }))
		}},
		{Name: "CPU ms/GiB", Value: func(r row) string {
			return fmt.Sprintf("%.0f", report.MedianOf(r, func(s sample) float64 { return 1000 * s.cpu.Seconds() / (all / (1 << 30)) }))
		}},
		{Name: "RSS before MiB", Value: mib(func(s sample) int64 { return s.before })},
		{Name: "growth of VmHWM MiB", Value: mib(func(s sample) int64 { return s.peak - s.before })},
		{Name: "of sampled VmRSS", Value: mib(func(s sample) int64 { return s.sampled - s.before })},
		{Name: "after", Value: mib(func(s sample) int64 { return s.after - s.before })},
	}
}
