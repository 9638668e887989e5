package runtimetest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// logBook is a slog.Handler that keeps the last lines for cases to look at.
type logBook struct {
	mu    sync.Mutex
	lines []string
}

// keptLines bounds what a flood of log lines may take.
const keptLines = 4096

func (b *logBook) Enabled(context.Context, slog.Level) bool { return true }
func (b *logBook) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b *logBook) WithGroup(string) slog.Handler            { return b }

func (b *logBook) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	fmt.Fprintf(&line, "%v %s", r.Level, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&line, " %s=%v", a.Key, a.Value)
		return true
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) >= keptLines {
		b.lines = append(b.lines[:0], b.lines[keptLines/2:]...)
	}
	b.lines = append(b.lines, line.String())
	return nil
}

// count returns the number of lines that hold all parts.
func (b *logBook) count(parts ...string) int { return len(b.matching(parts)) }

// find returns the first line that holds all parts.
func (b *logBook) find(parts ...string) string {
	if all := b.matching(parts); len(all) > 0 {
		return all[0]
	}
	return ""
}

func (b *logBook) matching(parts []string) (lines []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, line := range b.lines {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue next
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.lines, "\n")
}
