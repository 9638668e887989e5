package ws

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/wsframe"
)

// Conn is a socket, in one of two forms: that of [Accept], [Handler] and [Dial] is read by who
// has it, that of [Events] is told what arrives. All methods may be called by any goroutine at
// any time, but Read and Reader only by one at a time, and Value and SetValue only by functions
// of Events or whoever has the socket alone.
type Conn struct {
	side  *side
	s     tako.EventStream // in the form of events, set before anybody has the Conn
	b     *blocking        // in the other form
	proto string
	value any
	rules tako.Checker // of the router, for typed messages

	in   wsframe.Receiver // of who reads
	rest []byte           // what was received and has to wait, in the form of events

	mu     sync.Mutex // guards what follows, and the calls of out
	send   wsframe.Sender
	out    outbox
	state  state
	heard  atomic.Bool // something has come since that was last asked; not guarded
	gone   *CloseError // the peer's close frame
	err    error       // why the socket ends, the first reason
	room   chan struct{}
	pings  map[string]chan struct{} // that somebody waits for
	rooms  []membership
	held   int // bytes that in and rest have, as of the last event
	pumpFn func()

	watch watch // guarded by side.mu

	// Neighbours in the list of the Meter, which guards them.
	before, behind *Conn
}

// state is what was done to a socket, in bits.
type state uint16

const (
	stateOpen      state = 1 << iota // OnOpen was called
	stateInEvent                     // a function of Events runs, and what is queued goes out behind it
	stateScheduled                   // somebody is on the way to send what is queued
	stateStuck                       // the peer has to take something first
	statePaused                      // nothing is read until then
	stateSent                        // our close frame is queued, nothing may follow
	stateEnding                      // the connection is closed once everything is sent
	stateOver                        // the connection is closed
	stateWindow                      // messages are compressed with those before them
	stateParts                       // a Writer has begun a message
	stateDeaf                        // messages come too late, in the form of events
	stateHalf                        // the peer has ended its side
)

func (c *Conn) is(any state) bool { return c.state&any != 0 }

func newConn(s *side, agreed agreement) *Conn {
	c := &Conn{side: s, proto: agreed.subprotocol}
	c.in.Init(&s.frames, agreed.deflate)
	c.send.Init(&s.frames, agreed.deflate)
	noContext := agreed.deflate.ServerNoContext
	if s.frames.Client {
		noContext = agreed.deflate.ClientNoContext
	}
	if agreed.deflate.Agreed && !noContext {
		c.state = stateWindow
	}
	return c
}

// Subprotocol returns what was agreed on, "" for nothing.
func (c *Conn) Subprotocol() string { return c.proto }

// Info describes the connection. A client knows the two addresses at most.
func (c *Conn) Info() *tako.ConnInfo {
	if c.s != nil {
		return c.s.Info()
	}
	return c.b.info
}

// OnLoop reports whether the socket lives on an event loop, and has no goroutine.
func (c *Conn) OnLoop() bool { return c.s != nil && c.s.OnLoop() }

// Value returns what SetValue has set, nil before that.
func (c *Conn) Value() any { return c.value }

// SetValue keeps something with the socket.
func (c *Conn) SetValue(v any) { c.value = v }

// Waiting is how many bytes wait for the peer.
func (c *Conn) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting()
}

func (c *Conn) waiting() int {
	n := c.out.bytes
	if later := c.behindWriter(); later != nil {
		n += later.bytes
	}
	if c.s != nil && !c.is(stateOver) {
		n += c.s.Waiting()
	}
	return n
}

// Send sends a message without waiting: what the peer cannot take at once is queued. A copy is
// made of p. What one goroutine sends stays in order. Within functions of [Events] everything
// sent goes out together when they return. The error is [ErrFull] if the queue has no room, after
// which [Config.Full] says what became of the message, or matches [ErrClosed].
func (c *Conn) Send(typ Type, p []byte) error {
	c.mu.Lock()
	err := c.put(typ, p)
	return c.unlock(err)
}

