package http2serve

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/dispatch"
	"github.com/tako-go/tako/internal/http2"
)

// Link is a connection that a goroutine drives, over whatever it can read from and
// write to. Handlers that were learned to be short run on that goroutine, the others on
// their own; if a short one blocks all the same, another goroutine goes on.
type Link struct {
	conn Conn
	srv  *Server
	nc   net.Conn
	opts LinkOptions
	done chan struct{} // closed when the connection is over

	state    atomic.Uint64                  // odd while a handler runs in place of the leader; it only grows
	seen     atomic.Uint64                  // by the watch
	current  atomic.Pointer[dispatch.Class] // of the handler that runs there
	push     atomic.Bool                    // what was gathered is to be sent between two handlers
	watching atomic.Bool                    // handlers run in place of the leader, one after the other
	watch    *time.Timer
	timer    *time.Timer // of Check

	// The leader's.
	in    []byte // in[r:w] was received and not used
	r, w  int
	calls uint

	// Under the lock of conn.
	gathers bool // the leader will send
	writing bool
	spare   []byte
	timerAt int64 // when the timer is due, 0 if it is not set
	ending  bool
	quiet   sync.Cond // writing has become false
}

// LinkOptions is what is known of the connection.
type LinkOptions struct {
	Info *tako.ConnInfo
	// Raw is the socket below TLS.
	// Default: the connection itself.
	Raw net.Conn
	// Misdirected reports whether a request for the host must not be answered here;
	// nil if any may be.
	Misdirected func(host string) bool
	// Received is what was read already.
	Received []byte
	// Stopping is closed when the server takes no more connections; then the end does
	// not wait long for the client, and a link that begins drains at once.
	Stopping <-chan struct{}
}

const (
	readBuffer  = 4 << 10
	largeBuffer = 64 << 10
	watchAfter  = time.Millisecond
	// lingerFor is how long a connection is kept to see the client close it.
	lingerFor     = 500 * time.Millisecond
	lingerInDrain = 100 * time.Millisecond
	lingerMost    = 1 << 20
	// newGrace is how long a client that came while the server stops may take to ask.
	newGrace = time.Second
)

// NewLink makes a link of a connection. [Link.Run] serves it.
func NewLink(s *Server, nc net.Conn, opts LinkOptions) *Link {
	l := &Link{srv: s, nc: nc, opts: opts, done: make(chan struct{}), in: opts.Received, w: len(opts.Received)}
	if l.opts.Raw == nil {
		l.opts.Raw = nc
	}
	l.quiet.L = &l.conn.mu
	l.conn.Init(s, l)
	return l
}

// Run serves the connection, and returns when it is closed and all handlers have ended.
func (l *Link) Run() {
	l.watch = time.AfterFunc(time.Hour, l.onWatch)
	l.watch.Stop()
	l.timer = time.AfterFunc(time.Hour, l.onTimer)
	defer func() { <-l.done }() // also if a handler ends this goroutine
	l.check()
	select {
	case <-l.opts.Stopping: // the drain may have looked before this link was known
		l.Drain(false)
		final := time.AfterFunc(newGrace, func() { l.Drain(true) })
		defer final.Stop()
	default:
	}
	l.lead()
}

// lead drives the connection until it ends, or somebody else has taken over.
func (l *Link) lead() {
	for {
		l.receive()
		if l.serve() {
			return
		}
		if !l.settle() || !l.read() {
			l.end()
			return
		}
	}
}

// receive hands what was read to the engine.
func (l *Link) receive() {
	if l.r == l.w {
		return
	}
	c := &l.conn
	c.mu.Lock()
	l.gathers = true
	c.mu.Unlock()
	l.r += c.Receive(l.in[l.r:l.w], l.srv.Now(), l.memory)
	l.rearm()
	if l.r == l.w {
		l.r, l.w = 0, 0
	}
}

// memory is what the last response was sent from. It is called under the lock.
func (l *Link) memory() []byte {
	memory := l.spare
	l.spare = nil
	return memory
}

// serve serves the requests that have come. It returns true if this goroutine does not lead
// any more.
func (l *Link) serve() (robbed bool) {
	watched := false
	for {
		x := l.conn.Next()
		if x == nil {
			break
		}
		call := l.srv.App.Find(x)
		class := l.srv.byID.of(l.srv.Classes, call.Route())
		if !class.Inline() || !x.Complete() {
			l.served()
			go x.RunAlone(call, class)
			continue
		}
		if !watched {
			watched = true
			l.watching.Store(true)
			l.watch.Reset(watchAfter)
		}
		if l.inline(x, call, class) {
			return true
		}
		if l.push.Load() {
			l.push.Store(false)
			l.send()
		}
	}
	if watched {
		l.watching.Store(false)
		l.watch.Stop()
	}
	return false
}

// served counts a request, if anybody wants to know.
func (l *Link) served() {
	if l.srv.Served != nil {
		l.srv.Served.Add(1)
	}
}

// settle sends what was gathered. It returns false if the connection is to end.
func (l *Link) settle() bool {
	c := &l.conn
	c.mu.Lock()
	l.gathers = false
	c.mu.Unlock()
	l.send()
	c.mu.Lock()
	for l.writing && c.eng.Gathered() > largeBuffer && c.eng.Err() == nil {
		l.quiet.Wait() // a client that does not take what there is gets no more
	}
	if memory := c.eng.Rest(); l.spare == nil && cap(memory) <= readBuffer {
		l.spare = memory
	}
	c.mu.Unlock()
	st := c.Status()
	return st.Err == nil && !st.Drained
}

