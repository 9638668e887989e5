// Package netpoll waits for many sockets in one goroutine: over epoll, or over
// io_uring where the kernel has what it takes. Both look the same from outside:
// what a socket received comes as an event with the bytes, and what it cannot send
// at once is sent behind the caller's back.
//
// It works on Linux; elsewhere [Open] returns an error that matches
// [errors.ErrUnsupported].
package netpoll

import (
	"errors"
	"time"
)

// Key names a socket in events. Its low 32 bits are the descriptor; the others are
// the caller's, who tells by them whether an event is about an earlier socket that
// had the same descriptor.
type Key uint64

// MakeKey returns the key of a descriptor.
func MakeKey(fd int, generation uint32) Key { return Key(generation)<<32 | Key(uint32(fd)) }

// FD is the descriptor.
func (k Key) FD() int { return int(uint32(k)) }

// Kind is what an Event tells.
type Kind uint8

// The kinds of events.
const (
	// Accepted brings a connection of a listening socket: FD, which is
	// non-blocking and closed on exec.
	Accepted Kind = iota + 1
	// AcceptFailed says that accepting failed with Err and has stopped.
	// Listen begins anew.
	AcceptFailed
	// Received brings Data, never empty. It lies in the buffer that Next was given.
	Received
	// Closed says that nothing more will be received: the peer has sent its end,
	// or the connection failed with Err. It comes once for each Add.
	Closed
	// Sent says that a Send that was left pending has ended, with Err unless all
	// was sent. Its bytes belong to the caller again.
	Sent
	// Removed says that the poller has let go of a socket, as Remove asked.
	Removed
	// Woken follows Wake.
	Woken
)

// Event is something that happened to a socket.
type Event struct {
	Kind Kind
	Key  Key
	FD   int    // of Accepted
	Data []byte // of Received
	Err  error  // a [syscall.Errno] where a call failed
}

// Poller is the event queue of one loop. Its methods are called by one goroutine
// at a time, but not always the same one; only Wake may be called by any at any
// time, also while and after Shut is. A key is in use from Listen or Add until Close
// or its Removed event; no other key with its descriptor may be meanwhile. Methods
// that return nothing do nothing about a key that is not in use, but for Close.
type Poller interface {
	// Name is "epoll" or "io_uring".
	Name() string
	// PinsThread reports whether the goroutine that calls Wait does better locked
	// to its thread.
	PinsThread() bool

	// Listen begins to accept connections of a listening, non-blocking socket,
	// which other pollers may listen on too. A connection wakes one of them. The same
	// key may be used again after AcceptFailed.
	Listen(key Key) error
	// Unlisten stops that. Connections that were accepted in the meantime still
	// come, and a Removed event behind the last of them. The others stay in the queue
	// of the socket. The socket must stay open until then.
	Unlisten(key Key)

	// Add begins to receive from a connected, non-blocking socket.
	Add(key Key) error
	// Pause stops receiving, so that the peer is held up once the buffers of the
	// kernel are full. What is on its way may still come: with io_uring the first that
	// arrives, and what does until the Wait after that (hundreds of KiB at worst); with
	// epoll nothing. Resume goes on. Neither matters after Closed. A poller that sees
	// the peer go while paused may say so, behind all that the peer has sent unless the
	// connection failed. If nothing arrives in between, both cost nothing.
	Pause(key Key)
	Resume(key Key)
	// Send sends p. It returns how many bytes it has taken at once: if that is
	// all, p is the caller's again, else p must not change until a Sent event. Only
	// one Send of a socket can be pending. A returned error means that nothing is
	// pending; n is 0 or what went before it. A socket can send after Closed. The
	// poller keeps p reachable.
	Send(key Key, p []byte) (n int, err error)
	// Remove lets go of a socket that stays open: nothing more is received. What
	// was received already still comes, also Closed, and a Removed event behind it;
	// the rest is still in the socket, which must stay open until then. No Send may be
	// pending.
	Remove(key Key)
	// Close closes a socket, added or not. No event with its key comes any more,
	// and a pending Send is given up. The peer sees the end at once: a reset if the
	// socket has SO_LINGER with a time of zero. The descriptor is free when Close
	// returns, the socket itself may be in use a little longer. The poller keeps what
	// it was asked to send reachable for as long as the kernel reads it.
	Close(key Key)

	// Wait submits what is to be done and waits for events: not at all if timeout
	// is zero, without end if it is negative. It returns early without an event
	// when interrupted. A call that may sleep tells the Go scheduler first; one
	// with timeout zero does not. It is called when Next has returned false.
	Wait(timeout time.Duration) error
	// Next takes the next event of those that Wait found, with its bytes copied or
	// read into buf, which has at least 16 KiB. It skips events of sockets that
	// were closed or removed in the meantime. False means there is none left.
	Next(ev *Event, buf []byte) bool
	// Wake makes a Wait under way, or the next one, return with a Woken event.
	// Several calls may give one event.
	Wake()
	// Shut gives up everything and frees the queue. Sockets stay open, but for
	// connections that were accepted and not told of, which are closed.
	Shut()
}

// Kinds of pollers that [Open] makes.
const (
	Auto    = "auto"
	Epoll   = "epoll"
	IOUring = "io_uring"
)

// ErrNoIOUring is wrapped by the error of [Open] where io_uring cannot be used;
// the rest of it says why.
var ErrNoIOUring = errors.New("netpoll: io_uring is not usable")
