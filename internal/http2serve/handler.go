package http2serve

import (
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/dispatch"
)

// timedEvery is how many calls there are for each that is timed.
const timedEvery = 16

// inline runs a handler in place of the leader. It returns true if that has been taken
// over meanwhile.
func (l *Link) inline(x *Exchange, call tako.Call, class *dispatch.Class) (robbed bool) {
	var began time.Time
	l.calls++
	timed := l.calls%timedEvery == 0
	if timed {
		began = time.Now()
	}
	l.current.Store(class)
	seq := l.state.Add(1)
	x.turn = turn{l, seq}
	x.Leader = &x.turn
	returned := false
	defer func() {
		if !returned { // the handler has called runtime.Goexit
			x.leave()
			x.Finish(true)
			l.Flush()
		}
	}()
	aborted := call.Serve()
	returned = true
	x.Leader = nil
	x.Finish(aborted)
	l.served()
	if !l.state.CompareAndSwap(seq, seq+1) {
		l.Flush()
		return true
	}
	if timed {
		if time.Since(began) > dispatch.ShortCall {
			class.Late(dispatch.SlowCost)
		} else {
			class.InTime(timedEvery)
		}
	}
	return false
}

// turn is the time in which a handler runs in place of the leader.
type turn struct {
	l   *Link
	seq uint64 // state of the link meanwhile
}

// Leave lets another goroutine lead, unless one does already.
func (t *turn) Leave() {
	if t.l.state.CompareAndSwap(t.seq, t.seq+1) {
		t.l.handOver()
	}
}

// Leads reports whether no other goroutine does.
func (t *turn) Leads() bool { return t.l.state.Load() == t.seq }

// handOver lets another goroutine lead in place of the one whose handler takes long.
func (l *Link) handOver() {
	class := l.current.Load()
	class.Handovers.Add(1)
	class.Late(2 * dispatch.SlowCost)
	go l.lead()
}

// onWatch looks whether a handler blocks the leader.
func (l *Link) onWatch() {
	l.push.Store(true)
	state := l.state.Load()
	if state&1 == 0 {
		if l.watching.Load() { // between two handlers
			l.watch.Reset(watchAfter)
		}
		return
	}
	if l.seen.Swap(state) == state && l.state.CompareAndSwap(state, state+1) {
		l.handOver()
		return
	}
	l.watch.Reset(watchAfter)
}

// RunAlone runs the handler of x on a goroutine of its own, and sends the response.
func (x *Exchange) RunAlone(call tako.Call, class *dispatch.Class) {
	began, peer := time.Now(), x.c.peer
	returned := false
	defer func() {
		if !returned { // the handler has called runtime.Goexit
			x.Finish(true)
			peer.Flush()
		}
	}()
	aborted := call.Serve()
	returned = true
	class.Ran(time.Since(began))
	x.Finish(aborted)
	peer.Flush()
}
