package report

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Column is one heading and how a row fills it. Left columns hold text, all
// others line up at the right.
type Column[R any] struct {
	Name  string
	Left  bool
	Value func(R) string
}

// Table is text by row and column, headings first.
type Table struct {
	cells [][]string
	left  []bool
}

// NewTable fills one line for each row.
func NewTable[R any](columns []Column[R], rows []R) Table {
	t := Table{cells: make([][]string, len(rows)+1)}
	for _, c := range columns {
		t.left = append(t.left, c.Left)
		t.cells[0] = append(t.cells[0], c.Name)
		for i, r := range rows {
			t.cells[i+1] = append(t.cells[i+1], c.Value(r))
		}
	}
	return t
}

// Text is for terminals.
func (t Table) Text() []string {
	lines := t.pad("  ")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// Markdown is also readable as it is.
func (t Table) Markdown() []string {
	lines := t.pad(" | ")
	for i := range lines {
		lines[i] = "| " + lines[i] + " |"
	}
	rule := "|"
	for _, left := range t.left {
		if left {
			rule += " --- |"
		} else {
			rule += " ---: |"
		}
	}
	return append([]string{lines[0], rule}, lines[1:]...)
}

func (t Table) pad(between string) []string {
	widths := make([]int, len(t.left))
	for _, cells := range t.cells {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	lines := make([]string, len(t.cells))
	for i, cells := range t.cells {
		padded := make([]string, len(cells))
		for j, cell := range cells {
			blank := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
			if t.left[j] {
				padded[j] = cell + blank
			} else {
				padded[j] = blank + cell
			}
		}
		lines[i] = strings.Join(padded, between)
	}
	return lines
}

// ShortTime keeps three digits of a latency.
func ShortTime(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d/time.Microsecond)
	case d < time.Second:
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
