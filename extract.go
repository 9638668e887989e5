package tako

import (
	"errors"
	"net/http"
	"reflect"
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

// Optional is an extractor whose value may be absent. A value that is there but
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
	o.Present = err == nil
	return err
}

// Describe describes the value.
func (o *Optional[T]) Describe(op *Operation, field string) {
	if d, ok := any(&o.Value).(Describer); ok {
		d.Describe(op, field)
	}
}

// JSON is a request body of type application/json, or with the suffix +json. A
// Validate method of T or *T is called.
type JSON[T any] struct {
	// Value is the decoded body.
	Value T
}

// Extract decodes the body: 415 for another Content-Type, 413 over the body
// limit, 400 for malformed JSON, 422 if Validate fails.
func (j *JSON[T]) Extract(c *Context) error {
	contentType := c.RequestHeader("Content-Type")
	if media := mediaType(contentType); !handles(JSONCodec{}, media) {
		return c.unsupportedMedia(contentType)
	}
	if err := c.decodeWith(c.scopeOf().codecFor("application/json"), &j.Value); err != nil {
		return err
	}
	return validateValue(c, &j.Value)
}

// Describe records the body.
func (j *JSON[T]) Describe(op *Operation, field string) { op.AddBody(field, reflect.TypeFor[T]()) }

// validateValue runs the check of *v or v.
func validateValue[T any](c *Context, v *T) error {
	if value := reflect.ValueOf(v).Elem(); value.Kind() == reflect.Pointer && value.IsNil() {
		return nil // JSON null
	}
	if check, ok := any(v).(validator); ok {
		return validate(c, check)
	}
	if check, ok := any(*v).(validator); ok {
		return validate(c, check)
	}
	return nil
}

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
