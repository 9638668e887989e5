package loop

import (
	"net"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/netpoll"
)

// event does what an event asks for.
func (l *loop) event(w *worker) (robbed bool) {
	ev := &w.ev
	switch ev.Kind {
	case netpoll.Accepted:
		return l.accepted(w, ev.FD)
	case netpoll.AcceptFailed:
		l.acceptFailed(ev.Key, ev.Err)
		return false
	case netpoll.Woken:
		return false
	}
	c := l.find(ev.Key)
	if c == nil {
		if ev.Kind == netpoll.Removed {
			l.unlistened(ev.Key)
		}
		return false
	}
	switch ev.Kind {
	case netpoll.Received:
		return l.received(w, c, ev.Data)
	case netpoll.Closed:
		l.closed(c, ev.Err)
	case netpoll.Sent:
		return l.sent(w, c, ev.Err)
	case netpoll.Removed:
		l.removed(c)
	}
	return false
}

func (l *loop) find(key netpoll.Key) *conn {
	fd := key.FD()
	if fd >= len(l.conns) {
		return nil
	}
	if c := l.conns[fd]; c != nil && c.key == key {
		return c
	}
	return nil
}

// servable reports whether c has input that waits to be served.
func (l *loop) servable(c *conn) bool {
	return len(c.in) > c.scanned && c.sending == nil && c.leaving == nil && c.phase != phaseLinger && c.st.Load() == connIdle
}

// adopt makes c a connection of the loop.
func (l *loop) adopt(c *conn, fd int) {
	l.gen++
	c.key = netpoll.MakeKey(fd, l.gen)
	for fd >= len(l.conns) {
		l.conns = append(l.conns, make([]*conn, max(64, fd+1-len(l.conns)))...)
	}
	l.conns[fd] = c
	c.unpolled = true
}

// poll begins to receive from c. It returns false if c had to be closed.
func (l *loop) poll(c *conn) bool {
	if !c.unpolled {
		return true
	}
	c.unpolled = false
	if err := l.p.Add(c.key); err != nil {
		l.srv.log.Error("connection cannot be polled", "err", err)
		l.close(c)
		return false
	}
	return true
}

// begin gives c to a handler.
func (l *loop) begin(c *conn) {
	c.fresh = false
	l.serving = c
	if c.phase != phaseIdle || c.due == 0 {
		c.phase = phaseIdle
		l.wheel.set(c, l.after(l.srv.limits.IdleTimeout))
	}
	if c.eof || c.unpolled { // nothing will come that makes the leader look at c
		c.st.Store(connParked)
		return
	}
	c.st.Store(connBusy)
}

// received serves what came over c, or keeps it until c can be served.
func (l *loop) received(w *worker, c *conn, data []byte) (robbed bool) {
	switch {
	case c.sec != nil && !c.intro:
		return l.receivedSealed(w, c, data)
	case c.sock != nil:
		return l.receivedRaw(w, c, data)
	case c.intro:
		return l.introduce(w, c, data)
	}
	return l.deliver(w, c, data)
}

// deliver is received for what is not encrypted any more.
func (l *loop) deliver(w *worker, c *conn, data []byte) (robbed bool) {
	if c.sock != nil {
		return l.receivedRaw(w, c, data)
	}
	if c.st.Load() != connIdle && l.park(c) || c.sending != nil || c.leaving != nil {
		l.queue(c, data)
		return false
	}
	if c.phase == phaseLinger {
		l.drop(c, len(data))
		return false
	}
	if c.mux != nil {
		return l.receivedHTTP2(w, c, data)
	}
	if len(c.in) > 0 {
		c.in = append(c.in, data...)
		if !headMayEnd(c.in, c.scanned, &l.srv.head) {
			c.scanned = len(c.in)
			return false
		}
		data, c.in, c.scanned = c.in, nil, 0
		return w.serve(c, data, true)
	}
	return w.serve(c, data, false)
}

// park makes sure that the goroutine which has c hands it back to the leader. It
// returns false if it just has.
func (l *loop) park(c *conn) bool {
	return c.st.Load() == connParked || c.st.CompareAndSwap(connBusy, connParked)
}

