package tako

// Call is a request whose route was found and whose handlers have not run. A
// runtime that runs some routes in one place and some in another asks for one.
type Call struct {
	c  *Context
	ex Exchange
}

// RouteRef stands for a route in what a runtime keeps about each. It is the same
// for all requests of the route, as long as the router is not replaced, and those
// without a route share one.
type RouteRef struct {
	// Index is different for each route of a router, and small.
	Index int
	// Method and Pattern are those of the route, host and prefixes included; both
	// are "" for requests without a route.
	Method, Pattern string
	// Mode is what [Inline] or [Blocking] have set.
	Mode DispatchMode
}

// String returns method and pattern.
func (r *RouteRef) String() string {
	switch {
	case r.Pattern == "":
		return "(no route)"
	case r.Method == "":
		return r.Pattern
	}
	return r.Method + " " + r.Pattern
}

// DispatchMode says where an event loop runs the handlers of a route.
type DispatchMode uint8

// The modes of dispatch.
const (
	// DispatchLearned lets the runtime find out which handlers are short.
	DispatchLearned DispatchMode = iota
	// DispatchInline runs them on the event loop.
	DispatchInline
	// DispatchBlocking runs them on a goroutine of their own.
	DispatchBlocking
)

// call begins to serve ex; t is nil if the router could not be built.
func (t *table) call(ex Exchange) Call {
	if t == nil {
		return Call{ex: ex}
	}
	c := acquire(ex)
	t.match(c)
	return Call{c: c}
}

// Route is the route that was found.
func (k Call) Route() *RouteRef {
	switch {
	case k.c == nil:
		return &noRoute
	case k.c.route == nil:
		return &k.c.table.noRoute
	}
	return &k.c.route.ref
}

var noRoute RouteRef

// Serve calls the handlers and ends the response. It reports whether that was
// broken off, so that the connection cannot be used again. It is called once, and
// the Exchange is not used after it, but see [Exchange]'s Retain.
func (k Call) Serve() (aborted bool) {
	if k.c == nil {
		k.ex.Abort()
		return true
	}
	aborted = k.c.table.serve(k.c)
	k.c.recycle()
	return aborted
}

// Drop gives up a call that will not be served.
func (k Call) Drop() {
	if k.c != nil {
		k.c.recycle()
	}
}

// Inline runs the handlers of the route on the event loop, where the runtime has
// one. It is for handlers that never block and take some ten microseconds at most:
// the runtime finds out by itself which these are, and Inline only saves it the
// first few calls. Should one block all the same, its loop is handed over, as with
// any other. The std runtime has a goroutine for each connection and no use for it.
func Inline() Option { return func(op *Operation) { op.dispatch = DispatchInline } }

// Blocking runs the handlers of the route on a goroutine of their own, whatever the
// runtime has found out about them. It is for handlers that are short as a rule
// and now and then block for long. See [Inline].
func Blocking() Option { return func(op *Operation) { op.dispatch = DispatchBlocking } }
