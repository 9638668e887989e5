package loop

import (
	"io"
	"os"
	"time"
)

// This file is how sockets live on an event loop. All that is due with one is decided in
// dueOn, but for what was received, which mostly needs nothing else.

// pauseAbove is how much may wait for the client while Data is still told.
const pauseAbove = 64 << 10

// fairTurn is how many events a socket is told before others have their turn.
const fairTurn = 16

// beginSocket makes a connection that has its place a socket.
func (l *loop) beginSocket(c *conn) {
	c.connInfo() // Close may ask when the descriptor is another's
	c.fresh, c.phase = false, phaseSocket
	l.wheel.set(c, l.after(l.srv.limits.IdleTimeout))
	if !l.poll(c) {
		return
	}
	c.sock = l.srv.raw.newSocket(&c.peer, c)
	l.turnLater(c)
}

// turnLater has the leader see what is due with a socket.
func (l *loop) turnLater(c *conn) { l.todo = append(l.todo, message{kind: turn, c: c}) }

// wake is turnLater for any goroutine.
func (c *conn) wake() bool { return c.l.post(message{kind: turn, c: c}) }

func (c *conn) onLoop() bool { return true }

// receivedRaw tells a socket what was received, or keeps it until that can be.
func (l *loop) receivedRaw(w *worker, c *conn, data []byte) (robbed bool) {
	s := c.sock
	switch {
	case c.st.Load() != connIdle, !s.opened, s.held, len(c.in) > 0, s.waits.Load() > pauseAbove:
		l.queue(c, data)
		return false
	case c.phase == phaseLinger:
		l.drop(c, len(data))
		return false
	case s.ending != lives:
		return false
	}
	if l.tell(w, c, dataEvent, data, nil) {
		return true
	}
	return l.turn(w, c)
}

// turn does what is due with a socket, as far as it can be done now.
func (l *loop) turn(w *worker, c *conn) (robbed bool) {
	for n := 0; c.st.Load() == connIdle; n++ {
		if n == fairTurn {
			c.wake() // behind the other connections
			return false
		}
		event, data, call := l.dueOn(c)
		if event == noEvent {
			return false
		}
		if l.tell(w, c, event, data, call) {
			return true
		}
	}
	return false // a function has it, and gives it back
}

// dueOn tells which event is due, with what it is about.
func (l *loop) dueOn(c *conn) (event socketEvent, data []byte, call func()) {
	s := c.sock
	switch {
	case s.over && !s.told:
		s.told = true
		return closeEvent, nil, nil
	case s.over, c.phase == phaseLinger:
		return noEvent, nil, nil
	case c.failed:
		if s.cause == nil {
			s.cause = errLeft
		}
		l.close(c)
		return noEvent, nil, nil
	case !s.opened && s.ev != nil && s.waits.Load() > 0: // the answer to the request
		return noEvent, nil, nil
	case !s.opened:
		s.opened = true
		return openEvent, nil, nil
	}
	post, call := s.takePost()
	if post != nil {
		if len(post.bytes) > 0 && s.ending == lives {
			post.bytes = l.transmit(c, post.bytes)
			c.lent = post.bytes == nil && c.sending != nil
			l.settleSocket(c)
		}
		freePost(post)
	}
	switch {
	case s.ending != lives || s.over:
	case call != nil:
		return callEvent, nil, call
	case l.srv.isStopping() && !s.drained && s.has(drainEvent): // before what waits, as there may be no end of that
		s.drained = true
		return drainEvent, nil, nil
	case s.waits.Load() == 0 && s.full.Load() && s.full.Swap(false):
		return writableEvent, nil, nil
	case len(c.in) > 0 && !s.held && s.waits.Load() <= pauseAbove:
		return dataEvent, l.takeQueued(c), nil
	case c.eof && !s.ended && len(c.in) == 0:
		s.ended = true
		return endEvent, nil, nil
	case l.srv.isStopping() && !s.drained && len(c.in) == 0 && s.leaves():
		s.drained = true
		return drainEvent, nil, nil
	}
	return noEvent, nil, nil
}

// takeQueued takes what was received and not told, no more than comes at once otherwise.
func (l *loop) takeQueued(c *conn) (data []byte) {
	if len(c.in) > readBuffer {
		data, c.in = c.in[:readBuffer:readBuffer], c.in[readBuffer:]
		return data
	}
	data, c.in = c.in, nil
	l.resumeReceiving(c)
	return data
}

// tell tells a socket of an event, and does what comes of it. It reports whether the loop
// was taken away meanwhile; then w is gone.
func (l *loop) tell(w *worker, c *conn, event socketEvent, data []byte, call func()) (robbed bool) {
	s := c.sock
	if !s.has(event) {
		s.byDefault(event)
	} else if w.callSocket(c, event, data, call) {
		return true
	}
	if c.st.Load() != connIdle {
		return false
	}
	if event == closeEvent {
		c.peer.end()
		return false
	}
	if out := s.out; len(out) > 0 {
		s.out = nil
		free := l.transmit(c, out)
		if w.x.out != nil {
			l.recycle(free)
		} else if w.x.out = free; free == nil {
			w.x.out = l.buffer()
		}
	} else if w.x.out == nil {
		w.x.out, s.out = out, nil
	}
	l.settleSocket(c)
	return false
}

