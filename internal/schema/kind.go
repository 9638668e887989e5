package schema

import (
	"encoding"
	"encoding/json"
	"reflect"
	"time"
	"unsafe"
)

// kind is how a type stands in JSON and in memory.
type kind uint8

const (
	kindAny    kind = iota // anything
	kindBad                // nothing: no JSON can be decoded into it
	kindCustom             // as its JSONSchema method says
	kindBool
	kindInt
	kindUint
	kindFloat
	kindString
	kindBytes  // []byte, base64
	kindText   // encoding.TextUnmarshaler, a string
	kindTime   // time.Time
	kindNumber // json.Number
	kindSlice
	kindArray
	kindMap
	kindStruct
	kindPointer
	kindOpt
	kindUnion
)

var (
	timeType      = reflect.TypeFor[time.Time]()
	durationType  = reflect.TypeFor[time.Duration]()
	rawType       = reflect.TypeFor[json.RawMessage]()
	numberType    = reflect.TypeFor[json.Number]()
	stateType     = reflect.TypeFor[State]()
	unionKindType = reflect.TypeFor[Kind]()

	schemaMethod    = reflect.TypeFor[interface{ JSONSchema() string }]()
	validateMethod  = reflect.TypeFor[Validator]()
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// kindOf returns how t stands in JSON, or in text: path, query, header, cookie and form.
func kindOf(t reflect.Type, text bool) kind {
	if t.Kind() == reflect.Pointer {
		if t.Elem() == t {
			return kindBad
		}
		return kindPointer
	}
	if _, is := optionalOf(t); is {
		return kindOpt
	}
	if isUnion(t) {
		return kindUnion
	}
	has := func(method reflect.Type) bool { return reflect.PointerTo(t).Implements(method) }
	switch {
	case t == timeType:
		return kindTime
	case t == rawType || t.Kind() == reflect.Interface:
		return kindAny
	case t == numberType:
		return kindNumber
	case has(schemaMethod):
		return kindCustom
	case text && (has(textUnmarshaler) || t == durationType):
		return kindText
	case has(jsonMarshaler) || has(jsonUnmarshaler):
		return kindAny
	case has(textMarshaler) || has(textUnmarshaler):
		return kindText
	}
	return plainKindOf(t)
}

func plainKindOf(t reflect.Type) kind {
	switch t.Kind() {
	case reflect.Bool:
		return kindBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return kindInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return kindUint
	case reflect.Float32, reflect.Float64:
		return kindFloat
	case reflect.String:
		return kindString
	case reflect.Slice:
		item := reflect.PointerTo(t.Elem())
		if t.Elem().Kind() == reflect.Uint8 && !item.Implements(jsonMarshaler) && !item.Implements(textMarshaler) {
			return kindBytes
		}
		return kindSlice
	case reflect.Array:
		return kindArray
	case reflect.Map:
		return kindMap
	case reflect.Struct:
		return kindStruct
	}
	return kindBad
}

// scalar reports a kind that stands in JSON as one token.
func (k kind) scalar() bool { return k >= kindBool && k <= kindNumber }

func loadInt(p unsafe.Pointer, size uintptr) int64 {
	switch size {
	case 1:
		return int64(*(*int8)(p))
	case 2:
		return int64(*(*int16)(p))
	case 4:
		return int64(*(*int32)(p))
	}
	return *(*int64)(p)
}

func loadUint(p unsafe.Pointer, size uintptr) uint64 {
	switch size {
	case 1:
		return uint64(*(*uint8)(p))
	case 2:
		return uint64(*(*uint16)(p))
	case 4:
		return uint64(*(*uint32)(p))
	}
	return *(*uint64)(p)
}

func loadFloat(p unsafe.Pointer, size uintptr) float64 {
	if size == 4 {
		return float64(*(*float32)(p))
	}
	return *(*float64)(p)
}

// zero reports that the n bytes at p are zero.
func zero(p unsafe.Pointer, n uintptr) bool {
	b := unsafe.Slice((*byte)(p), n)
	for ; len(b) >= 8; b = b[8:] {
		if [8]byte(b) != [8]byte{} {
			return false
		}
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// zero reports that the value at p is the zero value, or an empty string.
func (s *Schema) zero(p unsafe.Pointer) bool {
	switch s.kind {
	case kindString, kindNumber:
		return *(*string)(p) == ""
	case kindPointer, kindSlice, kindBytes, kindMap:
		return *(*unsafe.Pointer)(p) == nil
	}
	return zero(p, s.size)
}

// absent reports that a required member without JSON counts as absent.
func (s *Schema) absent(p unsafe.Pointer) bool {
	switch s.kind {
	case kindString, kindNumber, kindPointer, kindSlice, kindBytes, kindMap, kindTime, kindText:
		return s.zero(p)
	case kindOpt:
		return *(*State)(unsafe.Add(p, s.opt.state)) == Absent
	case kindUnion:
		v, _ := s.union.set(p)
		return v == nil
	case kindAny:
		return s.typ.Kind() == reflect.Interface && s.zero(p) || s.typ == rawType && s.zero(p)
	}
	return false
}
