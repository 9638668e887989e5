package loop

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tako-go/tako/internal/dispatch"
	"github.com/tako-go/tako/internal/http1"
	"github.com/tako-go/tako/internal/netpoll"
)

// loop is an event loop. Whoever leads it owns everything in it but the first
// fields: its leader is the goroutine that runs it, until the loop is taken away
// from it while it runs a handler.
type loop struct {
	state  atomic.Uint64 // odd while a handler runs; it only grows
	asleep atomic.Bool   // the leader waits for events, or is about to
	posted atomic.Bool   // there is something in the inbox
	inbox  inbox
	_      [64]byte // what follows changes all the time

	srv     *Server
	reactor *reactor
	tally   *tally
	id      int
	p       netpoll.Poller
	conns   []*conn // by descriptor
	gen     uint32
	wheel   wheel
	now     int64 // in milliseconds since epoch
	second  int64
	date    []byte
	todo    []message
	done    int     // of todo
	unsent  []*conn // whose send did not end in the turn it began
	buffers [][]byte
	spare   int // bytes of buffers
	accept  acceptor
	over    bool
	locked  bool          // its leader keeps a thread
	dead    chan struct{} // closed when the loop has ended

	stats      dispatch.Stats
	events     dispatch.Stats // of kinds of events of sockets
	lend       func() []byte  // buffer, for connections of HTTP/2
	current    *dispatch.Stat // of the handler that runs, or ran last
	serving    *conn          // that it has, or had
	calls      int            // on the loop, in this turn
	offloaded  int            // in this turn
	told       int            // events of upgraded streams, in this turn
	timed      int            // calls that are to be timed one by one
	began      time.Duration
	idleTurn   bool // the last turn had no event
	waitErrors int  // in a row

	other sighting // of the loop that this one keeps an eye on
}

const (
	maxBuffers  = 256     // that a loop keeps for responses
	maxSpare    = 4 << 20 // bytes of them
	leastBuffer = 2 << 10 // what is smaller would have to grow
)

// inbox is how other goroutines reach the leader.
type inbox struct {
	mu     sync.Mutex
	all    []message
	closed bool
}

// message is something for the leader to do.
type message struct {
	kind messageKind
	c    *conn
	do   func(w *worker)
}

type messageKind uint8

const (
	run        messageKind = iota // do
	handedBack                    // a connection by a handler's goroutine
	again                         // a connection has requests that were put off
	idle                          // a connection that was handed back while the server stops
	arrives                       // a connection whose handshake was done
	flush                         // a connection of HTTP/2 has something to send
	turn                          // something may be due with a socket
)

// post leaves a message for the leader. It returns false if the loop has ended.
func (l *loop) post(m message) bool {
	l.inbox.mu.Lock()
	closed := l.inbox.closed
	if !closed {
		l.inbox.all = append(l.inbox.all, m)
		l.posted.Store(true)
	}
	l.inbox.mu.Unlock()
	if !closed && l.asleep.Load() {
		l.p.Wake()
	}
	return !closed
}

// run leads the loop until it is taken away, or ends.
func (l *loop) run() {
	w := newWorker(l)
	returned, robbed := false, true
	defer func() {
		if !returned {
			w.exit()
		}
		if robbed {
			l.srv.robbed.Add(-1)
		}
	}()
	if l.locked {
		// Never unlocked: the thread ends with this goroutine, and what io_uring was
		// asked on it ends too and is asked anew by the next leader. On a thread that
		// sleeps elsewhere it would be answered late.
		runtime.LockOSThread()
	}
	if l.srv.cfg.Pin {
		l.pin()
	}
	l.tick(w) // the turn that is under way may be an old one
	robbed = l.lead(w)
	returned = true
}

// lead turns the loop. It returns true when the loop was taken away and w is gone,
// false when the loop has ended.
func (l *loop) lead(w *worker) (robbed bool) {
	for {
		events := 0
		for l.p.Next(&w.ev, w.buf) {
			events++
			if l.event(w) {
				return true
			}
		}
		if l.runTodo(w) {
			return true
		}
		l.endTurn(events)
		if l.over {
			break
		}
		l.wait(w, events == 0)
	}
	l.finish(w)
	w.release()
	return false
}

// runTodo does what other goroutines asked for. The rest stays for the next leader
// if the loop is taken away.
func (l *loop) runTodo(w *worker) (robbed bool) {
	if l.posted.Load() {
		l.inbox.mu.Lock()
		l.todo = append(l.todo, l.inbox.all...)
		clear(l.inbox.all)
		l.inbox.all = l.inbox.all[:0]
		l.posted.Store(false)
		l.inbox.mu.Unlock()
	}
	for l.done < len(l.todo) {
		m := l.todo[l.done]
		l.todo[l.done] = message{}
		l.done++
		switch m.kind {
		case handedBack:
			if l.resume(w, m.c) {
				return true
			}
		case again:
			if l.find(m.c.key) != m.c {
				continue
			}
			if m.c.mux != nil {
				if l.resumeHTTP2(w, m.c) {
					return true
				}
				continue
			}
			if l.servable(m.c) {
				data := m.c.in
				m.c.in, m.c.scanned = nil, 0
				if w.serve(m.c, data, true) {
					return true
				}
			}
		case idle:
			if c := m.c; l.find(c.key) == c && c.st.Load() == connIdle && c.sending == nil && c.leaving == nil && len(c.in) == 0 {
				l.close(c)
			}
		case arrives:
			if l.find(m.c.key) == m.c && l.welcome(w, m.c) {
				return true
			}
		case flush:
			m.c.mux.flushes.Store(false)
			if l.find(m.c.key) == m.c {
				l.settleHTTP2(m.c)
			}
		case turn:
			if l.turn(w, m.c) {
				return true
			}
		case run:
			m.do(w)
		}
	}
	l.todo, l.done = l.todo[:0], 0
	l.expire()
	return false
}

