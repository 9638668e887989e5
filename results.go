package tako

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
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
	if err := c.locate(r.Location); err != nil {
		return err
	}
	return c.Encode(http.StatusCreated, &r.Body)
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

func (r *Created[T]) fromResponse(resp *http.Response, decode func(any) error) error {
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
	if err := c.locate(r.Location); err != nil {
		return err
	}
	return c.Encode(http.StatusAccepted, &r.Body)
}

func (r *Accepted[T]) fromResponse(resp *http.Response, decode func(any) error) error {
	r.Location = resp.Header.Get("Location")
	return decode(&r.Body)
}

// NoContent is the result of an operation that has nothing to tell: 204.
type NoContent struct{}

// Respond answers 204.
func (NoContent) Respond(c *Context) error { return c.NoContent() }

func (NoContent) fromResponse(*http.Response, func(any) error) error { return nil }

// Redirect is the result of an operation that sends the client elsewhere: 303
// unless Status says otherwise. See [Context.Redirect] for what Location may be.
type Redirect struct {
	// Status is that of the redirection.
	// Default: 303.
	Status int
	// Location is the target.
	Location string
}

// Respond answers with the redirection.
func (r Redirect) Respond(c *Context) error {
	status := r.Status
	if status == 0 {
		status = http.StatusSeeOther
	}
	return c.Redirect(status, r.Location)
}

func (r *Redirect) fromResponse(resp *http.Response, _ func(any) error) error {
	r.Status, r.Location = resp.StatusCode, resp.Header.Get("Location")
	return nil
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
	if s.Size > 0 {
		c.header.Set("Content-Length", strconv.FormatInt(s.Size, 10))
	}
	contentType := s.ContentType
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return c.Stream(http.StatusOK, contentType, s.Body)
}

func (s *Stream) fromResponse(resp *http.Response, _ func(any) error) error {
	s.ContentType, s.Size, s.Body = resp.Header.Get("Content-Type"), max(resp.ContentLength, 0), resp.Body
	return nil
}

// fromResponse is implemented by results that a client reads in their own way.
type fromResponse interface {
	fromResponse(resp *http.Response, decode func(any) error) error
}
