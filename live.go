package tako

import (
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
)

// App is what a runtime serves: a [Router], or a [Live] one. It cannot be
// implemented elsewhere; handlers of net/http are mounted with [HTTP].
type App interface {
	http.Handler
	// Build checks and compiles the routes. It returns all mistakes at once.
	Build() error
	// Serve answers one request. It returns when the response has ended and
	// reports whether it was broken off, so that the connection cannot be used
	// again. ex is not used after it returns, except after a timeout, see
	// [ErrTimeout]: then its request may still be read.
	Serve(ex Exchange) (aborted bool)

	// Find is the first half of Serve: it finds the route, and runs nothing of the
	// user's. The Call is served exactly once.
	Find(ex Exchange) Call

	current() *table
}

var (
	_ App = (*Router)(nil)
	_ App = (*Live)(nil)
)

// Serve answers one request that a runtime holds.
func (r *Router) Serve(ex Exchange) (aborted bool) { return r.Find(ex).Serve() }

// Find finds the route of a request that a runtime holds.
func (r *Router) Find(ex Exchange) Call {
	t := r.current()
	if t == nil {
		t = r.firstBuild()
	}
	return t.call(ex)
}

func (r *Router) current() *table { return r.root().table.Load() }

// firstBuild builds a router that nobody has built before it got a request.
func (r *Router) firstBuild() *table {
	r = r.root()
	err := r.Build()
	if t := r.table.Load(); t != nil {
		return t
	}
	r.reportOnce.Do(func() { slog.Error("router has mistakes and answers 500", "err", err) })
	return nil
}

// Live is a router that can be replaced while it serves. Make one with [NewLive].
type Live struct {
	first *Router
	table atomic.Pointer[table]
}

// NewLive returns a Live that serves r.
func NewLive(r *Router) *Live { return &Live{first: r} }

// Build builds the router that Live was made with, unless another took its place.
func (l *Live) Build() error {
	if l.table.Load() != nil {
		return nil
	}
	if l.first == nil {
		return errors.New("tako: live router without a router")
	}
	if err := l.first.Build(); err != nil {
		return err
	}
	l.table.CompareAndSwap(nil, l.first.current())
	return nil
}

// Swap builds next and puts it in the place of the router that serves. Requests
// under way end on the router they began on; every request is served wholly by
// one. If next has mistakes they are returned and nothing changes. Swap may be
// called by several goroutines.
func (l *Live) Swap(next *Router) error {
	if next == nil {
		return errors.New("tako: swap to a nil router")
	}
	if err := next.Build(); err != nil {
		return err
	}
	l.table.Store(next.root().current())
	return nil
}

// ServeHTTP answers one request of a net/http server.
func (l *Live) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	t := l.current()
	if t == nil {
		http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
		return
	}
	t.serveHTTP(w, req)
}

// Serve answers one request that a runtime holds.
func (l *Live) Serve(ex Exchange) (aborted bool) { return l.Find(ex).Serve() }

// Find finds the route of a request that a runtime holds.
func (l *Live) Find(ex Exchange) Call { return l.current().call(ex) }

func (l *Live) current() *table {
	if t := l.table.Load(); t != nil {
		return t
	}
	if t := l.first.current(); t != nil {
		return t
	}
	if t := l.first.firstBuild(); t != nil {
		l.table.CompareAndSwap(nil, t)
	}
	return l.table.Load()
}
