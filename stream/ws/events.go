package ws

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/wsframe"
)

// Events are what happens on a socket in the form of events. The functions are called one at a
// time for each socket, and may all be nil. Over HTTP/1.1 on the loop runtime they are
// called on its event loop while they are seen to be short, and an idle socket has neither a
// goroutine nor a buffer; elsewhere it has a goroutine that reads.
type Events struct {
	// OnRequest is called before the socket is opened, after the checks of the handshake. An
	// error is the response; value is what [Conn.Value] returns.
	OnRequest func(c *tako.Context) (value any, err error)
	// OnOpen is called first.
	OnOpen func(c *Conn)
	// OnMessage is called with each message, also with those that come behind our close frame
	// when the server shuts down or the peer was too slow, but not after [Conn.Close]. p may be
	// read and changed until it returns.
	OnMessage func(c *Conn, typ Type, p []byte)
	// OnClose is called last. err is a [*CloseError] if the peer has sent a close frame; else it
	// says what has ended the socket. See [CodeOf].
	OnClose func(c *Conn, err error)
}

// unsent is how many bytes are given to a stream at once; more waits in the queue, where it is
// shared with others and can be dropped.
const unsent = 64 << 10

// Handler returns a handler that opens a socket, for a route of GET. It refuses other requests
// with 426, and a handshake that is not in order as [Accept] says.
func (e Events) Handler(cfg Config) tako.Handler {
	s := newSide(cfg, false)
	s.events = e
	return func(c *tako.Context) error {
		agreed, err := s.handshake(c)
		if err != nil {
			return err
		}
		conn := newConn(s, agreed)
		conn.rules = c.Checker()
		if conn.value, err = s.ask(c); err != nil {
			return s.refuse(c, err)
		}
		err = c.UpgradeEvents((*stream)(conn), tako.EventConfig{Unsent: unsent, WriteTimeout: s.cfg.WriteTimeout})
		if err != nil {
			return s.refuse(c, err)
		}
		return nil
	}
}

// ask calls OnRequest. If that panics the response is not one of the handshake either.
func (s *side) ask(c *tako.Context) (value any, err error) {
	if s.events.OnRequest == nil {
		return nil, nil
	}
	returned := false
	defer func() {
		if !returned {
			_ = s.refuse(c, nil)
		}
	}()
	value, err = s.events.OnRequest(c)
	returned = true
	return value, err
}

// stream is a Conn as its stream sees it.
type stream Conn

var _ tako.StreamEvents = (*stream)(nil)

// Open is the first event.
func (st *stream) Open(s tako.EventStream) {
	c := (*Conn)(st)
	c.s = s
	c.begin(stateOpen)
	c.side.cfg.Meter.add(c)
	c.side.arm(c, awaitByte)
	if f := c.side.events.OnOpen; f != nil {
		c.open(f)
	}
	c.finish()
}

func (c *Conn) open(f func(c *Conn)) {
	defer c.recovered()
	f(c)
}

// recovered is deferred: it ends a socket of which a function has panicked with 1011.
func (c *Conn) recovered() {
	v := recover()
	if v == nil {
		return
	}
	err := tako.RecoverError(v)
	c.side.cfg.Log.Error("panic of a WebSocket handler", "peer", c.s.Info().Remote, "err", err, "stack", string(tako.PanicStack(err)))
	c.mu.Lock()
	c.fault(fmt.Errorf("ws: handler: %w", err))
	c.sendClose(CodeInternal, "")
	c.state |= stateEnding | stateDeaf
	c.mu.Unlock()
}

// Data takes apart what has come.
func (st *stream) Data(_ tako.EventStream, p []byte) {
	c := (*Conn)(st)
	c.heard.Store(true)
	c.side.cfg.Meter.bytesIn.Add(int64(len(p)))
	if len(c.rest) > 0 {
		c.rest = append(c.rest, p...)
		return
	}
	c.mu.Lock()
	c.state &^= stateStuck // Writable may come behind all that the peer sends, if that has no end
	c.mu.Unlock()
	c.consume(p, c.begin(0))
	c.finish()
}

// End is the end without a close frame, or behind it. What came before may have to wait, and is
// answered first.
func (st *stream) End(tako.EventStream) {
	c := (*Conn)(st)
	c.begin(stateHalf)
	c.finish()
}

// halfClosed sees to the end of a socket whose peer has ended its side, once all that it has sent
// was looked at: what is queued still goes out. It has the lock.
func (c *Conn) halfClosed() {
	if c.gone == nil {
		c.fault(errLost)
	}
	if !c.is(stateSent) {
		c.lastSent()
	}
	c.state |= stateEnding
}

// Writable sends on.
func (st *stream) Writable(tako.EventStream) { (*Conn)(st).pump() }

// Drain says goodbye.
func (st *stream) Drain(tako.EventStream) { (*Conn)(st).goAway() }

// Closed is the last event.
func (st *stream) Closed(err error) {
	c := (*Conn)(st)
	c.mu.Lock()
	if c.gone == nil {
		c.fault(connectionLost(err))
	}
	opened, why := c.is(stateOpen), c.reason()
	c.mu.Unlock()
	c.in.Release()
	c.rest = nil
	if !opened {
		return
	}
	c.bury()
	if f := c.side.events.OnClose; f != nil {
		f(c, why)
	}
}

