package middleware

import "github.com/tako-go/tako"

// BodyLimit bounds the request body to n bytes in place of the route's own limit;
// [tako.NoLimit] takes it away. A declared length beyond it is answered 413
// before the handler runs.
func BodyLimit(n int64) tako.Middleware {
	return BodyLimitFunc(func(*tako.Context) int64 { return n })
}

// BodyLimitFunc is BodyLimit with a limit for each request.
func BodyLimitFunc(f func(c *tako.Context) int64) tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if err := c.LimitBody(f(c)); err != nil {
				return err
			}
			return next(c)
		}
	}
}
