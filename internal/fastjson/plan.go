package fastjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"unsafe"
)

// kind says how the values of a plan look in memory and in JSON.
type kind uint8

const (
	kindString kind = iota
	kindBool
	kindInt8
	kindInt16
	kindInt32
	kindInt64
	kindUint8
	kindUint16
	kindUint32
	kindUint64
	kindFloat32
	kindFloat64
	kindStruct
	kindPointer
	kindSlice
)

// plan is how one type is read and written.
type plan struct {
	typ    reflect.Type
	kind   kind
	limit  uint64 // the largest integer
	size   uintptr
	elem   *plan // of pointers and slices
	fields []field
}

type field struct {
	plan   *plan
	offset uintptr
	name   string
	quoted string // the name in quotes
	key    string // what stands before a value: a comma, the name and a colon
	omit   bool   // if it is empty
}

var basic = map[reflect.Kind]struct {
	kind  kind
	limit uint64
}{
	reflect.String:  {kindString, 0},
	reflect.Bool:    {kindBool, 0},
	reflect.Int8:    {kindInt8, 1<<7 - 1},
	reflect.Int16:   {kindInt16, 1<<15 - 1},
	reflect.Int32:   {kindInt32, 1<<31 - 1},
	reflect.Int64:   {kindInt64, 1<<63 - 1},
	reflect.Uint8:   {kindUint8, 1<<8 - 1},
	reflect.Uint16:  {kindUint16, 1<<16 - 1},
	reflect.Uint32:  {kindUint32, 1<<32 - 1},
	reflect.Uint64:  {kindUint64, 1<<64 - 1},
	reflect.Float32: {kindFloat32, 0},
	reflect.Float64: {kindFloat64, 0},
}

// compile returns the plan for t, nil if t is not for this package.
func compile(t reflect.Type) *plan { return compiler{}.compile(t) }

// compiler holds the plans of one type and of all it is made of. Those under way
// are nil, so that a type inside itself is refused.
type compiler map[reflect.Type]*plan

func (c compiler) compile(t reflect.Type) *plan {
	if p, met := c[t]; met {
		return p
	}
	c[t] = nil
	p := &plan{typ: t, size: t.Size()}
	if hasMethods(t) || !c.fill(p, t) {
		return nil
	}
	c[t] = p
	return p
}

func (c compiler) fill(p *plan, t reflect.Type) bool {
	k := t.Kind()
	switch {
	case k == reflect.Int && t.Size() == 8:
		k = reflect.Int64
	case k == reflect.Int:
		k = reflect.Int32
	case k == reflect.Uint && t.Size() == 8:
		k = reflect.Uint64
	case k == reflect.Uint:
		k = reflect.Uint32
	}
	switch k {
	case reflect.Struct:
		p.kind = kindStruct
		return c.fillStruct(p, t)
	case reflect.Pointer:
		p.kind = kindPointer
		p.elem = c.compile(t.Elem())
		return p.elem != nil
	case reflect.Slice:
		p.kind = kindSlice
		if t.Elem().Kind() != reflect.Uint8 { // bytes are base64
			p.elem = c.compile(t.Elem())
		}
		return p.elem != nil
	}
	b, ok := basic[k]
	p.kind, p.limit = b.kind, b.limit
	return ok
}

var withMethods = []reflect.Type{
	reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler](),
	reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
}

// hasMethods reports whether t, or a pointer to it, has its own way into or out
// of JSON.
func hasMethods(t reflect.Type) bool {
	if t == reflect.TypeFor[json.Number]() {
		return true
	}
	for _, own := range withMethods {
		if t.Implements(own) || reflect.PointerTo(t).Implements(own) {
			return true
		}
	}
	return false
}

func (c compiler) fillStruct(p *plan, t reflect.Type) bool {
	names := map[string]bool{}
	for f := range t.Fields() {
		if f.Anonymous {
			return false
		}
		tag := f.Tag.Get("json")
		if !f.IsExported() || tag == "-" {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		if option != "" && option != "omitempty" || !plainName(name) || names[name] {
			return false
		}
		names[name] = true
		elem := c.compile(f.Type)
		if elem == nil {
			return false
		}
		quoted := `"` + name + `"`
		p.fields = append(p.fields, field{plan: elem, offset: f.Offset, name: name, quoted: quoted, key: "," + quoted + ":", omit: option != ""})
	}
	return true
}

// plainName reports whether a name is written as it is, and matches no name that
// is not ASCII when case is folded.
func plainName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return true
}

// pointerFree reports whether the value holds no pointer of any kind.
func (p *plan) pointerFree() bool {
	switch p.kind {
	case kindString, kindPointer, kindSlice:
		return false
	case kindStruct:
		return !hasPointer(p.typ)
	}
	return true
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

// isZero reports whether the memory of a value is all zero.
func (p *plan) isZero(at unsafe.Pointer) bool {
	b := unsafe.Slice((*byte)(at), p.size)
	for ; len(b) >= 8; b = b[8:] {
		if load8(b) != 0 {
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