// queue keeps input for later. The client has to wait when it is too much.
func (l *loop) queue(c *conn, data []byte) {
	c.in = append(c.in, data...)
	if c.leaving == nil && len(c.in) > l.srv.cfg.PipelineBytes {
		l.pauseReceiving(c)
	}
}

func (l *loop) pauseReceiving(c *conn) {
	if !c.paused {
		c.paused = true
		l.p.Pause(c.key)
	}
}

func (l *loop) resumeReceiving(c *conn) {
	if c.paused {
		c.paused = false
		l.p.Resume(c.key)
	}
}

// closed notes that nothing more will come over c.
func (l *loop) closed(c *conn, err error) {
	if c.intro && err == nil {
		l.introduceEnd(c)
	}
	if c.sock != nil {
		l.endedRaw(c, err)
		return
	}
	c.eof = true
	c.failed = c.failed || err != nil
	if c.st.Load() != connIdle {
		c.peer.leave()
		if l.park(c) {
			return
		}
	}
	switch {
	case c.leaving != nil:
	case c.failed, c.phase == phaseLinger:
		l.close(c)
	case c.mux != nil:
		l.endedHTTP2(c)
	case c.sending == nil && len(c.in) == c.scanned:
		l.close(c)
	}
}

// sent goes on with c when the client has taken what was sent.
func (l *loop) sent(w *worker, c *conn, err error) (robbed bool) {
	if c.sock != nil {
		return l.sentRaw(w, c, err)
	}
	if c.sending != nil {
		l.recycle(c.sending)
		c.sending = nil
	}
	if err != nil {
		l.close(c)
		return false
	}
	c.phase = phaseIdle
	l.resumeReceiving(c)
	if c.mux != nil {
		return l.resumeHTTP2(w, c)
	}
	end := c.after
	c.after = goOn
	if end == goOn && len(c.in) > c.scanned {
		data := c.in
		c.in, c.scanned = nil, 0
		return w.serve(c, data, true)
	}
	l.proceed(c, end)
	return false
}

// settle ends a turn at c: it keeps the input that was not served, sends the
// responses and sees to what comes then. data is to be kept; cut says that there are
// requests in it which can be served once the client has taken the responses.
func (l *loop) settle(w *worker, c *conn, end after, data []byte, cut bool) {
	if c.up != nil {
		out := w.x.out
		w.x.out = nil
		w.x.out = l.switchOver(c, out, data)
		return
	}
	if len(data) > 0 && (end == goOn || end == leaveLoop) {
		c.in = data
		if c.scanned = len(data); cut || end == leaveLoop {
			c.scanned = 0
		}
	}
	if len(w.x.out) > 0 {
		out := w.x.out
		w.x.out = nil
		sent, err := l.sendOut(c, out, end)
		if err != nil {
			w.x.out = out[:0] // nobody else must get it
			c.failed = true
			l.close(c)
			return
		}
		if c.sending == nil || c.sec != nil {
			w.x.out = out[:0]
		} else {
			w.x.out = l.buffer()
		}
		if !sent {
			return
		}
	}
	if cut && end == goOn {
		l.todo = append(l.todo, message{kind: again, c: c})
		return
	}
	l.proceed(c, end)
}

// sendOut sends responses. It returns false if some of them waits for the client; end is
// what happens then.
func (l *loop) sendOut(c *conn, out []byte, end after) (sent bool, err error) {
	sealed := c.sec != nil
	if sealed {
		if out, err = c.sec.seal(out, l.buffer(), end == endIt || end == endLinger); err != nil {
			return false, err
		}
	}
	n, err := l.send(c, out)
	if err == nil && n < len(out) {
		c.sending, c.after = out, end
		l.unsent = append(l.unsent, c)
		return false, nil
	}
	if sealed {
		l.recycle(out)
	}
	return err == nil, err
}

// send gives a response to the poller, or right to the socket while that is not
// polled: a connection that ends with its first response need never be.
func (l *loop) send(c *conn, out []byte) (n int, err error) {
	if c.unpolled {
		if n, err = tryWrite(c.fd(), out); err != nil || n == len(out) {
			return n, err
		}
		if !l.poll(c) {
			return n, net.ErrClosed
		}
	}
	more, err := l.p.Send(c.key, out[n:])
	return n + more, err
}

