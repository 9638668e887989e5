package loop

import (
	"context"
	"sync"
	"time"
)

// requestContext is the context of a request. It costs nothing that is shared
// between loops, and little until somebody waits for its end; then one of the
// context package does the work.
type requestContext struct {
	mu     sync.Mutex
	cause  error // why it has ended, nil until then
	inner  context.Context
	cancel context.CancelCauseFunc
}

// end ends the context. The first cause counts.
func (c *requestContext) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return
	}
	c.cause = cause
	if c.cancel != nil {
		c.cancel(cause)
	}
}

func (c *requestContext) real() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.cancel = context.WithCancelCause(context.Background())
		if c.cause != nil {
			c.cancel(c.cause)
		}
	}
	return c.inner
}

func (c *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

func (c *requestContext) Done() <-chan struct{} { return c.real().Done() }

func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return context.Canceled
	}
	return nil
}

// Value has no values of its own, but the context package asks it for the context
// that can be cancelled.
func (c *requestContext) Value(key any) any { return c.real().Value(key) }