// SendText is Send with Text.
func (c *Conn) SendText(text string) error { return c.Send(Text, []byte(text)) }

// SendPrepared is Send for a message that many get. Its bytes are shared.
func (c *Conn) SendPrepared(p *Prepared) error {
	c.mu.Lock()
	err := c.closedErr()
	if err == nil && !c.fits(len(p.Data())) {
		err = c.overflow()
	}
	if err == nil {
		c.share(p)
	}
	return c.unlock(err)
}

// put queues a message. It has the lock.
func (c *Conn) put(typ Type, p []byte) error {
	if !typ.valid() {
		return errType
	}
	if err := c.closedErr(); err != nil {
		return err
	}
	if !c.fits(len(p)) {
		return c.overflow()
	}
	if c.is(stateParts) {
		c.b.later.push(delayed{typ: typ, data: append([]byte{}, p...)})
		return nil
	}
	c.queue(typ, p)
	return nil
}

// share queues a message for many. It has the lock.
func (c *Conn) share(p *Prepared) {
	if c.is(stateParts) {
		c.b.later.push(delayed{shared: p})
		return
	}
	c.out.share(p)
	c.side.cfg.Meter.messagesOut.Add(1)
}

// overflow does what the policy wants for a message that has no room. It has the lock.
func (c *Conn) overflow() error {
	c.side.cfg.Meter.dropped.Add(1)
	if c.side.cfg.Full == Disconnect {
		c.dismiss()
	}
	return ErrFull
}

// dismiss ends a socket whose peer does not keep up, and returns how many messages for many are
// dropped with it. It has the lock.
func (c *Conn) dismiss() (dropped int) {
	shared, own := c.out.clear()
	laterShared, laterOwn := c.dropBehindWriter()
	c.side.cfg.Meter.dropped.Add(int64(shared + own + laterShared + laterOwn))
	c.fault(ErrFull)
	c.sendClose(CodeTryLater, "too slow")
	return shared + laterShared
}

// sendClose queues a close frame unless there is one. No data may follow it (RFC 6455, section
// 5.5.1), so that what waits for a Writer is dropped. It has the lock.
func (c *Conn) sendClose(code Code, reason string) {
	if c.is(stateSent | stateOver) {
		return
	}
	c.out.append(wsframe.MaxHeader+wsframe.MaxControl, 0, func(dst []byte) []byte {
		return c.send.AppendClose(dst, wsframe.CloseCode(code), reason)
	})
	c.lastSent()
}

// lastSent takes nothing more that is sent. It has the lock.
func (c *Conn) lastSent() {
	c.state |= stateSent
	_, _ = c.dropBehindWriter()
	c.wakeWriters()
	c.side.arm(c, awaitClose)
}

// fault notes why the socket ends. It has the lock.
func (c *Conn) fault(err error) {
	if c.err == nil {
		c.err = err
	}
}

// closedErr is the error of what comes too late. It has the lock.
func (c *Conn) closedErr() error {
	switch {
	case !c.is(stateSent | stateOver):
		return nil
	case c.gone != nil:
		return &closedError{c.gone}
	case c.err != nil:
		return &closedError{c.err}
	}
	return ErrClosed
}

// closedError is ErrClosed with what has closed.
type closedError struct{ cause error }

func (e *closedError) Error() string        { return ErrClosed.Error() + ": " + e.cause.Error() }
func (e *closedError) Is(target error) bool { return target == ErrClosed }
func (e *closedError) Unwrap() error        { return e.cause }

// unlock gives the lock back and has what is queued sent. It returns err.
func (c *Conn) unlock(err error) error {
	kick := !c.is(stateInEvent|stateScheduled|stateStuck|stateOver) && (!c.out.empty() || c.is(stateEnding) && c.s != nil)
	if kick {
		c.state |= stateScheduled
	}
	c.mu.Unlock()
	if kick {
		c.kick()
	}
	return err
}

