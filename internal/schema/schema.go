// Package schema turns Go types with their struct tags into checks that run on the
// memory of a value, and into JSON Schema 2020-12. The two agree: what Check refuses is
// what the document refuses.
package schema

import (
	"bytes"
	"context"
	"reflect"
	"unsafe"
)

// A Schema is what a value must be. It is immutable.
type Schema struct {
	typ    reflect.Type
	kind   kind
	size   uintptr
	rules  []rule
	words  Object   // what the tag of the field says, for documents
	enum   []any    // the values of the type's Enum method, for documents
	custom *Object  // the type's own JSON Schema
	elem   *Schema  // of pointers, Opt, slices, arrays and maps
	keys   *Schema  // of maps
	object *object  // of structs
	union  *union   // of unions
	opt    optional // of Opt

	written *written // how it is written as a string, if it is
	checks  *OwnChecks

	null      bool // null is allowed
	quoted    bool // a scalar written as a string
	secret    bool
	recursive bool // below itself, and no struct
	mistakes  []string
	at        string // type.Field, for mistakes

	traits
}

// traits tell what there is to check in a value and below it.
type traits struct {
	ruled      bool // rules that look at the memory
	rawful     bool // rules that look at the JSON
	nullish    bool // a null that is not allowed, in its place or below
	inner      bool // one below it
	validating bool // Validate methods below it
}

// Type returns the Go type.
func (s *Schema) Type() reflect.Type { return s.typ }

// Trivial reports that there is nothing to check: Check never finds a failure.
func (s *Schema) Trivial() bool { return s.ValueTrivial() && !s.rawful && !s.nullish }

// ValueTrivial reports that there is nothing to check in a value that does not come from
// JSON: without raw, Check never finds a failure.
func (s *Schema) ValueTrivial() bool { return !s.ruled && !s.validating }

// TextTrivial reports that there is nothing to check in a value that was read from text:
// CheckText never finds a failure.
func (s *Schema) TextTrivial() bool { return s.ValueTrivial() && s.checks == nil }

// Secret reports that the value must never be shown: tag secret, or format password.
func (s *Schema) Secret() bool { return s.secret }

// Validates reports whether the value itself has a method Validate(context.Context) error,
// or a struct embedded in it.
func (s *Schema) Validates() bool { return s.checks != nil }

// Validator is a value that checks what no keyword can say.
type Validator interface {
	// Validate returns what is wrong; the text is shown to clients.
	Validate(ctx context.Context) error
}

// Check reports everything that is wrong with the value at p, which is of the schema's
// type. raw is the JSON it was decoded from, nil if it came from elsewhere. With raw,
// Check tells an absent member from a zero one, and finds null where it is not allowed.
// Without, a required member is absent if it is a nil pointer, slice, map or interface, an
// Opt without value, an empty string or the zero time. An optional one is absent if it is
// a nil pointer, slice, map or interface, an Opt or union that was not set, or if it is
// zero and its tag says omitzero, or omitempty where that leaves it out; any other is
// checked as it is, also if it is zero, since it may have been sent so. What counts
// members or hangs on one (minProperties, maxProperties, dependentRequired) takes each
// optional one that is zero for absent. The value itself is present in any case. A
// required member that is readOnly may be absent from JSON: only answers must have it
// (OpenAPI 3.1, Schema Object).
//
// The value's own Validate method is not called, nor that of the value a *T points to,
// which is the pointer's own; those of everything below are, as is that of the value in
// an Opt or behind a pointer to a pointer, each if nothing else is wrong with its value.
func (s *Schema) Check(ctx context.Context, p unsafe.Pointer, raw []byte, r *Report) {
	if s.Holds(p, raw) {
		return
	}
	in := inspector{scanner: scanner{raw: raw}, ctx: ctx, report: r}
	in.value(s, p, nil, false)
}

// CheckText is Check for a value that was read from text, whose own Validate method is for
// nobody else to call: it is called too.
func (s *Schema) CheckText(ctx context.Context, p unsafe.Pointer, r *Report) {
	if s.HoldsText(p) {
		return
	}
	in := inspector{ctx: ctx, report: r, inside: true}
	in.value(s, p, nil, false)
}

