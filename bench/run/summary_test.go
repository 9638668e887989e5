package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func cpuSample(server string, round int, cpu time.Duration) sample {
	return sample{Scenario: "hello", Server: server, Round: round, User: cpu / 4, System: cpu - cpu/4, Peak: int64(cpu)}
}

func TestSummarize(t *testing.T) {
	rows := summarize([]sample{
		cpuSample("ours", 1, 4000), cpuSample("theirs", 1, 8000),
		cpuSample("ours", 2, 8000), cpuSample("theirs", 2, 12000),
		cpuSample("ours", 3, 4000), cpuSample("theirs", 3, 16000),
	})
	if len(rows) != 2 {
		t.Fatalf("got %d rows, want 2", len(rows))
	}
	if got, want := rows[0].ratio, (spread{1, 1, 1}); got != want {
		t.Errorf("ratio to itself: got %v, want %v", got, want)
	}
	// 8/4, 12/8 and 16/4: never a pair of two rounds.
	if got, want := rows[1].ratio, (spread{2, 1.5, 4}); got != want {
		t.Errorf("ratio: got %v, want %v", got, want)
	}
	if got := rows[1].cpu; got != 12 {
		t.Errorf("median CPU: got %v, want 12", got)
	}
	if got := rows[1].Peak; got != 16000 {
		t.Errorf("peak: got %v, want the largest, 16000", got)
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(slices.Clone(tt.values)); got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestNewSample(t *testing.T) {
	result := loadResult{wrkOutput: wrkOutput{Requests: 1000}, wrkCPU: 4 * time.Millisecond}
	got := newSample(result, usage{user: time.Millisecond, system: 5 * time.Millisecond, machine: 12 * time.Millisecond})
	if got.User != time.Microsecond || got.cpu() != 6*time.Microsecond || got.Machine != 8*time.Microsecond {
		t.Errorf("got %+v", got)
	}
}

func TestDisturbed(t *testing.T) {
	quiet := sample{User: 4000, System: 6000, Machine: 12500}
	busy := sample{User: 4000, System: 6000, Machine: 12501}
	if got := disturbed([]sample{quiet, busy, quiet}); got != 1 {
		t.Errorf("got %d, want 1", got)
	}
	if got := (report{Samples: []sample{quiet}}).warning(); got != nil {
		t.Errorf("warned on a quiet machine: %q", got)
	}
}

func TestTable(t *testing.T) {
	table := newTable([]row{{sample: sample{Scenario: "hello", Server: "tako/std", PerSecond: 81234.6, P50: 934 * time.Microsecond, P99: 2750 * time.Microsecond}}})
	text := table.text()
	if len(text) != 2 || !strings.Contains(text[1], "81235") || !strings.Contains(text[1], "2.75 ms") {
		t.Errorf("text: %q", text)
	}
	markdown := table.markdown()
	if len(markdown) != 3 || !strings.HasPrefix(markdown[1], "| --- | --- | ---: |") {
		t.Errorf("markdown: %q", markdown)
	}
	for _, line := range markdown {
		if got, want := strings.Count(line, "|"), len(columns)+1; got != want {
			t.Errorf("%q has %d bars, want %d", line, got, want)
		}
	}
}
