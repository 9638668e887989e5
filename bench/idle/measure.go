package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/proc"
	"github.com/tako-go/tako/bench/internal/wire"
)

// sample is one server in one round.
type sample struct {
	protocol      string
	server        string
	round         int
	before, after proc.Memory
	peak          int64
	cpu           time.Duration // while idle
	dead          int64
}

func measureAll(ctx context.Context, cfg config, servers []launch.Server) (samples []sample, err error) {
	for _, p := range cfg.protocols {
		for round := 1; round <= cfg.rounds; round++ {
			for _, s := range servers {
				if !p.suits(s.Target) {
					continue
				}
				one, err := measure(ctx, cfg, s, p.Protocol)
				if err != nil {
					return nil, fmt.Errorf("%s, %s, round %d: %w", p.name, s.Name, round, err)
				}
				one.protocol, one.server, one.round = p.name, s.Name, round
				fmt.Fprintf(os.Stderr, "%s round %d/%d %s: %d bytes each\n", p.name, round, cfg.rounds, s.Name,
					one.after.Since(one.before).PSS/int64(cfg.conns))
				samples = append(samples, one)
			}
		}
	}
	return samples, nil
}

func measure(ctx context.Context, cfg config, s launch.Server, protocol wire.Protocol) (sample, error) {
	p, err := s.StartFor(ctx, cfg.workers, protocol, cfg.pair)
	if err != nil {
		return sample{}, err
	}
	one, err := watched(ctx, p, cfg, protocol)
	p.Stop()
	if ctx.Err() != nil {
		return sample{}, context.Cause(ctx)
	}
	if err != nil {
		return sample{}, fmt.Errorf("%w%s", err, p.Complaint())
	}
	return one, nil
}

func watched(ctx context.Context, p *launch.Process, cfg config, protocol wire.Protocol) (one sample, err error) {
	// What the first requests bring into memory is not the price of connections.
	few, err := gather(ctx, p.Addr, askers, protocol, cfg.pair)
	if err != nil {
		return one, err
	}
	few.leave()
	if err := pause(ctx, cfg.settle/2); err != nil {
		return one, err
	}
	if one.before, err = proc.ReadMemory(p.PID()); err != nil {
		return one, err
	}
	all, err := gather(ctx, p.Addr, cfg.conns, protocol, cfg.pair)
	if err != nil {
		return one, err
	}
	defer all.leave()
	if err := pause(ctx, cfg.settle); err != nil {
		return one, err
	}
	if one.after, err = proc.ReadMemory(p.PID()); err != nil {
		return one, err
	}
	if one.cpu, err = idleTime(ctx, p, cfg.watch); err != nil {
		return one, err
	}
	if one.peak, err = proc.ReadPeak(p.PID()); err != nil {
		return one, err
	}
	one.dead, err = all.dead(ctx)
	return one, err
}

func idleTime(ctx context.Context, p *launch.Process, watch time.Duration) (time.Duration, error) {
	before, err := proc.ReadUsage(p.PID())
	if err != nil {
		return 0, err
	}
	if err := pause(ctx, watch); err != nil {
		return 0, err
	}
	after, err := proc.ReadUsage(p.PID())
	return after.Since(before).CPU(), err
}

func pause(ctx context.Context, length time.Duration) error {
	select {
	case <-time.After(length):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