// errLost is a connection that ends without a close frame.
var errLost = fmt.Errorf("ws: connection lost: %w", io.ErrUnexpectedEOF)

func connectionLost(err error) error {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return errLost
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("ws: the peer takes nothing: %w", err)
	}
	return fmt.Errorf("ws: connection lost: %w", err)
}

// begin lets what is sent wait for finish. It reports whether messages come too late.
func (c *Conn) begin(also state) (closing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state |= stateInEvent | also
	return c.is(stateDeaf)
}

// finish sends what the functions have queued. It reports whether more has to wait.
func (c *Conn) finish() (paused bool) {
	c.mu.Lock()
	c.state &^= stateInEvent
	if c.is(stateHalf) && len(c.rest) == 0 {
		c.halfClosed()
	}
	if c.transmit(); len(c.rest) > 0 && !c.is(statePaused) && c.out.own > unsent {
		c.state |= statePaused
		c.s.Pause()
	}
	c.held = c.in.Buffered() + len(c.rest)
	paused = c.is(statePaused)
	c.mu.Unlock()
	return paused
}

// pump sends what is queued, and goes on with what had to wait for that.
func (c *Conn) pump() {
	c.mu.Lock()
	c.state &^= stateScheduled | stateStuck
	c.transmit()
	paused := c.is(statePaused)
	c.mu.Unlock()
	for len(c.rest) > 0 && !paused {
		rest := c.rest
		c.rest = nil
		c.consume(rest, c.begin(0))
		paused = c.finish()
	}
}

// transmit gives the stream as much of the queue as it takes. It has the lock, and is called
// by functions of the stream.
func (c *Conn) transmit() {
	for !c.is(stateStuck) {
		p := c.out.next(c.frame)
		if len(p) == 0 {
			break
		}
		n, err := c.s.Write(p[:min(len(p), unsent)])
		if errors.Is(err, tako.ErrFull) {
			c.state |= stateStuck
			return
		}
		if err != nil { // the stream is over, of which Closed tells
			c.out.abandon()
			return
		}
		c.out.sent(n)
		c.side.cfg.Meter.bytesOut.Add(int64(n))
		c.wakeWriters()
	}
	if c.is(statePaused) && c.out.own <= unsent {
		c.state &^= statePaused
		c.s.Resume()
	}
	if c.is(stateEnding) && c.out.empty() {
		c.s.Close()
	}
}

// frame makes the frame of a message for many.
func (c *Conn) frame(p *Prepared) []byte {
	if !c.is(stateWindow) {
		return c.send.Frame(p.frames)
	}
	if !c.side.frames.Client { // its place among the compressed ones is not known before it is sent
		return p.frames.Plain()
	}
	return c.maskedFrame(p)
}

// consume tells of what is in p. It is called within begin and finish.
func (c *Conn) consume(p []byte, closing bool) {
	defer c.recovered()
	for room := true; ; {
		ev, rest, err := c.in.Next(p)
		if err != nil {
			c.mu.Lock()
			c.violation(err)
			c.mu.Unlock()
			return
		}
		switch ev.Kind {
		case wsframe.More:
			return
		case wsframe.Message:
			c.side.cfg.Meter.messagesIn.Add(1)
			if f := c.side.events.OnMessage; f != nil && !closing {
				f(c, Type(ev.Op), ev.Data)
			}
		default:
			c.mu.Lock()
			c.answer(ev)
			c.mu.Unlock()
		}
		p = rest
		if room, closing = c.look(); !room {
			c.rest = slices.Clone(p)
			return
		}
	}
}

// look reports whether replies can still be taken, so that more may be read, and whether
// messages come too late.
func (c *Conn) look() (room, closing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	closing = c.is(stateDeaf)
	if c.out.own > unsent && !closing {
		c.transmit()
	}
	return c.out.own <= unsent || closing, closing
}

// answer does what control frames ask for. It has the lock.
func (c *Conn) answer(ev wsframe.Event) {
	switch ev.Kind {
	case wsframe.Ping:
		c.control(wsframe.OpPong, string(ev.Data))
	case wsframe.Pong:
		c.heard.Store(false)
		c.side.arm(c, awaitByte)
		c.ponged(ev.Data)
	case wsframe.Closed:
		c.gone = &CloseError{Code: Code(ev.Code), Reason: string(ev.Data)}
		c.sendClose(Code(ev.Code), "")
		c.state |= stateEnding
	}
}

// violation ends a socket for what the peer has done. It has the lock.
func (c *Conn) violation(err error) {
	c.fault(fmt.Errorf("ws: %w", err))
	reason := ""
	if e, ok := errors.AsType[*wsframe.Error](err); ok {
		reason = e.Reason
	}
	c.sendClose(Code(wsframe.CloseCodeOf(err)), reason)
	c.state |= stateEnding
}

// goAway ends a socket for a server that shuts down.
func (c *Conn) goAway() {
	c.mu.Lock()
	c.sendClose(CodeGoingAway, "the server shuts down")
	_ = c.unlock(nil)
}
