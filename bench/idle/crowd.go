package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/tako-go/tako/bench/internal/wire"
)

const (
	// sources are as many addresses of this machine, so that neither ports nor a
	// bound per address run out.
	sources = 100
	// askers send at the same time; more would measure a burst of requests.
	askers = 8
)

// crowd is a set of open connections.
type crowd []member

// gather opens n connections, each of which gets an answer.
func gather(ctx context.Context, addr string, n int, p wire.Protocol, pair wire.Pair) (crowd, error) {
	c := make(crowd, n)
	err := each(ctx, n, func(i int) error {
		one, err := join(ctx, net.IPv4(127, 0, 0, byte(1+i%sources)), addr, p, pair)
		if err != nil {
			return err
		}
		c[i] = one
		return one.ask(ctx)
	})
	if err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

func (c crowd) leave() {
	for _, one := range c {
		if one != nil {
			_ = one.Close()
		}
	}
}

// dead counts connections that get no answer any more.
func (c crowd) dead(ctx context.Context) (n int64, err error) {
	var dead atomic.Int64
	err = each(ctx, len(c), func(i int) error {
		if c[i].ask(ctx) != nil {
			dead.Add(1)
		}
		return nil
	})
	return dead.Load(), err
}

// each calls do for 0 to n-1 on a few goroutines and returns the first error.
func each(ctx context.Context, n int, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range askers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := do(int(i)); err != nil {
					cancel(fmt.Errorf("connection %d: %w", i+1, err))
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
