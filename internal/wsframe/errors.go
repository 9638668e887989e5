package wsframe

import (
	"errors"
	"fmt"
)

// Error is what the peer did wrong, and how the connection has to end.
type Error struct {
	// Code goes into the close frame: 1002, 1007 or 1009.
	Code CloseCode
	// Reason says what was wrong, lower case, short enough for a close frame.
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("websocket: %s (%d)", e.Reason, e.Code) }

// CloseCodeOf returns the code to close with after err: that of an [Error] in it,
// CloseInternal for other errors, and CloseNormal for nil.
func CloseCodeOf(err error) CloseCode {
	var e *Error
	switch {
	case err == nil:
		return CloseNormal
	case errors.As(err, &e):
		return e.Code
	}
	return CloseInternal
}

// What a peer can do wrong.
var (
	errLengthNotMinimal  = &Error{CloseProtocolError, "frame length not in the shortest form"}
	errLengthTopBit      = &Error{CloseTooBig, "frame length of more than 63 bits"}
	errReservedBit       = &Error{CloseProtocolError, "reserved bit that was not agreed on"}
	errReservedOpcode    = &Error{CloseProtocolError, "reserved opcode"}
	errMask              = &Error{CloseProtocolError, "frame masked by a server, or not by a client"}
	errControlFragmented = &Error{CloseProtocolError, "fragmented control frame"}
	errControlLength     = &Error{CloseProtocolError, "control frame of more than 125 bytes"}
	errNoMessage         = &Error{CloseProtocolError, "continuation of no message"}
	errInMessage         = &Error{CloseProtocolError, "new message inside of another"}
	errClosePayload      = &Error{CloseProtocolError, "close frame of one byte"}
	errCloseCode         = &Error{CloseProtocolError, "close code that must not be sent"}
	errCloseReason       = &Error{CloseInvalidPayload, "close reason that is not UTF-8"}
	errText              = &Error{CloseInvalidPayload, "text that is not UTF-8"}
	errCompressed        = &Error{CloseInvalidPayload, "malformed compressed message"}
	errFrameSize         = &Error{CloseTooBig, "frame too large"}
	errMessageSize       = &Error{CloseTooBig, "message too large"}
)
