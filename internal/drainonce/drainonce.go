// Package drainonce lets any number of callers shut a server down: the first one drains it,
// and all are told what came of that.
package drainonce

import (
	"context"
	"sync"
	"time"

	"github.com/tako-go/tako"
)

// Once is the one drain of a server. It is used by many goroutines at once.
type Once struct {
	first  sync.Once
	done   chan struct{}
	report tako.Report
	err    error
}

// New returns one that has not begun.
func New() *Once { return &Once{done: make(chan struct{})} }

// Done is closed when the drain has ended.
func (o *Once) Done() <-chan struct{} { return o.done }

// Do calls drain with the first caller's ctx, and measures it. Later callers wait for the
// result, each until its own ctx is done, whose error it returns then.
func (o *Once) Do(ctx context.Context, drain func(context.Context) (tako.Report, error)) (tako.Report, error) {
	first := false
	o.first.Do(func() { first = true })
	if first {
		began := time.Now()
		o.report, o.err = drain(ctx)
		o.report.Elapsed = time.Since(began)
		close(o.done)
	}
	select {
	case <-o.done:
		return o.report, o.err
	default:
	}
	select {
	case <-o.done:
		return o.report, o.err
	case <-ctx.Done():
		return tako.Report{}, ctx.Err()
	}
}
