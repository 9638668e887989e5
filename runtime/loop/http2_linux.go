package loop

import (
	"sync/atomic"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/dispatch"
	"github.com/tako-go/tako/internal/http2serve"
)

// multiplex is a connection of HTTP/2 on its loop. The leader receives; handlers run where
// their class says, and send what they have written themselves, as far as the socket takes it.
type multiplex struct {
	http2serve.Conn
	c       *conn
	flushes atomic.Bool // a message is on its way to the leader
	sender
}

// beginHTTP2 goes on with a connection whose first bytes are those of HTTP/2.
func (l *loop) beginHTTP2(w *worker, c *conn, data []byte) (robbed bool) {
	if !l.poll(c) {
		return false
	}
	c.fresh = false
	c.connInfo() // handlers may ask when the socket is closed already
	m := &multiplex{c: c}
	m.Init(&l.srv.http2, m)
	c.mux = m
	switch {
	case l.srv.graceOver.Load(): // nobody looks again for those who are told behind a request
		m.FinishDrain()
	case l.srv.isStopping():
		m.Drain()
	}
	return l.receivedHTTP2(w, c, data)
}

// receivedHTTP2 hands to the engine what came over c, and serves the requests in it.
func (l *loop) receivedHTTP2(w *worker, c *conn, data []byte) (robbed bool) {
	if c.sending != nil { // the client does not take the responses: let it wait
		l.queue(c, data)
		return false
	}
	if len(c.in) > 0 {
		c.in = append(c.in, data...)
		used := c.mux.Receive(c.in, l.now, l.lend)
		if c.in = c.in[:copy(c.in, c.in[used:])]; len(c.in) == 0 {
			c.in = nil
		}
	} else if used := c.mux.Receive(data, l.now, l.lend); used < len(data) {
		c.in = append([]byte(nil), data[used:]...)
	}
	return l.serveHTTP2(w, c)
}

// resumeHTTP2 goes on with what has waited until the client had taken a response, or until
// the loop had another leader.
func (l *loop) resumeHTTP2(w *worker, c *conn) (robbed bool) {
	if c.sending != nil || c.phase == phaseLinger {
		return false
	}
	c.mux.resume()
	if data := c.in; len(data) > 0 {
		c.in = nil
		return l.receivedHTTP2(w, c, data)
	}
	return l.serveHTTP2(w, c)
}

// serveHTTP2 serves the requests that have come over c. It reports whether the loop was
// taken away meanwhile; then w is gone.
func (l *loop) serveHTTP2(w *worker, c *conn) (robbed bool) {
	m := c.mux
	for x := m.Next(); x != nil; x = m.Next() {
		call := l.srv.app.Find(x)
		stat := l.stats.Of(&l.srv.classes, call.Route())
		if !stat.Inline() || !x.Complete() || l.threadsShort() {
			l.offloaded++
			go x.RunAlone(call, stat.Class)
			continue
		}
		if w.stream(x, call, stat, c) {
			return true
		}
	}
	l.settleHTTP2(c)
	return false
}

// stream runs a handler on the loop, as [worker.call] does for a connection of its own.
func (w *worker) stream(x *http2serve.Exchange, call tako.Call, stat *dispatch.Stat, c *conn) (robbed bool) {
	l := w.l
	w.c, w.mux, l.serving, l.current = c, x, c, stat
	began := l.beforeCall()
	w.seq = l.state.Add(1)
	x.Leader = w
	if watch := &l.reactor.watch; watch.asleep.Load() {
		watch.wake()
	}
	aborted := call.Serve()
	x.Leader = nil
	x.Finish(aborted)
	w.c, w.mux = nil, nil
	if w.leads && l.state.CompareAndSwap(w.seq, w.seq+1) {
		l.serving = nil
		l.afterCall(stat, began)
		return false
	}
	l.tally.inline.Add(1)
	w.leads = false
	c.mux.Flush()
	w.release()
	return true
}

// Leave gives the loop up, because the handler is about to wait.
func (w *worker) Leave() { w.leave() }

// Leads reports whether the loop has not been taken away.
func (w *worker) Leads() bool { return w.leads && w.l.state.Load() == w.seq }

// ConnInfo describes the connection.
func (m *multiplex) ConnInfo() *tako.ConnInfo { return m.c.connInfo() }

// Misdirected reports whether a request for the host must not be answered here.
func (m *multiplex) Misdirected(host string) bool { return m.c.srv.misdirected(m.c.connInfo(), host) }

// Over gives the place of the connection back.
func (m *multiplex) Over() { m.c.peer.end() }

// endedHTTP2 closes a connection whose client sends no more, once it has what is ready for it.
func (l *loop) endedHTTP2(c *conn) {
	c.mux.HangUp()
	l.settleHTTP2(c)
}

// settleHTTP2 sends what there is, and sees to what comes then.
func (l *loop) settleHTTP2(c *conn) {
	m := c.mux
	if c.sending != nil || c.phase == phaseLinger {
		return
	}
	next := m.Check(l.now) // it may have a last word
	if !l.sendHTTP2(c) {
		return
	}
	switch st := m.Status(); {
	case c.eof && !st.Unsent:
		l.close(c)
		return
	case st.Err != nil:
		l.srv.http2.Broken(st.Err, c.connInfo())
		l.linger(c) // behind its GOAWAY
		return
	case st.Drained:
		l.linger(c)
		return
	case st.Unsent: // others have waited long enough
		m.post()
	case st.Streams > 0 || len(c.in) > 0:
		if at := l.now + l.srv.http2.Tick(); next == 0 || at < next {
			next = at
		}
	}
	c.phase = phaseHTTP2
	l.wheel.set(c, next)
}

// drainHTTP2 tells the clients of HTTP/2 that their connections will end, and returns how
// many had no request under way.
func (l *loop) drainHTTP2(final bool) (idle int) {
	for _, c := range l.conns {
		if c == nil || c.mux == nil || c.phase == phaseLinger {
			continue
		}
		if c.mux.Status().Streams == 0 {
			idle++
		}
		if final {
			c.mux.FinishDrain()
		} else {
			c.mux.Drain()
		}
		l.settleHTTP2(c)
	}
	return idle
}

// cutHTTP2 breaks a connection off, with a GOAWAY if the socket takes it.
func (l *loop) cutHTTP2(c *conn, cause error) {
	c.mux.Cut(cause)
	c.mux.stop()
	if out := c.mux.Take(nil); c.sending == nil && len(out) > 0 {
		_, _ = l.sendOut(c, out, endIt)
	}
	l.close(c)
}
