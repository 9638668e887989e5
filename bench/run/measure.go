package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/proc"
)

// sample is one server under one load in one round. CPU times are per request.
type sample struct {
	Scenario  string        `json:"scenario"`
	Server    string        `json:"server"`
	Conns     int           `json:"conns"`
	Round     int           `json:"round"`
	Requests  int64         `json:"requests"`
	PerSecond float64       `json:"per_second"`
	User      time.Duration `json:"user_ns"`
	System    time.Duration `json:"system_ns"`
	// Machine is the busy time of the machine less that of the load generator.
	Machine time.Duration `json:"machine_ns"`
	// P50 and P99 are 0 when the load generator does not tell them.
	P50  time.Duration `json:"p50_ns"`
	P99  time.Duration `json:"p99_ns"`
	Peak int64         `json:"peak_rss_bytes"`
	// Allocs is what our server allocated for a request, warm-up and connections
	// included; 0 is not known for others.
	Allocs float64 `json:"allocs,omitempty"`
	// Lost is how many datagrams were never answered.
	Lost int64 `json:"lost,omitempty"`
	// Against names the server to compare with, where it is not the first of the scenario.
	Against string `json:"against,omitempty"`
}

// cpu is what the comparison is about.
func (s sample) cpu() time.Duration { return s.User + s.System }

// measureAll lets the servers take turns within each round, so that whatever
// else the machine does meets all of them alike.
func measureAll(ctx context.Context, cfg config, servers []launch.Server, l loader) ([]sample, error) {
	var samples []sample
	for _, scenario := range cfg.scenarios {
		for _, conns := range scenario.connCounts(cfg.load) {
			l.conns = conns
			some, err := measureTurns(ctx, cfg, servers, l, scenario)
			if err != nil {
				return nil, fmt.Errorf("%s, %d connections, %w", scenario.name, conns, err)
			}
			samples = append(samples, some...)
		}
	}
	return samples, nil
}

func measureTurns(ctx context.Context, cfg config, servers []launch.Server, l loader, scenario scenario) ([]sample, error) {
	var samples []sample
	for round := 1; round <= cfg.rounds; round++ {
		for _, s := range servers {
			if !scenario.suits(s.Target) {
				continue
			}
			some, err := measureVariants(ctx, cfg, s, l, scenario, round)
			if err != nil {
				return nil, fmt.Errorf("%s, round %d: %w", s.Name, round, err)
			}
			samples = append(samples, some...)
		}
	}
	return samples, nil
}

// measureVariants is one sample for a scenario without variants.
func measureVariants(ctx context.Context, cfg config, s launch.Server, l loader, scenario scenario, round int) ([]sample, error) {
	var samples []sample
	for i := range max(1, len(scenario.variants)) {
		if len(scenario.variants) > 0 {
			l.variant = scenario.variants[i]
		}
		one, err := measure(ctx, cfg, s, l, scenario)
		if err != nil {
			return nil, err
		}
		one.Round = round
		if l.variant.name != "" {
			one.Server = s.Name + ", " + l.variant.name
			one.Against = s.Name + ", " + scenario.variants[0].name
		}
		fmt.Fprintf(os.Stderr, "%s round %d/%d %s, %d connections: %.0f/s, %.2f µs CPU\n", scenario.name,
			round, cfg.rounds, one.Server, l.conns, one.PerSecond, micros(one.cpu()))
		samples = append(samples, one)
	}
	return samples, nil
}

// measure runs one server for one load. A fresh process each time keeps the
// peak of its memory to this scenario.
func measure(ctx context.Context, cfg config, s launch.Server, l loader, scenario scenario) (sample, error) {
	p, err := s.StartFor(ctx, cfg.workers, scenario.protocol, l.pair, l.serverOptions(scenario)...)
	if err != nil {
		return sample{}, err
	}
	one, warm, err := underLoad(ctx, p, cfg, l, scenario)
	p.Stop()
	if ctx.Err() != nil {
		return sample{}, context.Cause(ctx)
	}
	if err != nil {
		return sample{}, fmt.Errorf("%w%s", err, p.Complaint())
	}
	one.Server = s.Name
	if mallocs, err := strconv.ParseFloat(p.Counted("mallocs"), 64); err == nil {
		one.Allocs = mallocs / float64(one.Requests+warm)
	}
	return one, nil
}

// serverOptions are those that the scenario needs.
func (l loader) serverOptions(s scenario) []string {
	if s.file != nil {
		return []string{"-static", l.files}
	}
	return l.variant.serverOptions()
}

// underLoad also returns the number of requests that warmed the server up.
func underLoad(ctx context.Context, p *launch.Process, cfg config, l loader, s scenario) (one sample, warm int64, err error) {
	if err := l.check(ctx, p.Addr, s); err != nil {
		return one, 0, err
	}
	if cfg.warmup > 0 {
		result, err := l.run(ctx, p.Addr, s, cfg.warmup)
		if err != nil {
			return one, 0, fmt.Errorf("warm up: %w", err)
		}
		warm = result.Requests
	}
	l.span = &span{pid: p.PID()}
	if err := l.span.begin(); err != nil {
		return one, 0, err
	}
	result, err := l.run(ctx, p.Addr, s, cfg.load.Duration)
	if err != nil {
		return one, 0, err
	}
	if err := l.span.end(); err != nil {
		return one, 0, err
	}
	one = newSample(result, l.span.used())
	one.Scenario, one.Conns = s.name, l.conns
	if one.Peak, err = proc.ReadPeak(p.PID()); err != nil {
		return one, 0, err
	}
	return one, warm, l.check(ctx, p.Addr, s)
}

func newSample(result loadResult, used proc.Usage) sample {
	each := func(d time.Duration) time.Duration { return d / time.Duration(result.Requests) }
	return sample{
		Requests:  result.Requests,
		PerSecond: result.PerSecond,
		User:      each(used.User),
		System:    each(used.System),
		Machine:   each(max(0, used.Machine-result.cpu)),
		P50:       result.P50,
		P99:       result.P99,
		Lost:      result.Lost,
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
