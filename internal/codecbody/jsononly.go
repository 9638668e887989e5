package codecbody

import (
	"encoding"
	"fmt"
	"net/http"
	"reflect"
	"sync"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/schema"
)

// Format is one that has no words for values that only JSON can tell: [tako.Opt] and
// [tako.OneOf]. It is declared once for each codec.
type Format struct {
	// Name is for messages.
	Name string
	// Own is the interface of types that write and read themselves.
	Own reflect.Type

	types     sync.Map
	withTimes sync.Map
}

// Refuse returns an error with the status if v, or what it points to, holds an Opt
// or a OneOf: it would be written and read as the struct that it is made of.
func (f *Format) Refuse(v any, status int) error {
	if v == nil || !f.jsonOnly(reflect.TypeOf(v)) {
		return nil
	}
	err := fmt.Errorf("a type with tako.Opt or tako.OneOf cannot be told in %s", f.Name)
	if status >= http.StatusInternalServerError {
		return tako.Wrap(status, err)
	}
	return &tako.Error{Status: status, Detail: "what is expected here cannot be told in " + f.Name, Err: err}
}

// Describe records the mistake of a body of type t.
func (f *Format) Describe(op *tako.Operation, field string, t reflect.Type) {
	if f.jsonOnly(t) {
		op.AddProblem(fmt.Sprintf("%s: %v holds a tako.Opt or tako.OneOf, which cannot be told in %s: use pointers, or JSON", field, t, f.Name))
	}
}

func (f *Format) jsonOnly(t reflect.Type) bool {
	if known, met := f.types.Load(t); met {
		return known.(bool)
	}
	is := f.walk(t, map[reflect.Type]bool{})
	f.types.Store(t, is)
	return is
}

func (f *Format) walk(t reflect.Type, met map[reflect.Type]bool) bool {
	if met[t] {
		return false
	}
	met[t] = true
	if p := reflect.PointerTo(t); t.Kind() == reflect.Struct && (p.Implements(f.Own) || p.Implements(reflect.TypeFor[encoding.BinaryUnmarshaler]())) {
		return false
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return f.walk(t.Elem(), met)
	case reflect.Map:
		return f.walk(t.Key(), met) || f.walk(t.Elem(), met)
	case reflect.Struct:
		for field := range t.Fields() {
			if field.Type == reflect.TypeFor[schema.State]() || field.Type == reflect.TypeFor[schema.Kind]() {
				return true
			}
			if (field.IsExported() || field.Anonymous) && field.Tag.Get("json") != "-" && f.walk(field.Type, met) {
				return true
			}
		}
	}
	return false
}
