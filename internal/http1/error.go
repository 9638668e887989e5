package http1

import "net/http"

// Error says why a message is refused. There is one of each, so that refusing
// costs nothing.
type Error struct {
	// Status is what to answer.
	Status int
	// Reason is for logs.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "http1: " + e.Reason }

func bad(reason string) *Error { return &Error{http.StatusBadRequest, reason} }

// The errors of request heads.
var (
	ErrRequestLine      = bad("malformed request line")
	ErrVersion          = &Error{http.StatusHTTPVersionNotSupported, "HTTP version not supported"}
	ErrTarget           = bad("invalid character in target")
	ErrTargetTooLong    = &Error{http.StatusRequestURITooLong, "target too long"}
	ErrField            = bad("malformed field line")
	ErrHeadTooLarge     = &Error{http.StatusRequestHeaderFieldsTooLarge, "head too large"}
	ErrTooManyFields    = &Error{http.StatusRequestHeaderFieldsTooLarge, "too many header fields"}
	ErrHost             = bad("missing, repeated or invalid host")
	ErrAbsolute         = bad("invalid absolute target")
	ErrLength           = bad("invalid Content-Length")
	ErrCoding           = bad("invalid Transfer-Encoding")
	ErrCodingUnknown    = &Error{http.StatusNotImplemented, "transfer coding not supported"}
	ErrLengthAndCoding  = bad("Content-Length beside Transfer-Encoding")
	ErrExpectation      = &Error{http.StatusExpectationFailed, "unknown expectation"}
	ErrChunk            = bad("malformed chunk")
	ErrChunkOverhead    = bad("too much beside the data in chunks")
	ErrTrailer          = bad("malformed trailer")
	ErrTrailersTooLarge = &Error{http.StatusRequestHeaderFieldsTooLarge, "trailers too large"}
)
