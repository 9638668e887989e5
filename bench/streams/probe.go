package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/load"
	"github.com/tako-go/tako/bench/internal/proc"
	"github.com/tako-go/tako/bench/internal/transfer"
)

// probed is the latency of small requests beside something, in one round.
type probed struct {
	server, protocol, beside string
	round                    int
	requests                 int64
	p50, p99, longest        time.Duration
	// perSecond is what moved beside, in bytes; cpus how many processors the server
	// kept busy.
	perSecond, cpus float64
}

func (p probed) key() string { return p.protocol + " " + p.beside + " " + p.server }

// beside is what happens while small requests are sent.
type beside struct {
	name string
	// streams is the number of bodies that move all the time, up and down in turns, or down
	// only.
	streams func(cfg config) int
	each    []transfer.Direction
	// together says that small requests share their connection.
	together bool
}

var besides = []beside{
	{name: "nothing", streams: func(config) int { return 0 }},
	{
		name:    "busy streams of another connection",
		streams: func(cfg config) int { return cfg.streams },
		each:    []transfer.Direction{transfer.Upload, transfer.Download},
	},
	{
		name:     "one download on the same connection",
		streams:  func(config) int { return 1 },
		each:     []transfer.Direction{transfer.Download},
		together: true,
	},
}

func probeAll(ctx context.Context, cfg config, servers []launch.Server) (samples []probed, err error) {
	for _, p := range cfg.protocols {
		for _, b := range besides {
			for round := 1; round <= cfg.rounds; round++ {
				for _, s := range servers {
					one := probed{server: s.Name, protocol: p.name, beside: b.name, round: round}
					err := withServer(ctx, cfg, s, p, func(ctx context.Context, process *launch.Process) error {
						return one.measure(ctx, cfg, p, b, process)
					})
					if err != nil {
						return nil, fmt.Errorf("%s beside %s, %s, round %d: %w", p.name, b.name, s.Name, round, err)
					}
					fmt.Fprintf(os.Stderr, "%s beside %s round %d/%d %s: p99 %v, longest %v\n", p.name, b.name, round, cfg.rounds, s.Name,
						one.p99.Round(time.Microsecond), one.longest.Round(time.Microsecond))
					samples = append(samples, one)
				}
			}
		}
	}
	return samples, nil
}

func (m *probed) measure(ctx context.Context, cfg config, p protocol, b beside, process *launch.Process) error {
	small, err := dial(ctx, cfg, p.Protocol, process.Addr)
	if err != nil {
		return err
	}
	defer small.Close()
	large := small
	if !b.together {
		if large, err = dial(ctx, cfg, p.Protocol, process.Addr); err != nil {
			return err
		}
		defer large.Close()
	}
	size := cfg.size
	if b.together {
		size = transfer.Largest
	}
	bodies := newBatch(large, b.streams(cfg), size, b.each)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	moving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		err := bodies.repeat(moving)
		if err != nil { // nil, too, when there are no bodies to move
			fail(err)
		}
		ended <- err
	}()
	err = m.send(ctx, cfg, small, bodies, process.PID())
	stop()
	if failed := <-ended; failed != nil {
		return failed
	}
	return err
}

// send asks at a steady rate. A request that is sent late, because the one before took
// long, counts from the moment it was due.
func (m *probed) send(ctx context.Context, cfg config, c conn, bodies *batch, pid int) error {
	if err := warm(ctx, c, bodies); err != nil {
		return err
	}
	used, err := proc.ReadUsage(pid)
	if err != nil {
		return err
	}
	var latency load.Histogram
	start, before := time.Now(), bodies.total()
	gap := time.Second / time.Duration(cfg.rate)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for due := start; due.Sub(start) < cfg.duration; due = due.Add(gap) {
		began := due
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			// That the client wakes up late is not the server's fault.
			began = time.Now()
		}
		if err := c.hello(ctx); err != nil {
			return err
		}
		latency.Add(time.Since(began))
	}
	took := time.Since(start)
	now, err := proc.ReadUsage(pid)
	if err != nil {
		return err
	}
	m.requests, m.longest = latency.Count(), latency.Max
	m.p50, m.p99 = latency.Quantile(0.5), latency.Quantile(0.99)
	m.perSecond = float64(bodies.total()-before) / took.Seconds()
	m.cpus = now.Since(used).CPU().Seconds() / took.Seconds()
	return nil
}

// warmRequests go before those that count.
const warmRequests = 50

// warm waits until all bodies move.
func warm(ctx context.Context, c conn, bodies *batch) error {
	for range warmRequests {
		if err := c.hello(ctx); err != nil {
			return err
		}
	}
	again := time.NewTicker(look)
	defer again.Stop()
	for {
		stands := false
		for _, n := range bodies.progress() {
			stands = stands || n == 0
		}
		if !stands {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
