package tako

// A Handler answers one request. It writes the response through c and returns
// nil, or returns an error, which the error handlers of its group render.
//
// A Handler may be called by many goroutines at once, each with its own
// Context. c is reused after the Handler returns and must not be kept; strings
// read from it stay valid for ever.
type Handler func(c *Context) error

// A Middleware wraps a Handler in another. It is called once for each route when
// the router is built, not once for each request.
type Middleware func(next Handler) Handler

// chain wraps h in mws, the first outermost.
func chain(mws []Middleware, h Handler) Handler {
	for i := len(mws) - 1; i >= 0; i-- {
		h = mws[i](h)
	}
	return h
}
