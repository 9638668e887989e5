package http2

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
)

// Conn is the server's side of a connection. It is not safe for concurrent use.
type Conn struct {
	cfg   *Config
	hooks Hooks
	now   int64 // in milliseconds, by the driver's clock

	out []byte // frames to be sent
	gen uint32 // counts how often out was taken

	streams map[uint32]*Stream
	ready   []*Stream // requests; those before readyAt were taken
	readyAt int
	held    int // streams that count: open, or with a handler
	lastID  uint32
	closed  closedStreams

	dec    decoder
	enc    encoder
	block  blockState
	reader requestReader

	recvWindow int64 // what the client may still send
	recvCredit int   // to be given back
	grown      int   // what the windows of streams have grown by
	sendWindow int64
	moved      int       // bytes sent since the wait for the client's window began to be counted
	stalledAt  int64     // when that was
	unreturned int64     // sent, and not given back by WINDOW_UPDATE; it counts twice, as there are two windows
	queue      []*Stream // with something to send, in turn
	early      []earlyPriority
	lingering  []*Stream // answered, and the request has not ended

	peer peerSettings

	begun      bool // the preface has come
	settled    bool // the client's SETTINGS have come
	ackAwaited bool // ours were not acknowledged yet
	openedAt   int64
	heardAt    int64
	pingAt     int64 // when the client was asked, 0 if its answer has come

	resets   budget
	controls budget

	drains     drainState
	lastServed uint32 // the last stream, once later ones are refused
	err        error  // why the connection has ended
}

// peerSettings are those of the client.
type peerSettings struct {
	window       int64
	maxFrame     int
	noPriorities uint32 // it does not use those of RFC 7540
}

// Init makes c a new connection. now is the time by the driver's clock, in milliseconds.
func (c *Conn) Init(cfg *Config, hooks Hooks, now int64) {
	*c = Conn{cfg: cfg, hooks: hooks, now: now, openedAt: now, heardAt: now, ackAwaited: true,
		sendWindow: defaultWindow, peer: peerSettings{window: defaultWindow, maxFrame: maxFrame}}
	c.resets = budget{left: cfg.Resets, most: cfg.Resets, rate: resetRate, at: now}
	c.controls = budget{left: cfg.Controls, most: cfg.Controls, rate: controlRate, at: now}
	c.dec.allowed = cfg.HeaderTable
	c.dec.table.max = min(cfg.HeaderTable, defaultTable)
	c.enc.table.max = min(cfg.HeaderTable, defaultTable)
	if cfg.HeaderTable < defaultTable { // the client's table begins larger
		c.enc.resized, c.enc.least = true, cfg.HeaderTable
		c.dec.table.max = defaultTable
		c.dec.allowed = defaultTable // until it has acknowledged
	}
	c.sayHello()
}

// defaultTable is the size of tables of HPACK before any SETTINGS.
const defaultTable = 4 << 10

// sayHello sends our SETTINGS.
func (c *Conn) sayHello() {
	cfg := c.cfg
	c.out = appendFrameHeader(c.out, 0, frameSettings, 0, 0)
	c.out = appendSetting(c.out, settingStreams, uint32(cfg.Streams))
	c.out = appendSetting(c.out, settingNoPriorities, 1)
	if cfg.HeaderTable != defaultTable {
		c.out = appendSetting(c.out, settingHeaderTable, uint32(cfg.HeaderTable))
	}
	if cfg.Window != defaultWindow {
		c.out = appendSetting(c.out, settingInitialWindow, uint32(cfg.Window))
	}
	if cfg.HeaderBytes > 0 {
		c.out = appendSetting(c.out, settingHeaderList, uint32(min(cfg.HeaderBytes, math.MaxUint32)))
	}
	if cfg.Connect {
		c.out = appendSetting(c.out, settingConnectProtocol, 1)
	}
	putLength(c.out, len(c.out)-frameHeader)
	// As much as all streams may send, so that bodies which nobody reads never stop
	// others, and what is on its way back.
	most := int64(cfg.Streams)*int64(cfg.Window) + int64(cfg.MaxWindow) + 2*creditAt
	c.recvWindow = max(min(most, maxWindow), defaultWindow)
	if n := c.recvWindow - defaultWindow; n > 0 {
		c.out = appendWindowUpdate(c.out, 0, int(n))
	}
}

