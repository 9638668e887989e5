package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/proc"
)

// sample is one server.
type sample struct {
	server string
	// rss is resident memory before the flood and after each tenth of it, peak the most.
	rss  []int64
	peak int64
	took time.Duration
	cpu  time.Duration
	// missed is the most that a member did not get which reads at once; slow is the least that
	// one got which reads slowly.
	missed, slow int64
	// cut slow members were disconnected.
	cut int
	// counted is what our server says of its room, empty for others.
	counted string
}

func measure(ctx context.Context, cfg config, s launch.Server) (sample, error) {
	p, err := s.Start(ctx, cfg.workers)
	if err != nil {
		return sample{}, err
	}
	one, err := underFlood(ctx, p, cfg)
	p.Stop()
	if ctx.Err() != nil {
		return sample{}, context.Cause(ctx)
	}
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w%s", s.Name, err, p.Complaint())
	}
	one.server, one.counted = s.Name, p.Counted("room")
	return one, nil
}

func underFlood(ctx context.Context, p *launch.Process, cfg config) (one sample, err error) {
	r, err := enter(ctx, p.Addr, cfg.counts)
	if err != nil {
		return one, err
	}
	defer r.leave()
	var start time.Time
	var before proc.Usage
	if err := r.flood(ctx, cfg.messages, func(tenth int) error {
		if tenth == 0 {
			start = time.Now()
			if err := proc.ResetPeak(p.PID()); err != nil {
				return err
			}
			if before, err = proc.ReadUsage(p.PID()); err != nil {
				return err
			}
		}
		rss, err := proc.ReadRSS(p.PID())
		one.rss = append(one.rss, rss)
		fmt.Fprintf(os.Stderr, "%3d %% after %v: RSS %.1f MiB\n", tenth*10, time.Since(start).Round(time.Millisecond), mib(rss))
		return err
	}); err != nil {
		return one, err
	}
	one.took = time.Since(start)
	after, err := proc.ReadUsage(p.PID())
	if err != nil {
		return one, err
	}
	one.cpu = after.Since(before).CPU()
	got, _ := r.heard(fast)
	one.missed = cfg.messages - got
	one.slow, one.cut = r.heard(slow)
	one.peak, err = proc.ReadPeak(p.PID())
	return one, err
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
