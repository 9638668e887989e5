package schema

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// A Compiler makes and caches schemas. It is safe for concurrent use. The zero value
// works.
type Compiler struct {
	// Formats are checks of the format keyword beyond the built-in ones, by name. An
	// error says in a few words what the text must be; it is shown to clients. The map
	// must not change once For was called.
	Formats map[string]func(string) error

	mu      sync.Mutex
	fields  map[fieldKey]*Schema
	plain   map[plainKey]*Schema // of types without a tag
	objects map[reflect.Type]*object
	// What the call that runs has made.
	fresh     []*Schema
	unsettled []*object
	unions    []*union
	making    []*Schema // those whose inside is being made, the innermost last
}

type fieldKey struct {
	typ  reflect.Type
	tag  reflect.StructTag
	text bool
}

type plainKey struct {
	typ  reflect.Type
	text bool
}

// For returns the schema of a value of type t that stands in a field with this tag, ""
// for none, and the mistakes in the tags of it and of everything below. Each mistake
// names type and field, the tag, and how to put it right. Recursive types are fine. The
// schema is of use even if there are mistakes; tags in error are left out of it.
func (c *Compiler) For(t reflect.Type, tag reflect.StructTag) (*Schema, []string) {
	return c.make(fieldKey{t, tag, false})
}

// ForText is For for a value that is written as text, in a path, query, header, cookie or
// form: a [time.Duration] is text such as 1m30s there, and types that read themselves
// from text are strings. Only the outermost value, its pointer, Opt or items are text.
func (c *Compiler) ForText(t reflect.Type, tag reflect.StructTag) (*Schema, []string) {
	return c.make(fieldKey{t, tag, true})
}

func (c *Compiler) make(key fieldKey) (*Schema, []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fields == nil {
		c.fields = map[fieldKey]*Schema{}
		c.plain = map[plainKey]*Schema{}
		c.objects = map[reflect.Type]*object{}
	}
	s := c.fields[key]
	if s == nil {
		b := builder{c: c, at: key.typ.String(), text: key.text}
		b.tags = parseTag(key.tag, b.wrong)
		s = b.schema(key.typ, b.tags)
		if len(b.mistakes) > 0 {
			s = s.with(b.mistakes)
			c.fresh = append(c.fresh, s)
		}
		c.fields[key] = s
		c.settle()
		checkTold(c.fresh)
		c.fresh, c.unsettled, c.unions = nil, nil, nil
	}
	return s, s.allMistakes()
}

// with returns a copy that has further mistakes: s may be shared.
func (s *Schema) with(mistakes []string) *Schema {
	shared := *s
	shared.mistakes = slices.Concat(s.mistakes, mistakes)
	return &shared
}

// builder makes the schema of one field.
type builder struct {
	c        *Compiler
	at       string // type.Field, for mistakes
	tags     tags
	text     bool // the value is written as text
	mistakes []string
}

func (b *builder) wrong(p pair, text string) {
	b.mistakes = append(b.mistakes, fmt.Sprintf("%s: %s %s", b.at, p, text))
}

// schema returns the schema of t with what the tags say. Those of types without tags are
// shared, which is also what ends recursion.
func (b *builder) schema(t reflect.Type, tg tags) *Schema {
	key := plainKey{t, b.text}
	if len(tg) == 0 {
		if s := b.c.plain[key]; s != nil {
			if s.size == unsized {
				b.c.circle(s)
			}
			return s
		}
	}
	s := &Schema{typ: t, kind: kindOf(t, b.text), size: unsized, at: b.at}
	b.c.fresh = append(b.c.fresh, s)
	if len(tg) == 0 {
		b.c.plain[key] = s
	}
	before := len(b.mistakes)
	b.c.making = append(b.c.making, s)
	b.below(s, tg)
	b.c.making = b.c.making[:len(b.c.making)-1]
	if len(tg) == 0 { // other fields share it, with what is wrong
		s.mistakes = append(s.mistakes, b.mistakes[before:]...)
		b.mistakes = b.mistakes[:before]
	}
	s.size = t.Size()
	s.checks = OwnChecksOf(t, nil)
	if s.kind != kindPointer && s.kind != kindOpt {
		b.typeEnum(s)
		b.apply(s, tg)
	}
	return s
}

// circle marks s, which is being made, and what it is being made through as below
// themselves. Types with a tag are left out: the circle goes through those without.
func (c *Compiler) circle(s *Schema) {
	for i := len(c.making) - 1; i >= 0; i-- {
		at := c.making[i]
		if c.plain[plainKey{at.typ, false}] == at || c.plain[plainKey{at.typ, true}] == at {
			at.recursive = true
		}
		if at == s {
			return
		}
	}
}

// unsized marks a schema that is being made.
const unsized = ^uintptr(0)

// below makes the schemas of what a value holds.
func (b *builder) below(s *Schema, tg tags) {
	t := s.typ
	switch s.kind {
	case kindBad:
		b.mistakes = append(b.mistakes, fmt.Sprintf(`%s: a %s cannot stand in JSON; leave the field out with json:"-"`, b.at, t))
	case kindAny:
		s.null = anyNull(t)
	case kindCustom:
		b.customSchema(s)
		s.null = allowsNull(s.custom)
	case kindPointer:
		s.null = true
		s.elem = b.schema(t.Elem(), tg.without("nullable", "required", "dependentRequired"))
		s.secret, s.quoted = s.elem.secret, s.elem.quoted
	case kindOpt:
		s.null = true
		s.opt, _ = optionalOf(t)
		s.elem = b.schema(s.opt.elem, tg.without("nullable", "required", "dependentRequired"))
		s.secret = s.elem.secret
	case kindSlice, kindArray:
		s.elem = b.schema(t.Elem(), tg.below("items."))
	case kindMap:
		inner := *b
		inner.text = false
		s.elem = inner.schema(t.Elem(), tg.below("values."))
		b.mistakes = inner.mistakes
		s.keys = b.keySchema(t.Key(), tg.below("keys."))
	case kindStruct:
		var isNew bool
		if s.object, isNew = b.c.object(t); isNew {
			b.c.fill(s.object)
		}
	case kindUnion:
		s.union = b.makeUnion(t)
	}
	if s.nilable() {
		s.null = !b.text && !tg.demandSome()
	}
	b.prefixes(s, tg)
}