// creditAt is how much of the window of the connection is given back at a time.
const creditAt = 256 << 10

// Err is why the connection has ended, nil while it lasts. What [Conn.Take] returns
// then is the last to be sent.
func (c *Conn) Err() error { return c.err }

// Receive takes whole frames from p and returns how much that is. What is left has to
// come again with more behind it; it is never more than a frame. Nothing is kept of p. After
// an error nothing is taken.
func (c *Conn) Receive(p []byte, now int64) (used int) {
	c.now, c.heardAt = now, now
	if !c.begun {
		n := min(len(p), len(Preface))
		if !bytes.Equal(p[:n], []byte(Preface)[:n]) {
			c.fail(ProtocolError, "no preface")
			return 0
		}
		if n < len(Preface) {
			return 0
		}
		c.begun = true
		used = n
	}
	for c.err == nil && len(p)-used >= frameHeader {
		h := p[used:]
		length := int(h[0])<<16 | int(h[1])<<8 | int(h[2])
		if length > maxFrame {
			c.fail(FrameSizeError, "frame too large")
			break
		}
		if len(h) < frameHeader+length {
			if !c.settled && frameType(h[3]) != frameSettings {
				c.fail(ProtocolError, "no SETTINGS after the preface")
			}
			break
		}
		c.frame(frameType(h[3]), h[4], binary.BigEndian.Uint32(h[5:])&maxStreamID, h[frameHeader:frameHeader+length])
		used += frameHeader + length
	}
	if c.recvCredit >= creditAt && c.err == nil {
		c.giveCredit()
	}
	return used
}

// giveCredit lets the client send more on the connection.
func (c *Conn) giveCredit() {
	c.out = appendWindowUpdate(c.out, 0, c.recvCredit)
	c.recvWindow += int64(c.recvCredit)
	c.recvCredit = 0
}

// frame handles one frame.
func (c *Conn) frame(t frameType, flags uint8, id uint32, p []byte) {
	if c.block.stream != 0 && (t != frameContinuation || id != c.block.stream) {
		c.fail(ProtocolError, "header block interrupted")
		return
	}
	if !c.settled && (t != frameSettings || flags&flagAck != 0) {
		c.fail(ProtocolError, "no SETTINGS after the preface")
		return
	}
	switch t {
	case frameData:
		c.onData(flags, id, p)
	case frameHeaders:
		c.onHeaders(flags, id, p)
	case frameContinuation:
		c.onContinuation(flags, id, p)
	case framePriority:
		c.onPriority(id, p)
	case frameReset:
		c.onReset(id, p)
	case frameSettings:
		c.onSettings(flags, id, p)
	case framePush:
		c.fail(ProtocolError, "PUSH_PROMISE from a client")
	case framePing:
		c.onPing(flags, id, p)
	case frameGoAway:
		c.onGoAway(id, p)
	case frameWindowUpdate:
		c.onWindowUpdate(id, p)
	case framePriorityUpdate:
		c.onPriorityUpdate(id, p)
	default:
		c.control()
	}
}

// Next returns a request that nobody has taken yet, nil if there is none. Its stream
// is the caller's until it calls [Stream.Release].
func (c *Conn) Next() *Stream {
	if c.readyAt == len(c.ready) {
		return nil
	}
	s := c.ready[c.readyAt]
	c.ready[c.readyAt] = nil
	if c.readyAt++; c.readyAt == len(c.ready) {
		c.ready, c.readyAt = c.ready[:0], 0
	}
	s.taken = true
	return s
}

