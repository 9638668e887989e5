package schema

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fewFields is how many names are compared one by one.
const fewFields = 16

// find returns which field a name in JSON is, as encoding/json has it: the one called
// so, or the first that differs in case only.
func (o *object) find(name string) (int, bool) {
	if i, ok := o.exact[name]; ok {
		return i, true
	}
	if len(o.fields) > fewFields {
		i, ok := o.folded[fold(name)]
		return i, ok
	}
	for i := range o.fields {
		if strings.EqualFold(o.fields[i].name, name) {
			return i, true
		}
	}
	return 0, false
}

// index makes the names of the fields ready for find.
func (o *object) index() {
	o.exact = map[string]int{}
	for i := range o.fields {
		o.exact[o.fields[i].name] = i
	}
	if len(o.fields) <= fewFields {
		return
	}
	o.folded = map[string]int{}
	for i := range o.fields {
		name := fold(o.fields[i].name)
		if _, has := o.folded[name]; !has {
			o.folded[name] = i
		}
	}
}

// fold returns a form of a name that those which differ in case share, in the sense of
// [strings.EqualFold].
func fold(name string) string {
	return strings.Map(func(c rune) rune {
		if c < utf8.RuneSelf && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return c
		}
		least := c
		for next := unicode.SimpleFold(c); next != c; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}
