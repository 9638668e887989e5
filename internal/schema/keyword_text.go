package schema

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// pattern compiles what is written for documents, in the syntax of ECMAScript, so that it
// means the same here.
func (b *builder) pattern(s *Schema, p pair) {
	expr, alien := readPattern(p.value)
	if alien != nil {
		b.wrong(p, "has "+alien.what+", which is Go's own, while documents are read by others: write "+alien.instead)
		return
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		b.wrong(p, "is not a regular expression of Go's syntax (RE2): "+err.Error())
		return
	}
	s.add(rule{keyword: p.key, op: opPattern, re: re, detail: "must match " + p.value}, p.value)
}

func (b *builder) format(s *Schema, p pair) {
	r := rule{keyword: p.key, op: opFormat, detail: "must be in the format " + p.value}
	own, has := b.c.Formats[p.value]
	builtin, known := formats[p.value]
	switch {
	case p.value == "password":
		s.secret = true
		s.words.Set("format", p.value).Set("writeOnly", true)
		return
	case has:
		r.accepts = own
	case !known:
		b.wrong(p, "is no format that is known; add it to the formats, or write one of "+
			strings.Join(formatNames(), ", "))
		return
	case s.kind == kindBytes:
		return // said by the type
	default:
		r.is, r.detail = builtin.is, "must be "+builtin.noun
	}
	s.add(r, p.value)
}

func formatNames() []string {
	names := []string{"password"}
	for name := range formats {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// typeEnum reads the values of a type from its method Enum() []T.
func (b *builder) typeEnum(s *Schema) {
	t := s.typ
	if t.PkgPath() == "" || s.kind != kindString && s.kind != kindInt && s.kind != kindUint && s.kind != kindFloat {
		return
	}
	m := reflect.New(t).MethodByName("Enum")
	if !m.IsValid() || m.Type().NumIn() != 0 || m.Type().NumOut() != 1 || m.Type().Out(0) != reflect.SliceOf(t) {
		return
	}
	values := m.Call(nil)[0]
	r := rule{keyword: "enum", op: opEnum}
	var names []string
	for i := range values.Len() {
		v := values.Index(i)
		switch s.kind {
		case kindString:
			r.texts = append(r.texts, v.String())
			s.enum = append(s.enum, v.String())
		case kindInt:
			r.ints = append(r.ints, v.Int())
			s.enum = append(s.enum, v.Int())
		case kindUint:
			r.uints = append(r.uints, v.Uint())
			s.enum = append(s.enum, v.Uint())
		default:
			r.floats = append(r.floats, v.Float())
			s.enum = append(s.enum, v.Float())
		}
		names = append(names, toText(s.enum[i]))
	}
	if values.Len() == 0 {
		b.mistakes = append(b.mistakes, b.at+": the method Enum of "+t.String()+" returns no value")
		return
	}
	r.manyTexts()
	r.detail = "must be one of " + strings.Join(names, ", ")
	s.rules = append(s.rules, r)
}

// fewTexts is how many texts are compared one by one.
const fewTexts = 8

func (r *rule) manyTexts() {
	if len(r.texts) <= fewTexts {
		return
	}
	r.set = map[string]struct{}{}
	for _, text := range r.texts {
		r.set[text] = struct{}{}
	}
}
