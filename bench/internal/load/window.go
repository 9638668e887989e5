package load

import (
	"sync/atomic"
	"time"
)

// Window is the time that counts, common to several groups. It begins closed;
// groups send as long as it is closed or open, and end once it is over.
type Window struct {
	epoch       time.Time
	from, until atomic.Int64 // nanoseconds since epoch; 0 is not yet
}

// NewWindow returns a closed window.
func NewWindow() *Window { return &Window{epoch: time.Now()} }

// Open counts from now on for the given time. It is called once.
func (w *Window) Open(length time.Duration) {
	now := w.now()
	w.until.Store(int64(now + length))
	w.from.Store(int64(now))
}

// Abort makes all groups end now, with nothing counted.
func (w *Window) Abort() { w.until.Store(1) }

func (w *Window) now() time.Duration { return time.Since(w.epoch) }

// over says whether no more requests are due at t.
func (w *Window) over(t time.Duration) bool {
	until := time.Duration(w.until.Load())
	return until != 0 && t >= until
}

// holds says whether t counts.
func (w *Window) holds(t time.Duration) bool {
	from := time.Duration(w.from.Load())
	return from != 0 && t >= from && t < time.Duration(w.until.Load())
}