// read waits for more.
func (l *Link) read() bool {
	if l.r > 0 {
		l.w = copy(l.in, l.in[l.r:l.w])
		l.r = 0
	}
	switch {
	case len(l.in) < readBuffer:
		l.in = append(l.in, make([]byte, readBuffer-len(l.in))...)
	case l.w == len(l.in):
		l.in = append(l.in, make([]byte, max(largeBuffer-len(l.in), readBuffer))...)
	case l.w == 0 && len(l.in) > readBuffer && l.conn.Status().Streams == 0:
		l.in = make([]byte, readBuffer)
	}
	n, err := l.nc.Read(l.in[l.w:])
	l.w += n
	if n > 0 {
		return true
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		l.conn.mu.Lock()
		l.conn.eng.Close(io.ErrUnexpectedEOF)
		l.conn.mu.Unlock()
	}
	return false
}

// Flush sends what there is, unless somebody else is about to.
func (l *Link) Flush() {
	c := &l.conn
	c.mu.Lock()
	skip := l.gathers && l.state.Load()&1 == 0
	c.mu.Unlock()
	if !skip {
		l.send()
	}
}

// send sends what there is. One goroutine at a time does so, for the others too.
func (l *Link) send() {
	c := &l.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.writing {
		return
	}
	l.writing = true
	for range fairShare {
		if l.ending || !c.eng.Unsent() {
			break
		}
		out := c.eng.Take(l.spare)
		l.spare = nil
		c.mu.Unlock()
		err := l.write(out)
		c.mu.Lock()
		if l.spare == nil && cap(out) <= 2*largeBuffer {
			l.spare = out[:0]
		}
		if err != nil {
			c.eng.Close(err)
			_ = l.opts.Raw.Close() // TLS would try to say good-bye
		}
		l.quiet.Broadcast()
	}
	l.writing = false
	l.quiet.Broadcast()
	if c.eng.Streams() == 0 && cap(l.spare) > readBuffer {
		l.spare = nil
	}
	switch {
	case l.ending:
	case c.eng.Err() == nil && c.eng.Unsent():
		go l.send() // this one may have other things to do
	case c.eng.Drained() || c.eng.Err() != nil:
		if !l.gathers {
			l.wakeLeader()
		}
	}
}

// fairShare is how often a goroutine sends for others before another one has to.
const fairShare = 8

// past makes blocked calls return at once.
var past = time.Unix(1, 0)

// wakeLeader makes the leader look, who may be reading; TLS may write meanwhile. It is called
// under the lock.
func (l *Link) wakeLeader() {
	if l.ending {
		return
	}
	_ = l.nc.SetReadDeadline(past)
	if l.opts.Info.TLS != nil && !l.writing {
		_ = l.nc.SetWriteDeadline(past)
	}
}

func (l *Link) write(out []byte) error {
	if d := l.srv.Limits.WriteTimeout; d > 0 {
		if err := l.nc.SetWriteDeadline(time.Now().Add(d)); err != nil {
			return err
		}
	}
	_, err := l.nc.Write(out)
	if err == nil && l.opts.Info.TLS != nil { // keys may change while it is read
		err = l.nc.SetWriteDeadline(time.Time{})
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.srv.TimedOut.Add(1)
	}
	return err
}

// end closes the connection.
func (l *Link) end() {
	c := &l.conn
	l.timer.Stop()
	l.send() // a GOAWAY
	c.mu.Lock()
	for l.writing {
		l.quiet.Wait()
	}
	err := c.eng.Err()
	l.ending = true
	c.mu.Unlock()
	_ = l.nc.SetWriteDeadline(time.Now().Add(lingerFor)) // for the last words of TLS
	broken := l.srv.Broken(err, l.opts.Info)
	if err == nil || broken || errors.Is(err, http2.ErrClosed) {
		l.linger()
	}
	_ = l.nc.Close()
	l.in = nil
	c.Close()
}

// linger waits a little for the client to close, as what it still sends would reset the
// connection before it has read our last words.
func (l *Link) linger() {
	half, ok := l.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	wait := lingerFor
	select {
	case <-l.opts.Stopping:
		wait = lingerInDrain
	default:
	}
	if l.nc.SetReadDeadline(time.Now().Add(wait)) != nil {
		return
	}
	buf := make([]byte, readBuffer)
	for most := lingerMost; most > 0; {
		n, err := l.nc.Read(buf)
		if err != nil {
			return
		}
		most -= n
	}
}

// ConnInfo describes the connection.
func (l *Link) ConnInfo() *tako.ConnInfo { return l.opts.Info }

// Misdirected reports whether a request for the host must not be answered here.
func (l *Link) Misdirected(host string) bool {
	return l.opts.Misdirected != nil && l.opts.Misdirected(host)
}

// Over is called when nothing is left.
func (l *Link) Over() { close(l.done) }

// Drain tells the client that the connection will end; with final, requests that come
// from now on are refused. The connection ends when those under way have. It reports
// whether there were none.
func (l *Link) Drain(final bool) (idle bool) {
	if final {
		l.conn.FinishDrain()
	} else {
		l.conn.Drain()
	}
	idle = l.conn.Status().Streams == 0
	go l.send()
	return idle
}

// Cut ends the connection at once.
func (l *Link) Cut(cause error) {
	l.conn.Cut(cause)
	go l.send()
}
