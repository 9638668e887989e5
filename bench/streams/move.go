package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/proc"
	"github.com/tako-go/tako/bench/internal/transfer"
)

const (
	// warmup is a body on each stream that brings code and buffers into memory.
	warmup = 256 << 10
	// patience with one measurement.
	patience = 30 * time.Minute
)

// moved is one server, protocol and direction in one round.
type moved struct {
	server, protocol, direction string
	round                       int
	bytes                       int64
	took, cpu                   time.Duration
	// Resident memory before, the largest while bodies moved, as sampled and as
	// the kernel saw it, and after.
	before, sampled, peak, after int64
	fairness                     fairness
}

func (m moved) key() string { return m.protocol + " " + m.direction + " " + m.server }

func moveAll(ctx context.Context, cfg config, servers []launch.Server) (samples []moved, err error) {
	for _, p := range cfg.protocols {
		for _, d := range cfg.directions {
			for round := 1; round <= cfg.rounds; round++ {
				for _, s := range servers {
					one := moved{server: s.Name, protocol: p.name, direction: d.name, round: round}
					if err := one.measure(ctx, cfg, s, p, d); err != nil {
						return nil, fmt.Errorf("%s %s, %s, round %d: %w", p.name, d.name, s.Name, round, err)
					}
					fmt.Fprintf(os.Stderr, "%s %s round %d/%d %s: %v, %d KiB more\n", p.name, d.name, round, cfg.rounds, s.Name,
						one.took.Round(time.Millisecond), (one.peak-one.before)>>10)
					samples = append(samples, one)
				}
			}
		}
	}
	return samples, nil
}

func (m *moved) measure(ctx context.Context, cfg config, s launch.Server, p protocol, d direction) error {
	return withServer(ctx, cfg, s, p, func(ctx context.Context, process *launch.Process) error {
		c, err := dial(ctx, cfg, p.Protocol, process.Addr)
		if err != nil {
			return err
		}
		defer c.Close()
		warm := newBatch(c, cfg.streams, min(warmup, cfg.size), d.each)
		if err := warm.move(ctx); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
		return m.watch(ctx, process.PID(), newBatch(c, cfg.streams, cfg.size, d.each))
	})
}

// withServer starts a server for one measurement.
func withServer(ctx context.Context, cfg config, s launch.Server, p protocol, do func(context.Context, *launch.Process) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	process, err := s.StartFor(ctx, cfg.workers, p.Protocol, cfg.pair)
	if err != nil {
		return err
	}
	err = do(ctx, process)
	process.Stop()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w%s", err, process.Complaint())
	}
	return nil
}

// watch moves the batch and looks at the server meanwhile.
func (m *moved) watch(ctx context.Context, pid int, b *batch) (err error) {
	if m.before, err = proc.ReadRSS(pid); err != nil {
		return err
	}
	if err := proc.ResetPeak(pid); err != nil {
		return err
	}
	used, err := proc.ReadUsage(pid)
	if err != nil {
		return err
	}
	sampled, fair := transfer.SampleRSS(pid), track(b)
	start := time.Now()
	err = b.move(ctx)
	m.took = time.Since(start)
	m.sampled, m.fairness = sampled(), fair()
	if err != nil {
		return err
	}
	now, err := proc.ReadUsage(pid)
	if err != nil {
		return err
	}
	m.cpu, m.bytes = now.Since(used).CPU(), b.total()
	if m.peak, err = proc.ReadPeak(pid); err != nil {
		return err
	}
	m.after, err = proc.ReadRSS(pid)
	return err
}
