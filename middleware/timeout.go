package middleware

import (
	"time"

	"github.com/tako-go/tako"
)

// Timeout answers 503 if the handlers further in have not begun to respond after
// d, cancels the request's context and lets them end on their own; whatever they
// write then returns [tako.ErrTimeout]. A response that was begun is not cut. It
// costs a goroutine a request.
func Timeout(d time.Duration) tako.Middleware {
	return TimeoutFunc(func(*tako.Context) time.Duration { return d })
}

// TimeoutFunc is Timeout with a time for each request; zero means none.
func TimeoutFunc(f func(c *tako.Context) time.Duration) tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error { return c.RunTimeout(f(c), next) }
	}
}
