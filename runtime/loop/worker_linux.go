package loop

import (
	"sync"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/dispatch"
	"github.com/tako-go/tako/internal/http1"
	"github.com/tako-go/tako/internal/http2serve"
	"github.com/tako-go/tako/internal/netpoll"
)

// readBuffer is what a loop reads into. Requests in it are served in place.
const readBuffer = 64 << 10

// worker is what a goroutine needs to lead a loop. If the loop is taken away from
// it, it keeps the worker to end what it is at, and the new leader has another one.
type worker struct {
	l      *loop
	leads  bool
	seq    uint64 // state of the loop while the handler under way runs
	buf    []byte
	ev     netpoll.Event
	c      *conn // that is served
	x      *exchange
	opened []byte               // memory for what TLS has decrypted
	mux    *http2serve.Exchange // a stream's that is served, nil otherwise
	date   []byte
}

var workers = sync.Pool{New: func() any { return &worker{buf: make([]byte, readBuffer)} }}

func newWorker(l *loop) *worker {
	w := workers.Get().(*worker)
	w.l, w.leads, w.date = l, true, l.date
	w.x = newExchange(l.srv)
	return w
}

// exit is called when the goroutine ends. If it does so in the middle of a handler,
// which has called [runtime.Goexit], the loop and the connection go on without it.
func (w *worker) exit() {
	c := w.c
	if x := w.mux; x != nil {
		w.leave()
		x.Leader = nil
		x.Finish(true)
		c.mux.Flush()
		return
	}
	if c == nil || w.x.hijacked {
		return
	}
	if c.sock != nil {
		w.exitSocket(c)
		return
	}
	w.leave()
	c.up = w.x.up
	w.x.finished()
	c.unblock(w.x)
	c.handBack(endReset)
}

// dateLine is the Date field of responses, nil if the loop was taken away and it
// may be old.
func (w *worker) dateLine() []byte {
	if w.leads && w.l.state.Load() == w.seq {
		return w.date
	}
	return nil
}

func (w *worker) release() {
	w.x.release()
	w.l, w.x, w.date = nil, nil, nil
	workers.Put(w)
}

// serve serves the requests in data, which came over c. It reports whether the loop
// was taken away meanwhile: then this goroutine is no leader any more, c has been
// handed back and w is gone. With own data is memory that nobody else uses, and need
// not be copied to be kept.
func (w *worker) serve(c *conn, data []byte, own bool) (robbed bool) {
	if c.fresh && c.sec == nil && w.l.srv.sniffs() {
		switch whole, part := http2serve.Preface(data); {
		case whole:
			return w.l.beginHTTP2(w, c, data)
		case part:
			w.l.settle(w, c, goOn, kept(data, own), false)
			return false
		}
	}
	w.x.peer, w.x.wire, w.x.w = &c.peer, c, w
	w.c = c
	busy, end, cut := false, goOn, false
	for len(data) > 0 && end == goOn && !cut {
		ok, err := w.x.req.Parse(data, &w.l.srv.head)
		if err == nil && !ok {
			break
		}
		used := 0
		rest := data[w.x.req.Size:]
		if err == nil {
			w.x.head = data[:w.x.req.Size:w.x.req.Size]
			if used, err = w.x.takeBody(rest); err == nil && c.sec != nil && w.l.srv.misdirected(c.connInfo(), w.x.Authority()) {
				err = errMisdirected
			}
		}
		if err != nil {
			end, data = w.refuse(c, err, data), nil
			w.x.clear()
			break
		}
		if !w.x.body.whole {
			end = leaveLoop
			w.x.clear()
			break
		}
		call := w.l.srv.app.Find(w.x)
		w.x.route = call.Route()
		var stat *dispatch.Stat
		if w.leads {
			if stat = w.l.stats.Of(&w.l.srv.classes, call.Route()); !stat.Inline() || w.l.threadsShort() {
				w.c = nil
				w.offload(c, call, stat.Class, kept(rest[used:], own))
				return false
			}
			if !busy {
				busy = true
				w.l.begin(c)
			}
		}
		data = rest[used:]
		w.x.behind = data
		w.call(call, stat)
		if w.x.hijacked {
			w.c = nil
			w.release()
			return true
		}
		end = w.ended(len(data) > 0)
		cut = len(w.x.out) > maxGathered && len(data) > 0 && !w.relieve(c)
		if cut && !w.leads { // a part of a response is missing
			if end = endReset; c.up != nil {
				c.up.breakOff(errRefused)
			}
		}
	}
	w.c = nil
	if !w.leads {
		w.handBack(c, end, kept(data, own))
		return true
	}
	if busy {
		c.st.Store(connIdle)
	}
	w.l.settle(w, c, end, kept(data, own), cut)
	return false
}

// maxRobbed bounds the goroutines that keep a thread each, on loops that need one.
const maxRobbed = 256

