package tako

import (
	"net/http"
	"reflect"
)

// Conditional is a result for clients that keep what they got: Body with its
// Validators, or 304 to a client whose copy is of the same state, or 412. That
// goes for GET and HEAD. With other methods the operation is over when the result
// is written, so no condition is looked at, and the fields tell the new state.
type Conditional[T any] struct {
	// Validators are those of Body.
	Validators Validators
	// CacheControl is the field Cache-Control, left out if empty.
	CacheControl string
	// Body is the result as it would be without conditions.
	Body T
	// NotModified is set by [Route.Do]: the server answered 304 and Body is empty.
	NotModified bool
}

var (
	_ OutputDescriber = (*Conditional[any])(nil)
	_ ResponseDecoder = (*Conditional[any])(nil)
)

// Respond answers with Body, 304 or 412.
func (r *Conditional[T]) Respond(c *Context) error {
	if r.CacheControl != "" {
		c.header.Set("Cache-Control", r.CacheControl)
	}
	a := answerOf(reflect.TypeFor[T]())
	if a.kind == encoded && c.negotiates() {
		c.header.AddVary("Accept")
	}
	if c.reads() {
		if done, err := c.CheckConditions(r.Validators); done || err != nil {
			return err
		}
	} else {
		if err := r.Validators.check(); err != nil {
			return err
		}
		r.Validators.setFields(&c.header)
	}
	return a.write(c, http.StatusOK, &r.Body)
}

// DescribeOutput records what Body answers with its fields, and for GET 304 and 412.
func (r *Conditional[T]) DescribeOutput(op *Operation) {
	t := reflect.TypeFor[T]()
	refuseParts(op, "tako.Conditional", t)
	var alone Operation
	answerOf(t).describe(&alone)
	for _, resp := range alone.Responses {
		resp.Header = append(resp.Header, validatorFields...)
		op.AddResponse(resp)
	}
	for _, f := range alone.failures {
		op.AddFailure(f.Status, f.When)
	}
	if op.Method == http.MethodGet || op.Method == http.MethodHead {
		describeConditional(op)
	}
}

var validatorFields = []Param{
	{In: "header", Name: "Etag", Type: reflect.TypeFor[string](), Doc: "entity tag"},
	{In: "header", Name: "Last-Modified", Type: reflect.TypeFor[string](), Doc: "HTTP-date of the last change"},
	{In: "header", Name: "Cache-Control", Type: reflect.TypeFor[string]()},
}

// describeConditional records what conditions of the request lead to.
func describeConditional(op *Operation) {
	op.AddResponse(Response{Status: http.StatusNotModified, Doc: "the client has this state already", Header: validatorFields})
	op.AddFailure(http.StatusPreconditionFailed, "If-Match or If-Unmodified-Since does not hold")
}

// DecodeResponse reads fields and body, or that there is nothing new.
func (r *Conditional[T]) DecodeResponse(resp *http.Response, decode func(any) error) error {
	r.Validators.ETag = resp.Header.Get("Etag")
	r.Validators.LastModified, _ = http.ParseTime(resp.Header.Get("Last-Modified"))
	r.CacheControl = resp.Header.Get("Cache-Control")
	if resp.StatusCode == http.StatusNotModified {
		r.NotModified = true
		return nil
	}
	if d, ok := any(&r.Body).(ResponseDecoder); ok {
		return d.DecodeResponse(resp, decode)
	}
	return decode(&r.Body)
}

func (r *Conditional[T]) takesStatus(status int) bool { return status == http.StatusNotModified }
