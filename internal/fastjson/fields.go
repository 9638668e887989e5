package fastjson

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// maxFields is how many fields an object can keep apart.
const maxFields = 256

// searched is from how many fields on a struct has a map of them.
const searched = 12

// fillStruct refuses structs for which encoding/json has rules that are seldom
// needed: names that stand for several fields, pointers to embedded structs, and
// numbers in quotes.
func (c compiler) fillStruct(p *plan, t reflect.Type) bool {
	if !c.addFields(p, t, 0) || len(p.fields) > maxFields {
		return false
	}
	names := map[string]int{}
	for i := range p.fields {
		if _, twice := names[p.fields[i].name]; twice {
			return false
		}
		names[p.fields[i].name] = i
	}
	if len(p.fields) >= searched {
		p.byName = names
	}
	return true
}

func (c compiler) addFields(p *plan, t reflect.Type, base uintptr) bool {
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if f.Anonymous {
			if f.Type.Kind() != reflect.Struct || name != "" || hasMethods(f.Type) || !c.addFields(p, f.Type, base+f.Offset) {
				return false
			}
			continue
		}
		if !f.IsExported() {
			continue
		}
		if !validName(name) {
			name = f.Name
		}
		next, ok := c.field(name, options, f.Type)
		if !ok {
			return false
		}
		next.offset = base + f.Offset
		p.fields = append(p.fields, next)
	}
	return true
}

func (c compiler) field(name, options string, t reflect.Type) (field, bool) {
	f := field{name: name, quoted: `"` + name + `":`, plan: c.compile(t)}
	f.key = ("," + f.quoted + "\x00\x00\x00\x00\x00\x00\x00\x00")[:len(f.quoted)+1]
	head := make([]byte, 8)
	n := copy(head, f.quoted)
	f.head, f.mask = load8(head), ^uint64(0)>>(64-8*n)
	list := strings.Split(options, ",")
	if slices.Contains(list, "string") {
		return f, false
	}
	if slices.Contains(list, "omitempty") {
		f.omit |= omitEmpty
	}
	if slices.Contains(list, "omitzero") {
		f.omit |= omitZero
		f.isZero = reflect.PointerTo(t).Implements(reflect.TypeFor[zeroer]())
		if (t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface) && t.Implements(reflect.TypeFor[zeroer]()) {
			return f, false // nil has no methods to call
		}
	}
	return f, true
}

// zeroer is a type with its own idea of zero.
type zeroer interface{ IsZero() bool }

// validName reports whether encoding/json takes a name from a tag.
func validName(name string) bool {
	for _, c := range name {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return name != ""
}

// lookup returns the field with this name, or the first whose name differs in
// case only; -1 if there is none.
func (p *plan) lookup(name []byte) int {
	if p.byName != nil {
		if i, ok := p.byName[string(name)]; ok {
			return i
		}
	} else {
		for i := range p.fields {
			if p.fields[i].name == string(name) {
				return i
			}
		}
	}
	for i := range p.fields {
		if equalFold(p.fields[i].name, name) {
			return i
		}
	}
	return -1
}

// equalFold looks for the usual case first: names of different length that are
// ASCII are not equal.
func equalFold(a string, b []byte) bool {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x|y >= 0x80 {
			return strings.EqualFold(a, string(b))
		}
		if x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return len(a) == len(b)
}
