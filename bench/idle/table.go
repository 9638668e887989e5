package main

import (
	"fmt"

	"github.com/tako-go/tako/bench/internal/proc"
	"github.com/tako-go/tako/bench/internal/report"
)

// row is one server and protocol over all rounds.
type row []sample

func summarize(samples []sample) (rows []row) {
	at := map[string]int{}
	for _, s := range samples {
		like := s.protocol + " " + s.server
		i, met := at[like]
		if !met {
			i = len(rows)
			at[like] = i
			rows = append(rows, nil)
		}
		rows[i] = append(rows[i], s)
	}
	return rows
}

func columns(cfg config) []report.Column[row] {
	each := func(bytes func(proc.Memory) int64) func(row) string {
		return func(r row) string {
			return report.SpreadOf(r, func(s sample) float64 {
				return float64(bytes(s.after.Since(s.before))) / float64(cfg.conns) / (1 << 10)
			}).String()
		}
	}
	mib := func(bytes func(sample) int64) func(row) string {
		return func(r row) string {
			return fmt.Sprintf("%.1f", float64(report.MedianOf(r, bytes))/(1<<20))
		}
	}
	return []report.Column[row]{
		{Name: "protocol", Left: true, Value: func(r row) string { return r[0].protocol }},
		{Name: "server", Left: true, Value: func(r row) string { return r[0].server }},
		{Name: "RSS before MiB", Value: mib(func(s sample) int64 { return s.before.RSS })},
		{Name: "RSS idle MiB", Value: mib(func(s sample) int64 { return s.after.RSS })},
		{Name: "max RSS MiB", Value: mib(func(s sample) int64 { return s.peak })},
		{Name: "RSS KiB/conn", Value: each(func(m proc.Memory) int64 { return m.RSS })},
		{Name: "PSS KiB/conn", Value: each(func(m proc.Memory) int64 { return m.PSS })},
		{Name: "anonymous KiB/conn", Value: each(func(m proc.Memory) int64 { return m.Anonymous })},
		{Name: "CPU ms/s", Value: func(r row) string {
			return report.SpreadOf(r, func(s sample) float64 { return 1000 * s.cpu.Seconds() / cfg.watch.Seconds() }).String()
		}},
		{Name: "dead", Value: func(r row) string {
			var sum int64
			for _, s := range r {
				sum += s.dead
			}
			return fmt.Sprint(sum)
		}},
	}
}
