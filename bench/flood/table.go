package main

import (
	"fmt"
	"strings"

	"github.com/tako-go/tako/bench/internal/report"
)

func columns(cfg config) []report.Column[sample] {
	return []report.Column[sample]{
		{Name: "server", Left: true, Value: func(s sample) string { return s.server }},
		{Name: "messages/s", Value: func(s sample) string { return fmt.Sprintf("%.0f", float64(cfg.messages)/s.took.Seconds()) }},
		{Name: "CPU µs/message", Value: func(s sample) string {
			return fmt.Sprintf("%.2f", float64(s.cpu.Microseconds())/float64(cfg.messages))
		}},
		{Name: "RSS MiB before, after each tenth", Left: true, Value: func(s sample) string {
			texts := make([]string, len(s.rss))
			for i, rss := range s.rss {
				texts[i] = fmt.Sprintf("%.0f", mib(rss))
			}
			return strings.Join(texts, " ")
		}},
		{Name: "peak", Value: func(s sample) string { return fmt.Sprintf("%.0f", mib(s.peak)) }},
		{Name: "fast missed", Value: func(s sample) string { return fmt.Sprint(s.missed) }},
		{Name: "slow got", Value: func(s sample) string { return fmt.Sprint(s.slow) }},
		{Name: "slow cut", Value: func(s sample) string { return fmt.Sprint(s.cut) }},
	}
}

// notes are the counters of servers that have some.
func notes(samples []sample) (lines []string) {
	for _, s := range samples {
		if s.counted != "" {
			lines = append(lines, fmt.Sprintf("- %s counted %s", s.server, s.counted))
		}
	}
	return lines
}
