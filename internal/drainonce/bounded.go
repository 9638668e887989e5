package drainonce

import (
	"context"
	"time"
)

// Bounded calls f, which may wait for what others have made and which does not heed ctx, such as
// certificates. It reports whether f has returned before ctx was done, or at most grace later; else
// f goes on alone.
func Bounded(ctx context.Context, grace time.Duration, f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
