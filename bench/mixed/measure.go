package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/load"
	"github.com/tako-go/tako/bench/internal/proc"
)

// sample is one server in one case and round.
type sample struct {
	server, beside string
	rate           float64 // asked for, 0 for a closed loop
	round          int

	// Of GET /.
	perSecond     float64
	p50, p99, max time.Duration
	// Of what ran beside.
	besidePerSecond, ideal float64
	quick, sleeping        [2]time.Duration // p50, p99
	errors                 int64
	fault                  error
	cpu                    float64 // busy processors
	stats                  string
}

// measureAll lets the servers take turns within each round.
func measureAll(ctx context.Context, cfg config, servers []launch.Server) (samples []sample, err error) {
	for _, rate := range cfg.rates {
		for round := 1; round <= cfg.rounds; round++ {
			for _, s := range servers {
				some, err := measureCases(ctx, cfg, s, rate, round)
				if err != nil {
					return nil, err
				}
				samples = append(samples, some...)
			}
		}
	}
	return samples, nil
}

func measureCases(ctx context.Context, cfg config, s launch.Server, rate float64, round int) (samples []sample, err error) {
	quick := 0.0
	for _, b := range cfg.besides {
		one, err := measure(ctx, cfg, s, b, rate)
		if err != nil {
			return nil, fmt.Errorf("%s, %s, %s, round %d: %w", paceName(rate), s.Name, b.name, round, err)
		}
		if b.name == "quick" {
			quick = one.besidePerSecond
		}
		one.round, one.ideal = round, b.ideal(cfg.conns, cfg.workers, quick)
		fmt.Fprintf(os.Stderr, "%s round %d/%d %s %s: p99 %v, %.0f/s beside\n",
			paceName(rate), round, cfg.rounds, s.Name, b.name, one.p99, one.besidePerSecond)
		samples = append(samples, one)
	}
	return samples, nil
}

func paceName(rate float64) string {
	if rate == 0 {
		return "closed"
	}
	return fmt.Sprintf("%.0f/s", rate)
}

// measure runs a fresh server for one case.
func measure(ctx context.Context, cfg config, s launch.Server, b beside, rate float64) (sample, error) {
	p, err := s.Start(ctx, cfg.workers)
	if err != nil {
		return sample{}, err
	}
	one, err := underLoad(ctx, p, cfg, b, rate)
	p.Stop()
	if ctx.Err() != nil {
		return sample{}, context.Cause(ctx)
	}
	if err != nil {
		return sample{}, fmt.Errorf("%w%s", err, p.Complaint())
	}
	one.server, one.beside, one.rate, one.stats = s.Name, b.name, rate, p.Counted("stats")
	return one, nil
}

func underLoad(ctx context.Context, p *launch.Process, cfg config, b beside, rate float64) (sample, error) {
	window := load.NewWindow()
	defer window.Abort()
	hello := load.Get("/", quick)
	front, err := load.Start(load.Plan{
		Addr: p.Addr, Conns: cfg.conns, Rate: rate, Pick: func(int64) load.Request { return hello },
	}, window)
	if err != nil {
		return sample{}, err
	}
	// Where the first calls matter they come after the warm-up.
	if b.lead > 0 {
		if err := wait(ctx, cfg.warmup, front); err != nil {
			return sample{}, err
		}
	}
	var back *load.Group
	if b.pick != nil {
		back, err = load.Start(load.Plan{Addr: p.Addr, Conns: cfg.conns, Pick: b.pick}, window)
		if err != nil {
			return sample{}, err
		}
	}
	if b.lead == 0 {
		err = wait(ctx, cfg.warmup, front)
	}
	for back != nil && back.Sent() < b.lead && err == nil {
		err = wait(ctx, time.Millisecond, back)
	}
	if err != nil {
		return sample{}, err
	}
	return counted(ctx, p, cfg, window, front, back)
}

// counted opens the window and collects what the groups find in it.
func counted(ctx context.Context, p *launch.Process, cfg config, window *load.Window, front, back *load.Group) (one sample, err error) {
	before, err := proc.ReadUsage(p.PID())
	if err != nil {
		return one, err
	}
	window.Open(cfg.duration)
	if err := wait(ctx, cfg.duration, front); err != nil {
		return one, err
	}
	after, err := proc.ReadUsage(p.PID())
	if err != nil {
		return one, err
	}
	one.cpu = after.Since(before).CPU().Seconds() / cfg.duration.Seconds()
	result, err := front.Wait()
	if err != nil {
		return one, fmt.Errorf("GET /: %w", err)
	}
	h := &result.Latency[0]
	one.p50, one.p99, one.max = h.Quantile(0.5), h.Quantile(0.99), h.Max
	one.perSecond = float64(result.Replies) / cfg.duration.Seconds()
	one.errors, one.fault = result.Errors, result.First
	if back == nil {
		return one, nil
	}
	if result, err = back.Wait(); err != nil {
		return one, fmt.Errorf("beside: %w", err)
	}
	one.besidePerSecond = float64(result.Replies) / cfg.duration.Seconds()
	for class, to := range []*[2]time.Duration{quick: &one.quick, sleeping: &one.sleeping} {
		h := &result.Latency[class]
		*to = [2]time.Duration{h.Quantile(0.5), h.Quantile(0.99)}
	}
	one.errors += result.Errors
	if one.fault == nil {
		one.fault = result.First
	}
	return one, nil
}

var errEarly = errors.New("the load ended early")

// wait lets the load go on for a while.
func wait(ctx context.Context, length time.Duration, g *load.Group) error {
	select {
	case <-time.After(length):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-g.Done():
		_, err := g.Wait()
		if err == nil { // it ended in time, a little before the timer
			return nil
		}
		return fmt.Errorf("%w: %w", errEarly, err)
	}
}
