package loop

import (
	"sync"
	"sync/atomic"
)

// sender is the sending side of a connection of HTTP/2, which the leader of its loop
// shares with the goroutines of handlers: a goroutine that has written much need not wait for
// the loop. Nobody waits for the lock but who ends it all.
type sender struct {
	sending sync.Mutex // guards the rest, the descriptor, and the writing side of TLS
	off     bool       // only the leader may go on: the socket takes nothing now, or never again
	rest    []byte     // what the socket has not taken, for the leader
	spare   []byte
	sealed  []byte
	missed  atomic.Bool // somebody else had something to send meanwhile
}

// fairShare is how often a goroutine or a loop sends for a connection before others
// have their turn.
const fairShare = 4

// Flush sends what there is, as far as the socket takes it; the leader does the rest.
func (m *multiplex) Flush() {
	if !m.sending.TryLock() {
		m.missed.Store(true) // who is sending sees it, unless that was all
		if !m.sending.TryLock() {
			return
		}
		m.missed.Store(false)
	}
	more := m.sendNow()
	off := m.off
	m.sending.Unlock()
	st := m.Status()
	if m.missed.Swap(false) || more || !off && st.Unsent || st.Drained { // the leader ends what is drained
		m.post()
	}
}

// post has the leader send what there is.
func (m *multiplex) post() {
	if m.flushes.CompareAndSwap(false, true) {
		m.c.l.post(message{kind: flush, c: m.c})
	}
}

// sendNow sends without waiting. It returns true if the leader has to go on.
func (m *multiplex) sendNow() (more bool) {
	for range fairShare {
		if m.off {
			return m.rest != nil
		}
		out := m.Take(m.spare)
		m.spare = out[:0]
		if len(out) == 0 {
			return false
		}
		if m.c.sec != nil {
			var err error
			if out, err = m.c.sec.seal(out, m.sealed, false); err != nil {
				m.off, m.rest = true, []byte{} // the leader finds out
				return true
			}
			m.sealed = out[:0]
		}
		n, err := tryWrite(m.c.fd(), out)
		if err != nil || n < len(out) {
			m.off, m.rest = true, out[max(n, 0):]
			m.spare, m.sealed = nil, nil
			return true
		}
	}
	return true
}

// release ends the leader's turn.
func (m *multiplex) release() {
	m.sending.Unlock()
	if m.missed.Swap(false) {
		m.post()
	}
}

// resume lets all send again, when the client has taken what the leader sent.
func (m *multiplex) resume() {
	m.sending.Lock()
	if m.rest == nil {
		m.off = false
	}
	m.sending.Unlock() // the caller settles
}

// stop ends sending but for the leader.
func (m *multiplex) stop() {
	m.sending.Lock()
	m.off = true
	m.sending.Unlock()
}

// sendHTTP2 sends what there is, as long as others can wait for that. It returns false
// if the client has to take it first, or the connection has failed.
func (l *loop) sendHTTP2(c *conn) bool {
	m := c.mux
	if !m.sending.TryLock() {
		m.missed.Store(true) // that goroutine sees it, unless it has just sent
		if !m.sending.TryLock() {
			return false
		}
		m.missed.Store(false)
	}
	defer m.release()
	if rest := m.rest; rest != nil {
		m.rest = nil
		if !l.sendRest(c, rest) {
			return false
		}
		m.off = false
	}
	for range fairShare {
		out := m.Take(l.buffer())
		if len(out) == 0 {
			l.recycle(out)
			if memory := m.Rest(); memory != nil {
				l.recycle(memory)
				m.spare, m.sealed = nil, nil
			}
			return true
		}
		sent, err := l.sendOut(c, out, goOn)
		if err != nil {
			m.off, c.failed = true, true
			return l.fails(c)
		}
		if c.sending == nil || c.sec != nil {
			l.recycle(out)
		}
		if !sent {
			m.off = true
			return false
		}
	}
	return true
}

// sendRest sends what a goroutine could not.
func (l *loop) sendRest(c *conn, rest []byte) (sent bool) {
	n, err := l.send(c, rest)
	if err != nil {
		c.failed = true
		return l.fails(c)
	}
	if n < len(rest) {
		c.sending, c.after = rest, goOn
		l.unsent = append(l.unsent, c)
		return false
	}
	return true
}

// fails has a connection closed whose sending side is held. It returns false.
func (l *loop) fails(c *conn) bool {
	l.todo = append(l.todo, message{do: func(w *worker) {
		if w.l.find(c.key) == c {
			w.l.close(c)
		}
	}})
	return false
}
