package tako

import (
	"errors"
	"net"
	"time"
)

// ErrFull is returned by writes to an [EventStream] that would leave more waiting for the peer
// than it may. Nothing of them was written.
var ErrFull = errors.New("tako: the peer does not take what was written")

// DefaultUnsent is how many bytes may wait for the peer of an [EventStream] where nothing else
// is set.
const DefaultUnsent = 1 << 20

// EventStream is an upgraded connection, or stream of one, whose events a [StreamEvents] gets.
// Send, Do, Abort, Waiting, Info and OnLoop may be called by any goroutine at any time; the other
// methods only by the functions of StreamEvents and of Do, while they run.
type EventStream interface {
	// Write writes p, of which it keeps a copy, behind what was written before. What a
	// function has written is sent when it returns. The error is [ErrFull],
	// net.ErrClosed after Close, or another one if p alone is more than may wait; n is 0 then.
	Write(p []byte) (n int, err error)
	// Send is Write for any goroutine: p is sent soon. What one goroutine has sent stays in
	// order, and counts apart from what functions have written.
	Send(p []byte) error
	// Do calls f as an event of the stream, as soon as no other runs. The error is
	// net.ErrClosed if the stream is over; f is not called either if it ends before.
	Do(f func()) error
	// Close sends what was written, and ends the stream then. No Data comes any more.
	Close()
	// Reset breaks the stream off, so that the peer sees an error.
	Reset()
	// Abort is Reset for any goroutine. It also ends a write under way.
	Abort()
	// Pause stops Data until Resume, so that the peer has to wait.
	Pause()
	// Resume takes Pause back.
	Resume()
	// Waiting is the number of bytes that were written and wait for the peer.
	Waiting() int
	// OnLoop reports whether the stream lives on an event loop, where an idle one has neither
	// a goroutine nor a buffer; elsewhere each has a goroutine that reads.
	OnLoop() bool
	// Info describes the connection.
	Info() *ConnInfo
}

// StreamEvents is told what happens on an [EventStream]. The functions are called one at a
// time for each stream: on its event loop while they are seen to be short, on a goroutine
// otherwise.
type StreamEvents interface {
	// Open is called first, when the handler that has upgraded has returned.
	Open(s EventStream)
	// Data is called with what was received, never empty. It is not called while more than
	// 64 KiB wait for the peer. p may be read and changed until Data returns.
	Data(s EventStream, p []byte)
	// End is called when the peer has ended its side, behind all that it has sent. It may still
	// be written to, until Close.
	End(s EventStream)
	// Writable is called when the peer has taken everything, after a call that has returned
	// [ErrFull].
	Writable(s EventStream)
	// Drain is called when the server shuts down. The stream may go on until the end of the
	// time that has.
	Drain(s EventStream)
	// Closed is called last, when the stream is over, also when Open was not. err is nil if
	// Close has ended it, and io.EOF if the peer has; it matches os.ErrDeadlineExceeded for a
	// write timeout, and is another error if the connection failed or was cut.
	Closed(err error)
}

// EventConfig sets the limits of an [EventStream].
type EventConfig struct {
	// Unsent bounds the bytes that functions have written and the peer has not taken, and as
	// many that were sent by others. It is also the most that can be written at once.
	// Default: [DefaultUnsent].
	Unsent int
	// WriteTimeout bounds the time in which a peer takes nothing of what waits for it; event loops
	// give it for each piece of up to 64 KiB.
	// Default: 30 s. [NoLimit] means none.
	WriteTimeout time.Duration
}

func (e EventConfig) withDefaults() EventConfig {
	if e.Unsent <= 0 {
		e.Unsent = DefaultUnsent
	}
	if e.WriteTimeout == 0 {
		e.WriteTimeout = 30 * time.Second
	}
	return e
}

// UpgradeEvents is [Context.Upgrade] in the form of events: over HTTP/1.1 on the loop runtime the
// connection stays on its event loop, and costs no goroutine and no buffer while nothing happens.
// Elsewhere a goroutine reads. ev is told what happens as soon as the handler has returned; if that
// returns an error the stream is broken off, and only Closed is called. [Inline] and [Blocking] of the
// route hold for the functions of ev too. Errors are those of Upgrade.
func (c *Context) UpgradeEvents(ev StreamEvents, cfg EventConfig) error {
	c.live()
	switch {
	case c.opened:
		return ErrHeadSent
	case c.header.Err() != nil:
		return c.header.Err()
	}
	cfg = cfg.withDefaults()
	protocol, err := c.upgradeTo()
	if err != nil {
		return err
	}
	info := c.ex.ConnInfo()
	var conn net.Conn
	err = c.switching(func() error {
		err := c.ex.UpgradeEvents(&c.header, protocol, ev, cfg)
		if errors.Is(err, errors.ErrUnsupported) {
			conn, err = c.upgradedStream(protocol)
		}
		return err
	})
	if err != nil {
		return err
	}
	c.upgraded = true
	if conn != nil {
		d := newEventDriver(c, conn, info, ev, cfg)
		c.OnDone(func(o Outcome) { d.start(o.Err) })
	}
	return nil
}