// HoldsText reports that CheckText would find nothing, as Holds does for Check.
func (s *Schema) HoldsText(p unsafe.Pointer) bool { return s.checks == nil && s.Holds(p, nil) }

// Holds reports that Check would find nothing. It allocates nothing, and may be false
// where Check finds nothing either.
func (s *Schema) Holds(p unsafe.Pointer, raw []byte) bool {
	return !s.validating && s.vouched(raw) && s.fine(p, 0)
}

// vouched reports that the memory tells all there is to know.
func (s *Schema) vouched(raw []byte) bool {
	return raw == nil || !s.rawful && !(s.nullish && bytes.Contains(raw, nullText))
}

var nullText = []byte("null")

// maxDepth bounds how deep values are looked into.
const maxDepth = 1000

// fine reports that the memory at p breaks no rule. It returns false where that takes
// more than memory: a required member that is zero may have been absent, an optional one
// that breaks a rule too.
func (s *Schema) fine(p unsafe.Pointer, depth int) bool {
	if !s.ruled {
		return true
	}
	if depth > maxDepth {
		return false
	}
	switch s.kind {
	case kindString:
		return fineText(s.rules, *(*string)(p))
	case kindInt:
		return fineInt(s.rules, loadInt(p, s.size))
	case kindUint:
		return fineUint(s.rules, loadUint(p, s.size))
	case kindFloat:
		return fineFloat(s.rules, loadFloat(p, s.size), s.size)
	case kindBool:
		return fineBool(s.rules, *(*bool)(p))
	case kindBytes:
		return fineLength(s.rules, encodedLen(p))
	case kindStruct:
		return s.object.fine(p, depth)
	case kindPointer:
		q := *(*unsafe.Pointer)(p)
		return q == nil || s.elem.fine(q, depth+1)
	case kindOpt:
		return *(*State)(unsafe.Add(p, s.opt.state)) != Present ||
			s.elem.fine(unsafe.Add(p, s.opt.value), depth+1)
	case kindSlice, kindArray:
		return s.fineItems(p, depth)
	case kindMap:
		return s.fineMap(p, depth)
	case kindUnion:
		v, q := s.union.set(p)
		return v != nil && v.schema.fine(q, depth+1)
	}
	return false
}

// items returns where the items of a slice or array are, and how many.
func (s *Schema) items(p unsafe.Pointer) (unsafe.Pointer, int) {
	if s.kind == kindArray {
		return p, s.typ.Len()
	}
	items := (*[]byte)(p) // the header of any slice
	return unsafe.Pointer(unsafe.SliceData(*items)), len(*items)
}

func (s *Schema) fineItems(p unsafe.Pointer, depth int) bool {
	first, n := s.items(p)
	for i := range s.rules {
		switch r := &s.rules[i]; r.op {
		case opUnique:
			if !s.distinctItems(p) {
				return false
			}
		default:
			if !r.fitsLength(n) {
				return false
			}
		}
	}
	if !s.elem.ruled {
		return true
	}
	for i := range n {
		if !s.elem.fine(unsafe.Add(first, uintptr(i)*s.elem.size), depth+1) {
			return false
		}
	}
	return true
}

func (s *Schema) fineMap(p unsafe.Pointer, depth int) bool {
	m := reflect.NewAt(s.typ, p).Elem()
	if !fineLength(s.rules, m.Len()) {
		return false
	}
	if m.Len() == 0 || !s.elem.ruled && !s.keys.ruled {
		return true
	}
	key, value := reflect.New(s.typ.Key()), reflect.New(s.elem.typ)
	for entries := m.MapRange(); entries.Next(); {
		key.Elem().SetIterKey(entries)
		value.Elem().SetIterValue(entries)
		if !s.keys.fine(key.UnsafePointer(), depth+1) || !s.elem.fine(value.UnsafePointer(), depth+1) {
			return false
		}
	}
	return true
}
