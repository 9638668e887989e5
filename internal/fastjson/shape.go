package fastjson

import (
	"encoding"
	"reflect"
	"sync"

	"github.com/tako-go/tako/internal/schema"
)

// shape is what encoding/json knows of a type's names. A type without any has
// none. It does not change once it is compiled.
type shape struct {
	kind     shapeKind
	elem     *shape
	len      int  // of arrays; -1 for slices
	signed   bool // the keys of a map
	unsigned bool
	fields   []named
	exact    map[string]int
	// A union has these instead.
	discriminator string
	variants      map[string]*shape
}

type shapeKind uint8

const (
	shapeStruct shapeKind = iota
	shapeList
	shapeMap
)

// named is a field of a struct, or of a struct embedded in it.
type named struct {
	name  string
	shape *shape
}

// shapes is what is known about the types that were met so far.
var shapes shapeCache

type shapeCache struct{ types sync.Map }

func (c *shapeCache) of(t reflect.Type) *shape {
	if s, met := c.types.Load(t); met {
		return s.(*shape)
	}
	s := shaper{}.compile(t)
	c.types.Store(t, s)
	return s
}

// shaper holds the shapes of one type and of all it is made of, those under way
// included.
type shaper map[reflect.Type]*shape

// maxPointers is how many pointers may lead to a value.
const maxPointers = 100

func (c shaper) compile(t reflect.Type) *shape {
	for range maxPointers {
		if t.Kind() != reflect.Pointer {
			break
		}
		t = t.Elem()
	}
	if s, met := c[t]; met {
		return s
	}
	if elem := optional(t); elem != nil {
		return c.compile(elem)
	}
	s := new(shape)
	c[t] = s
	if !c.fill(s, t) {
		c[t] = nil
		return nil
	}
	return s
}

// fill reports whether t has names, as far as that is known.
func (c shaper) fill(s *shape, t reflect.Type) bool {
	if union(t) {
		return c.fillUnion(s, t.Field(0).Type)
	}
	if implements(reflect.PointerTo(t), unmarshalers) {
		return false
	}
	switch t.Kind() {
	case reflect.Struct:
		s.fields, s.exact = c.fields(t), map[string]int{}
		for i := range s.fields {
			s.exact[s.fields[i].name] = i
		}
		return true
	case reflect.Slice:
		s.kind, s.len, s.elem = shapeList, -1, c.compile(t.Elem())
		return s.elem != nil
	case reflect.Array:
		s.kind, s.len, s.elem = shapeList, t.Len(), c.compile(t.Elem())
		return s.elem != nil
	case reflect.Map:
		s.kind, s.elem = shapeMap, c.compile(t.Elem())
		if !reflect.PointerTo(t.Key()).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
			k := t.Key().Kind()
			s.signed = k >= reflect.Int && k <= reflect.Int64
			s.unsigned = k >= reflect.Uint && k <= reflect.Uintptr
		}
		return s.elem != nil || s.signed || s.unsigned
	}
	return false
}

func (c shaper) fillUnion(s *shape, t reflect.Type) bool {
	discriminator, variants, mistakes := schema.Variants(t)
	if len(mistakes) > 0 {
		return false // it cannot be decoded
	}
	s.discriminator, s.variants = discriminator, map[string]*shape{}
	for _, v := range variants {
		s.variants[v.Kind] = c.compile(t.Field(v.Index).Type)
	}
	return true
}

// optional returns what an optional value holds, nil for other types.
func optional(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Struct && t.NumField() == 2 && t.Field(0).Name == "value" && t.Field(1).Type == reflect.TypeFor[schema.State]() {
		return t.Field(0).Type
	}
	return nil
}

func union(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() == 2 && t.Field(0).Name == "Value" && t.Field(1).Type == reflect.TypeFor[schema.Kind]()
}

// lookup returns the field that encoding/json takes for a name: that with this
// name, or the first whose name differs in case only; -1 if there is none.
func (s *shape) lookup(name []byte) int {
	if i, ok := s.exact[string(name)]; ok {
		return i
	}
	for i := range s.fields {
		if equalFold(s.fields[i].name, name) {
			return i
		}
	}
	return -1
}
