package schema

import (
	"bytes"
	"encoding/json"
	"iter"
)

// Object is a JSON object whose members keep their order. The zero value is empty.
type Object struct {
	names  []string
	values map[string]any
}

// Set adds a member, or replaces the value of one that is there. It returns o.
func (o *Object) Set(name string, value any) *Object {
	if o.values == nil {
		o.values = map[string]any{}
	}
	if _, has := o.values[name]; !has {
		o.names = append(o.names, name)
	}
	o.values[name] = value
	return o
}

// Get returns the value of a member, nil if there is none. Values are strings, booleans,
// integers, floats, json.RawMessage, *Object, and []any of these.
func (o *Object) Get(name string) any { return o.values[name] }

// Len returns the number of members.
func (o *Object) Len() int { return len(o.names) }

// All yields the members in their order.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, name := range o.names {
			if !yield(name, o.values[name]) {
				return
			}
		}
	}
}

// MarshalJSON writes the members in their order, without escaping HTML.
func (o *Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	write := func(v any) error {
		err := e.Encode(v)
		b.Truncate(max(b.Len()-1, 0)) // the line end
		return err
	}
	b.WriteByte('{')
	for i, name := range o.names {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := write(name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := write(o.values[name]); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
