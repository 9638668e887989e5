package tako

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/tako-go/tako/internal/schema"
)

// Opt is a T, null, or absent. The zero value is absent. In JSON an absent field is left
// out if its tag says omitzero, and written as null otherwise. Constraints in the tag of
// a field apply to the value; null is allowed.
type Opt[T any] struct {
	value T
	state schema.State
}

// Some returns an Opt with a value.
func Some[T any](v T) Opt[T] { return Opt[T]{v, schema.Present} }

// NullOpt returns an Opt that is null.
func NullOpt[T any]() Opt[T] { return Opt[T]{state: schema.Null} }

// Set makes v the value.
func (o *Opt[T]) Set(v T) { *o = Some(v) }

// Null makes it null.
func (o *Opt[T]) Null() { *o = NullOpt[T]() }

// Clear makes it absent.
func (o *Opt[T]) Clear() { *o = Opt[T]{} }

// Get returns the value, and whether there is one: it is neither absent nor null.
func (o Opt[T]) Get() (T, bool) { return o.value, o.state == schema.Present }

// Or returns the value, or other if there is none.
func (o Opt[T]) Or(other T) T {
	if o.state == schema.Present {
		return o.value
	}
	return other
}

// IsNull reports whether it is null.
func (o Opt[T]) IsNull() bool { return o.state == schema.Null }

// IsZero reports whether it is absent; encoding/json asks it for omitzero.
func (o Opt[T]) IsZero() bool { return o.state == schema.Absent }

// Elem returns the value, nil if there is none.
func (o Opt[T]) Elem() any {
	if o.state == schema.Present {
		return o.value
	}
	return nil
}

// MarshalJSON writes the value, null if there is none.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if o.state != schema.Present {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON reads a value or null. If an Opt of the same type may be inside, objects
// and arrays lie in each other at most 100 deep: each level is read anew.
func (o *Opt[T]) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		o.Null()
		return nil
	}
	if err := tooNested(data, reflect.TypeFor[T](), reflect.TypeFor[Opt[T]]()); err != nil {
		return err
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	o.Set(v)
	return nil
}

// maxNested is how deep the objects and arrays of what an Opt or OneOf reads may lie in
// each other if another one of its type may be among them.
const maxNested = 100

// tooNested refuses JSON for held, the type in self, which would be read anew for each of
// many levels: encoding/json steps over what a method is to read, and then the method
// reads it, with all that is below. A bound of the length would not do, since one text
// may hold many such values.
func tooNested(data []byte, held, self reflect.Type) error {
	if len(data) <= 2*maxNested || schema.Depth(data) <= maxNested || !schema.Holds(held, self) {
		return nil
	}
	return &Error{Status: http.StatusBadRequest, Detail: "the JSON is nested too deeply"}
}
