package webtransport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	lib "github.com/quic-go/webtransport-go"

	"github.com/tako-go/tako"
)

// ErrDatagramTooLarge is returned for a datagram that does not fit into a packet.
var ErrDatagramTooLarge = errors.New("webtransport: datagram too large")

// MaxReason is how many bytes of a reason are told when a session is closed.
const MaxReason = 1024

// codeFailed closes sessions whose handler has failed.
const codeFailed = 1

// SessionError says that the session was closed in order. It is the error of everything that is
// called on it and its streams from then on; a stream that was read to its end still says [io.EOF].
type SessionError struct {
	// Code and Reason were given when it was closed, 0 and "" if the client just ended it.
	Code   uint32
	Reason string
	// Remote is true if the client has closed it.
	Remote bool
}

// Error returns who has closed the session, the code and the reason.
func (e *SessionError) Error() string {
	who := "by us"
	if e.Remote {
		who = "by the client"
	}
	text := fmt.Sprintf("webtransport: session closed %s with code %d", who, e.Code)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// Is makes it match [tako.ErrClientGone] if the client has closed the session.
func (e *SessionError) Is(target error) bool { return e.Remote && target == tako.ErrClientGone }

// StreamError says that a stream was broken off: for reads by CancelWrite of the other side, for
// writes by its CancelRead, or by our own.
type StreamError struct {
	// Code was given then.
	Code uint32
	// Remote is true if the client has done it.
	Remote bool
}

// Error returns who has broken the stream off, and the code.
func (e *StreamError) Error() string {
	who := "by us"
	if e.Remote {
		who = "by the client"
	}
	return fmt.Sprintf("webtransport: stream broken off %s with code %d", who, e.Code)
}

// convert makes an error of the library one of ours. Errors of contexts, deadlines and io.EOF stay.
func (s *Session) convert(err error) error {
	if err == nil || err == io.EOF || err == context.Canceled || err == context.DeadlineExceeded || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if stream, ok := errors.AsType[*lib.StreamError](err); ok {
		return &StreamError{Code: uint32(stream.ErrorCode), Remote: stream.Remote}
	}
	if _, ok := errors.AsType[*quic.DatagramTooLargeError](err); ok {
		return ErrDatagramTooLarge
	}
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if closed, ok := errors.AsType[*lib.SessionError](err); ok {
		return &SessionError{Code: uint32(closed.ErrorCode), Reason: strings.ToValidUTF8(closed.Message, "\ufffd"), Remote: closed.Remote}
	}
	if e, ok := errors.AsType[*http3.Error](err); ok && e.ErrorCode == http3.ErrCodeDatagramError && e.ErrorMessage == "EOF" {
		return &SessionError{Remote: true} // the end of the stream is as good as code 0
	}
	if s.conn.qc.Context().Err() != nil {
		return fmt.Errorf("webtransport: the connection has ended: %w: %w", tako.ErrClientGone, context.Cause(s.conn.qc.Context()))
	}
	if _, ok := errors.AsType[*http3.Error](err); ok {
		return fmt.Errorf("webtransport: session broken off: %w: %w", tako.ErrClientGone, err)
	}
	return err
}