// nilable reports a kind whose nil value encoding/json writes as null. What it writes it
// must be told to take, so null is allowed unless a tag speaks against it.
func (s *Schema) nilable() bool {
	return s.kind == kindSlice || s.kind == kindMap || s.kind == kindBytes
}

// nullIsValue reports a kind for which null is a value like others: an empty list or map,
// or what a type of its own makes of it. For others null says that there is none.
func (s *Schema) nullIsValue() bool {
	return s.nilable() || s.kind == kindAny || s.kind == kindCustom
}

// Whole returns the tag for a value that is all of a body: one that is a list or a map is
// there, and so not null.
func Whole(t reflect.Type) reflect.StructTag {
	if t.Kind() == reflect.Map || t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 {
		return `nullable:"false"`
	}
	return ""
}

// demandSome reports that an empty list, text or map is refused, and null with it.
func (t tags) demandSome() bool {
	return slices.ContainsFunc(t, func(p pair) bool {
		return (p.key == "minItems" || p.key == "minProperties" || p.key == "minLength") && p.value != "0"
	})
}

// prefixes reports prefixes that lead nowhere.
func (b *builder) prefixes(s *Schema, tg tags) {
	if s.kind == kindPointer || s.kind == kindOpt {
		return
	}
	for _, p := range tg {
		switch {
		case strings.HasPrefix(p.key, "items.") && s.kind != kindSlice && s.kind != kindArray:
			b.wrong(p, "is for slices and arrays, not for "+s.typ.String())
		case (strings.HasPrefix(p.key, "values.") || strings.HasPrefix(p.key, "keys.")) && s.kind != kindMap:
			b.wrong(p, "is for maps, not for "+s.typ.String())
		}
	}
}

// keySchema returns the schema of the names of a map. Those of numbers are text that
// reads as one.
func (b *builder) keySchema(t reflect.Type, tg tags) *Schema {
	s := &Schema{typ: t, kind: kindOf(t, true), size: t.Size(), checks: OwnChecksOf(t, nil)}
	b.c.fresh = append(b.c.fresh, s)
	switch s.kind {
	case kindString:
		b.typeEnum(s)
	case kindText:
	case kindInt, kindUint:
		s.quoted, s.written = true, writtenKey(s)
	default:
		s.kind = kindBad
		b.mistakes = append(b.mistakes, fmt.Sprintf(`%s: the keys of a map are strings, integers or types that read themselves from text, not %s`, b.at, t))
	}
	b.apply(s, tg)
	return s
}

func (b *builder) makeUnion(t reflect.Type) *union {
	inner := t.Field(0).Type
	discriminator, variants, mistakes := Variants(inner)
	u := &union{
		discriminator: discriminator, typ: inner, kind: t.Field(1).Offset,
		checks: OwnChecksOf(inner, func(reflect.StructField) bool { return true }),
	}
	b.c.unions = append(b.c.unions, u)
	var names []string
	for _, v := range variants {
		f := inner.Field(v.Index)
		inVariant := builder{c: b.c, at: inner.String() + "." + f.Name}
		made := variant{name: v.Kind, offset: f.Offset, schema: inVariant.schema(f.Type.Elem(), nil)}
		mistakes = append(mistakes, inVariant.mistakes...)
		if made.schema.kind != kindStruct {
			mistakes = append(mistakes, inVariant.at+": a variant is written as an object by its fields, without methods of its own for JSON")
			continue
		}
		u.variants = append(u.variants, made)
		names = append(names, fmt.Sprintf("%q", v.Kind))
	}
	u.allowed = strings.Join(names, ", ")
	b.mistakes = append(b.mistakes, mistakes...)
	return u
}

// allMistakes collects those of everything below, each once.
func (s *Schema) allMistakes() (all []string) {
	seen := map[*Schema]bool{}
	objects := map[*object]bool{}
	s.walk(seen, func(s *Schema) {
		all = append(all, s.mistakes...)
		if s.object != nil && !objects[s.object] {
			objects[s.object] = true
			all = append(all, s.object.mistakes...)
		}
	})
	var unique []string
	for _, text := range all {
		if !slices.Contains(unique, text) {
			unique = append(unique, text)
		}
	}
	return unique
}

// walk calls visit for s and everything below it, once for each.
func (s *Schema) walk(seen map[*Schema]bool, visit func(*Schema)) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	visit(s)
	s.children(func(child *Schema) { child.walk(seen, visit) })
}

// children calls visit for what a value holds.
func (s *Schema) children(visit func(*Schema)) {
	if s.elem != nil {
		visit(s.elem)
	}
	if s.keys != nil {
		visit(s.keys)
	}
	if s.object != nil {
		for i := range s.object.fields {
			visit(s.object.fields[i].schema)
		}
	}
	if s.union != nil {
		for i := range s.union.variants {
			visit(s.union.variants[i].schema)
		}
	}
}
