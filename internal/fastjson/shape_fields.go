package fastjson

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// candidate is a field that may have its name to itself.
type candidate struct {
	name   string
	tagged bool
	quoted bool // the value is in a string
	index  []int
	typ    reflect.Type
}

// embedded is a struct to be looked through.
type embedded struct {
	typ   reflect.Type
	index []int
}

// fields returns the fields of a struct by the rules of encoding/json: of those
// with the same name the least nested one, the tagged one, or none.
func (c shaper) fields(t reflect.Type) []named {
	list := dominant(candidates(t))
	out := make([]named, len(list))
	for i, f := range list {
		out[i] = named{f.name, c.compile(f.typ)}
	}
	return out
}

// candidates goes through the embedded structs, level by level. One that is there
// twice on a level has its fields twice, so that none of them counts.
func candidates(t reflect.Type) (all []candidate) {
	next := []embedded{{typ: t}}
	var times map[reflect.Type]int
	visited := map[reflect.Type]bool{}
	for len(next) > 0 {
		level, count := next, times
		next, times = nil, map[reflect.Type]int{}
		for _, e := range level {
			if visited[e.typ] {
				continue
			}
			visited[e.typ] = true
			for i := range e.typ.NumField() {
				f, inner := candidateOf(e, i)
				switch {
				case inner != nil:
					if times[inner]++; times[inner] == 1 {
						next = append(next, embedded{inner, f.index})
					}
				case f.name != "":
					all = append(all, f)
					if count[e.typ] > 1 {
						all = append(all, f)
					}
				}
			}
		}
	}
	return all
}

// candidateOf returns the ith field of a struct, without name if it is none, and
// the struct that it embeds.
func candidateOf(e embedded, i int) (f candidate, inner reflect.Type) {
	field := e.typ.Field(i)
	t := field.Type
	if t.Name() == "" && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	tag := field.Tag.Get("json")
	if tag == "-" || !field.IsExported() && (!field.Anonymous || t.Kind() != reflect.Struct) {
		return f, nil
	}
	f.index, f.typ = append(slices.Clip(e.index), i), field.Type
	name, options, _ := strings.Cut(tag, ",")
	f.quoted = slices.Contains(strings.Split(options, ","), "string") && quotable(t.Kind())
	if f.name = name; validName(f.name) {
		f.tagged = true
		return f, nil
	}
	if field.Anonymous && t.Kind() == reflect.Struct {
		return f, t
	}
	f.name = field.Name
	return f, nil
}

// quotable reports a kind that the option "string" is for.
func quotable(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Float64 || k == reflect.String
}

// dominant leaves the fields that have their names, in the order of the struct.
func dominant(all []candidate) (out []candidate) {
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(len(a.index), len(b.index)), cmp.Compare(rank(a), rank(b)))
	})
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].name == all[0].name {
			n++
		}
		if n == 1 || len(all[0].index) != len(all[1].index) || rank(all[0]) != rank(all[1]) {
			out = append(out, all[0])
		}
		all = all[n:]
	}
	slices.SortFunc(out, func(a, b candidate) int { return slices.Compare(a.index, b.index) })
	return out
}

func rank(c candidate) int {
	if c.tagged {
		return 0
	}
	return 1
}
