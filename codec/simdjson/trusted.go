package simdjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// known keeps what trusted has found out.
type known struct{ types sync.Map }

var trust known

// trusted reports whether goccy treats a type as encoding/json does. It does so
// for structs, maps, lists and basic types; what has methods of its own, and
// numbers in quotes, of which goccy takes too many, is the business of
// encoding/json.
func trusted(t reflect.Type) bool {
	if ok, met := trust.types.Load(t); met {
		return ok.(bool)
	}
	ok := walk(t, map[reflect.Type]bool{})
	trust.types.Store(t, ok)
	return ok
}

var methods = []reflect.Type{
	reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler](),
	reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
}

// quoted reports the option "string" of a json tag.
func quoted(f reflect.StructField) bool {
	_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return slices.Contains(strings.Split(options, ","), "string")
}

func walk(t reflect.Type, met map[reflect.Type]bool) bool {
	if met[t] {
		return true
	}
	met[t] = true
	for _, m := range methods {
		if t.Implements(m) || reflect.PointerTo(t).Implements(m) {
			return false
		}
	}
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			if quoted(f) || !walk(f.Type, met) {
				return false
			}
		}
		return true
	case reflect.Map:
		return walk(t.Key(), met) && walk(t.Elem(), met)
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return walk(t.Elem(), met)
	case reflect.Interface:
		return t.NumMethod() == 0
	}
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Float64 && t.Kind() != reflect.Uintptr || t.Kind() == reflect.String
}