// proceed does what is due with a connection that has nothing to send.
func (l *loop) proceed(c *conn, end after) {
	if end == goOn && (c.eof || l.srv.endsIdle() && len(c.in) == 0 && !c.fresh) {
		end = endIt
	}
	if (end == goOn || end == endLinger) && !l.poll(c) {
		return
	}
	switch end {
	case goOn:
		if len(c.in) == 0 {
			c.phase = phaseIdle
			l.wheel.set(c, l.after(l.srv.limits.IdleTimeout))
		} else if c.phase != phaseHead {
			c.phase = phaseHead
			l.wheel.set(c, l.after(l.srv.limits.HeaderTimeout))
		}
	case endIt:
		l.close(c)
	case endLinger:
		l.linger(c)
	case endReset:
		l.reset(c)
	case leaveLoop:
		l.leave(c, l.reactor.stream)
	}
}

// close closes c, which no handler has.
func (l *loop) close(c *conn) {
	if l.find(c.key) != c {
		return
	}
	if c.mux != nil {
		c.mux.stop()
	}
	if !c.failed {
		l.farewell(c)
	}
	l.conns[c.fd()] = nil
	if l.serving == c {
		l.serving = nil
	}
	l.wheel.remove(c)
	c.in, c.sending = nil, nil
	if c.unpolled {
		closeFD(c.fd())
	} else {
		l.p.Close(c.key)
	}
	if c.sock != nil {
		l.closedRaw(c)
		return
	}
	if c.mux != nil {
		c.mux.Close()
		return
	}
	c.peer.end()
}

// linger closes the writing side of c and waits a little for the client to close.
func (l *loop) linger(c *conn) {
	if c.mux != nil {
		c.mux.stop()
	}
	l.farewell(c)
	if c.eof || unix.Shutdown(c.fd(), unix.SHUT_WR) != nil {
		l.close(c)
		return
	}
	c.in, c.phase = nil, phaseLinger
	l.resumeReceiving(c)
	wait := lingerFor
	if l.srv.isStopping() {
		wait = lingerInDrain
	}
	l.wheel.set(c, l.after(wait))
}

// drop counts what came while c lingers. It is held up when it is too much: a close would reset
// a client that is still sending, before it has read the answer.
func (l *loop) drop(c *conn, n int) {
	if c.drops += int32(n); c.drops > lingerMost {
		l.pauseReceiving(c)
	}
}

// reset breaks the connection off. Closing it would look like the end of a response.
func (l *loop) reset(c *conn) {
	if l.find(c.key) == c {
		c.failed = true
		disconnect(c.fd())
		l.close(c)
	}
}

// leave takes c off the loop: to gets it and what was received.
func (l *loop) leave(c *conn, to func(c *conn, received []byte)) {
	c.leaving = &leave{to: to}
	if c.unpolled {
		l.removed(c)
		return
	}
	l.p.Remove(c.key)
}

func (l *loop) removed(c *conn) {
	if c.leaving == nil {
		return
	}
	c.connInfo() // while the socket can be asked
	if l.serving == c {
		l.serving = nil
	}
	to, received := c.leaving.to, c.in
	l.conns[c.fd()] = nil
	l.wheel.remove(c)
	c.in, c.leaving, c.scanned, c.paused, c.phase = nil, nil, 0, false, phaseIdle
	to(c, received)
}

// expire ends what has taken too long.
func (l *loop) expire() {
	l.accept.retry(l)
	l.accept.look(l)
	for c := l.wheel.take(l.now); c != nil; c = l.wheel.take(l.now) {
		switch {
		case c.st.Load() != connIdle, c.leaving != nil, c.sending != nil && c.phase != phaseWrite:
			l.wheel.insert(c, l.now+4*l.wheel.tick) // not now
		case c.deadline == 0:
		case c.deadline > l.now:
			l.wheel.insert(c, c.deadline)
		case c.phase == phaseLinger:
			l.close(c)
		case c.phase == phaseHTTP2:
			l.settleHTTP2(c)
		case c.sock != nil:
			l.expireRaw(c)
		case c.phase == phaseWrite:
			l.srv.stats.timedOut.Add(1)
			l.reset(c) // what is missing may look like the end
		default:
			l.srv.stats.timedOut.Add(1)
			l.close(c)
		}
	}
}
