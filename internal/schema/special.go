package schema

import (
	"reflect"
	"slices"
	"unsafe"
)

// State is how an optional value stands. A struct of a field "value" of any type and a
// field "state" of this type is read as such a value: T or null, or absent.
type State uint8

// States of an optional value.
const (
	Absent State = iota
	Null
	Present
)

// Kind is the discriminator that a union was decoded with. A struct of a field "Value",
// a struct of pointers to variants, and a field "kind" of this type is read as a union.
type Kind struct {
	// Name is the value of the discriminator.
	Name string
	// State is Present for a union that was an object, with or without discriminator;
	// Null for one that was null; Absent for one that was not decoded.
	State State
}

// optional is where the parts of an Opt are.
type optional struct {
	value, state uintptr
	elem         reflect.Type
}

func optionalOf(t reflect.Type) (optional, bool) {
	if t.Kind() != reflect.Struct || t.NumField() != 2 {
		return optional{}, false
	}
	value, state := t.Field(0), t.Field(1)
	return optional{value.Offset, state.Offset, value.Type}, value.Name == "value" && state.Type == stateType
}

func isUnion(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() == 2 && t.Field(1).Type == unionKindType &&
		t.Field(0).Name == "Value"
}

// union is a value of one of several types.
type union struct {
	discriminator string
	typ           reflect.Type // the struct of variants
	variants      []variant
	kind          uintptr
	allowed       string // the discriminators, for messages
	checks        *OwnChecks
}

type variant struct {
	name   string
	offset uintptr
	schema *Schema
	// declared says that the type has the discriminator among its members.
	declared bool
	// tells says that the type itself wants its discriminator to be name.
	tells bool
}

// set returns the variant of the union at p and where its value is, nil if none is set.
func (u *union) set(p unsafe.Pointer) (*variant, unsafe.Pointer) {
	for i := range u.variants {
		v := &u.variants[i]
		if q := *(*unsafe.Pointer)(unsafe.Add(p, v.offset)); q != nil {
			return v, q
		}
	}
	return nil, nil
}

// Variant is one type of a union as its struct of pointers declares it.
type Variant struct {
	// Kind is the value of the discriminator.
	Kind string
	// Index is that of the field, which is a pointer to a struct.
	Index int
}

// Variants reads the declaration of a union: a struct of pointers to structs with tags
// variant, and a blank field with the tag discriminator. The mistakes are texts.
func Variants(t reflect.Type) (discriminator string, variants []Variant, mistakes []string) {
	wrong := func(field, text string) { mistakes = append(mistakes, t.String()+field+": "+text) }
	if t.Kind() != reflect.Struct {
		wrong("", "a union is a struct of pointers to its variants")
		return "", nil, mistakes
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" {
			discriminator += f.Tag.Get("discriminator")
			continue
		}
		kind := f.Tag.Get("variant")
		switch {
		case kind == "":
			wrong("."+f.Name, `a field of a union names its variant; write variant:"…"`)
		case slices.ContainsFunc(variants, func(v Variant) bool { return v.Kind == kind }):
			wrong("."+f.Name, `variant:"`+kind+`" is there twice`)
		case !f.IsExported() || f.Type.Kind() != reflect.Pointer || f.Type.Elem().Kind() != reflect.Struct:
			wrong("."+f.Name, "a variant is an exported field that is a pointer to a struct")
		default:
			variants = append(variants, Variant{kind, i})
		}
	}
	if discriminator == "" {
		wrong("", "the union names no discriminator; add the field _ struct{} with the tag discriminator:\"…\"")
	}
	if len(variants) == 0 {
		wrong("", "the union has no variants")
	}
	return discriminator, variants, mistakes
}
