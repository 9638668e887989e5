package tako

import (
	"context"
	"net/http"
)

type branchKey struct{}

// Std makes a middleware out of one written for net/http. Handlers further in
// write through the writer and read the request that it passed on, and their
// errors are rendered before it gets control back, so it sees the response as it
// will be; a panic passes through it. The body limit applies further in, not to
// what the middleware itself reads. It costs about ten allocations a request.
func Std(mw func(http.Handler) http.Handler) Middleware {
	return func(next Handler) Handler {
		inner := mw(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, ok := r.Context().Value(branchKey{}).(*branch)
			if !ok { // the middleware passed on a request of its own making
				http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
				return
			}
			b.serveInner(w, r)
		}))
		return func(c *Context) error {
			b := newBranch(c, next)
			defer b.close()
			ctx := context.WithValue(c.Context(), branchKey{}, b)
			w := newResponseWriter(c)
			inner.ServeHTTP(w, c.request(ctx, false))
			b.close()
			return w.end()
		}
	}
}

// serveInner runs the rest of the chain of a net/http middleware.
func (b *branch) serveInner(w http.ResponseWriter, r *http.Request) {
	inner := b.fork(nil)
	if inner == nil {
		return // the middleware has answered already
	}
	inner.std.w, inner.std.r, inner.std.length = w, r, -1
	inner.ex = &inner.std
	inner.header.reset()
	inner.std.adopt(&inner.header, w.Header())
	inner.ctx = nil
	inner.method = r.Method
	if b.answerInner(inner) {
		panic(http.ErrAbortHandler)
	}
}

// answerInner reports whether the response was broken off. A panic is left to the
// middleware, but for what it means to the hooks.
func (b *branch) answerInner(inner *Context) (aborted bool) {
	var err error
	defer func() {
		if v := recover(); v != nil {
			b.end(inner, RecoverError(v), http.StatusInternalServerError, true)
			panic(v)
		}
		b.end(inner, err, inner.status, true)
	}()
	err = inner.unlessEnded(b.next(inner))
	if err == nil {
		err = inner.complete()
	}
	if err != nil {
		aborted = inner.failed(err)
	}
	return aborted || inner.std.broken
}
