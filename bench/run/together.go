package main

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	internal "github.com/tako-go/tako/bench/internal/load"
)

// tally is what one worker of a load within this process counted.
type tally struct {
	internal.Histogram
	// lost were sent and never answered.
	lost int64
}

// together runs workers 0 to n-1 until the length is over, and adds up what they counted. The
// first error ends all. The client is this process, whose processor time it reports.
func together(ctx context.Context, n int, length time.Duration, work func(ctx context.Context, id int, until time.Time) (*tally, error)) (loadResult, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		mu  sync.Mutex
		all tally
		wg  sync.WaitGroup
	)
	before, start := ownCPU(), time.Now()
	for id := range n {
		wg.Go(func() {
			own, err := work(ctx, id, start.Add(length))
			if err != nil {
				cancel(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all.Merge(&own.Histogram)
			all.lost += own.lost
		})
	}
	wg.Wait()
	took, used := time.Since(start), ownCPU()-before
	if err := context.Cause(ctx); err != nil {
		return loadResult{}, err
	}
	return all.result(took, used)
}

// result is that of a load which has taken so long and used so much processor time itself.
func (t *tally) result(took, used time.Duration) (loadResult, error) {
	count := t.Count()
	if count == 0 {
		return loadResult{}, errors.New("nothing was answered in time")
	}
	return loadResult{
		counts: counts{
			Requests: count, PerSecond: float64(count) / took.Seconds(), Lost: t.lost,
			P50: t.Quantile(0.5), P99: t.Quantile(0.99),
		},
		cpu: used,
	}, nil
}

// again calls once until then. It counts all it began before, since the server works for
// each of them.
func again(ctx context.Context, until time.Time, once func() error) (*tally, error) {
	own := new(tally)
	for at := time.Now(); at.Before(until) && ctx.Err() == nil; {
		if err := once(); err != nil {
			return nil, err
		}
		now := time.Now()
		own.Add(now.Sub(at))
		at = now
	}
	return own, nil
}

// ownCPU is the processor time of this process.
func ownCPU() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
