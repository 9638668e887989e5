package ws

import (
	"errors"
	"fmt"

	"github.com/tako-go/tako/internal/wsframe"
)

// Type is the type of a message.
type Type uint8

// The types of messages. Text is UTF-8: what was received is checked, what is sent is not.
const (
	Text   = Type(wsframe.OpText)
	Binary = Type(wsframe.OpBinary)
)

func (t Type) valid() bool { return t == Text || t == Binary }

// Code is the status code of a close frame (RFC 6455, section 7.4). 3000 to 4999 are for
// applications.
type Code uint16

// The codes of RFC 6455 and its registry.
const (
	CodeNormal         Code = 1000
	CodeGoingAway      Code = 1001
	CodeProtocolError  Code = 1002
	CodeUnsupported    Code = 1003
	CodeNoStatus       Code = 1005 // the close frame had none; cannot be sent
	CodeAbnormal       Code = 1006 // there was no close frame; cannot be sent
	CodeInvalidPayload Code = 1007
	CodePolicy         Code = 1008
	CodeTooBig         Code = 1009
	CodeMissing        Code = 1010
	CodeInternal       Code = 1011
	CodeRestart        Code = 1012
	CodeTryLater       Code = 1013
	CodeBadGateway     Code = 1014
)

// CloseError is the close frame with which the peer has ended a socket.
type CloseError struct {
	// Code is CodeNoStatus if the frame had none.
	Code Code
	// Reason is for humans, and may be empty.
	Reason string
}

// Error tells code and reason.
func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("ws: closed by the peer with %d", e.Code)
	}
	return fmt.Sprintf("ws: closed by the peer with %d: %s", e.Code, e.Reason)
}

// Errors a caller can act on.
var (
	// ErrClosed is returned by what needs an open socket after Close, CloseNow, or the end of the
	// connection; errors of the latter match what has ended it, too.
	ErrClosed = errors.New("ws: socket closed")
	// ErrFull is returned by Send for a message that was dropped because too much waits for the peer,
	// and matched by the error of a Write that was dropped for that.
	ErrFull = errors.New("ws: the peer is too slow")
	// ErrPongTimeout ends sockets whose peer is silent after a ping.
	ErrPongTimeout = errors.New("ws: the peer does not answer pings")
	// ErrCloseTimeout ends sockets whose peer does not answer a close frame.
	ErrCloseTimeout = errors.New("ws: the peer does not answer the close frame")
	// ErrEvents is returned by methods that the other form of a socket has: those of an
	// [Events] handler have no Read, Reader and Writer.
	ErrEvents = errors.New("ws: the socket has the form of events")
)

// CodeOf returns the code of the [CloseError] in err, the code with which a mistake of the peer
// was answered, CodeNormal for nil, and CodeAbnormal for all else.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*CloseError](err); ok {
		return e.Code
	}
	if e, ok := errors.AsType[*wsframe.Error](err); ok {
		return Code(e.Code)
	}
	if err == nil {
		return CodeNormal
	}
	return CodeAbnormal
}
