// Package succession tells a server that is shut down that another process serves in its place:
// then nobody waits for it, and it need not close connections that their clients may be about to
// use.
package succession

import (
	"context"
	"time"
)

type key struct{}

// With returns a context for Shutdown of servers whose successor serves, which lets connections
// without a request stay for grace.
func With(ctx context.Context, grace time.Duration) context.Context {
	return context.WithValue(ctx, key{}, grace)
}

// Grace is how long connections without a request may stay, 0 if there is no successor. It is at
// most half of what ctx leaves: they are not to be cut.
func Grace(ctx context.Context) time.Duration {
	grace, _ := ctx.Value(key{}).(time.Duration)
	if by, ok := ctx.Deadline(); ok {
		grace = min(grace, time.Until(by)/2)
	}
	return max(grace, 0)
}