// threadsShort reports whether another hand-over could take a thread too many: a
// goroutine that was robbed keeps the thread of its loop until its handler has ended,
// and clients that read slowly can see to it that it does not.
func (l *loop) threadsShort() bool {
	return l.locked && l.srv.robbed.Load() > maxRobbed
}

// kept returns data, or a copy of it, to be kept.
func kept(data []byte, own bool) []byte {
	if len(data) == 0 {
		return nil // an empty slice has the memory behind it
	}
	if own {
		return data
	}
	return append(make([]byte, 0, max(len(data), 512)), data...)
}

// call runs a request. On the loop it can be seen from outside how long it takes,
// and the loop may be taken away.
func (w *worker) call(call tako.Call, stat *dispatch.Stat) {
	l, x := w.l, w.x
	if !w.leads {
		x.end(call.Serve())
		l.tally.offloaded.Add(1)
		return
	}
	l.current = stat
	began := l.beforeCall()
	w.seq = l.state.Add(1)
	if watch := &l.reactor.watch; watch.asleep.Load() {
		watch.wake()
	}
	x.end(call.Serve())
	if w.leads && l.state.CompareAndSwap(w.seq, w.seq+1) {
		if began != 0 {
			began += x.copying
		}
		l.afterCall(stat, began)
		stat.Copied(x.copied)
		return
	}
	w.leads = false
	l.tally.inline.Add(1)
}

// leave gives the loop up, because what comes next may take long.
func (w *worker) leave() {
	if !w.leads {
		return
	}
	w.leads = false
	if w.l.state.CompareAndSwap(w.seq, w.seq+1) {
		w.l.handOver()
	}
}

// ended ends the exchange of a request and tells what becomes of the connection;
// more says that there is input behind the request.
func (w *worker) ended(more bool) after {
	x := w.x
	end := goOn
	switch {
	case x.up != nil:
		w.c.up, end = x.up, switchOver
	case x.broken && (x.tillClose || x.req.Minor == 0):
		end = endReset
	case x.closing && (more || !x.req.Close):
		end = endLinger // what the client sends behind it must not reset the response
	case x.closing:
		end = endIt
	}
	if !x.retained {
		x.finished()
		x.clear()
		return end
	}
	fresh := newExchange(w.l.srv)
	fresh.peer, fresh.wire, fresh.w = x.peer, x.wire, w
	fresh.out, x.out = x.out, nil
	fresh.blocking, x.blocking = x.blocking, nil
	x.w = nil
	x.release()
	w.x = fresh
	return end
}

// relieve sends what was gathered, so that a client that asks for much without
// reading costs little, and reports whether all was sent.
func (w *worker) relieve(c *conn) bool {
	if !w.leads {
		return w.x.fail(c.write(w.x, nil)) == nil
	}
	if c.sec != nil {
		return len(w.x.out) == 0
	}
	n, err := tryWrite(c.fd(), w.x.out)
	w.x.out = append(w.x.out[:0], w.x.out[n:]...)
	return err == nil && len(w.x.out) == 0
}

// offload runs a request on a goroutine of its own. rest is what came behind it, to
// be kept.
func (w *worker) offload(c *conn, call tako.Call, class *dispatch.Class, rest []byte) {
	x, l := w.x, w.l
	if !l.poll(c) {
		call.Drop()
		x.clear()
		x.out = x.out[:0]
		return
	}
	if len(x.out) > 0 { // earlier responses need not wait
		w.relieve(c)
	}
	x.own()
	x.w = nil
	w.x = newExchange(l.srv)
	c.in, c.scanned = rest, 0
	l.begin(c)
	if len(c.in) > 0 {
		c.st.Store(connParked)
	}
	l.offloaded++
	go c.offloaded(x, call, class)
}

// refuse answers a request that is wrong.
func (w *worker) refuse(c *conn, err error, received []byte) after {
	why, ok := err.(*http1.Error)
	if !ok {
		return endIt
	}
	w.l.srv.refused(&c.peer, why)
	if c.fresh && http1.Alien(received) {
		return endIt
	}
	w.x.out = http1.AppendRefusal(w.x.out, why, w.x.dateLine())
	return endLinger
}

// takeBody takes the body of a request from what has come behind the head, if it
// is there as a whole. It returns how much of that it is.
func (x *exchange) takeBody(rest []byte) (used int, err error) {
	n := x.req.Length
	switch {
	case n == 0:
		x.body.whole = true
	case n > 0 && n <= int64(len(rest)):
		x.body.mem, x.body.whole = rest[:n:n], true
		return int(n), nil
	case n < 0:
		x.body.chunks.Limits = x.srv.head
		length, used, done, err := x.body.chunks.Join(rest)
		if err != nil || !done {
			return 0, err
		}
		x.body.mem, x.body.whole = rest[:length:length], true
		x.body.trailers = x.body.chunks.Trailers
		return used, nil
	}
	return 0, nil
}
