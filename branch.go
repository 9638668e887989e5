package tako

import (
	"sync"
)

// branch is a part of a request that runs on a Context of its own, because what
// surrounds it may answer while it still runs: a timeout, or a middleware of
// net/http. The two Contexts share nothing that changes; what the inner one
// learned is joined to the outer one while that still waits for it.
type branch struct {
	mu      sync.Mutex
	closed  bool
	running int
	ended   []endedBranch
	outer   *Context
	base    *Context // what inner Contexts begin with; never run and never changed
	next    Handler
}

// newBranch is called on the goroutine of the outer Context. The inner one may be
// made on another, so what it begins with is copied now.
func newBranch(outer *Context, next Handler) *branch {
	base := acquire(nil)
	base.begin(outer)
	return &branch{outer: outer, base: base, next: next}
}

// fork returns an inner Context, nil if the outer one is over.
func (b *branch) fork(ex Exchange) *Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.running++
	inner := acquire(ex)
	inner.begin(b.base)
	return inner
}

// begin copies the request of another Context, and the header set so far.
func (c *Context) begin(from *Context) {
	c.inner = true
	c.table, c.route, c.scope = from.table, from.route, from.scope
	c.method, c.path, c.query, c.params = from.method, from.path, from.query, from.params
	c.allow, c.redirect, c.refusal = from.allow, from.redirect, from.refusal
	c.ctx, c.start, c.peer = from.ctx, from.start, from.peer
	c.values = append(c.values[:0], from.values...)
	c.provided = append(c.provided[:0], from.provided...)
	c.input.watch = from.input.watch
	if from.input.ex != nil {
		c.input = from.input
		if c.ex != nil {
			c.input.ex = c.ex
		}
	}
	c.header.assign(&from.header)
}

// end leaves inner to be joined to the outer Context, or, if that is over, tells its
// hooks of the status that was answered instead; lost says that nothing of inner
// arrived.
func (b *branch) end(inner *Context, err error, late int, lost bool) {
	b.mu.Lock()
	b.running--
	if !b.closed {
		// Joined by close: the outer goroutine may be at work meanwhile.
		b.ended = append(b.ended, endedBranch{inner, err})
		b.mu.Unlock()
		return
	}
	b.mu.Unlock()
	inner.missed(err, late, lost)
}

// missed ends an inner Context whose response is not the one that was sent.
func (c *Context) missed(err error, late int, lost bool) {
	c.err, c.sent, c.status = err, true, late
	c.tell(lost)
	c.recycle()
}

// endedBranch is an inner Context whose handlers have returned.
type endedBranch struct {
	inner *Context
	err   error
}

// join takes over what inner learned, and inner itself until its hooks are told.
// Its response, if it began one, went through its Exchange.
func (b *branch) join(inner *Context, err error) {
	c := b.outer
	c.values = append(c.values[:0], inner.values...)
	c.provided = append(c.provided[:0], inner.provided...)
	c.done = append(c.done, inner.done...)
	if c.start.IsZero() {
		c.start = inner.start
	}
	if c.err == nil {
		c.err = err
	}
	c.upgraded = c.upgraded || inner.upgraded
	if inner.input.ex != nil {
		c.input = inner.input
		if c.ex != nil {
			c.input.ex = c.ex
		}
	}
	inner.joined = c
	// A response that the outer Context still holds is dropped for an error, which
	// needs the hooks of the inner one again.
	_, within := inner.ex.(*timeoutExchange)
	dropped := within && err != nil && !c.sent
	if (inner.sent || inner.upgraded) && !dropped {
		c.inside = max(inner.written, inner.inside)
	} else {
		c.header.assign(&inner.header)
		c.layers = append(c.layers, inner.layers...)
		c.trailer = inner.trailer
	}
	c.pinned = c.pinned || inner.pinned // what still runs in there looks at c too
	c.adopted = append(c.adopted, inner)
}

// close joins what has ended and cuts the outer Context off from the rest. It is
// called on the goroutine of that, once or more. An inner Context that still runs may
// look at what the outer one holds, which is then not reused.
func (b *branch) close() {
	for _, e := range b.shut() {
		b.join(e.inner, e.err)
	}
}

// abandon is close where something else is answered: nothing is joined, not even of what has ended.
func (b *branch) abandon(status int) {
	for _, e := range b.shut() {
		b.outer.pinned = b.outer.pinned || e.inner.pinned
		e.inner.missed(e.err, status, false)
	}
}

// shut returns what has ended.
func (b *branch) shut() (ended []endedBranch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	ended, b.ended = b.ended, nil
	if b.running > 0 {
		b.outer.pinned = true
	}
	b.base.recycle()
	b.base = nil
	return ended
}
