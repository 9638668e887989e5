package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// column is one heading and how a row fills it.
type column struct {
	name string
	// left columns hold text, all others line up at the right.
	left  bool
	value func(row) string
}

var columns = []column{
	{"scenario", true, func(r row) string { return r.Scenario }},
	{"server", true, func(r row) string { return r.Server }},
	{"req/s", false, func(r row) string { return fmt.Sprintf("%.0f", r.PerSecond) }},
	{"CPU µs/req", false, func(r row) string { return fmt.Sprintf("%.2f", r.cpu) }},
	{"user", false, func(r row) string { return fmt.Sprintf("%.2f", micros(r.User)) }},
	{"system", false, func(r row) string { return fmt.Sprintf("%.2f", micros(r.System)) }},
	{"machine µs/req", false, func(r row) string { return fmt.Sprintf("%.2f", micros(r.Machine)) }},
	{"p50", false, func(r row) string { return shortTime(r.P50) }},
	{"p99", false, func(r row) string { return shortTime(r.P99) }},
	{"max RSS MiB", false, func(r row) string { return fmt.Sprintf("%.1f", float64(r.Peak)/(1<<20)) }},
	{"CPU ratio", false, func(r row) string { return fmt.Sprintf("%.2f", r.ratio.median) }},
	{"min..max", false, func(r row) string { return fmt.Sprintf("%.2f..%.2f", r.ratio.low, r.ratio.high) }},
}

// table is text by row and column, headings first.
type table [][]string

func newTable(rows []row) table {
	t := make(table, len(rows)+1)
	for _, c := range columns {
		t[0] = append(t[0], c.name)
		for i, r := range rows {
			t[i+1] = append(t[i+1], c.value(r))
		}
	}
	return t
}

func (t table) text() []string {
	lines := t.pad("  ")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

func (t table) markdown() []string {
	lines := t.pad(" | ")
	for i := range lines {
		lines[i] = "| " + lines[i] + " |"
	}
	rule := "|"
	for _, c := range columns {
		if c.left {
			rule += " --- |"
		} else {
			rule += " ---: |"
		}
	}
	return append([]string{lines[0], rule}, lines[1:]...)
}

func (t table) pad(between string) []string {
	widths := make([]int, len(columns))
	for _, cells := range t {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	lines := make([]string, len(t))
	for i, cells := range t {
		padded := make([]string, len(cells))
		for j, cell := range cells {
			blank := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
			if columns[j].left {
				padded[j] = cell + blank
			} else {
				padded[j] = blank + cell
			}
		}
		lines[i] = strings.Join(padded, between)
	}
	return lines
}

// shortTime keeps three digits of a latency.
func shortTime(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d/time.Microsecond)
	case d < time.Second:
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