// transmit sends out, or keeps what has to wait. It returns memory that can be written to, nil
// if it keeps that.
func (l *loop) transmit(c *conn, out []byte) (free []byte) {
	if c.sec == nil || c.sock.over {
		return l.forward(c, out, false)
	}
	sealed, err := c.sec.seal(out, l.buffer(), false)
	if err != nil {
		c.sock.cause, c.failed = err, true
		l.close(c)
	} else {
		l.recycle(l.forward(c, sealed, false))
	}
	if cap(out) > 4*maxGathered {
		return nil
	}
	return out[:0]
}

// forward is transmit for what is encrypted, if it shall be. With part, out is a part of larger
// memory: kept, it would keep the whole.
func (l *loop) forward(c *conn, out []byte, part bool) (free []byte) {
	s := c.sock
	if s.over {
		return out[:0]
	}
	if c.sending != nil || len(s.unsent) > 0 {
		s.unsent = append(s.unsent, out...)
		free = out[:0]
		if c.sending != nil {
			s.waits.Store(int64(len(c.sending) + len(s.unsent)))
			return free
		}
		out, s.unsent, part = s.unsent, nil, true
	}
	all := out
	for len(out) > 0 {
		size := min(len(out), piece)
		n, err := l.p.Send(c.key, out[:size])
		if err != nil {
			s.cause, c.failed = os.NewSyscallError("write", err), true
			l.close(c)
			return all[:0]
		}
		if n == size {
			out = out[size:]
			continue
		}
		c.cut = part || size < len(all)
		if c.sending = out; size < len(out) {
			// Not beyond: that memory is given away before the rest is sent.
			c.sending, s.unsent = out[:size:size], out[size:]
		}
		s.waits.Store(int64(len(out)))
		l.unsent = append(l.unsent, c)
		return free
	}
	if s.waits.Load() > 0 {
		s.waits.Store(0)
	}
	if free == nil && !part && cap(all) <= 4*maxGathered {
		free = all[:0]
	}
	return free
}

// sentRaw goes on with a socket whose client has taken a piece.
func (l *loop) sentRaw(w *worker, c *conn, err error) (robbed bool) {
	s := c.sock
	if c.lent {
		c.lent = false
		refillPost(c.sending)
	} else if !c.cut {
		l.recycle(c.sending)
	}
	c.sending, c.cut = nil, false
	if err != nil {
		s.cause, c.failed = os.NewSyscallError("write", err), true
	}
	if c.st.Load() != connIdle { // who has it gives it back
		return false
	}
	if !c.failed {
		l.settleSocket(c)
	}
	return l.turn(w, c)
}

// settleSocket sends what waits, and sees to the end of a connection, or to its deadline.
func (l *loop) settleSocket(c *conn) {
	s := c.sock
	if s.over || c.phase == phaseLinger {
		return
	}
	if c.sending == nil {
		c.phase = phaseSocket
		if rest := s.unsent; len(rest) > 0 {
			s.unsent = nil
			_ = l.forward(c, rest, true)
		} else if s.waits.Load() > 0 {
			s.waits.Store(0)
		}
	}
	switch {
	case s.over:
	case s.ending == breaks:
		l.reset(c)
	case c.sending != nil:
	case s.ending != lives:
		s.leave()
		l.linger(c)
	default:
		l.wheel.set(c, l.after(l.idleOf(s)))
	}
}

// idleOf is how long nothing may happen on a socket.
func (l *loop) idleOf(s *Socket) time.Duration {
	if s.ev != nil {
		return 0 // an upgraded one has no other end than that of its protocol
	}
	return l.srv.limits.IdleTimeout
}

// endedRaw notes that nothing more will come from the client.
func (l *loop) endedRaw(c *conn, err error) {
	if err == nil && c.sec != nil && !c.eof { // TLS would have said so
		err = io.ErrUnexpectedEOF
	}
	c.eof = true
	if err != nil {
		c.failed, c.sock.cause = true, os.NewSyscallError("read", err)
	}
	if c.st.Load() == connIdle && c.phase == phaseLinger {
		l.close(c)
		return
	}
	l.turnLater(c)
}

// closedRaw has Close told of a connection that is over.
func (l *loop) closedRaw(c *conn) {
	s := c.sock
	s.over, s.told, s.unsent = true, !s.opened && s.ev == nil, nil
	s.waits.Store(0)
	s.leave()
	if s.told {
		c.peer.end()
		return
	}
	l.turnLater(c)
}

// expireRaw ends a socket that has taken too long.
func (l *loop) expireRaw(c *conn) {
	l.srv.stats.timedOut.Add(1)
	c.sock.cause = os.ErrDeadlineExceeded
	if c.phase == phaseWrite {
		l.reset(c) // what is missing may look like the end
	} else {
		l.close(c)
	}
}

// drainSockets has all sockets told that the server stops. It returns how many are closed
// for that at once.
func (l *loop) drainSockets() (idle int) {
	for _, c := range l.conns {
		if c == nil || c.sock == nil || c.phase == phaseLinger {
			continue
		}
		if s := c.sock; c.st.Load() == connIdle && s.ending == lives && s.waits.Load() == 0 && !s.drained && !s.has(drainEvent) && s.leaves() {
			idle++
		}
		l.turnLater(c)
	}
	return idle
}

// lastSockets has Close told of sockets that the end of the loop has left.
func (l *loop) lastSockets() {
	for _, m := range l.todo[l.done:] {
		if m.kind == turn && m.c.sock.over && !m.c.sock.told {
			m.c.sock.told = true
			go m.c.sock.bury()
		}
	}
	l.todo, l.done = nil, 0
}
