package loop

import (
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/dispatch"
)

// offloaded serves a request on a goroutine of its own.
func (c *conn) offloaded(x *exchange, call tako.Call, class *dispatch.Class) {
	began := time.Now()
	returned := false
	defer func() {
		if !returned { // the handler has called runtime.Goexit
			x.finished()
			c.unblock(x)
			if c.up = x.up; !x.hijacked {
				c.handBack(endReset)
			}
		}
	}()
	aborted := call.Serve()
	returned = true
	class.Copied(x.copied)
	class.Ran(time.Since(began) - x.copying)
	x.end(aborted)
	if x.hijacked {
		x.release()
		return
	}
	c.up = x.up
	end := goOn
	if len(x.out) > 0 && !c.sendLast(x) {
		end = endReset
	}
	c.unblock(x)
	switch {
	case x.broken && (x.tillClose || x.req.Minor == 0):
		end = endReset
	case x.closing && end == goOn:
		end = endLinger // there may be input behind the request
	}
	x.release()
	c.handBack(end)
}

// sendLast sends what a request that has left the loop has gathered. It returns false if that
// failed.
func (c *conn) sendLast(x *exchange) bool {
	err := x.fail(c.write(x, nil))
	if err != nil && c.up != nil {
		c.up.breakOff(err)
	}
	return err == nil
}

// handBack ends a robbed worker's part in a connection. data is input that it has
// not served.
func (w *worker) handBack(c *conn, end after, data []byte) {
	if len(w.x.out) > 0 && !c.sendLast(w.x) {
		end = endReset
	}
	c.unblock(w.x)
	if end == goOn || end == leaveLoop || end == switchOver {
		c.rest = data
		end = goOn // the leader sees for itself what the input needs
	}
	w.release()
	c.handBack(end)
}

// handBack gives the connection back to the leader of its loop.
func (c *conn) handBack(end after) {
	if c.up != nil {
		if end != goOn {
			c.up.breakOff(errRefused)
		}
		end = switchOver
	}
	c.deadline = 0
	if limit := c.srv.limits.IdleTimeout; limit > 0 {
		c.deadline = int64(time.Since(epoch)/time.Millisecond) + int64(limit/time.Millisecond)
	}
	if end == goOn && len(c.rest) == 0 && c.st.CompareAndSwap(connBusy, connIdle) {
		if c.srv.endsIdle() { // the shutdown may have looked before
			c.l.post(message{kind: idle, c: c})
		}
		return
	}
	c.back = end
	if !c.l.post(message{kind: handedBack, c: c}) {
		c.abandon(end)
	}
}

// resume takes a connection back from a handler.
func (l *loop) resume(w *worker, c *conn) (robbed bool) {
	c.st.Store(connIdle)
	if c.sock != nil {
		return l.resumeSocket(w, c)
	}
	c.phase = phaseIdle
	data, end := c.in, c.back
	if len(c.rest) > 0 {
		data = append(c.rest, c.in...)
	}
	c.in, c.rest, c.scanned, c.back = nil, nil, 0, goOn
	if c.up != nil {
		l.recycle(l.switchOver(c, nil, data))
		return false
	}
	l.resumeReceiving(c)
	if c.failed {
		end = endIt
	}
	if end == goOn && len(data) > 0 {
		return w.serve(c, data, true)
	}
	if end == endLinger && c.eof {
		end = endIt
	}
	l.proceed(c, end)
	return false
}
