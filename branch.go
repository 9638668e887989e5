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
	outer   *Context
	next    Handler
}

// fork returns the inner Context, nil if the outer one is over.
func (b *branch) fork(ex Exchange) *Context {
	inner := acquire(ex)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.running++
	c := b.outer
	inner.table, inner.route, inner.scope = c.table, c.route, c.scope
	inner.method, inner.path, inner.query, inner.params = c.method, c.path, c.query, c.params
	inner.allow, inner.redirect = c.allow, c.redirect
	inner.ctx, inner.start, inner.peer = c.ctx, c.start, c.peer
	inner.values = append(inner.values[:0], c.values...)
	inner.provided = append(inner.provided[:0], c.provided...)
	if c.input.c != nil {
		inner.input = c.input
		inner.input.c = inner
	}
	inner.header.assign(&c.header)
	return inner
}

// end joins inner to the outer Context, or, if that was too late, tells its hooks
// of the status that was answered instead.
func (b *branch) end(inner *Context, err error, late int) {
	if b.join(inner, err) {
		return
	}
	inner.err, inner.sent, inner.status = err, true, late
	inner.tell(false)
	inner.recycle()
}

// join takes over what inner learned, and inner itself until its hooks are told.
// Its response, if it began one, went through its Exchange.
func (b *branch) join(inner *Context, err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running--
	if b.closed {
		return false
	}
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
	if inner.input.c != nil {
		c.input = inner.input
		c.input.c = c
	}
	if !inner.opened {
		c.header.assign(&inner.header)
		c.layers = append(c.layers, inner.layers...)
		c.trailer = inner.trailer
	}
	c.adopted = append(c.adopted, inner)
	return true
}

// close cuts the outer Context off. An inner one that still runs may look at what
// the outer one holds, which is then not reused.
func (b *branch) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.running > 0 {
		b.outer.pinned = true
	}
}
