package schema

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Components names and collects the types that the schemas of one document refer to:
// first Add for every schema, then Ref and Definitions. A type keeps its name if no other
// has it, else all that share it have that of their package in front, and a number if that
// is not enough. Names do not depend on the order of Add, but for types of one name that
// are local to functions of one package, which nothing else tells apart. It is used by one
// goroutine.
type Components struct {
	prefix string
	types  map[reflect.Type]*Schema
	order  []reflect.Type // as they were added
	seen   map[*Schema]bool
	names  map[reflect.Type]string // made with the first Ref
	taken  map[string]bool
	parts  map[partKey]string // names, made as they are referred to
	made   []part
}

// partKey tells a variant of a union that is a component of its own.
type partKey struct {
	union reflect.Type
	kind  string
}

// part is what such a component holds.
type part struct {
	name  string
	union *union
	of    *variant
}

// NewComponents returns an empty collection whose references begin with prefix, such as
// "#/components/schemas/".
func NewComponents(prefix string) *Components {
	return &Components{prefix: prefix, types: map[reflect.Type]*Schema{}, seen: map[*Schema]bool{}}
}

// Reserve keeps a name from being given to a type, for a component that is not made from
// one. It has no effect after the first Ref.
func (k *Components) Reserve(name string) {
	if k.taken == nil {
		k.taken = map[string]bool{}
	}
	k.taken[name] = true
}

// Add collects the types below s, and s itself if it is named.
func (k *Components) Add(s *Schema) {
	s.walk(k.seen, func(s *Schema) {
		if s.Named() && k.types[s.typ] == nil {
			k.types[s.typ] = s
			k.order = append(k.order, s.typ)
			if k.names != nil {
				k.name(s.typ, typeName(s.typ))
			}
		}
	})
}

// Document writes the schema where a field has it, with references to components.
func (k *Components) Document(s *Schema) *Object {
	w := k.writer()
	return w.schema(s, false)
}

func (k *Components) writer() writer { return writer{ref: k.Ref, part: k.part} }

// part returns the reference to a variant, which is called after its union and its kind.
// A union without a name has none to give.
func (k *Components) part(s *Schema, v *variant) string {
	if !s.Named() {
		return ""
	}
	key := partKey{s.typ, v.name}
	if k.parts[key] == "" {
		if k.parts == nil {
			k.parts = map[partKey]string{}
		}
		k.parts[key] = k.free(k.Name(s.typ) + upper(v.name))
		k.made = append(k.made, part{k.parts[key], s.union, v})
	}
	return k.prefix + k.parts[key]
}

// Ref returns the reference to a type that was added; Document takes this method.
func (k *Components) Ref(t reflect.Type) string { return k.prefix + k.Name(t) }

// Name returns what a type that was added is called.
func (k *Components) Name(t reflect.Type) string {
	if k.names == nil {
		k.nameAll()
	}
	return k.names[t]
}

// nameAll gives all types their names.
func (k *Components) nameAll() {
	k.names = map[reflect.Type]string{}
	if k.taken == nil {
		k.taken = map[string]bool{}
	}
	all := slices.Clone(k.order)
	count := map[string]int{}
	for _, t := range all {
		count[typeName(t)]++
	}
	slices.SortStableFunc(all, func(a, b reflect.Type) int {
		if order := strings.Compare(a.PkgPath(), b.PkgPath()); order != 0 {
			return order
		}
		return strings.Compare(named(a).String(), named(b).String())
	})
	for _, t := range all { // those that are alone first, so that no other takes their name
		if name := typeName(t); count[name] == 1 && !k.taken[name] {
			k.name(t, name)
		}
	}
	for _, t := range all {
		if k.names[t] == "" {
			k.name(t, upper(path.Base(named(t).PkgPath()))+typeName(t))
		}
	}
}

// name gives t a name.
func (k *Components) name(t reflect.Type, name string) { k.names[t] = k.free(name) }

// free takes a name, with a number if it is taken.
func (k *Components) free(name string) string {
	free := name
	for n := 2; k.taken[free]; n++ {
		free = name + strconv.Itoa(n)
	}
	k.taken[free] = true
	return free
}

// Definitions returns the components, sorted by name.
func (k *Components) Definitions() *Object {
	var names []string
	types := map[string]reflect.Type{}
	for t := range k.types {
		name := k.Name(t)
		names = append(names, name)
		types[name] = t
	}
	slices.Sort(names)
	w, written := k.writer(), map[string]*Object{}
	for _, name := range names {
		written[name] = w.definition(k.types[types[name]])
	}
	for i := 0; i < len(k.made); i++ { // each may refer to others
		p := k.made[i]
		written[p.name] = w.whole(p.union, p.of)
	}
	o := new(Object)
	for _, name := range slices.Sorted(maps.Keys(written)) {
		o.Set(name, written[name])
	}
	return o
}

// named returns the type that has the name: the variants of a union.
func named(t reflect.Type) reflect.Type {
	if isUnion(t) {
		return t.Field(0).Type
	}
	return t
}

// typeName returns the name of a type as documents can have it: Page[main.User] is
// PageUser.
func typeName(t reflect.Type) string {
	t = named(t)
	name, arguments, generic := strings.Cut(t.Name(), "[")
	var b strings.Builder
	b.WriteString(upper(name))
	if generic {
		for argument := range strings.FieldsFuncSeq(strings.TrimSuffix(arguments, "]"), notInPath) {
			local := argument[strings.LastIndexByte(argument, '/')+1:]
			b.WriteString(upper(local[strings.LastIndexByte(local, '.')+1:]))
		}
	}
	return b.String()
}

// notInPath tells what stands between the types in the arguments of a generic one.
func notInPath(c rune) bool { return strings.ContainsRune("[]*,;{} \"", c) }

// legal leaves out what component names cannot have (OpenAPI 3.1, Components Object).
func legal(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '·' || c > unicode.MaxASCII || c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return -1
		}
		return c
	}, name)
}

// upper returns a name that begins with an upper-case letter.
func upper(name string) string {
	name = legal(name)
	if name == "" {
		return "Type"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}
