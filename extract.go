package tako

import (
	"errors"
	"net/http"
	"reflect"

	"github.com/tako-go/tako/internal/ascii"
)

// An Extractor is a value that reads itself from a request. The method is on the
// pointer. Typed handlers take extractors as fields of their input or as the
// whole of it; a raw handler calls [Extract].
type Extractor interface {
	// Extract fills the value. An error without a status is answered 500.
	Extract(c *Context) error
}

// A Describer is an Extractor that tells the build step what it reads. Describe
// is called on a zero value with the name of the field.
type Describer interface {
	// Describe calls the methods of op that record inputs.
	Describe(op *Operation, field string)
}

// ErrAbsent is in the error of an Extractor that found nothing to read, as
// opposed to something malformed. [Optional] accepts it.
var ErrAbsent = errors.New("tako: input is absent")

// Extract reads a T from the request, for raw handlers:
//
//	body, err := tako.Extract[tako.JSON[NewUser]](c)
func Extract[T any, P interface {
	*T
	Extractor
}](c *Context) (T, error) {
	var v T
	err := P(&v).Extract(c)
	return v, err
}

// Optional is an extractor whose value may be absent: its error has [ErrAbsent] in
// its chain, or it has a method Absent() bool that says so. A value that is there but
// malformed is still an error.
type Optional[T any] struct {
	// Value is zero if absent.
	Value T
	// Present tells whether there was a value.
	Present bool
}

// Extract reads the value if there is one.
func (o *Optional[T]) Extract(c *Context) error {
	e, ok := any(&o.Value).(Extractor)
	if !ok {
		return &Error{Status: http.StatusInternalServerError, Err: errors.New("tako: " + reflect.TypeFor[T]().String() + " is no Extractor")}
	}
	err := e.Extract(c)
	if errors.Is(err, ErrAbsent) {
		var zero T
		o.Value = zero
		return nil
	}
	if a, ok := e.(interface{ Absent() bool }); ok && err == nil && a.Absent() {
		return nil
	}
	o.Present = err == nil
	return err
}

// Describe describes the value as one that may be absent.
func (o *Optional[T]) Describe(op *Operation, field string) {
	d, ok := any(&o.Value).(Describer)
	if !ok {
		return
	}
	inputs, security, bodies := len(op.Inputs), len(op.Security), len(op.bodies)
	d.Describe(op, field)
	for i := range op.Inputs[inputs:] {
		op.Inputs[inputs+i].Required = false
	}
	for i := range op.Security[security:] {
		op.Security[security+i].Optional = true
	}
	op.BodyOptional = op.BodyOptional || len(op.bodies) > bodies
}

// JSON is a request body of type application/json, or with the suffix +json. It
// is checked as [CheckValue] says.
type JSON[T any] struct {
	// Value is the decoded body.
	Value T
}

// Extract decodes the body: 415 for another Content-Type, 413 over the body
// limit, 400 for malformed JSON, 422 if it breaks a rule.
func (j *JSON[T]) Extract(c *Context) error {
	contentType := c.RequestHeader("Content-Type")
	if media := ascii.MediaType(contentType); !handles(JSONCodec{}, media) {
		return c.unsupportedMedia(contentType)
	}
	return c.decodeWith(c.scopeOf().codecFor("application/json"), &j.Value, c.checks().validator)
}

// Describe records the body.
func (j *JSON[T]) Describe(op *Operation, field string) { op.AddBody(field, reflect.TypeFor[T]()) }

// State is a value of type T that [Supply] gave to the route's groups. As a field
// of a typed input its absence is a mistake that Build reports; in a raw handler
// it is a 500.
type State[T any] struct {
	// Value is what was supplied.
	Value T
}

// Extract looks the value up.
func (s *State[T]) Extract(c *Context) error {
	t := reflect.TypeFor[T]()
	if at := c.scopeOf(); at != nil {
		if v, ok := at.supplies[t]; ok {
			s.Value, _ = v.(T)
			return nil
		}
	}
	return &Error{Status: http.StatusInternalServerError, Err: errors.New("tako: no value of type " + t.String() + " is supplied")}
}

// Describe records that the value is needed.
func (s *State[T]) Describe(op *Operation, _ string) { op.NeedsSupply(reflect.TypeFor[T]()) }
