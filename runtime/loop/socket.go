package loop

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

// Events are what happens on the connections of a [TCPServer]. The functions are called
// one at a time for each connection, on its event loop while they are seen to be short, on
// goroutines otherwise. One that blocks on a loop all the same delays the other connections
// of that for a few milliseconds: then the loop goes on without it. All may be nil but Data.
type Events struct {
	// Open is called first.
	Open func(s *Socket)
	// Data is called with what was received, never empty. It is not called while more than
	// 64 KiB wait for the client to take them, so that memory is bounded if it does not. p may
	// be read and changed until Data returns.
	Data func(s *Socket, p []byte)
	// End is called when the client has ended its side, behind all that it has sent. It may
	// still be written to, until Close.
	// Default: Close it.
	End func(s *Socket)
	// Writable is called when the client has taken everything, after a call that
	// returned [ErrFull].
	Writable func(s *Socket)
	// Drain is called when the server shuts down. Connections that are not closed then may
	// go on until the end of the time it has.
	// Default: Close it; one that has sent nothing yet within a second, or behind its first Data, and
	// all of them only after some seconds where [tako.Run] has handed over.
	Drain func(s *Socket)
	// Close is called last, when the connection is over. err is nil if Close has ended it,
	// [io.EOF] if the client has, and [ErrShutdown] if that was for a shutdown; it matches
	// [os.ErrDeadlineExceeded] for a timeout, and is another error if the connection failed.
	Close func(s *Socket, err error)
}

var (
	// ErrFull is [tako.ErrFull]: a write would leave more waiting for the client than
	// [TCPConfig] allows. Nothing of it was written.
	ErrFull = tako.ErrFull
	// ErrShutdown is why a connection ended that a shutdown has closed.
	ErrShutdown = errCut
	errTooMuch  = errors.New("loop: more was written at once than Unsent allows")
	// errPanic ends a connection with one of whose events a function has panicked.
	errPanic = errors.New("loop: a function of the connection has panicked")
	// errExit ends one with one of whose events a function has called runtime.Goexit.
	errExit = errors.New("loop: a function of the connection has ended its goroutine")
)

// Socket is a connection of a [TCPServer], or one of HTTP that was upgraded: then it is a
// [tako.EventStream]. While nothing happens it has no goroutine and no buffer on an event loop.
// Send, Do, Waiting, Info and OnLoop may be called by any goroutine at any time; the other methods
// only by the functions of [Events] and of Do, while they run.
type Socket struct {
	kind  *kind
	ev    tako.StreamEvents // of an upgraded one; nil for those of the TCPServer
	peer  *peer
	host  socketHost
	room  int           // bytes that may wait for the client
	stall time.Duration // most time in which the client takes nothing, 0 for any

	// Of who has the socket: the function that runs, or who hosts it.
	value  any
	out    []byte // written by the function that runs
	fault  error  // a function has broken the connection off
	ending ending // what becomes of the connection
	held   bool   // Pause was called
	heard  bool   // Data was called

	// Of the host.
	opened, ended, drained, told bool // the event was told
	over                         bool // the connection is closed
	cause                        error
	unsent                       []byte // behind what the host is sending

	waits  atomic.Int64 // bytes that wait for the client
	full   atomic.Bool  // ErrFull was returned
	posted atomic.Bool  // there is something in the post

	mu   sync.Mutex // guards the next two
	post *post      // from others, nil if there is nothing
	gone bool       // nothing is taken any more
}

var _ tako.EventStream = (*Socket)(nil)

// ending is what becomes of a socket once what was written is sent.
type ending uint8

const (
	lives ending = iota
	closes
	breaks // at once
)

// socketHost is what a socket lives on: an event loop, or a goroutine.
type socketHost interface {
	// wake has it look at the post. It returns false if it has ended.
	wake() bool
	// onLoop reports whether it is an event loop.
	onLoop() bool
}

// Info describes the connection. It stays valid.
func (s *Socket) Info() *tako.ConnInfo { return s.peer.connInfo() }

// OnLoop reports whether the connection is on an event loop.
func (s *Socket) OnLoop() bool { return s.host.onLoop() }

// Value returns what SetValue has set, nil before that.
func (s *Socket) Value() any { return s.value }

// SetValue keeps something with the connection.
func (s *Socket) SetValue(v any) { s.value = v }

// Write writes p, of which it keeps a copy, behind what was written before. What a function
// has written is sent when it returns. The error is [ErrFull], [net.ErrClosed] after Close, or
// another one if p alone is more than may wait; n is 0 then.
func (s *Socket) Write(p []byte) (n int, err error) {
	if s.ending != lives {
		return 0, net.ErrClosed
	}
	if len(p) > s.room {
		return 0, errTooMuch
	} else if len(p) > s.room-len(s.out)-int(s.waits.Load()) {
		s.full.Store(true)
		return 0, ErrFull
	}
	s.out = append(s.out, p...)
	return len(p), nil
}

// Close sends what was written, and ends the connection then. No Data comes any more.
func (s *Socket) Close() {
	if s.ending == lives {
		s.ending = closes
	}
}

// Reset breaks the connection off, so that the client sees an error, and may not get what
// was written.
func (s *Socket) Reset() {
	if s.ev != nil {
		s.breakOff(context.Canceled)
	}
	s.ending = breaks
}

// Abort is Reset for any goroutine.
func (s *Socket) Abort() { _ = s.Do(s.Reset) }

// breakOff has the connection broken off for a reason, unless there was another before.
func (s *Socket) breakOff(why error) {
	if s.fault == nil && s.ending == lives {
		s.fault = why
	}
	s.ending = breaks
}

// Pause stops Data until Resume. The client has to wait when the buffers are full. End
// may have to wait, too.
func (s *Socket) Pause() { s.held = true }

// Resume takes Pause back.
func (s *Socket) Resume() { s.held = false }

// why is the error of Close.
func (s *Socket) why() error {
	cut := s.peer.over.Load()
	switch {
	case cut != nil && *cut != tako.ErrClientGone: // which was for the request
		return *cut
	case s.fault != nil:
		return s.fault
	case s.cause != nil:
		return s.cause
	case s.ended:
		return io.EOF
	case s.drained && s.ev == nil:
		return ErrShutdown
	}
	return nil
}