// Pending reports whether there are requests that nobody has taken.
func (c *Conn) Pending() bool { return c.readyAt < len(c.ready) }

// Streams is how many streams there are, those with a handler whose stream has
// ended included.
func (c *Conn) Streams() int { return c.held }

// Refused counts requests that were refused here; it is 0 again after the call.
func (c *Conn) Refused() int {
	n := c.reader.refused
	c.reader.refused = 0
	return n
}

// fail ends the connection.
func (c *Conn) fail(code Code, reason string) {
	if c.err != nil {
		return
	}
	c.out = appendGoAway(c.out, c.lastNamed(), code, reason)
	c.end(&ConnError{code, reason})
}

// Close ends the connection without a word: its socket is gone, or time is up.
func (c *Conn) Close(err error) {
	if c.err == nil {
		c.end(err)
	}
}

// HangUp ends the streams whose response is not complete, as the client sends no more. What is
// complete can still be sent, and requests that came as a whole be taken.
func (c *Conn) HangUp() {
	for _, s := range c.streams {
		if !s.over && (s.taken || !s.inbound.ended) {
			s.kill(ErrClosed)
			c.drop(s, true)
		}
	}
}

// Stop ends the connection with a GOAWAY of this code.
func (c *Conn) Stop(code Code, reason string) {
	if c.err == nil {
		c.out = appendGoAway(c.out, c.lastNamed(), code, reason)
		c.end(ErrClosed)
	}
}

func (c *Conn) end(err error) {
	c.err = err
	c.ready, c.readyAt = nil, 0
	for _, s := range c.streams {
		s.kill(ErrClosed)
		c.drop(s, true)
	}
	c.queue, c.lingering = nil, nil
}

// Gathered is how many bytes are ready to be sent.
func (c *Conn) Gathered() int { return len(c.out) }

// Lend asks for memory for what is to be sent, if the connection has none.
func (c *Conn) Lend(memory func() []byte) {
	if cap(c.out) == 0 {
		c.out = memory()[:0]
	}
}

// Rest gives back memory for what is sent, which a connection need not keep on which
// nothing is under way. It returns nil if something is.
func (c *Conn) Rest() []byte {
	if c.held > 0 || len(c.out) > 0 {
		return nil
	}
	out := c.out
	c.out = nil
	return out
}

// Take returns what is to be sent now, and keeps into as memory for what comes next.
func (c *Conn) Take(into []byte) []byte {
	c.schedule()
	out := c.out
	c.out = into[:0]
	c.gen++
	return out
}

// Unsent reports whether Take would return something.
func (c *Conn) Unsent() bool {
	c.schedule()
	return len(c.out) > 0
}

// stalled is since when the client has kept the stream waiting. One that waits for its turn
// behind others, who take what the client gives, is not kept waiting by the client.
func (s *Stream) stalled(now int64) int64 {
	c := s.c
	if s.moved >= stallPiece || s.outbound.window > 0 && c.sendWindow > 0 {
		s.moved, s.stalledAt = 0, now
	}
	if s.outbound.window > 0 {
		return max(s.stalledAt, c.stalledAt)
	}
	return s.stalledAt
}

// Tick ends what has waited too long for the client, and returns when to call it
// again, 0 if nothing waits. Time is that of Receive. A wait counts from the
// first Tick that sees it.
func (c *Conn) Tick(now int64) (next int64) {
	c.now = now
	next = c.endLingering(now)
	limit := int64(c.cfg.WriteTimeout / time.Millisecond)
	if limit <= 0 {
		return next
	}
	c.schedule() // what can be sent waits for nobody
	if c.moved >= stallPiece {
		c.moved, c.stalledAt = 0, now
	}
	for _, s := range c.queue {
		if s.Patient {
			continue
		}
		since := s.stalled(now)
		if now >= since+limit {
			c.reset(s, Cancel, "the client does not take the response")
			return now // the queue has changed
		}
		if at := since + limit; next == 0 || at < next {
			next = at
		}
	}
	return next
}
