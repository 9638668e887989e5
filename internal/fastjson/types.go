package fastjson

import (
	"encoding"
	"encoding/json"
	"reflect"
)

var marshalers = []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()}

var unmarshalers = []reflect.Type{reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()}

// hasMethods reports whether t, or a pointer to it, has its own way into or out
// of JSON.
func hasMethods(t reflect.Type) bool {
	return t == reflect.TypeFor[json.Number]() || implements(t, marshalers) || implements(t, unmarshalers) ||
		implements(reflect.PointerTo(t), marshalers) || implements(reflect.PointerTo(t), unmarshalers)
}

func implements(t reflect.Type, any []reflect.Type) bool {
	for _, i := range any {
		if t.Implements(i) {
			return true
		}
	}
	return false
}

// wantsAddress reports whether a value of t is written in another way when it
// can be addressed: methods on pointers are called only then.
func wantsAddress(t reflect.Type) bool {
	if !implements(t, marshalers) && implements(reflect.PointerTo(t), marshalers) {
		return true
	}
	switch t.Kind() {
	case reflect.Array:
		return wantsAddress(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if wantsAddress(f.Type) {
				return true
			}
		}
	}
	return false
}

// hasPointer also sees the fields that JSON does not.
func hasPointer(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			if hasPointer(f.Type) {
				return true
			}
		}
		return false
	case reflect.Array:
		return t.Len() > 0 && hasPointer(t.Elem())
	case reflect.Complex64, reflect.Complex128, reflect.Uintptr:
		return false
	}
	return t.Kind() < reflect.Bool || t.Kind() > reflect.Float64
}
