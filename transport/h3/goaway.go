package h3

import (
	"context"
	"time"

	"github.com/tako-go/tako/internal/succession"
)

// The library rejects requests that cross its GOAWAY, and sends none before that which would only
// announce it (RFC 9114, section 5.2). So a connection gets it when as many requests run as its
// client ever had under way, since then none is likely to be on the way here, or when there have
// been none for long, and after a while whatever happens. After half of that only what ran
// meanwhile counts.
const (
	longAgo   = time.Second
	leastHeld = 20 * time.Millisecond
	mostHeld  = 80 * time.Millisecond
	yieldHeld = 300 * time.Millisecond // where another process serves
)

// goAwayLead is how long requests are held up until a GOAWAY that waited for them, as more of them
// may come at the same time, and behind it: their client shall have it before the answers, behind
// which it would send the next ones.
const goAwayLead = 2 * time.Millisecond

// dismiss begins to end the connection.
func (c *conn) dismiss(ctx context.Context) {
	c.mu.Lock()
	wait := c.mayHold(ctx)
	if wait > 0 {
		c.unused = c.running == 0
		c.lately = c.working
		c.held = time.AfterFunc(wait/2, func() { c.holdOn(wait / 2) })
	}
	c.mu.Unlock()
	if wait == 0 {
		c.goAway()
	}
}

func (c *conn) holdOn(wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.mostWorking = c.lately
		c.held = time.AfterFunc(wait, c.goAway)
	}
}

// mayHold is how long the GOAWAY may wait for a better moment. It is called with mu held.
func (c *conn) mayHold(ctx context.Context) time.Duration {
	grace := succession.Grace(ctx)
	switch {
	case c.working > 0 && c.working >= c.mostWorking || c.ended:
		return 0
	case grace > 0:
		return grace
	case c.s.yielded.Load():
		return yieldHeld
	case c.running == 0 && time.Since(c.openedAt) > longAgo && time.Since(c.sentAt) > longAgo:
		return 0
	}
	return min(max(2*c.qc.ConnectionStats().SmoothedRTT, leastHeld), mostHeld)
}

// mayGoAway begins with the GOAWAY if the request that has just begun is the one that it waited
// for, and returns what that and those behind it have to wait for. It is called with mu held.
func (c *conn) mayGoAway() <-chan struct{} {
	c.mostWorking, c.lately = max(c.mostWorking, c.working), max(c.lately, c.working)
	c.unused = false
	if c.held != nil && c.working == c.mostWorking && c.held.Stop() {
		c.said = make(chan struct{})
		time.AfterFunc(goAwayLead, c.goAway)
	}
	return c.said
}

// goAway sends the GOAWAY, and ends the connection if it has no requests.
func (c *conn) goAway() {
	if c.lib != nil {
		go func() { _ = c.lib.Shutdown(context.Background()) }() // waits for handlers for ever
	}
	c.away.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unused = c.leave()
	if c.said != nil {
		time.AfterFunc(goAwayLead, func() { close(c.said) })
	}
}

func await(ctx context.Context, c <-chan struct{}) {
	if c != nil {
		select {
		case <-c:
		case <-ctx.Done():
		}
	}
}
