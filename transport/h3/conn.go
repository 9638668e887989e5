package h3

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/connlimit"
)

// conn is what we know of a connection, from its first packet on.
type conn struct {
	s       *Server
	slot    *connlimit.Slot
	qc      *quic.Conn
	lib     *http3.Server // of this connection alone, as it sends all of its GOAWAY at once; nil with sessions
	started chan struct{} // closed when the library serves it
	tell    *tako.Conn    // for requests from the address of the handshake
	addr    string        // that address

	handshaking atomic.Bool
	claims      netip.Addr  // the key of an address that is not proven
	abandon     func()      // ends the handshake
	timeout     *time.Timer // calls it, and sets tooLate
	tooLate     atomic.Bool
	cut         atomic.Bool // by us: its requests do not end for their client
	away        atomic.Bool // it got the GOAWAY

	mu      sync.Mutex
	running int // requests, until the stream of the response is closed, though it may wait to be sent
	working int // handlers
	seen    int64

	mostWorking int           // handlers at the same time
	lately      int           // the same, since the drain
	openedAt    time.Time     // the end of the handshake
	held        *time.Timer   // until the GOAWAY
	said        chan struct{} // closed when it was sent, if that was because of a request
	drained     bool          // it had requests when the drain began
	unused      bool          // the drain found no requests, and came to it without waiting for long

	idle    *time.Timer // runs while there are none
	sentAt  time.Time   // when the last one ended
	muchAt  time.Time   // when the last one ended that had more than a packet of content
	ended   bool        // the connection
	leaving bool        // a drain waits for the client to close it
	resets  budget
}

func fromContext(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// accepted ends the handshake.
func (c *conn) accepted() {
	if c.handshaking.CompareAndSwap(true, false) {
		c.s.stats.handshakes.Add(-1)
		c.s.unproven.drop(c.claims)
		c.s.stats.accepted.Add(1)
		if c.timeout != nil {
			c.timeout.Stop()
		}
	}
}

// open is called by the library when it begins to serve the connection.
func (c *conn) open(ctx context.Context, qc *quic.Conn) context.Context {
	defer close(c.started)
	state := qc.ConnectionState().TLS
	c.addr = qc.RemoteAddr().String()
	c.tell = &tako.Conn{Info: &tako.ConnInfo{Transport: "quic", Remote: qc.RemoteAddr(), Local: qc.LocalAddr(), TLS: &state},
		Draining: c.s.draining}
	if c.s.cfg.ExtendedConnect || c.s.sessions != nil {
		c.tell.Upgrade = upgrade
	}
	c.resets = newBudget(c.s.cfg.Resets)
	c.mu.Lock()
	c.qc, c.openedAt = qc, time.Now()
	if d := c.s.cfg.Limits.HeaderTimeout; d > 0 {
		c.idle = time.AfterFunc(d, c.expire)
	} else {
		c.idle = time.AfterFunc(forEver, c.expire)
	}
	if c.ended {
		c.idle.Stop()
	}
	c.mu.Unlock()
	return tako.WithConn(context.WithValue(ctx, connKey{}, c), c.tell)
}

// begin counts a request in, and reports whether there are not too many, and what it has to wait
// for if it is not nil.
func (c *conn) begin(stream int64) (ok bool, wait <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running++; c.running == 1 {
		c.idle.Stop()
	}
	c.s.stats.running.Add(1)
	c.working++
	c.seen++
	lost := stream/4 + 1 - c.seen - int64(c.s.cfg.Streams) // streams that ended without a request
	if lost > 0 {
		c.seen += lost
		c.resets.spend(lost)
	}
	return c.working <= c.s.cfg.Streams && !c.resets.empty(), c.mayGoAway()
}

// took counts in a stream of a client that is not a request, so that it is not taken for one that
// ended before its head.
func (c *conn) took() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen++
}

// handled counts a handler out.
func (c *conn) handled() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.working--
}

// end counts a request out, of which much was sent or little. What the client gave up is charged
// to it.
func (c *conn) end(gaveUp, much bool) {
	c.s.stats.running.Add(-1)
	c.mu.Lock()
	if c.sentAt = time.Now(); much {
		c.muchAt = c.sentAt
	}
	if gaveUp {
		c.resets.spend(1)
	} else {
		c.resets.earn()
	}
	excessive := c.resets.empty()
	c.running--
	if c.running == 0 {
		if d := c.s.cfg.Limits.IdleTimeout; d > 0 && !c.ended {
			c.idle.Reset(d)
		}
	}
	last := c.running == 0
	c.mu.Unlock()
	if excessive {
		c.excess()
	} else if last && c.away.Load() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.leave()
	}
}

// excess ends the connection of a client that causes work for nothing.
func (c *conn) excess() {
	if c.cut.CompareAndSwap(false, true) {
		c.s.stats.excessive.Add(1)
		c.s.log.Info("connection ended: too many requests were given up", "peer", c.addr)
		closeWith(c.qc, http3.ErrCodeExcessiveLoad, "too many requests were given up")
	}
}

// expire ends a connection without requests.
func (c *conn) expire() {
	c.mu.Lock()
	busy := c.running > 0 || c.ended
	c.mu.Unlock()
	if !busy {
		c.s.stats.timedOut.Add(1)
		closeWith(c.qc, http3.ErrCodeNoError, "idle")
	}
}

// gone is called when the connection has ended.
func (c *conn) gone(cause error) {
	if c.timeout != nil {
		c.timeout.Stop()
	}
	if c.handshaking.CompareAndSwap(true, false) {
		c.s.stats.handshakes.Add(-1)
		c.s.unproven.drop(c.claims)
		var idle *quic.IdleTimeoutError
		var slow *quic.HandshakeTimeoutError
		if errors.As(cause, &idle) || errors.As(cause, &slow) || c.tooLate.Load() {
			c.s.stats.timedOut.Add(1)
		} else {
			c.s.stats.refusedHandshakes.Add(1)
		}
		c.s.log.Debug("handshake failed", "err", cause)
	}
	c.mu.Lock()
	c.ended = true
	if c.idle != nil {
		c.idle.Stop()
	}
	if c.held != nil {
		c.held.Stop()
	}
	c.mu.Unlock()
	c.slot.Release()
	c.s.forget(c)
}

// budget is how many requests a client may give up: some, and a few more each second.
type budget struct {
	left, most float64
	at         time.Time
}

const resetRate = 50 // a second

func newBudget(most int) budget {
	return budget{left: float64(most), most: float64(most), at: time.Now()}
}

func (b *budget) spend(n int64) {
	now := time.Now()
	b.left = min(b.left+now.Sub(b.at).Seconds()*resetRate, b.most) - float64(n)
	b.at = now
}

func (b *budget) earn()       { b.left = min(b.left+1, b.most) }
func (b *budget) empty() bool { return b.left < 0 }
