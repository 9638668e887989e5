package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
)

// customSchema reads the type's own JSON Schema.
func (b *builder) customSchema(s *Schema) {
	text := reflect.New(s.typ).Interface().(interface{ JSONSchema() string }).JSONSchema()
	s.custom = new(Object)
	switch text {
	case "true":
		return
	case "false":
		s.custom.Set("not", new(Object))
		return
	}
	o, err := parseObject([]byte(text))
	if err != nil {
		b.mistakes = append(b.mistakes, b.at+": the method JSONSchema of "+s.typ.String()+" returns no JSON Schema: "+err.Error())
		return
	}
	s.custom = o
}

// anyNull reports whether null is for a type that is anything in JSON: unless it reads
// itself, which may be from everything but null, as with other types. A list or a map may
// write null, whatever reads it.
func anyNull(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface, reflect.Slice, reflect.Map:
		return true
	}
	return !reflect.PointerTo(t).Implements(jsonUnmarshaler)
}

// allowsNull reports whether a JSON Schema allows null, as far as it says so without a
// reference.
func allowsNull(v any) bool {
	o, is := v.(*Object)
	if !is {
		return v != false
	}
	if not, has := o.values["not"]; has && allowsNull(not) {
		return false
	}
	if value, has := o.values["const"]; has && value != nil {
		return false
	}
	if values, is := o.Get("enum").([]any); is && !slices.Contains(values, nil) {
		return false
	}
	switch is := o.Get("type").(type) {
	case string:
		return is == "null"
	case []any:
		if !slices.Contains(is, any("null")) {
			return false
		}
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		if some, is := o.Get(key).([]any); is && !slices.ContainsFunc(some, allowsNull) {
			return false
		}
	}
	all, _ := o.Get("allOf").([]any)
	return !slices.ContainsFunc(all, func(v any) bool { return !allowsNull(v) })
}

// parseObject reads a JSON object with its order.
func parseObject(data []byte) (*Object, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := parseValue(d)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*Object)
	if !ok || d.More() {
		return nil, errors.New("it is no object")
	}
	return o, nil
}

func parseValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return parseMembers(d)
	case json.Delim('['):
		return parseItems(d)
	}
	if n, ok := token.(json.Number); ok {
		return json.RawMessage(n), nil
	}
	return token, nil
}

func parseMembers(d *json.Decoder) (*Object, error) {
	o := new(Object)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		value, err := parseValue(d)
		if err != nil {
			return nil, err
		}
		o.Set(name.(string), value)
	}
	_, err := d.Token()
	return o, err
}

func parseItems(d *json.Decoder) ([]any, error) {
	items := []any{}
	for d.More() {
		item, err := parseValue(d)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := d.Token()
	return items, err
}
