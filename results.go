package tako

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
)

// A ResponseDecoder is a result that [Route.Do] reads in its own way.
// DecodeResponse is called on a zero value, with responses below 300.
type ResponseDecoder interface {
	// DecodeResponse fills the result from resp. decode reads the whole body into a
	// value by the codec of its media type. A result that keeps resp.Body for its
	// caller to read and close puts [http.NoBody] in its place.
	DecodeResponse(resp *http.Response, decode func(v any) error) error
}

// statusTaker is implemented by results that stand for statuses from 300 on.
type statusTaker interface{ takesStatus(status int) bool }

var (
	_ OutputDescriber = (*Created[any])(nil)
	_ OutputDescriber = (*Accepted[any])(nil)
	_ OutputDescriber = NoContent{}
	_ OutputDescriber = Redirect{}
	_ OutputDescriber = Stream{}
	_ ResponseDecoder = (*Created[any])(nil)
	_ ResponseDecoder = (*Accepted[any])(nil)
	_ ResponseDecoder = NoContent{}
	_ ResponseDecoder = (*Redirect)(nil)
	_ ResponseDecoder = (*Stream)(nil)
)

// Created is the result of an operation that made a resource: 201 with its
// Location and Body.
type Created[T any] struct {
	// Location is the URI of the new resource, left out if empty.
	Location string
	// Body is encoded as the body.
	Body T
}

// Respond answers 201.
func (r *Created[T]) Respond(c *Context) error {
	return c.encodeLocated(http.StatusCreated, r.Location, &r.Body)
}

// encodeLocated answers with a Location, which an error response shall not have.
func (c *Context) encodeLocated(status int, location string, body any) error {
	saved := Header{fields: slices.Clone(c.header.fields)}
	err := c.locate(location)
	if err == nil {
		err = c.encodeResult(status, body)
	}
	if err != nil && !c.sent {
		c.header.assign(&saved)
		if c.saved != nil {
			c.saved.assign(&saved)
		}
	}
	return err
}

// locate sets the Location of a result; one that is invalid is the handler's fault.
func (c *Context) locate(location string) error {
	if location == "" {
		return nil
	}
	location, ok := cleanLocation(location)
	if !ok {
		return &Error{Status: http.StatusInternalServerError, Err: fmt.Errorf("%w: Location", ErrInvalidField)}
	}
	c.header.Set("Location", location)
	return nil
}

// DescribeOutput records 201 with Location and the type of Body.
func (r *Created[T]) DescribeOutput(op *Operation) {
	describeLocated(op, "tako.Created", Response{Status: http.StatusCreated, Type: reflect.TypeFor[T]()}, "URI of the new resource")
}

// DecodeResponse reads Location and Body.
func (r *Created[T]) DecodeResponse(resp *http.Response, decode func(any) error) error {
	r.Location = resp.Header.Get("Location")
	return decode(&r.Body)
}

// Accepted is the result of an operation that goes on after the response: 202
// with the Location where it can be watched, and Body.
type Accepted[T any] struct {
	// Location is where the operation can be watched, left out if empty.
	Location string
	// Body is encoded as the body.
	Body T
}

// Respond answers 202.
func (r *Accepted[T]) Respond(c *Context) error {
	return c.encodeLocated(http.StatusAccepted, r.Location, &r.Body)
}

// DescribeOutput records 202 with Location and the type of Body.
func (r *Accepted[T]) DescribeOutput(op *Operation) {
	describeLocated(op, "tako.Accepted", Response{Status: http.StatusAccepted, Type: reflect.TypeFor[T]()}, "where the operation can be watched")
}

// DecodeResponse reads Location and Body.
func (r *Accepted[T]) DecodeResponse(resp *http.Response, decode func(any) error) error {
	r.Location = resp.Header.Get("Location")
	return decode(&r.Body)
}

// NoContent is the result of an operation that has nothing to tell: 204.
type NoContent struct{}

// Respond answers 204.
func (NoContent) Respond(c *Context) error { return c.NoContent() }

