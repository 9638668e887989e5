package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/proc"
	"github.com/tako-go/tako/bench/internal/transfer"
)

const (
	// warmup is a body that brings code and buffers into memory.
	warmup = 1 << 20
	// patience with one round.
	patience = 5 * time.Minute
)

// sample is one server and transfer.Direction in one round.
type sample struct {
	server, direction string
	round             int
	took, cpu         time.Duration
	// Resident memory before, the largest while bodies moved, as sampled and as
	// the kernel saw it, and after.
	before, sampled, peak, after int64
}

func measureAll(ctx context.Context, cfg config, servers []launch.Server) (samples []sample, err error) {
	for _, d := range cfg.directions {
		for round := 1; round <= cfg.rounds; round++ {
			for _, s := range servers {
				one, err := measure(ctx, cfg, s, d)
				if err != nil {
					return nil, fmt.Errorf("%s, %s, round %d: %w", d.Name, s.Name, round, err)
				}
				one.server, one.direction, one.round = s.Name, d.Name, round
				fmt.Fprintf(os.Stderr, "%s round %d/%d %s: %v, %d KiB more\n", d.Name, round, cfg.rounds, s.Name,
					one.took.Round(time.Millisecond), (one.peak-one.before)>>10)
				samples = append(samples, one)
			}
		}
	}
	return samples, nil
}

func measure(ctx context.Context, cfg config, s launch.Server, d transfer.Direction) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := s.Start(ctx, cfg.workers)
	if err != nil {
		return sample{}, err
	}
	one, err := watched(ctx, p, cfg, d)
	p.Stop()
	if ctx.Err() != nil {
		return sample{}, context.Cause(ctx)
	}
	if err != nil {
		return sample{}, fmt.Errorf("%w%s", err, p.Complaint())
	}
	return one, nil
}

func watched(ctx context.Context, p *launch.Process, cfg config, d transfer.Direction) (one sample, err error) {
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: cfg.conns, WriteBufferSize: 256 << 10, ReadBufferSize: 256 << 10, DisableCompression: true,
	}}
	defer client.CloseIdleConnections()
	if err := moveAll(ctx, client, p.Addr, cfg.conns, min(warmup, cfg.size), d); err != nil {
		return one, fmt.Errorf("warm up: %w", err)
	}
	if one.before, err = proc.ReadRSS(p.PID()); err != nil {
		return one, err
	}
	if err := proc.ResetPeak(p.PID()); err != nil {
		return one, err
	}
	used, err := proc.ReadUsage(p.PID())
	if err != nil {
		return one, err
	}
	sampled := transfer.SampleRSS(p.PID())
	start := time.Now()
	err = moveAll(ctx, client, p.Addr, cfg.conns, cfg.size, d)
	one.took = time.Since(start)
	one.sampled = sampled()
	if err != nil {
		return one, err
	}
	now, err := proc.ReadUsage(p.PID())
	if err != nil {
		return one, err
	}
	one.cpu = now.Since(used).CPU()
	if one.peak, err = proc.ReadPeak(p.PID()); err != nil {
		return one, err
	}
	one.after, err = proc.ReadRSS(p.PID())
	return one, err
}

// moveAll moves n bodies at the same time and returns the first error.
func moveAll(ctx context.Context, client *http.Client, addr string, n int, size int64, d transfer.Direction) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := d.Move(ctx, client.Transport, "http://"+addr, size, new(atomic.Int64)); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
