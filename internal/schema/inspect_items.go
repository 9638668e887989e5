package schema

import (
	"bytes"
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// items checks a slice or an array.
func (in *inspector) items(s *Schema, p unsafe.Pointer, at *place, secret bool) {
	first, n := s.items(p)
	start := in.pos
	for i := range s.rules {
		r := &s.rules[i]
		switch {
		case r.op == opUnique:
			in.unique(s, p, at, start, r)
		case !r.fitsLength(n):
			in.fail(at, Failure{Rule: r.keyword, Detail: r.detail})
		}
	}
	below := child(at, "", 0)
	if in.raw == nil {
		for i := range n {
			below.index = i
			in.value(s.elem, unsafe.Add(first, uintptr(i)*s.elem.size), &below, secret)
		}
		return
	}
	if !in.enter('[') {
		in.skip()
		return
	}
	count := 0
	for ; in.item(); count++ {
		if count >= n {
			in.scanner.value()
			continue
		}
		below.index = count
		in.value(s.elem, unsafe.Add(first, uintptr(count)*s.elem.size), &below, secret)
	}
	if s.kind == kindArray && count != n {
		keyword := "minItems"
		if count > n {
			keyword = "maxItems"
		}
		in.fail(at, Failure{Rule: keyword, Detail: "must have exactly " + things["minItems"].count(n)})
	}
}

// entries checks a map.
func (in *inspector) entries(s *Schema, p unsafe.Pointer, at *place, secret bool) {
	m := reflect.NewAt(s.typ, p).Elem()
	for i := range s.rules {
		if r := &s.rules[i]; !r.fitsLength(m.Len()) {
			in.fail(at, Failure{Rule: r.keyword, Detail: r.detail})
		}
	}
	below := child(at, "", -1)
	hidden := secret || s.keys.secret
	if in.raw == nil {
		for _, key := range sortedKeys(m) {
			name := keyName(key)
			if below.name = name; hidden {
				below.name = hiddenName
			}
			in.entry(s, m, key, name, &below, secret)
		}
		return
	}
	if !in.enter('{') {
		in.skip()
		return
	}
	for quoted, ok := in.member(); ok; quoted, ok = in.member() {
		name := unquote(quoted)
		if len(s.keys.rules) > 0 {
			name = strings.Clone(name) // a format may keep it
		}
		key := s.key(name)
		if !key.IsValid() || !m.MapIndex(key).IsValid() {
			in.scanner.value()
			continue
		}
		if below.name = name; hidden {
			below.name = hiddenName
		}
		in.entry(s, m, key, name, &below, secret)
	}
}

// hiddenName stands for the names of a secret map in failures.
const hiddenName = "*"

// entry checks one name of a map with its value. The name is that of at, which would
// leave the stack if it were read from there.
func (in *inspector) entry(s *Schema, m, key reflect.Value, name string, at *place, secret bool) {
	held := reflect.New(s.typ.Key())
	held.Elem().Set(key)
	before := in.found
	for i := range s.keys.rules {
		if r := &s.keys.rules[i]; !s.keys.fits(r, held.UnsafePointer(), name) {
			f := Failure{Rule: r.keyword, Detail: "has a name that " + r.detail}
			if !secret && !s.keys.secret {
				f.Value = cut(name)
			}
			in.fail(at, f)
		}
	}
	if s.keys.checks != nil && in.found == before {
		in.validateKey(s.keys, held.UnsafePointer(), at)
	}
	value := reflect.New(s.elem.typ)
	value.Elem().Set(m.MapIndex(key))
	in.value(s.elem, value.UnsafePointer(), at, secret)
}

// validateKey calls the Validate method of a name.
func (in *inspector) validateKey(s *Schema, p unsafe.Pointer, at *place) {
	s.checks.Run(in.ctx, p, func(err error) {
		in.fail(at, Failure{Rule: "validate", Detail: "has a name that is refused: " + cutAt(err.Error(), shownError), Err: err})
	})
}

// key returns the key of a map that a name in JSON is; the zero Value if it is none.
func (s *Schema) key(name string) reflect.Value {
	key := reflect.New(s.typ.Key())
	switch s.keys.kind {
	case kindString:
		key.Elem().SetString(name)
	case kindText:
		u, ok := key.Interface().(encoding.TextUnmarshaler)
		if !ok || u.UnmarshalText([]byte(name)) != nil {
			return reflect.Value{}
		}
	case kindInt:
		n, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			return reflect.Value{}
		}
		key.Elem().SetInt(n)
	case kindUint:
		n, err := strconv.ParseUint(name, 10, 64)
		if err != nil {
			return reflect.Value{}
		}
		key.Elem().SetUint(n)
	default:
		return reflect.Value{}
	}
	return key.Elem()
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		return bytes.Compare([]byte(keyName(a)), []byte(keyName(b)))
	})
	return keys
}

// keyName returns how a key is written in JSON.
func keyName(key reflect.Value) string {
	if key.Kind() == reflect.String {
		return key.String()
	}
	if m, ok := key.Interface().(encoding.TextMarshaler); ok {
		text, _ := m.MarshalText()
		return string(text)
	}
	if key.CanInt() {
		return strconv.FormatInt(key.Int(), 10)
	}
	return strconv.FormatUint(key.Uint(), 10)
}
