package loop

import (
	"time"

	"github.com/tako-go/tako"
)

// offloaded serves a request on a goroutine of its own.
func (c *conn) offloaded(x *exchange, call tako.Call, class *class) {
	began := time.Now()
	returned := false
	defer func() {
		if !returned { // the handler has called runtime.Goexit
			x.finished()
			c.unblock(x)
			if !x.hijacked {
				c.handBack(endReset)
			}
		}
	}()
	aborted := call.Serve()
	returned = true
	class.ran(c.srv, time.Since(began))
	x.end(aborted)
	if x.hijacked {
		x.release()
		return
	}
	end := goOn
	if len(x.out) > 0 && x.fail(c.write(x, nil)) != nil {
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

// handBack ends a robbed worker's part in a connection. data is input that it has
// not served.
func (w *worker) handBack(c *conn, end after, data []byte) {
	if len(w.x.out) > 0 && w.x.fail(c.write(w.x, nil)) != nil {
		end = endReset
	}
	c.unblock(w.x)
	if end == goOn || end == leaveLoop {
		c.rest = data
		end = goOn // the leader sees for itself what the input needs
	}
	w.release()
	c.handBack(end)
}

// handBack gives the connection back to the leader of its loop.
func (c *conn) handBack(end after) {
	c.deadline = 0
	if limit := c.srv.limits.IdleTimeout; limit > 0 {
		c.deadline = int64(time.Since(epoch)/time.Millisecond) + int64(limit/time.Millisecond)
	}
	if end == goOn && len(c.rest) == 0 && c.st.CompareAndSwap(connBusy, connIdle) {
		if c.srv.isStopping() { // the shutdown may have looked before
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
	c.phase = phaseIdle
	data, end := c.in, c.back
	if len(c.rest) > 0 {
		data = append(c.rest, c.in...)
	}
	c.in, c.rest, c.scanned, c.back = nil, nil, 0, goOn
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
