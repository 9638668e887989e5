package http2

import "math"

// drainState is how far the end of a connection was announced.
type drainState uint8

const (
	drainNone   drainState = iota
	drainAwaits            // the client is told behind its first request
	drainBegun             // the client was told, requests on their way are still taken
	drainFinal             // later requests are refused
)

// Drain tells the client that the connection will end. Requests that it has sent before it
// knew are still served: the last one is named when it has answered a PING, or when
// the driver calls [Conn.FinishDrain] (RFC 9113, section 6.8).
//
// A client that has not sent a request yet is told behind its first one: it may be about to
// send it, and some give up if a connection is over before they could. The driver ends the wait
// by FinishDrain.
func (c *Conn) Drain() {
	if c.drains > drainAwaits || c.err != nil {
		return
	}
	if c.lastID == 0 {
		c.drains = drainAwaits
		return
	}
	c.drains = drainBegun
	c.out = appendGoAway(c.out, maxStreamID, NoError, "")
	c.out = appendPing(c.out, 0, []byte(pingDrain))
}

// FinishDrain refuses requests that come from now on, so that the client sends them
// elsewhere.
func (c *Conn) FinishDrain() {
	if c.drains == drainFinal || c.err != nil {
		return
	}
	c.lastServed = c.lastID
	c.drains = drainFinal
	c.out = appendGoAway(c.out, c.lastServed, NoError, "")
}

// lastNamed is the last stream of a GOAWAY, which never grows.
func (c *Conn) lastNamed() uint32 {
	if c.drains == drainFinal {
		return c.lastServed
	}
	return c.lastID
}

// Drained reports whether the client knows the last request that is served, and
// all were.
func (c *Conn) Drained() bool { return c.drains == drainFinal && c.held == 0 && len(c.streams) == 0 }

// exhausted begins the drain when the client has few stream ids left.
func (c *Conn) exhausted() {
	if c.lastID > math.MaxInt32-1000 {
		c.Drain()
	}
}
