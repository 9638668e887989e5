package load

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"
)

// Request is what to send. Requests of one class are counted together.
type Request struct {
	Text  []byte
	Class int
}

// Get is a GET request for a target.
func Get(target string, class int) Request {
	return Request{Text: []byte("GET " + target + " HTTP/1.1\r\nHost: bench\r\n\r\n"), Class: class}
}

// Plan is what one group of connections sends.
type Plan struct {
	// Addr is the server, an IP address and port.
	Addr  string
	Conns int
	// Pick chooses the request that is sent as number n, from 0. It must not
	// allocate.
	Pick func(n int64) Request
	// Rate is that of the whole group per second. The connections take turns, and
	// a request whose connection still waits for an answer counts from the moment
	// it was due. 0 sends the next request when the answer is there.
	Rate float64
}

// classes is the number of classes a plan may have.
const classes = 2

// Result is what a group found while the window was open.
type Result struct {
	// Latency is by class, for requests that were due in the window.
	Latency [classes]Histogram
	// Replies came within the window.
	Replies int64
	// Errors are answers other than 200, broken connections and requests that
	// nobody answered, at any time. First says what the first one was.
	Errors int64
	First  error
}

// Group is a set of connections under way.
type Group struct {
	plan   Plan
	window *Window
	sent   atomic.Int64
	done   chan struct{}
	result Result
	err    error

	// What follows belongs to the loop.
	addr  netip.AddrPort
	epoll int
	conns []conn
	// due counts requests that fell due since begin, for a rate.
	due   int64
	begin time.Duration
}

// Start connects and sends until the window is over.
func Start(plan Plan, window *Window) (*Group, error) {
	g := &Group{plan: plan, window: window, done: make(chan struct{}), conns: make([]conn, plan.Conns)}
	var err error
	if g.addr, err = netip.ParseAddrPort(plan.Addr); err != nil {
		return nil, err
	}
	if err := g.open(); err != nil {
		g.close()
		return nil, err
	}
	go func() {
		defer close(g.done)
		// Never unlocked: the thread ends with the loop.
		runtime.LockOSThread()
		defer g.close()
		g.err = g.loop()
	}()
	return g, nil
}

// Sent is the number of requests so far, also before the window opened.
func (g *Group) Sent() int64 { return g.sent.Load() }

// Done is closed when the group ended, early if its server is gone.
func (g *Group) Done() <-chan struct{} { return g.done }

// Wait returns what was found once the window is over and the last answers are
// there. The error says why the group could not go on.
func (g *Group) Wait() (*Result, error) {
	<-g.done
	return &g.result, g.err
}

func (g *Group) fault(format string, args ...any) {
	g.result.Errors++
	if g.result.First == nil {
		g.result.First = fmt.Errorf(format, args...)
	}
}

// count records an answer that came at now.
func (g *Group) count(c *conn, now time.Duration) {
	if g.window.holds(c.start) {
		g.result.Latency[c.class].Add(now - c.start)
	}
	if g.window.holds(now) {
		g.result.Replies++
	}
}

// errUnanswered is the fault of a request that was still open at the end.
var errUnanswered = errors.New("no answer")
