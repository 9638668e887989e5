// Package reqctx has the context of a request, as runtimes make it.
package reqctx

import (
	"context"
	"sync"
	"time"
)

// Context is the context of a request. It costs nothing that is shared
// between loops, and little until somebody waits for its end; then one of the
// context package does the work.
type Context struct {
	mu     sync.Mutex
	cause  error // why it has ended, nil until then
	inner  context.Context
	cancel context.CancelCauseFunc
}

// End ends the context. The first cause counts.
func (c *Context) End(cause error) {
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

func (c *Context) real() context.Context {
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

// Deadline says that there is none.
func (c *Context) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed when the context ends.
func (c *Context) Done() <-chan struct{} { return c.real().Done() }

// Err is [context.Canceled] once the context has ended.
func (c *Context) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return context.Canceled
	}
	return nil
}

// Value has no values of its own, but the context package asks it for the context
// that can be cancelled.
func (c *Context) Value(key any) any { return c.real().Value(key) }
