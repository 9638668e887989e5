package tako

import "sync"

// OnDrain has f called on a goroutine when the server begins to drain, also after the handler
// has returned, and at once if it drains already. stop takes that back, and may be called more
// than once; it reports whether f will not be called. A server that never drains calls
// nothing.
func (c *Context) OnDrain(f func()) (stop func() bool) {
	c.live()
	draining := c.ex.Draining()
	if draining == nil {
		return func() bool { return true }
	}
	return c.table.drains.add(draining, f)
}

// drainWatches has one goroutine for each server whose drain somebody waits for.
type drainWatches struct {
	mu  sync.Mutex
	all map[<-chan struct{}]*drainWatch
}

type drainWatch struct {
	fs   map[*func()]struct{}
	idle chan struct{} // closed when nobody waits any more
}

func (d *drainWatches) add(draining <-chan struct{}, f func()) (stop func() bool) {
	key := &f
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.all[draining]
	if w == nil {
		if d.all == nil {
			d.all = map[<-chan struct{}]*drainWatch{}
		}
		w = &drainWatch{fs: map[*func()]struct{}{}, idle: make(chan struct{})}
		d.all[draining] = w
		go d.wait(draining, w)
	}
	w.fs[key] = struct{}{}
	return func() bool { return d.remove(draining, w, key) }
}

func (d *drainWatches) wait(draining <-chan struct{}, w *drainWatch) {
	select {
	case <-draining:
	case <-w.idle:
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all[draining] == w {
		delete(d.all, draining)
	}
	for f := range w.fs {
		go (*f)()
	}
	w.fs = nil
}

func (d *drainWatches) remove(draining <-chan struct{}, w *drainWatch, key *func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, waits := w.fs[key]; !waits {
		return false
	}
	delete(w.fs, key)
	if len(w.fs) == 0 && d.all[draining] == w {
		delete(d.all, draining)
		close(w.idle)
	}
	return true
}
