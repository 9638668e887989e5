package tako

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Errors a caller can act on.
var (
	// ErrTimeout is returned by everything that writes the response after a
	// timeout has answered for the handler. It is the cause of the request's
	// context then.
	ErrTimeout = errors.New("tako: request timed out")
	// ErrHeadSent is returned by what would change the status or begin a second
	// response after the head was sent.
	ErrHeadSent = errors.New("tako: response head already sent")
	// ErrInvalidField is returned when a header field of the response has an
	// invalid name or value.
	ErrInvalidField = errors.New("tako: invalid header field")
	// ErrBodyTooLarge is in every error about a request body over its limit,
	// which is answered 413.
	ErrBodyTooLarge = errors.New("tako: request body too large")
	// ErrBodyRead is returned when a request body that was read to its end is to be
	// read as a whole again. It is answered 500: nobody should mistake it for an
	// empty body.
	ErrBodyRead = errors.New("tako: the request body was read already")
	// ErrContentLength is returned by a write beyond the declared length. The
	// excess is dropped.
	ErrContentLength = errors.New("tako: response body longer than declared")
	// ErrClientGone is the error of a request whose client went away. The access
	// log shows it as status 499; nothing is sent.
	ErrClientGone = errors.New("tako: client closed the connection")
	// ErrEnded is matched by errors of responses that have ended as they should, such as that
	// of a stream whose server shuts down. A handler that has begun its response may return
	// one: the response ends as if there were no error.
	ErrEnded = errors.New("tako: the response has ended")
)

// Error is an error with a status. It is rendered as application/problem+json
// (RFC 9457), or as text where the client prefers that.
//
// Title, Detail and Fields are shown to the client; Err is private: it is logged
// and matched by [errors.Is], never sent. For a status of 500 and above, Detail
// is shown only because somebody set it.
type Error struct {
	// Status is the status of the response, 400 to 599.
	Status int
	// Type is a URI that names the kind of problem; "about:blank" if empty.
	Type string
	// Title is the short, constant text; that of the status if empty.
	Title string
	// Detail says what was wrong with this request.
	Detail string
	// Instance is a URI of this occurrence.
	Instance string
	// Fields lists what was wrong with the input, part by part.
	Fields []FieldError
	// Header is set on the response, such as WWW-Authenticate or Retry-After.
	Header Header
	// Extra holds further members of the problem document.
	Extra map[string]any
	// Err is the private cause.
	Err error
}

// FieldError is one thing wrong with an input.
type FieldError struct {
	// In is where the value came from: "path", "query", "header", "cookie",
	// "form" or "body".
	In string `json:"in"`
	// Name is the name of the parameter, or a JSON pointer into the body.
	Name string `json:"name"`
	// Detail says what was wrong.
	Detail string `json:"detail"`
	// Rule is the keyword of JSON Schema that was broken, such as "minLength".
	Rule string `json:"rule,omitempty"`
	// Value is the value that broke it; never that of a secret.
	Value any `json:"value,omitempty"`
}

// Error returns the status, what the client sees and the private cause.
func (e *Error) Error() string {
	if e == nil {
		return "tako: nil *Error"
	}
	text := fmt.Sprintf("%d %s", e.Status, e.title())
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// HTTPStatus returns the status.
func (e *Error) HTTPStatus() int { return e.Status }

// With sets a field of the response's header and returns e.
func (e *Error) With(name, value string) *Error {
	e.Header.Set(name, value)
	return e
}

func (e *Error) title() string {
	if e.Title != "" {
		return e.Title
	}
	if text := http.StatusText(e.Status); text != "" {
		return text
	}
	return "Error"
}

// Errorf returns an error with this status. Below 500 the text is its public
// detail, and the operand of a %w verb its private cause; from 500 on the whole
// text is private, because it tends to speak of the server's insides.
func Errorf(status int, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	if status >= 500 {
		return &Error{Status: status, Err: err}
	}
	cause := errors.Unwrap(err)
	if _, several := err.(interface{ Unwrap() []error }); several {
		cause = err
	}
	return &Error{Status: status, Detail: err.Error(), Err: cause}
}

// Wrap returns an error with this status whose cause stays private.
func Wrap(status int, err error) *Error { return &Error{Status: status, Err: err} }

// BadRequest returns a 400 with a public detail.
func BadRequest(format string, args ...any) *Error {
	return Errorf(http.StatusBadRequest, format, args...)
}

// Unauthorized returns a 401 with a public detail and the challenge to be sent as
// WWW-Authenticate, such as `Bearer realm="api"` (RFC 9110, section 11.6.1).
func Unauthorized(challenge, format string, args ...any) *Error {
	return Errorf(http.StatusUnauthorized, format, args...).With("WWW-Authenticate", challenge)
}

// Forbidden returns a 403 with a public detail.
func Forbidden(format string, args ...any) *Error {
	return Errorf(http.StatusForbidden, format, args...)
}

// NotFound returns a 404 with a public detail.
func NotFound(format string, args ...any) *Error {
	return Errorf(http.StatusNotFound, format, args...)
}

// Conflict returns a 409 with a public detail.
func Conflict(format string, args ...any) *Error {
	return Errorf(http.StatusConflict, format, args...)
}

// Unprocessable returns a 422 with a public detail.
func Unprocessable(format string, args ...any) *Error {
	return Errorf(http.StatusUnprocessableEntity, format, args...)
}

// AsError returns err as the [Error] that would be rendered for it: itself if it
// is or wraps one; one with its status if it has a method HTTPStatus() int; 413
// for a body over its limit; 503 for a deadline; 499 for a client that went away;
// else 500 with err as the private cause.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		if e.Status >= 400 && e.Status <= 599 {
			return e
		}
		return &Error{Status: http.StatusInternalServerError, Err: fmt.Errorf("error with status %d: %w", e.Status, err)}
	}
	status := http.StatusInternalServerError
	own := ownStatus(err)
	var tooLarge *http.MaxBytesError
	switch {
	case own >= 400 && own < 600:
		status = own
	case errors.Is(err, ErrBodyTooLarge), errors.As(err, &tooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		status = http.StatusServiceUnavailable
	case errors.Is(err, ErrClientGone):
		status = statusClientGone
	}
	return &Error{Status: status, Err: err}
}

// ownStatus returns what a method HTTPStatus says, 0 if there is none or it panics,
// as that of a nil pointer does.
func ownStatus(err error) (status int) {
	defer func() { _ = recover() }()
	if has, ok := errors.AsType[interface {
		error
		HTTPStatus() int
	}](err); ok {
		return has.HTTPStatus()
	}
	return 0
}

// statusClientGone stands in logs for a request whose client did not wait.
const statusClientGone = 499

// bodyError gives the failure to read a request body its status: 413 over the
// limit, 408 when the client was too slow, 499 when it went away, else 400.
func bodyError(err error) *Error {
	var tooLarge *http.MaxBytesError
	var timeout interface{ Timeout() bool }
	switch e, ok := errors.AsType[*Error](err); {
	case ok:
		return e
	case errors.Is(err, ErrBodyRead):
		return &Error{Status: http.StatusInternalServerError, Err: err}
	case errors.Is(err, ErrBodyTooLarge), errors.As(err, &tooLarge):
		return &Error{Status: http.StatusRequestEntityTooLarge, Err: err}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Status: http.StatusRequestTimeout, Detail: "the request body came too slowly", Err: err}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.Canceled):
		return &Error{Status: statusClientGone, Err: leftBy(err)}
	}
	return &Error{Status: http.StatusBadRequest, Detail: "the request body could not be read", Err: err}
}
