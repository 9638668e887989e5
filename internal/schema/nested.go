package schema

import "reflect"

// Depth returns how deep the objects and arrays of JSON lie in each other.
func Depth(raw []byte) (most int) {
	s := scanner{raw: raw}
	for depth := 0; s.pos < len(s.raw); {
		switch s.raw[s.pos] {
		case '"':
			s.text()
			continue
		case '{', '[':
			depth++
			most = max(most, depth)
		case '}', ']':
			depth--
		}
		s.pos++
	}
	return most
}

// Holds reports whether a value of type t may have one of type inner in it, at any depth,
// or is one.
func Holds(t, inner reflect.Type) bool {
	return holds(t, inner, map[reflect.Type]bool{})
}

func holds(t, inner reflect.Type, seen map[reflect.Type]bool) bool {
	if t == inner {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return holds(t.Elem(), inner, seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if holds(t.Field(i).Type, inner, seen) {
				return true
			}
		}
	}
	return false
}
