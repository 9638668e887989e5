package quic

import (
	"errors"
	"fmt"

	lib "github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
)

// ErrDatagramTooLarge is returned for a datagram that does not fit into a packet.
var ErrDatagramTooLarge = errors.New("quic: datagram too large")

// ConnError says that the connection was closed in order.
type ConnError struct {
	// Code and Reason were given when it was closed.
	Code   uint64
	Reason string
	// Remote is true if the client has closed it.
	Remote bool
}

// Error returns who has closed the connection, the code and the reason.
func (e *ConnError) Error() string {
	text := fmt.Sprintf("quic: connection closed %s with code %d", who(e.Remote), e.Code)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// Is makes it match [tako.ErrClientGone] if the client has closed the connection.
func (e *ConnError) Is(target error) bool { return e.Remote && target == tako.ErrClientGone }

// StreamError says that a stream was broken off: for reads by CancelWrite of the other side, for
// writes by its CancelRead, or by our own.
type StreamError struct {
	// Code was given then.
	Code uint64
	// Remote is true if the client has done it.
	Remote bool
}

// Error returns who has broken the stream off, and the code.
func (e *StreamError) Error() string {
	return fmt.Sprintf("quic: stream broken off %s with code %d", who(e.Remote), e.Code)
}

func who(remote bool) string {
	if remote {
		return "by the client"
	}
	return "by us"
}

// convert makes an error of the library one of ours. Errors of contexts, deadlines and io.EOF stay.
func convert(err error) error {
	if err == nil {
		return nil
	}
	if stream, ok := errors.AsType[*lib.StreamError](err); ok {
		return &StreamError{Code: uint64(stream.ErrorCode), Remote: stream.Remote}
	}
	if app, ok := errors.AsType[*lib.ApplicationError](err); ok {
		return &ConnError{Code: uint64(app.ErrorCode), Reason: app.ErrorMessage, Remote: app.Remote}
	}
	if _, ok := errors.AsType[*lib.DatagramTooLargeError](err); ok {
		return ErrDatagramTooLarge
	}
	if lost(err) {
		return fmt.Errorf("quic: the connection has ended: %w: %w", tako.ErrClientGone, err)
	}
	return err
}

// lost reports whether the connection has ended otherwise than by closing it.
func lost(err error) bool {
	_, idle := errors.AsType[*lib.IdleTimeoutError](err)
	_, reset := errors.AsType[*lib.StatelessResetError](err)
	_, broken := errors.AsType[*lib.TransportError](err)
	return idle || reset || broken
}
