package middleware

import "github.com/tako-go/tako"

// Recover turns a panic further in into an error, so that middleware around it
// sees one instead of being unwound. The framework recovers every request at its
// outer edge as well: without Recover a panic is still answered 500 and logged
// once, but middleware in between does not get to see its outcome.
func Recover() tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) (err error) {
			defer func() {
				if v := recover(); v != nil {
					err = tako.RecoverError(v)
				}
			}()
			return next(c)
		}
	}
}
