package tako

import "time"

// Outcome is what became of a request.
type Outcome struct {
	// Status is the final status; 499 if the client went away before there was one.
	Status int
	// Written is the number of body bytes the handler wrote; Sent is what was
	// left for the connection after coding.
	Written, Sent int64
	// Duration is the time from routing to the end of the response.
	Duration time.Duration
	// Route is the operation that matched, nil if none did.
	Route *Operation
	// Pattern is the route's pattern with all prefixes, "" without a route.
	Pattern string
	// Err is what the handlers returned, also if it was rendered.
	Err error
	// Aborted says that the response was broken off.
	Aborted bool
	// Upgraded says that the handler took over the connection.
	Upgraded bool
}

// OnDone has f called once when the response has ended and errors are rendered.
// The first that was registered is called last. f must not write the response.
func (c *Context) OnDone(f func(Outcome)) {
	c = c.at()
	if c.start.IsZero() {
		c.start = time.Now()
	}
	c.done = append(c.done, f)
}

func (c *Context) tell(aborted bool) {
	o := Outcome{Status: c.status, Written: c.written, Sent: c.sentBytes, Duration: time.Since(c.start),
		Err: c.err, Aborted: aborted, Upgraded: c.upgraded}
	if c.inside > 0 {
		o.Written = c.inside
	}
	if c.route != nil {
		o.Route, o.Pattern = c.route.op, c.route.pattern
	}
	if !c.sent && !c.upgraded {
		o.Status = AsError(c.err).Status
	}
	for i := len(c.done) - 1; i >= 0; i-- {
		c.tellOne(c.done[i], o)
	}
}

// tellOne keeps a hook that panics from the others.
func (c *Context) tellOne(f func(Outcome), o Outcome) {
	var err error
	defer func() {
		if err != nil {
			c.logFailure(err)
		}
	}()
	defer c.recovered(&err)
	f(o)
}
