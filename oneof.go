package tako

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/tako-go/tako/internal/schema"
)

// OneOf is a value of one of several types, told apart by a member of the JSON object. V
// is a struct of pointers, one for each variant, and names the member:
//
//	type Animal struct {
//		_   struct{} `discriminator:"kind"`
//		Cat *Cat     `variant:"cat"`
//		Dog *Dog     `variant:"dog"`
//	}
//
// Decoding fills the pointer that the discriminator names and no other. One that is
// missing, unknown or no string leaves all nil, which the check of the input answers with
// 422. Unlike those of fields, the name of the member must not differ in case.
// Encoding writes the variant that is set, with the discriminator: added if the variant
// has no such field, else in place of what the field holds.
type OneOf[V any] struct {
	// Value holds the variants; at most one is not nil.
	Value V
	kind  schema.Kind
}

// Kind returns the discriminator of the variant that is set, "" if none is.
func (o OneOf[V]) Kind() string {
	_, kind, _ := o.variant()
	return kind
}

// variant returns the variant that is set, nil if none is.
func (o OneOf[V]) variant() (held any, kind, discriminator string) {
	value := reflect.ValueOf(o.Value)
	if value.Kind() != reflect.Struct {
		return nil, "", ""
	}
	discriminator, variants, _ := schema.Variants(value.Type())
	for _, v := range variants {
		if pointer := value.Field(v.Index); !pointer.IsNil() {
			return pointer.Interface(), v.Kind, discriminator
		}
	}
	return nil, "", discriminator
}

// MarshalJSON writes the variant that is set with its discriminator, null if none is.
func (o OneOf[V]) MarshalJSON() ([]byte, error) {
	held, kind, discriminator := o.variant()
	if held == nil {
		return []byte("null"), nil
	}
	raw, err := json.Marshal(held)
	if err != nil {
		return nil, fmt.Errorf("variant %q: %w", kind, err)
	}
	return schema.AppendDiscriminated(nil, raw, discriminator, kind), nil
}

// UnmarshalJSON reads the variant that the discriminator names. Its error is that of
// encoding/json for what is no object, or of the variant. If a OneOf of the same type may
// be inside, objects and arrays lie in each other at most 100 deep: each level is read
// anew.
func (o *OneOf[V]) UnmarshalJSON(data []byte) error {
	*o = OneOf[V]{}
	if schema.IsNull(data) {
		o.kind.State = schema.Null
		return nil
	}
	t := reflect.TypeFor[V]()
	discriminator, variants, mistakes := schema.Variants(t)
	if len(mistakes) > 0 {
		return errors.New(mistakes[0])
	}
	if err := tooNested(data, t, reflect.TypeFor[OneOf[V]]()); err != nil {
		return err
	}
	name, names, object := schema.AnyDiscriminator(data, discriminator)
	if !object {
		return &json.UnmarshalTypeError{Value: kindOfJSON(data), Type: t}
	}
	o.kind = schema.Kind{Name: name, State: schema.Present}
	for _, v := range variants {
		if names && v.Kind == name {
			pointer := reflect.ValueOf(&o.Value).Elem().Field(v.Index)
			pointer.Set(reflect.New(pointer.Type().Elem()))
			return json.Unmarshal(data, pointer.Interface())
		}
	}
	return nil
}

// kindOfJSON names what JSON is, in the words of encoding/json.
func kindOfJSON(data []byte) string {
	switch data[0] {
	case '"':
		return "string"
	case '[':
		return "array"
	case 't', 'f':
		return "bool"
	}
	return "number"
}