// wait waits for events: first without sleeping, which spares telling the scheduler.
func (l *loop) wait(w *worker, quiet bool) {
	timeout := time.Duration(0)
	if quiet && l.idleTurn {
		l.asleep.Store(true)
		if !l.posted.Load() && len(l.todo) == 0 { // what has expired may have left something
			timeout = l.timeout()
		}
	}
	err := l.p.Wait(timeout)
	if timeout != 0 || quiet && l.idleTurn {
		l.asleep.Store(false)
	}
	l.idleTurn = quiet
	if err == nil || err == syscall.EINTR {
		l.waitErrors = 0
	} else {
		l.cannotWait(err)
	}
	l.tick(w)
	if l.now != l.other.at {
		l.lookAside()
	}
}

// cannotWait gives up if it happens again and again: clients of the loop would never
// be served.
func (l *loop) cannotWait(err error) {
	l.srv.log.Error("event loop cannot wait", "loop", l.id, "err", err)
	if l.waitErrors++; l.waitErrors == maxWaitErrors {
		select {
		case l.srv.failed <- fmt.Errorf("event loop %d: %w", l.id, err):
		default:
		}
	}
	time.Sleep(10 * time.Millisecond)
}

const maxWaitErrors = 100

// tick sets the clock of the loop.
func (l *loop) tick(w *worker) {
	l.began = time.Since(epoch)
	l.now = int64(l.began / time.Millisecond)
	if second := l.now / 1000; second != l.second || l.date == nil {
		l.second = second
		l.date = http1.AppendDate(nil, time.Now())
	}
	w.date = l.date
}

// timeout is how long the loop may sleep.
func (l *loop) timeout() time.Duration {
	next := l.wheel.next()
	for _, at := range [...]int64{l.accept.retryAt, l.accept.lookAt} {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	if next == 0 {
		return -1
	}
	ms := next - int64(time.Since(epoch)/time.Millisecond)
	return max(time.Duration(ms)*time.Millisecond, time.Millisecond)
}

// endTurn counts, and decides whether calls are to be looked at more closely.
func (l *loop) endTurn(events int) {
	if calls := l.calls + l.told; calls > 0 || l.offloaded > 0 {
		l.tally.inline.Add(int64(l.calls))
		l.tally.events.Add(int64(l.told))
		l.tally.offloaded.Add(int64(l.offloaded))
		if calls > 0 && time.Since(epoch)-l.began > slowTurn*time.Duration(events+1) {
			l.timed = timedCalls
		}
		l.calls, l.offloaded, l.told = 0, 0, 0
	}
	for i, c := range l.unsent {
		if c.sending != nil && c.phase != phaseWrite {
			c.phase = phaseWrite
			stall := l.srv.limits.WriteTimeout
			if c.sock != nil {
				stall = c.sock.stall
			}
			l.wheel.set(c, l.after(stall))
		}
		l.unsent[i] = nil
	}
	l.unsent = l.unsent[:0]
}

const (
	// A turn that took longer than slowTurn for each event has the next timedCalls
	// calls timed one by one.
	slowTurn   = 75 * time.Microsecond
	timedCalls = 64
)

// beforeCall returns when a call began that is to be timed, else 0.
func (l *loop) beforeCall() time.Duration {
	if l.timed == 0 {
		return 0
	}
	return time.Since(epoch)
}

func (l *loop) afterCall(stat *dispatch.Stat, began time.Duration) {
	l.calls++
	if began != 0 {
		l.timed--
		if time.Since(epoch)-began > dispatch.ShortCall {
			stat.Slow(dispatch.SlowCost)
			return
		}
	}
	stat.Earn()
}

// handOver gives the loop to a new leader. The caller has taken it away from its
// leader by changing the state, and owns it until here.
func (l *loop) handOver() {
	l.srv.robbed.Add(1)
	if c := l.serving; c != nil && c.unpolled {
		// So that the handler is told if its client goes.
		c.unpolled = l.p.Add(c.key) != nil
	}
	if c := l.serving; c != nil && c.mux != nil {
		l.todo = append(l.todo, message{kind: again, c: c}) // for its other requests
	}
	l.srv.stats.handovers.Add(1)
	if l.current != nil {
		l.current.Class.Handovers.Add(1)
		l.current.Slow(2 * dispatch.SlowCost)
	}
	go l.run()
}

// after is the deadline d from now, 0 without a limit.
func (l *loop) after(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return l.now + int64(d/time.Millisecond)
}

// buffer returns memory for responses.
func (l *loop) buffer() []byte {
	if n := len(l.buffers); n > 0 {
		b := l.buffers[n-1]
		l.buffers = l.buffers[:n-1]
		l.spare -= cap(b)
		return b
	}
	return make([]byte, 0, 4<<10)
}

func (l *loop) recycle(b []byte) {
	if len(l.buffers) < maxBuffers && cap(b) >= leastBuffer && cap(b) <= maxGathered && l.spare+cap(b) <= maxSpare {
		l.spare += cap(b)
		l.buffers = append(l.buffers, b[:0])
	}
}
