package tako

import (
	"bufio"
	"context"
	"io"
	"net"
	"time"
)

// Exchange is one request and its response as a runtime holds them: the only
// thing a new runtime or protocol implements. A runtime implements it on a
// struct that it already keeps, so attaching it to a [Context] allocates nothing.
//
// The framework calls it from one goroutine at a time. Strings it returns must
// stay valid for ever. What a protocol cannot do returns an error that matches
// [errors.ErrUnsupported].
type Exchange interface {
	// Method is the request method, case as sent.
	Method() string
	// Target is the request-target as sent: in origin, absolute or asterisk form.
	Target() string
	// Authority is the host and port the request is for: that of an absolute
	// target, else :authority or Host.
	Authority() string
	// Protocol is the version the request arrived with.
	Protocol() Protocol
	// RequestHeader returns the first value that is not empty of the field with this canonical
	// name, "" if there is none: lines are members of one list, of which empty ones do not count
	// (RFC 9110, sections 5.3 and 5.6.1).
	RequestHeader(name string) string
	// RequestHeaderRepeats reports whether the field with this canonical name has several values
	// that are not empty.
	RequestHeaderRepeats(name string) bool
	// EachRequestHeader yields every field line until yield returns false.
	// Host is among them only if the protocol has it as a field.
	EachRequestHeader(yield func(name, value string) bool)
	// ContentLength is the declared length of the request body, -1 if unknown.
	ContentLength() int64
	// Body is the request body without any limit. It is never nil and is
	// borrowed: the runtime takes it back when the handler has returned. If it is an
	// [io.Closer], Close ends a read that another goroutine waits in, and later ones.
	Body() io.Reader
	// EachRequestTrailer yields the trailer fields that followed a body read to its end.
	EachRequestTrailer(yield func(name, value string) bool)

	// WriteHead starts the response. length is the number of body bytes to
	// follow, -1 if unknown. It is called at most once, with a status of 200 or
	// more and valid fields, and h is not used after it returns.
	WriteHead(status int, h *Header, length int64) error
	// Write writes body bytes. It never gets more than the declared length, and
	// none where the status or method forbids a body.
	Write(p []byte) (int, error)
	// WriteBuffers writes several pieces of the body, with one system call where
	// that can be done.
	WriteBuffers(bufs net.Buffers) (int64, error)
	// ReadFrom writes the body from r, from a file without copying where that
	// can be done.
	ReadFrom(r io.Reader) (int64, error)
	// Flush sends what was written so far to the client.
	Flush() error
	// WriteTrailers sets the trailer fields, to be sent after the last body byte.
	WriteTrailers(h *Header) error
	// EarlyHints sends a 103 response with the fields of h (RFC 8297).
	EarlyHints(h *Header) error
	// EnableFullDuplex lets the body be read after the response was begun.
	EnableFullDuplex() error
	// SetReadDeadline bounds reads of the body; the zero time means no bound.
	SetReadDeadline(t time.Time) error
	// SetWriteDeadline bounds writes of the response; the zero time means no bound.
	SetWriteDeadline(t time.Time) error
	// Abort makes sure that the response cannot be mistaken for a complete one.
	Abort()
	// Hijack takes the connection away from the runtime, with bytes it has
	// already read. Only HTTP/1.1 has a raw connection.
	Hijack() (net.Conn, *bufio.ReadWriter, error)

	// ConnectProtocol is what an extended CONNECT is for (RFC 8441); its method is then
	// "GET". It is "" for all other requests.
	ConnectProtocol() string
	// Upgrade accepts an extended CONNECT with 200 and the fields of h, and returns the
	// stream, which outlives the handler. All other requests have an error that matches
	// [errors.ErrUnsupported].
	Upgrade(h *Header) (net.Conn, error)
	// UpgradeEvents switches to protocol with the fields of h, and tells ev what happens on
	// the stream once the handler has returned. Where streams have no events of their own the
	// error matches [errors.ErrUnsupported], and nothing was sent. cfg has no zero values.
	UpgradeEvents(h *Header, protocol string, ev StreamEvents, cfg EventConfig) error

	// ConnInfo describes the connection. The result is shared and read-only.
	ConnInfo() *ConnInfo
	// AltSvc is the Alt-Svc field that responses get which have none, "" for none.
	AltSvc() string
	// Proxied reports whether the connection has a PROXY header: the Proxy of ConnInfo.
	Proxied() bool
	// Retain is called before anything but the handler gets the request: a goroutine
	// that may outlive it, or a handler of net/http. From then on what a request
	// tells may be read by several goroutines at once, and a body that is still read
	// when the exchange has ended gives an error. Memory of the exchange is not used
	// for another one.
	Retain()
	// Draining is closed when the server begins to drain; nil if it never does.
	Draining() <-chan struct{}
	// Context is cancelled when the client goes away, the drain deadline passes
	// or the exchange has ended.
	Context() context.Context
}
