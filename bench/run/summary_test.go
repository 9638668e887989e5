package main

import (
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/bench/internal/proc"
	"github.com/tako-go/tako/bench/internal/report"
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
	if got, want := rows[0].cpuRatio, (report.Spread[float64]{Median: 1, Low: 1, High: 1}); got != want {
		t.Errorf("ratio to itself: got %v, want %v", got, want)
	}
	// 8/4, 12/8 and 16/4: never a pair of two rounds.
	if got, want := rows[1].cpuRatio, (report.Spread[float64]{Median: 2, Low: 1.5, High: 4}); got != want {
		t.Errorf("ratio: got %v, want %v", got, want)
	}
	if got := rows[1].cpu; got != 12 {
		t.Errorf("median CPU: got %v, want 12", got)
	}
	if got := rows[1].Peak; got != 16000 {
		t.Errorf("peak: got %v, want the largest, 16000", got)
	}
}

// Variants are compared with the first one of the same server.
func TestSummarizeVariants(t *testing.T) {
	var samples []sample
	for server, cpu := range map[string]time.Duration{"ours": 4000, "theirs": 8000} {
		without, with := cpuSample(server+", without", 1, cpu), cpuSample(server+", v2", 1, 2*cpu)
		without.Against, with.Against = without.Server, without.Server
		samples = append(samples, without, with)
	}
	for i, row := range summarize(samples) {
		if got, want := row.cpuRatio.Median, float64(1+i%2); got != want {
			t.Errorf("%s: got ratio %v, want %v", row.Server, got, want)
		}
	}
}

func TestSummarizeKeepsLoadsApart(t *testing.T) {
	few, many := cpuSample("ours", 1, 4000), cpuSample("ours", 1, 8000)
	few.Conns, few.PerSecond, many.Conns, many.PerSecond = 1, 500, 100, 2000
	slow := cpuSample("theirs", 1, 4000)
	slow.Conns, slow.PerSecond = 100, 1000
	rows := summarize([]sample{few, many, slow})
	if len(rows) != 3 {
		t.Fatalf("got %d rows, want 3", len(rows))
	}
	if got := rows[2]; got.cpuRatio.Median != 0.5 || got.rateRatio.Median != 2 || got.rate.Median != 1000 {
		t.Errorf("got %+v", got)
	}
}

func TestNewSample(t *testing.T) {
	result := loadResult{counts: counts{Requests: 1000}, cpu: 4 * time.Millisecond}
	got := newSample(result, proc.Usage{User: time.Millisecond, System: 5 * time.Millisecond, Machine: 12 * time.Millisecond})
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
	if got := (results{Samples: []sample{quiet}}).warning(); got != nil {
		t.Errorf("warned on a quiet machine: %q", got)
	}
}

func TestColumns(t *testing.T) {
	table := report.NewTable(columns, []row{{
		sample: sample{Scenario: "hello", Server: "tako/std", Conns: 100, P50: 934 * time.Microsecond, P99: 2750 * time.Microsecond},
		rate:   report.Spread[float64]{Median: 81234.6, Low: 80000, High: 82000},
	}})
	text := table.Text()
	if len(text) != 2 || !strings.Contains(text[1], "81235  80000..82000") || !strings.Contains(text[1], "2.75 ms") {
		t.Errorf("text: %q", text)
	}
}
