package ws

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/wsframe"
)

// side is what the sockets of one handler, or of one client, share.
type side struct {
	cfg     Config
	frames  wsframe.Config
	origins []originPattern
	events  Events
	mistake error // in the Config
	serial  atomic.Uint64
	began   time.Time

	mu    sync.Mutex // guards the lines, and watch of the sockets
	lines [awaitClose + 1]line
}

func newSide(cfg Config, client bool) *side {
	s := &side{mistake: cfg.validate(), began: time.Now()}
	s.cfg = cfg.withDefaults()
	s.frames = s.cfg.frames(client)
	var err error
	if s.origins, err = parseOrigins(cfg.Origins); s.mistake == nil {
		s.mistake = err
	}
	s.lines[awaitByte].after = s.cfg.PingInterval
	s.lines[awaitPong].after = s.cfg.PongTimeout
	s.lines[awaitClose].after = s.cfg.CloseTimeout
	return s
}

// age is a clock in eight bytes, of which every socket keeps one time.
func (s *side) age() time.Duration { return time.Since(s.began) }

// refuse takes the fields of the handshake back for a response with err.
func (s *side) refuse(c *tako.Context, err error) error {
	for _, name := range []string{"Upgrade", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"} {
		c.Header().Del(name)
	}
	return notSwitched(err)
}

// pingPayload tells the pings that somebody waits for from others.
func (s *side) pingPayload() string { return "p" + strconv.FormatUint(s.serial.Add(1), 36) }

// wait is what a socket is watched for.
type wait uint8

const (
	awaitNothing wait = iota
	awaitByte         // any byte of the peer, before it gets a ping
	awaitPong         // any byte after that
	awaitClose        // the end of the closing handshake
)

// line is a queue of sockets that wait for the same thing for the same time, so that the
// first is due first and one timer does for all.
type line struct {
	after       time.Duration
	first, last *Conn
	timer       *time.Timer
}

// watch is the place of a socket in a line.
type watch struct {
	wait         wait
	due          time.Duration // since the side began
	ahead, after *Conn
}

// arm has a socket watched for something, instead of what it was before.
func (s *side) arm(c *Conn, w wait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.watch.wait == awaitClose && w != awaitNothing || c.watch.wait == awaitOver {
		return
	}
	s.unlink(c)
	l := &s.lines[w]
	if w == awaitNothing || l.after <= 0 {
		return
	}
	c.watch = watch{wait: w, due: s.age() + l.after, ahead: l.last}
	if l.last != nil {
		l.last.watch.after = c
		l.last = c
		return
	}
	l.first, l.last = c, c
	if l.timer == nil {
		l.timer = time.AfterFunc(l.after, func() { s.fire(w) })
	} else {
		l.timer.Reset(l.after)
	}
}

// disarm ends the watch for good.
func (s *side) disarm(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unlink(c)
	c.watch.wait = awaitOver
}

// awaitOver is that of a socket that is not watched again.
const awaitOver wait = 0xff

func (s *side) unlink(c *Conn) {
	w := &c.watch
	if w.wait == awaitNothing || w.wait == awaitOver {
		return
	}
	l := &s.lines[w.wait]
	if w.ahead != nil {
		w.ahead.watch.after = w.after
	} else {
		l.first = w.after
	}
	if w.after != nil {
		w.after.watch.ahead = w.ahead
	} else {
		l.last = w.ahead
	}
	*w = watch{}
}

// fire sees to the sockets of a line that are due.
func (s *side) fire(w wait) {
	l := &s.lines[w]
	for {
		s.mu.Lock()
		c := l.first
		if c == nil {
			s.mu.Unlock()
			return
		}
		if left := c.watch.due - s.age(); left > 0 {
			l.timer.Reset(left)
			s.mu.Unlock()
			return
		}
		s.unlink(c)
		s.mu.Unlock()
		c.overdue(w)
	}
}

// overdue is called when what a socket was watched for has not come in time.
func (c *Conn) overdue(w wait) {
	switch {
	case w == awaitClose:
		c.breakOff(ErrCloseTimeout)
	case c.heard.Swap(false) || c.excused():
		c.side.arm(c, awaitByte)
	case w == awaitByte:
		c.side.arm(c, awaitPong)
		c.mu.Lock()
		c.control(wsframe.OpPing, "")
		_ = c.unlock(nil)
	default:
		c.side.cfg.Meter.pingsMissed.Add(1)
		c.breakOff(ErrPongTimeout)
	}
}

// excused reports whether silence is no sign of death: the peer has something to take first, which
// WriteTimeout bounds, or nobody reads what it sends.
func (c *Conn) excused() bool {
	if c.b != nil && len(c.b.reading) == 0 {
		return true
	}
	return c.Waiting() > 0
}

// breakOff ends a socket without a closing handshake.
func (c *Conn) breakOff(err error) {
	c.mu.Lock()
	c.fault(err)
	c.mu.Unlock()
	if c.b != nil {
		c.fail(err)
		return
	}
	c.s.Abort()
}
