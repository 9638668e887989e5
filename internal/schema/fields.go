package schema

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// candidate is a field that may be a member, by the rules of encoding/json for embedded
// structs.
type candidate struct {
	field
	depth  int
	tagged bool
}

// fieldsOf returns the members of a struct type as encoding/json has them: of those with
// the same name, the least nested one, the tagged one, or none.
func fieldsOf(t reflect.Type) []field {
	var all []candidate
	collect(t, candidate{}, []reflect.Type{t}, &all)
	var out []field
	for i := range all {
		if wins(all, i) {
			out = append(out, all[i].field)
		}
	}
	return out
}

func wins(all []candidate, i int) bool {
	c := &all[i]
	for j := range all {
		other := &all[j]
		if i == j || other.name != c.name {
			continue
		}
		if other.depth < c.depth || other.depth == c.depth && (other.tagged || !c.tagged) {
			return false
		}
	}
	return true
}

// collect appends the fields of t, a struct that stands where outer says.
func collect(t reflect.Type, outer candidate, path []reflect.Type, all *[]candidate) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		embedded, pointer := embeddedStruct(f)
		if f.Tag.Get("json") == "-" || f.Name == "_" || !f.IsExported() && (embedded == nil || pointer) {
			continue
		}
		c := candidate{depth: outer.depth, tagged: validName(name)}
		c.via, c.offset = outer.via, outer.offset+f.Offset
		if embedded != nil && !c.tagged {
			if slices.Contains(path, embedded) {
				continue
			}
			c.depth++
			if pointer {
				c.via, c.offset = append(slices.Clip(c.via), c.offset), 0
			}
			collect(embedded, c, append(slices.Clip(path), embedded), all)
			continue
		}
		if !f.IsExported() {
			continue
		}
		if !c.tagged {
			name = f.Name
		}
		c.name, c.goName, c.tag, c.typ = name, f.Name, f.Tag, f.Type
		said := strings.Split(options, ",")
		c.quoted = slices.Contains(said, "string") && quotable(f.Type)
		c.omitted = slices.Contains(said, "omitzero") || slices.Contains(said, "omitempty") && emptiable(f.Type)
		*all = append(*all, c)
	}
}

// embeddedStruct returns the struct that f embeds, nil if it embeds none.
func embeddedStruct(f reflect.StructField) (t reflect.Type, pointer bool) {
	if !f.Anonymous {
		return nil, false
	}
	t = f.Type
	if t.Kind() == reflect.Pointer {
		t, pointer = t.Elem(), true
	}
	if t.Kind() != reflect.Struct {
		return nil, false
	}
	return t, pointer
}

// validName is what encoding/json takes as a name.
func validName(name string) bool {
	for _, c := range name {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return name != ""
}

// emptiable reports whether json:",omitempty" leaves out the zero value of a type.
func emptiable(t reflect.Type) bool {
	return t.Kind() != reflect.Struct && (t.Kind() != reflect.Array || t.Len() == 0)
}

// quotable reports whether json:",string" counts for a type.
func quotable(t reflect.Type) bool {
	if t.Name() == "" && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	}
	return false
}