// DescribeOutput records 204.
func (NoContent) DescribeOutput(op *Operation) {
	op.AddResponse(Response{Status: http.StatusNoContent})
}

// DecodeResponse has nothing to read.
func (NoContent) DecodeResponse(*http.Response, func(any) error) error { return nil }

// Redirect is the result of an operation that sends the client elsewhere: 303
// unless Status says otherwise. See [Context.Redirect] for what Location may be.
type Redirect struct {
	// Status is that of the redirection.
	// Default: 303.
	Status int
	// Location is the target. Without one the answer is 500.
	Location string
}

// Respond answers with the redirection.
func (r Redirect) Respond(c *Context) error {
	if r.Location == "" {
		return &Error{Status: http.StatusInternalServerError, Err: errNoTarget}
	}
	status := r.Status
	if status == 0 {
		status = http.StatusSeeOther
	}
	return c.Redirect(status, r.Location)
}

// DescribeOutput records 303 with Location; options of the route tell of others.
func (Redirect) DescribeOutput(op *Operation) {
	describeLocated(op, "", Response{Status: http.StatusSeeOther}, "where to go on")
}

// DecodeResponse reads status and Location.
func (r *Redirect) DecodeResponse(resp *http.Response, _ func(any) error) error {
	r.Status, r.Location = resp.StatusCode, resp.Header.Get("Location")
	return nil
}

func (r *Redirect) takesStatus(status int) bool {
	return status < 400 && status != http.StatusNotModified
}

// Stream is the result of an operation that sends bytes from a reader: 200, with
// a Content-Length if Size is more than 0. Body is closed if it can be.
type Stream struct {
	// ContentType is the media type.
	// Default: application/octet-stream.
	ContentType string
	// Size is the length in bytes, 0 if unknown.
	Size int64
	// Body yields the bytes.
	Body io.Reader
}

// Respond sends the body.
func (s Stream) Respond(c *Context) error {
	if s.Body == nil {
		return &Error{Status: http.StatusInternalServerError, Err: errNoBody}
	}
	if s.Size > 0 {
		c.header.Set("Content-Length", strconv.FormatInt(s.Size, 10))
	}
	contentType := s.ContentType
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return c.Stream(http.StatusOK, contentType, s.Body)
}

// DescribeOutput records 200 with bytes of any kind; the options of the route may
// tell which, by [ReturnsMedia].
func (Stream) DescribeOutput(op *Operation) {
	op.AddResponse(Response{Status: http.StatusOK, Media: []string{"application/octet-stream"}})
}

// DecodeResponse hands over the body, which the caller reads and closes.
func (s *Stream) DecodeResponse(resp *http.Response, _ func(any) error) error {
	s.ContentType, s.Size = resp.Header.Get("Content-Type"), max(resp.ContentLength, 0)
	s.Body, resp.Body = resp.Body, http.NoBody
	return nil
}

// Close closes Body if it can be closed, as that of a response that [Route.Do]
// has returned.
func (s *Stream) Close() error { return closeReader(s.Body) }

func closeReader(r io.Reader) error {
	if closer, ok := r.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

var (
	errNoBody   = errors.New("tako: result without a Body")
	errNoTarget = errors.New("tako: Redirect without a Location")
)

// describeLocated records a response with Location.
func describeLocated(op *Operation, name string, r Response, doc string) {
	if r.Type != nil {
		refuseParts(op, name, r.Type)
	}
	r.Header = []Param{{In: "header", Name: "Location", Type: reflect.TypeFor[string](), Doc: doc}}
	op.AddResponse(r)
}

// refuseParts reports a Body whose header, cookie or status fields would end up in
// the encoded body.
func refuseParts(op *Operation, name string, t reflect.Type) {
	if t.Kind() != reflect.Struct || answerOf(t).kind != encoded {
		return
	}
	for f := range t.Fields() {
		for _, tag := range []string{"header", "cookie", "status"} {
			if _, ok := f.Tag.Lookup(tag); ok {
				op.AddProblem(fmt.Sprintf("field %v.%s has a %s tag, which has no effect in the Body of %s: return the struct itself", t, f.Name, tag, name))
			}
		}
	}
}
