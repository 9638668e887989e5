package msgpack

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ugorji/go/codec"
)

// plan is what the library makes of a type, as far as sizes, numbers and keys go. A type
// that none matters for has none. It does not change once it is compiled.
type plan struct {
	kind   planKind
	elem   *plan
	key    *plan
	charge int64 // bytes for each element, pair, or value behind a pointer; for embedded pointers once
	names  map[string]int
	fields []*plan // in the order of the struct
	// textual says that the keys of a map are text, numbered that the names of a struct
	// may be numbers.
	textual, numbered bool
}

type planKind uint8

const (
	planSigned planKind = iota
	planUnsigned
	planPointer
	planList
	planMap
	planStruct
	planOwn // reads itself
)

// root is the plan of a type that is decoded into, and what one value of a body may
// cost at most.
type root struct {
	plan *plan
	most int64
}

// plans is what is known of the types that were met so far.
var plans planCache

type planCache struct{ types sync.Map }

func (c *planCache) of(t reflect.Type) root {
	if r, met := c.types.Load(t); met {
		return r.(root)
	}
	p := planner{}
	r := root{plan: p.compile(t)}
	for _, made := range p {
		r.most += made.charge
	}
	c.types.Store(t, r)
	return r
}

// planner holds the plans of one type and of all it is made of, those under way
// included.
type planner map[reflect.Type]*plan

func (c planner) compile(t reflect.Type) *plan {
	if p, met := c[t]; met {
		return p
	}
	p := new(plan)
	if readsItself(t) {
		p.kind = planOwn
		return p
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.kind = planSigned
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		p.kind = planUnsigned
	case reflect.Pointer:
		c[t] = p
		p.kind, p.elem, p.charge = planPointer, c.compile(t.Elem()), size(t.Elem())
	case reflect.Slice:
		c[t] = p
		p.kind, p.elem, p.charge = planList, c.compile(t.Elem()), size(t.Elem())
	case reflect.Array:
		c[t] = p
		p.kind, p.elem = planList, c.compile(t.Elem())
	case reflect.Map:
		c[t] = p
		p.kind, p.key, p.elem, p.charge = planMap, c.compile(t.Key()), c.compile(t.Elem()), size(t.Key())+size(t.Elem())
		p.textual = t.Key().Kind() == reflect.String && !readsItself(t.Key())
	case reflect.Struct:
		c[t] = p
		p.kind, p.names, p.numbered = planStruct, map[string]int{}, numbered(t)
		c.fill(p, t)
	default:
		return nil
	}
	c[t] = p
	return p
}

func size(t reflect.Type) int64 { return int64(t.Size()) }

// readsItself reports whether the library leaves the type to itself, or knows it.
func readsItself(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[codec.Raw](), reflect.TypeFor[codec.RawExt]():
		return true
	}
	p := reflect.PointerTo(t)
	return t.Kind() != reflect.Pointer && (p.Implements(reflect.TypeFor[codec.Selfer]()) ||
		p.Implements(reflect.TypeFor[encoding.BinaryMarshaler]()) && p.Implements(reflect.TypeFor[encoding.BinaryUnmarshaler]()))
}

// numbered reports the tag of the library for names that are numbers.
func numbered(t reflect.Type) bool {
	f, _ := t.FieldByName("_struct")
	tag := f.Tag.Get("codec")
	if tag == "" {
		tag = f.Tag.Get("json")
	}
	_, options, _ := strings.Cut(tag, ",")
	return slices.ContainsFunc(strings.Split(options, ","), func(s string) bool { return s == "int" || s == "uint" || s == "float" })
}

// member is a field, in the struct or in one embedded so deep.
type member struct {
	name  string
	typ   reflect.Type
	depth int
}

// fill has the fields by the rules of the library: of those with one name the first
// of the least nested ones.
func (c planner) fill(p *plan, t reflect.Type) {
	all := c.members(p, nil, t, 0, map[reflect.Type]int{})
	first := map[string]int{}
	for i, m := range all {
		if j, has := first[m.name]; !has || m.depth < all[j].depth {
			first[m.name] = i
		}
	}
	for i, m := range all {
		if first[m.name] == i {
			p.names[m.name] = len(p.fields)
			p.fields = append(p.fields, c.compile(m.typ))
		}
	}
}

// maxEmbedded is how often the library looks into a type that embeds itself.
const maxEmbedded = 2

func (c planner) members(p *plan, all []member, t reflect.Type, depth int, met map[reflect.Type]int) []member {
	for f := range t.Fields() {
		tag := f.Tag.Get("codec")
		if tag == "" {
			tag = f.Tag.Get("json")
		}
		if tag == "-" || !f.IsExported() && !f.Anonymous || f.Type.Kind() == reflect.Func || f.Type.Kind() == reflect.UnsafePointer {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		inner := f.Type
		for inner.Kind() == reflect.Pointer && f.Anonymous {
			inner = inner.Elem()
		}
		if name == "" && f.Anonymous && inner.Kind() == reflect.Struct {
			if inner != f.Type {
				if !f.IsExported() {
					continue // cannot be set
				}
				p.charge += size(inner)
			}
			if met[inner] < maxEmbedded {
				met[inner]++
				all = c.members(p, all, inner, depth+1, met)
			}
			continue
		}
		if !f.IsExported() || f.Name == "_struct" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		all = append(all, member{name, f.Type, depth})
	}
	return all
}
