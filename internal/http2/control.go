package http2

import "encoding/binary"

func (c *Conn) onSettings(flags uint8, id uint32, p []byte) {
	switch {
	case id != 0:
		c.fail(ProtocolError, "SETTINGS on a stream")
		return
	case flags&flagAck != 0 && len(p) > 0, len(p)%6 != 0:
		c.fail(FrameSizeError, "SETTINGS of a wrong size")
		return
	case flags&flagAck != 0:
		if !c.ackAwaited {
			c.control()
		}
		c.ackAwaited = false
		c.dec.allowed = c.cfg.HeaderTable
		return
	}
	if c.settled {
		c.control()
	}
	if len(p) > 6*mostSettings {
		c.fail(EnhanceYourCalm, "too many settings")
		return
	}
	first := !c.settled
	c.settled = true
	window := int64(-1) // applied once, as that costs time for each stream
	for ; len(p) > 0 && c.err == nil; p = p[6:] {
		id, value := binary.BigEndian.Uint16(p), binary.BigEndian.Uint32(p[2:])
		switch {
		case id == settingNoPriorities && !first && value != c.peer.noPriorities: // RFC 9218, section 2.1
			c.fail(ProtocolError, "NO_RFC7540_PRIORITIES has changed")
		case id != settingInitialWindow:
			c.setting(id, value)
		case value > maxWindow:
			c.fail(FlowControlError, "INITIAL_WINDOW_SIZE out of range")
		default:
			window = int64(value)
		}
	}
	if c.err == nil && window >= 0 {
		c.initialWindow(window)
	}
	if c.err == nil {
		c.out = appendFrameHeader(c.out, 0, frameSettings, flagAck, 0)
	}
}

// mostSettings bounds the settings of one frame; clients have some ten.
const mostSettings = 64

func (c *Conn) setting(id uint16, value uint32) {
	switch id {
	case settingHeaderTable:
		c.enc.resize(int(min(value, uint32(c.cfg.HeaderTable))))
	case settingEnablePush:
		if value > 1 {
			c.fail(ProtocolError, "ENABLE_PUSH is neither 0 nor 1")
		}
	case settingMaxFrame:
		if value < maxFrame || value > 1<<24-1 {
			c.fail(ProtocolError, "MAX_FRAME_SIZE out of range")
			return
		}
		c.peer.maxFrame = int(min(value, maxSentFrame))
	case settingConnectProtocol, settingNoPriorities:
		if value > 1 {
			c.fail(ProtocolError, "a setting is neither 0 nor 1")
		}
		if id == settingNoPriorities {
			c.peer.noPriorities = value
		}
	}
}

// maxSentFrame bounds the frames we send, for streams to take turns.
const maxSentFrame = 16 << 10

// initialWindow changes the windows of all streams (RFC 9113, section 6.9.2).
func (c *Conn) initialWindow(value int64) {
	change := value - c.peer.window
	if c.peer.window = value; change == 0 {
		return
	}
	for _, s := range c.streams {
		if s.outbound.window += change; s.outbound.window > maxWindow {
			c.fail(FlowControlError, "window of a stream too large")
			return
		}
	}
}

func (c *Conn) onPing(flags uint8, id uint32, p []byte) {
	switch {
	case id != 0:
		c.fail(ProtocolError, "PING on a stream")
	case len(p) != 8:
		c.fail(FrameSizeError, "PING of a wrong size")
	case flags&flagAck == 0:
		c.control()
		if c.err == nil {
			c.out = appendPing(c.out, flagAck, p)
		}
	default:
		c.pong(p)
	}
}

func (c *Conn) pong(p []byte) {
	switch string(p) {
	case pingAlive:
		if c.pingAt != 0 {
			c.pingAt = 0
			return
		}
	case pingDrain:
		if c.drains == drainBegun {
			c.FinishDrain()
			return
		}
	}
	c.control()
}

// What our PINGs carry.
const (
	pingAlive = "tako:up?"
	pingDrain = "tako:end"
)

// Ping asks the client whether it is there. [Conn.Unanswered] tells for how long it has
// not said so.
func (c *Conn) Ping(now int64) {
	if c.pingAt == 0 && c.err == nil {
		c.pingAt = now
		c.out = appendPing(c.out, 0, []byte(pingAlive))
	}
}

// Unanswered is when the PING was sent whose answer has not come, 0 if there is none.
func (c *Conn) Unanswered() int64 { return c.pingAt }

// Heard is when something has come from the client.
func (c *Conn) Heard() int64 { return c.heardAt }

// Opening reports whether the client's preface, or its acknowledgement of our SETTINGS,
// has not come, and since when it is waited for.
func (c *Conn) Opening() (since int64, waits bool) {
	return c.openedAt, !c.settled || c.ackAwaited
}

func (c *Conn) onGoAway(id uint32, p []byte) {
	switch {
	case id != 0:
		c.fail(ProtocolError, "GOAWAY on a stream")
	case len(p) < 8:
		c.fail(FrameSizeError, "GOAWAY of a wrong size")
	default:
		c.control()
	}
}

func (c *Conn) onWindowUpdate(id uint32, p []byte) {
	if len(p) != 4 {
		c.fail(FrameSizeError, "WINDOW_UPDATE of a wrong size")
		return
	}
	n := int64(binary.BigEndian.Uint32(p) & maxWindow)
	if !c.owed(n) {
		if c.control(); c.err != nil {
			return
		}
	}
	if id == 0 {
		switch {
		case n == 0:
			c.fail(ProtocolError, "WINDOW_UPDATE of nothing")
		case c.sendWindow+n > maxWindow:
			c.fail(FlowControlError, "window of the connection too large")
		default:
			c.sendWindow += n
		}
		return
	}
	s := c.streams[id]
	switch {
	case s == nil:
		if id > c.lastID || id&1 == 0 {
			c.fail(ProtocolError, "WINDOW_UPDATE on an idle stream")
		} else if n == 0 {
			c.fail(ProtocolError, "WINDOW_UPDATE of nothing")
		}
	case n == 0:
		c.resetGlitch(s, ProtocolError, "WINDOW_UPDATE of nothing")
	case s.outbound.window+n > maxWindow:
		c.resetGlitch(s, FlowControlError, "window of the stream too large")
	default:
		s.outbound.window += n
		if len(s.send) > 0 {
			c.hooks.Wake(s)
		}
	}
}

func (c *Conn) onReset(id uint32, p []byte) {
	s := c.streams[id]
	switch {
	case id == 0, s == nil && (id > c.lastID || id&1 == 0):
		c.fail(ProtocolError, "RST_STREAM on an idle stream")
	case len(p) != 4:
		c.fail(FrameSizeError, "RST_STREAM of a wrong size")
	case s == nil:
		c.closed.confirm(id)
		c.control()
	default:
		s.kill(&StreamError{Code: Code(binary.BigEndian.Uint32(p)), Remote: true})
		c.drop(s, false)
		c.glitch()
	}
}

// InBlock reports whether CONTINUATION frames are waited for.
func (c *Conn) InBlock() bool { return c.block.stream != 0 }
