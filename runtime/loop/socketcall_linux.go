package loop

import (
	"time"

	"github.com/tako-go/tako/internal/dispatch"
)

// callSocket calls the function for an event: on the loop, from which it may be taken away as
// from the handler of a request, or on a goroutine if it was seen to take long. It reports
// whether the loop was taken away; then this goroutine is no leader any more and w is gone.
func (w *worker) callSocket(c *conn, event socketEvent, data []byte, call func()) (robbed bool) {
	l, s := w.l, c.sock
	stat := l.events.Of(&l.srv.classes, &s.kind.refs[event])
	if !stat.Inline() || l.threadsShort() {
		c.st.Store(connBusy)
		if s.ev == nil {
			l.offloaded++
		} else {
			l.told++
		}
		s.out = nil
		go c.callAlone(event, kept(data, false), call, stat.Class)
		return false
	}
	s.out, w.x.out = w.x.out, nil
	w.c, l.serving, l.current = c, c, stat
	c.st.Store(connBusy)
	began := l.beforeCall()
	w.seq = l.state.Add(1)
	if watch := &l.reactor.watch; watch.asleep.Load() {
		watch.wake()
	}
	s.run(event, data, call)
	w.c = nil
	if l.state.CompareAndSwap(w.seq, w.seq+1) {
		c.st.Store(connIdle)
		if l.afterCall(stat, began); s.ev != nil {
			l.calls--
			l.told++
		}
		return false
	}
	if s.ev == nil {
		l.tally.inline.Add(1)
	} else {
		l.tally.events.Add(1)
	}
	w.leads = false
	s.kind.late(&c.peer, event)
	w.release()
	c.handBackSocket(event)
	return true
}

// callAlone calls the function for an event on a goroutine.
func (c *conn) callAlone(event socketEvent, data []byte, call func(), class *dispatch.Class) {
	began, returned := time.Now(), false
	defer func() {
		if !returned { // it has called runtime.Goexit
			c.sock.breakOff(errExit)
		}
		c.handBackSocket(event)
	}()
	c.sock.run(event, data, call)
	returned = true
	class.Ran(time.Since(began))
}

// exitSocket goes on with a socket whose function has ended the goroutine of the loop.
func (w *worker) exitSocket(c *conn) {
	event := dataEvent
	if c.sock.over {
		event = closeEvent
	}
	w.leave()
	c.sock.breakOff(errExit)
	c.handBackSocket(event)
}

// handBackSocket gives a socket back to its loop, from another goroutine.
func (c *conn) handBackSocket(event socketEvent) {
	if event == closeEvent {
		c.peer.end()
		return
	}
	c.back = goOn
	if !c.l.post(message{kind: handedBack, c: c}) {
		closeFD(c.fd())
		c.sock.over = true
		c.sock.leave()
		c.sock.bury()
	}
}

// resumeSocket goes on with a socket that a function has given back.
func (l *loop) resumeSocket(w *worker, c *conn) (robbed bool) {
	s := c.sock
	if !c.failed {
		if out := s.out; len(out) > 0 {
			l.transmit(c, out)
		}
		l.settleSocket(c)
	}
	s.out = nil
	return l.turn(w, c)
}
