package main

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tako-go/tako/bench/internal/transfer"
)

// batch is bodies that move at the same time on one connection.
type batch struct {
	conn conn
	size int64
	each []transfer.Direction
	// moved is how much of each body the client has sent or received.
	moved []atomic.Int64
}

func newBatch(c conn, streams int, size int64, each []transfer.Direction) *batch {
	return &batch{conn: c, size: size, each: each, moved: make([]atomic.Int64, streams)}
}

// move returns when all have arrived, or the first error.
func (b *batch) move(ctx context.Context) error {
	return b.run(ctx, func(ctx context.Context, i int) error { return b.one(ctx, i, b.size) })
}

// repeat moves body after body on all streams until ctx ends, which is no error.
func (b *batch) repeat(ctx context.Context) error {
	err := b.run(ctx, func(ctx context.Context, i int) error {
		for {
			if err := b.one(ctx, i, b.size); err != nil {
				return err
			}
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (b *batch) one(ctx context.Context, i int, size int64) error {
	return b.each[i%len(b.each)].Move(ctx, b.conn, b.conn.base, size, &b.moved[i])
}

func (b *batch) run(ctx context.Context, one func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for i := range b.moved {
		wg.Go(func() {
			if err := one(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// progress is how far each stream is.
func (b *batch) progress() []int64 {
	all := make([]int64, len(b.moved))
	for i := range b.moved {
		all[i] = b.moved[i].Load()
	}
	return all
}

func (b *batch) total() (n int64) {
	for _, one := range b.progress() {
		n += one
	}
	return n
}
