package http2serve

import (
	"time"

	"github.com/tako-go/tako/internal/http2"
)

func milliseconds(d time.Duration) int64 { return int64(max(d, 0) / time.Millisecond) }

// Check ends what has taken too long. It returns when to call it again, 0 for never
// as long as nothing is received. The driver has to send what there is then.
func (c *Conn) Check(now int64) (next int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	soonest := func(at int64) {
		if next == 0 || at < next {
			next = at
		}
	}
	// due reports whether this long has passed since then.
	due := func(since, length int64) bool {
		if length <= 0 {
			return false
		}
		soonest(since + length)
		return now >= since+length
	}
	s := c.srv
	since, opening := c.eng.Opening()
	switch {
	case c.eng.Err() != nil:
		return 0
	case opening && due(since, milliseconds(s.HTTP2.SettingsTimeout)):
		c.expire(http2.SettingsTimeout, "the client's SETTINGS or their acknowledgement did not come")
	case c.partialAt != 0 && due(c.partialAt, c.partialFor):
		c.expire(http2.EnhanceYourCalm, "a frame or header block came too slowly")
	case c.eng.Streams() == 0 && c.partialAt == 0 && due(c.activeAt, milliseconds(s.Limits.IdleTimeout)):
		c.expire(http2.NoError, "idle")
	}
	c.checkPing(now, due)
	for {
		at := c.eng.Tick(now)
		if at == 0 {
			break
		}
		if at > now {
			soonest(at)
			break
		}
		s.TimedOut.Add(1)
	}
	return next
}

func (c *Conn) expire(code http2.Code, reason string) {
	c.srv.TimedOut.Add(1)
	c.eng.Stop(code, reason)
}

// checkPing asks a silent client with open streams whether it is there.
func (c *Conn) checkPing(now int64, due func(since, length int64) bool) {
	h := &c.srv.HTTP2
	if h.PingInterval <= 0 || c.eng.Streams() == 0 || c.eng.Err() != nil {
		return
	}
	if asked := c.eng.Unanswered(); asked != 0 {
		if due(asked, milliseconds(h.PingTimeout)) {
			c.expire(http2.NoError, "PING was not answered")
		}
		return
	}
	if due(c.eng.Heard(), max(milliseconds(h.PingInterval), 1)) {
		c.eng.Ping(now)
		due(now, milliseconds(h.PingTimeout))
	}
}
