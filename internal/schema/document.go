package schema

import (
	"math"
	"reflect"
)

// Document returns the schema for documents. Named structs, unions and enums, and what
// else Named reports, stand in it as {"$ref": ref(type)}, beside what the tag of the field
// says; ref is called for each of them, and may be called again for the same. With a nil
// ref they are written out, and those inside themselves are left open ({}).
func (s *Schema) Document(ref func(t reflect.Type) string) *Object {
	w := writer{ref: ref}
	return w.schema(s, false)
}

// Definition is Document with the outermost type written out: what a component named
// after the type holds.
func (s *Schema) Definition(ref func(t reflect.Type) string) *Object {
	w := writer{ref: ref}
	return w.definition(s)
}

// Named reports whether Document writes the type as a reference: it has a name, and is a
// struct, a union, has a method Enum or JSONSchema, or holds itself.
func (s *Schema) Named() bool {
	switch {
	case s.kind == kindUnion:
		return s.union.typ.Name() != ""
	case s.typ.Name() == "" || s.quoted:
		return false
	}
	return s.kind == kindStruct || s.kind == kindCustom || s.recursive || len(s.enum) > 0
}

// writer writes one document.
type writer struct {
	ref func(t reflect.Type) string
	// part returns the reference to a variant of a union that is a component of its own,
	// "" to write it out. It may be nil.
	part func(union *Schema, v *variant) string
	open []reflect.Type // written out at the moment, if there is no ref
}

// schema writes s where a field has it; null says that it may be null, beside what s says.
func (w *writer) schema(s *Schema, null bool) *Object {
	if s.kind == kindPointer || s.kind == kindOpt {
		return w.schema(s.elem, true)
	}
	refused := s.kind == kindAny && !null && !s.null
	null = s.kind != kindAny && (null || s.null && !(s.kind == kindCustom && allowsNull(s.custom)))
	var o *Object
	switch {
	case !s.Named():
		o = w.body(s)
		if refused {
			o.Set("not", new(Object).Set("type", "null"))
		}
		o.merge(&s.words)
	case w.ref != nil:
		o = new(Object)
		reference := new(Object).Set("$ref", w.ref(s.typ))
		if null {
			null = false
			o.Set("anyOf", []any{reference, new(Object).Set("type", "null")})
		} else {
			o = reference
		}
		o.merge(&s.words)
		return o
	default:
		if o = w.writtenOut(s); o == nil {
			return new(Object)
		}
		o.merge(&s.words)
	}
	if null {
		return orNull(o)
	}
	return o
}

// writtenOut writes a named type where there are no references, nil inside itself.
func (w *writer) writtenOut(s *Schema) *Object {
	for _, t := range w.open {
		if t == s.typ {
			return nil
		}
	}
	w.open = append(w.open, s.typ)
	o := w.definition(s)
	w.open = w.open[:len(w.open)-1]
	return o
}

// definition writes what the type says, without the tag of the field.
func (w *writer) definition(s *Schema) *Object {
	if s.kind == kindPointer || s.kind == kindOpt {
		return w.definition(s.elem)
	}
	return w.body(s)
}

// orNull allows null beside what o allows.
func orNull(o *Object) *Object {
	if name, ok := o.Get("type").(string); ok && o.Get("oneOf") == nil {
		o.Set("type", []any{name, "null"})
	} else if o.Len() > 0 {
		return new(Object).Set("anyOf", []any{o, new(Object).Set("type", "null")})
	}
	if values, ok := o.Get("enum").([]any); ok {
		o.Set("enum", append(values[:len(values):len(values)], nil))
	}
	if value := o.Get("const"); value != nil {
		o.replace("const", "enum", []any{value, nil})
	}
	return o
}

// body writes the type.
func (w *writer) body(s *Schema) *Object {
	o := new(Object)
	switch s.kind {
	case kindBool:
		o.Set("type", "boolean")
	case kindInt, kindUint:
		w.integer(o, s)
	case kindFloat, kindNumber:
		o.Set("type", "number")
		if s.kind == kindFloat {
			o.Set("format", map[uintptr]string{4: "float", 8: "double"}[s.size])
		}
		if s.kind == kindFloat && s.size == 4 {
			o.Set("minimum", -math.MaxFloat32).Set("maximum", math.MaxFloat32)
		}
	case kindString:
		o.Set("type", "string")
	case kindText:
		o.Set("type", "string")
		if s.typ == durationType {
			o.Set("pattern", durationPattern)
		}
	case kindTime:
		o.Set("type", "string").Set("format", "date-time")
	case kindBytes:
		o.Set("type", "string").Set("contentEncoding", "base64")
	case kindSlice, kindArray:
		o.Set("type", "array").Set("items", w.schema(s.elem, false))
		if s.kind == kindArray {
			o.Set("minItems", s.typ.Len()).Set("maxItems", s.typ.Len())
		}
	case kindMap:
		w.dictionary(o, s)
	case kindStruct:
		w.object(o, s.object, nil)
	case kindUnion:
		w.union(o, s)
	case kindCustom:
		o.merge(s.custom)
	case kindBad:
		o.Set("not", new(Object))
	}
	if len(s.enum) > 0 {
		o.Set("enum", s.enum)
	}
	if s.written != nil {
		return s.written.document()
	}
	return o
}

// durationPattern is what [time.ParseDuration] reads.
const durationPattern = `^[-+]?(0|(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`

// integer writes the bounds that the type has by itself.
func (w *writer) integer(o *Object, s *Schema) {
	o.Set("type", "integer")
	switch {
	case s.kind == kindInt && s.size == 8:
		o.Set("format", "int64")
	case s.kind == kindInt && s.size == 4:
		o.Set("format", "int32")
	case s.kind == kindInt:
		limit := int64(1) << (s.size*8 - 1)
		o.Set("minimum", -limit).Set("maximum", limit-1)
	case s.size == 8:
		o.Set("format", "uint64").Set("minimum", 0).Set("maximum", uint64(math.MaxUint64))
	case s.size == 4:
		o.Set("minimum", 0).Set("maximum", int64(math.MaxUint32))
	default:
		o.Set("minimum", 0).Set("maximum", int64(1)<<(s.size*8)-1)
	}
}

// Standalone returns the schema as a document of its own, with $schema and $defs.
func (s *Schema) Standalone() *Object {
	k := NewComponents("#/$defs/")
	k.Add(s)
	o := new(Object).Set("$schema", "https://json-schema.org/draft/2020-12/schema")
	o.merge(k.Document(s))
	if defs := k.Definitions(); defs.Len() > 0 {
		o.Set("$defs", defs)
	}
	return o
}

// words of a document are shared between documents; merge copies what may be changed.
func (o *Object) merge(from *Object) {
	for name, value := range from.All() {
		o.Set(name, value)
	}
}

// replace puts a member where another was.
func (o *Object) replace(old, name string, value any) {
	for i := range o.names {
		if o.names[i] == old {
			o.names[i] = name
		}
	}
	delete(o.values, old)
	o.values[name] = value
}
