package fastjson

import (
	"reflect"
	"sync/atomic"
	"time"
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
	kindArray
	kindBytes   // a slice of bytes, base64 in JSON
	kindTexts   // map[string]string
	kindMap     // any other with strings as keys
	kindAny     // an interface without methods
	kindTime    // time.Time
	kindForeign // what encoding/json takes
)

// plan is how one type is read and written. It does not change once it is
// compiled, but for its hint.
type plan struct {
	typ    reflect.Type
	kind   kind
	limit  uint64 // the largest integer
	size   uintptr
	len    int   // of arrays
	elem   *plan // of pointers, slices, arrays and maps
	fields []field
	byName map[string]int // nil where there are few fields
	hint   atomic.Int32   // how long the last slice was
	shape  *shape         // of what encoding/json takes
	times  *fit           // of that too, nil without times
}

// field is one of a struct, or of a struct embedded in it.
type field struct {
	plan   *plan
	offset uintptr
	name   string
	head   uint64 // the first bytes of quoted
	mask   uint64 // of those that count
	quoted string // the name in quotes, and a colon
	key    string // what stands before a value: a comma, the name and a colon
	omit   omission
	isZero bool // the type has its own idea of zero
}

// omission is what leaves a field out.
type omission uint8

const (
	omitNever omission = iota
	omitEmpty
	omitZero
	omitEmptyOrZero
)

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

// compile returns the plan for t, nil if t as a whole is for encoding/json.
func compile(t reflect.Type) *plan {
	if p := (compiler{}).compile(t); p.kind != kindForeign {
		return p
	}
	return nil
}

// compiler holds the plans of one type and of all it is made of, those under way
// included.
type compiler map[reflect.Type]*plan

func (c compiler) compile(t reflect.Type) *plan {
	if p, met := c[t]; met {
		return p
	}
	p := &plan{typ: t, size: t.Size()}
	c[t] = p
	switch {
	case t == reflect.TypeFor[time.Time]():
		p.kind = kindTime
	case hasMethods(t) || !c.fill(p, t):
		p.kind, p.fields, p.elem = kindForeign, nil, nil
		p.shape = shapes.of(t)
		if f := fits.of(t); f.timed {
			p.times = f
		}
	}
	return p
}

func (c compiler) fill(p *plan, t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		p.kind = kindStruct
		return c.fillStruct(p, t)
	case reflect.Pointer:
		p.kind = kindPointer
		p.elem = c.compile(t.Elem())
		return true
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			p.kind = kindBytes
			return !hasMethods(t.Elem())
		}
		p.kind = kindSlice
		p.elem = c.compile(t.Elem())
		return true
	case reflect.Array:
		p.kind, p.len = kindArray, t.Len()
		p.elem = c.compile(t.Elem())
		return true
	case reflect.Map:
		return c.fillMap(p, t)
	case reflect.Interface:
		p.kind = kindAny
		return t.NumMethod() == 0
	}
	b, ok := basic[fixed(t)]
	p.kind, p.limit = b.kind, b.limit
	return ok
}

// fixed returns the kind of t, that of the same size for int and uint.
func fixed(t reflect.Type) reflect.Kind {
	switch k := t.Kind(); {
	case k == reflect.Int && t.Size() == 8:
		return reflect.Int64
	case k == reflect.Int:
		return reflect.Int32
	case k == reflect.Uint && t.Size() == 8:
		return reflect.Uint64
	case k == reflect.Uint:
		return reflect.Uint32
	default:
		return k
	}
}

func (c compiler) fillMap(p *plan, t reflect.Type) bool {
	if t.Key().Kind() != reflect.String || hasMethods(t.Key()) || wantsAddress(t.Elem()) {
		return false
	}
	p.kind = kindMap
	p.elem = c.compile(t.Elem())
	if p.elem.kind == kindString {
		p.kind = kindTexts
	}
	return true
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
