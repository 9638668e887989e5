package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// sample is one server under one load in one round. CPU times are per request.
type sample struct {
	Scenario  string        `json:"scenario"`
	Server    string        `json:"server"`
	Round     int           `json:"round"`
	Requests  int64         `json:"requests"`
	PerSecond float64       `json:"per_second"`
	User      time.Duration `json:"user_ns"`
	System    time.Duration `json:"system_ns"`
	// Machine is the busy time of the machine less that of wrk.
	Machine time.Duration `json:"machine_ns"`
	P50     time.Duration `json:"p50_ns"`
	P99     time.Duration `json:"p99_ns"`
	Peak    int64         `json:"peak_rss_bytes"`
}

// cpu is what the comparison is about.
func (s sample) cpu() time.Duration { return s.User + s.System }

// measureAll lets the servers take turns within each round, so that whatever
// else the machine does meets all of them alike.
func measureAll(ctx context.Context, cfg config, servers []server, l loader) ([]sample, error) {
	var samples []sample
	for _, scenario := range cfg.scenarios {
		for round := 1; round <= cfg.rounds; round++ {
			for _, s := range servers {
				if !s.serves(scenario) {
					continue
				}
				one, err := measure(ctx, cfg, s, l, scenario)
				if err != nil {
					return nil, fmt.Errorf("%s, %s, round %d: %w", scenario.name, s.name, round, err)
				}
				one.Round = round
				fmt.Fprintf(os.Stderr, "%s round %d/%d %s: %.0f/s, %.2f µs CPU\n", scenario.name,
					round, cfg.rounds, s.name, one.PerSecond, micros(one.cpu()))
				samples = append(samples, one)
			}
		}
	}
	return samples, nil
}

// measure runs one server for one load. A fresh process each time keeps the
// peak of its memory to this scenario.
func measure(ctx context.Context, cfg config, s server, l loader, scenario scenario) (sample, error) {
	p, err := s.start(ctx, cfg.workers)
	if err != nil {
		return sample{}, err
	}
	one, err := p.underLoad(ctx, cfg, l, scenario)
	p.stop()
	if ctx.Err() != nil {
		return sample{}, context.Cause(ctx)
	}
	if err != nil {
		return sample{}, fmt.Errorf("%w%s", err, p.complaint())
	}
	one.Server = s.name
	return one, nil
}

func (p *process) underLoad(ctx context.Context, cfg config, l loader, s scenario) (sample, error) {
	if err := checkScenario(ctx, p.addr, s); err != nil {
		return sample{}, err
	}
	if cfg.warmup > 0 {
		if _, err := l.run(ctx, p.addr, s, cfg.warmup); err != nil {
			return sample{}, fmt.Errorf("warm up: %w", err)
		}
	}
	before, err := readUsage(p.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	result, err := l.run(ctx, p.addr, s, cfg.load.Duration)
	if err != nil {
		return sample{}, err
	}
	after, err := readUsage(p.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	peak, err := readPeak(p.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	one := newSample(result, after.since(before))
	one.Scenario, one.Peak = s.name, peak
	return one, checkScenario(ctx, p.addr, s)
}

func newSample(result loadResult, used usage) sample {
	each := func(d time.Duration) time.Duration { return d / time.Duration(result.Requests) }
	return sample{
		Requests:  result.Requests,
		PerSecond: result.PerSecond,
		User:      each(used.user),
		System:    each(used.system),
		Machine:   each(max(0, used.machine-result.wrkCPU)),
		P50:       result.P50,
		P99:       result.P99,
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