// kick has the queue sent by somebody else.
func (c *Conn) kick() {
	if c.b != nil {
		go c.flushLater()
		return
	}
	c.mu.Lock()
	if c.pumpFn == nil {
		c.pumpFn = c.pump
	}
	pump := c.pumpFn
	c.mu.Unlock()
	_ = c.s.Do(pump) // it fails when the stream is over, of which Closed tells
}

// Write sends a message and waits, at most until ctx ends, as long as the queue has no room for
// it. In the blocking form it returns when the connection has taken the message; if ctx ends
// before, it may go out all the same. Over TLS with HTTP/1.1, where part of a record cannot be
// taken back, the socket is broken off if ctx ends while the peer takes nothing; the error then
// matches [ErrClosed] and the cause of ctx. A message that is dropped because the socket is
// disconnected for a full queue is an error that matches ErrClosed and [ErrFull]. It must not be
// called by functions of [Events]. A copy is made of p.
func (c *Conn) Write(ctx context.Context, typ Type, p []byte) error {
	if ctx.Err() != nil && (c.b == nil || ctx != c.b.ctx) {
		return context.Cause(ctx)
	}
	for {
		c.mu.Lock()
		full := c.is(stateParts) || !c.fits(len(p))
		if !full || c.is(stateSent|stateOver) {
			err := c.put(typ, p)
			if err != nil || c.b == nil {
				return c.unlock(err)
			}
			until := c.out.end()
			c.mu.Unlock()
			return c.flush(ctx, until)
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		_ = c.unlock(nil)
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// wakeWriters lets those look again who wait for room. It has the lock.
func (c *Conn) wakeWriters() {
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
}

// Ping sends a ping and waits for its pong, which needs somebody who reads in the blocking
// form. It must not be called by functions of [Events].
func (c *Conn) Ping(ctx context.Context) error {
	payload := c.side.pingPayload()
	answer := make(chan struct{})
	c.mu.Lock()
	err := c.closedErr()
	if err == nil {
		if c.pings == nil {
			c.pings = map[string]chan struct{}{}
		}
		c.pings[payload] = answer
		c.control(wsframe.OpPing, payload)
	}
	if _ = c.unlock(nil); err != nil {
		return err
	}
	defer func() {
		c.mu.Lock()
		delete(c.pings, payload)
		c.mu.Unlock()
	}()
	select {
	case <-answer:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.is(stateOver) {
		return c.closedErr()
	}
	return nil
}

// control queues a ping or pong, which may lie between the frames of a message. It has the
// lock.
func (c *Conn) control(op wsframe.Opcode, payload string) {
	if c.is(stateSent | stateOver) {
		return
	}
	const size = wsframe.MaxHeader + wsframe.MaxControl
	add := func(dst []byte) []byte { return c.send.AppendControl(dst, op, []byte(payload)) }
	if op == wsframe.OpPong {
		c.out.pong(size, add)
	} else {
		c.out.append(size, 0, add)
	}
}

// ponged tells who waits for this pong. It has the lock.
func (c *Conn) ponged(payload []byte) {
	if answer := c.pings[string(payload)]; answer != nil {
		delete(c.pings, string(payload))
		close(answer)
	}
}

// bury is the end of a socket, whatever it was. It reports false if that was known.
func (c *Conn) bury() bool {
	c.mu.Lock()
	if c.is(stateOver) {
		c.mu.Unlock()
		return false
	}
	c.state |= stateOver
	c.out.abandon()
	_, _ = c.dropBehindWriter()
	c.send.Release()
	c.wakeWriters()
	for _, answer := range c.pings {
		close(answer)
	}
	c.pings = nil
	rooms := c.rooms
	c.rooms = nil
	code := CodeOf(c.reason())
	c.mu.Unlock()
	c.side.disarm(c)
	for _, m := range rooms {
		m.leave(c)
	}
	c.side.cfg.Meter.remove(c, code)
	return true
}

// reason is why the socket has ended. It has the lock.
func (c *Conn) reason() error {
	switch {
	case c.err != nil:
		return c.err
	case c.gone != nil:
		return c.gone
	}
	return ErrClosed
}
