package fastjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"sync"
	"time"

	"github.com/tako-go/tako/internal/schema"
)

// fit is what encoding/json takes for the values of a type, told without decoding
// them. It does not change once it is compiled.
type fit struct {
	typ      reflect.Type
	kind     fitKind
	elem     *fit // of pointers, lists, maps and optional values
	len      int  // of arrays; -1 for slices
	fields   []fitField
	exact    map[string]int
	variants map[string]*fit
	// discriminator tells the variants apart.
	discriminator string
	// timed says that a time.Time may be inside.
	timed bool
}

type fitKind uint8

const (
	fitForeign fitKind = iota // asked of encoding/json
	fitNothing                // null alone, which every kind but the first takes
	fitBool
	fitInt
	fitUint
	fitFloat
	fitString
	fitNumber // json.Number
	fitText   // a string that the type reads itself
	fitTime
	fitBytes // a list, or base64
	fitAny
	fitPointer
	fitList
	fitMap
	fitStruct
	fitUnion
)

// fitField is a field of a struct, or of a struct embedded in it.
type fitField struct {
	name   string
	fit    *fit
	quoted reflect.Type // a struct with the field alone, if its values are in strings
}

// fits is what is known about the types that were met so far.
var fits fitCache

type fitCache struct{ types sync.Map }

func (c *fitCache) of(t reflect.Type) *fit {
	if f, met := c.types.Load(t); met {
		return f.(*fit)
	}
	made := fitter{}
	f := made.compile(t)
	made.settle()
	c.types.Store(t, f)
	return f
}

// fitter holds what fits one type and all it is made of, those under way included.
type fitter map[reflect.Type]*fit

// settle finds where times may be, through circles too.
func (c fitter) settle() {
	for changed := true; changed; {
		changed = false
		for _, f := range c {
			if !f.timed && f.holdsTime() {
				f.timed, changed = true, true
			}
		}
	}
}

func (f *fit) holdsTime() bool {
	if f.kind == fitTime || f.elem != nil && f.elem.timed || f.kind == fitMap && f.typ.Key() == timeType {
		return true
	}
	for i := range f.fields {
		if f.fields[i].fit.timed {
			return true
		}
	}
	for _, v := range f.variants {
		if v.timed {
			return true
		}
	}
	return false
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	numberType = reflect.TypeFor[json.Number]()
	fromJSON   = reflect.TypeFor[json.Unmarshaler]()
	fromText   = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (c fitter) compile(t reflect.Type) *fit {
	if f, met := c[t]; met {
		return f
	}
	f := &fit{typ: t}
	c[t] = f
	f.kind = c.fill(f, t)
	return f
}

func (c fitter) fill(f *fit, t reflect.Type) fitKind {
	if t == timeType {
		return fitTime
	}
	if elem := optional(t); elem != nil {
		f.elem = c.compile(elem)
		return fitPointer
	}
	if union(t) {
		return c.fillUnion(f, t.Field(0).Type)
	}
	to := reflect.PointerTo(t)
	switch {
	case t.Kind() == reflect.Pointer:
		f.elem = c.compile(t.Elem())
		return fitPointer
	case t == numberType:
		return fitNumber
	case to.Implements(fromJSON):
		return fitForeign
	case to.Implements(fromText):
		return fitText
	}
	switch t.Kind() {
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return fitAny
		}
	case reflect.Struct:
		c.fillStruct(f, t)
		return fitStruct
	case reflect.Slice:
		f.len, f.elem = -1, c.compile(t.Elem())
		if t.Elem().Kind() == reflect.Uint8 {
			return fitBytes
		}
		return fitList
	case reflect.Array:
		f.len, f.elem = t.Len(), c.compile(t.Elem())
		return fitList
	case reflect.Map:
		if key := scalarFit(t.Key().Kind()); key == fitInt || key == fitUint || key == fitString || reflect.PointerTo(t.Key()).Implements(fromText) {
			f.elem = c.compile(t.Elem())
			return fitMap
		}
	}
	return scalarFit(t.Kind())
}

// scalarFit is fitNothing for what cannot stand in JSON.
func scalarFit(k reflect.Kind) fitKind {
	switch {
	case k == reflect.Bool:
		return fitBool
	case k >= reflect.Int && k <= reflect.Int64:
		return fitInt
	case k >= reflect.Uint && k <= reflect.Uintptr:
		return fitUint
	case k == reflect.Float32 || k == reflect.Float64:
		return fitFloat
	case k == reflect.String:
		return fitString
	}
	return fitNothing
}

func (c fitter) fillStruct(f *fit, t reflect.Type) {
	f.exact = map[string]int{}
	for i, field := range dominant(candidates(t)) {
		made := fitField{name: field.name, fit: c.compile(field.typ)}
		if field.quoted {
			made.quoted = reflect.StructOf([]reflect.StructField{{Name: "V", Type: field.typ, Tag: `json:"v,string"`}})
		}
		f.exact[field.name] = i
		f.fields = append(f.fields, made)
	}
}

func (c fitter) fillUnion(f *fit, t reflect.Type) fitKind {
	discriminator, variants, mistakes := schema.Variants(t)
	if len(mistakes) > 0 {
		return fitForeign // it cannot be decoded
	}
	f.discriminator, f.variants = discriminator, map[string]*fit{}
	for _, v := range variants {
		f.variants[v.Kind] = c.compile(t.Field(v.Index).Type.Elem())
	}
	return fitUnion
}

// lookup returns the field for a name, -1 if there is none, as that of a shape.
func (f *fit) lookup(name []byte) int {
	if i, ok := f.exact[string(name)]; ok {
		return i
	}
	for i := range f.fields {
		if equalFold(f.fields[i].name, name) {
			return i
		}
	}
	return -1
}
