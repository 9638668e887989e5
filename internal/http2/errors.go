package http2

import (
	"errors"
	"fmt"
)

// Code is an error code (RFC 9113, section 7).
type Code uint32

// The error codes.
const (
	NoError Code = iota
	ProtocolError
	InternalError
	FlowControlError
	SettingsTimeout
	StreamClosed
	FrameSizeError
	RefusedStream
	Cancel
	CompressionError
	ConnectError
	EnhanceYourCalm
	InadequateSecurity
	HTTP11Required
)

var codeNames = [...]string{"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
	"STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR",
	"ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"}

// String returns the name of the code.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("code %d", uint32(c))
}

// ConnError is why a connection has ended: the client broke the protocol or a limit.
type ConnError struct {
	Code   Code
	Reason string
}

// Error returns code and reason.
func (e *ConnError) Error() string { return "http2: " + e.Code.String() + ": " + e.Reason }

// StreamError is why a stream was reset.
type StreamError struct {
	Code Code
	// Remote says that the client has reset it.
	Remote bool
	// Reason is why the server has, for its log.
	Reason string
}

// Error returns who has reset the stream, and why.
func (e *StreamError) Error() string {
	if e.Remote {
		return "http2: stream reset by the client: " + e.Code.String()
	}
	return "http2: stream reset: " + e.Code.String() + ": " + e.Reason
}

// ErrClosed is what streams get whose connection has ended.
var ErrClosed = errors.New("http2: connection closed")
