package schema

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// apply puts the keywords of a field into s, in the order of documents.
func (b *builder) apply(s *Schema, tg tags) {
	for _, key := range keywords {
		if text, ok := tg.get(key); ok {
			b.keyword(s, pair{key, text})
		}
	}
	b.contradictions(s, tg)
}

func (b *builder) keyword(s *Schema, p pair) {
	switch p.key {
	case "title":
		s.words.Set("title", p.value)
	case "doc":
		s.words.Set("description", p.value)
	case "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf":
		b.numeric(s, p)
	case "minLength", "maxLength", "pattern", "format":
		b.textual(s, p)
	case "const", "enum":
		b.enumerated(s, p)
	case "minItems", "maxItems", "uniqueItems":
		b.listed(s, p)
	case "minProperties", "maxProperties":
		if s.kind != kindMap {
			b.wrong(p, "is for maps; for a struct it stands in a field _ struct{} of it")
			return
		}
		b.count(s, p)
	case "default", "example":
		b.told(s, p)
	case "deprecated", "readOnly", "writeOnly":
		if b.boolean(p) {
			s.words.Set(p.key, true)
			s.secret = s.secret || p.key == "writeOnly" // it is never sent, not even to refuse it
		}
	case "nullable":
		s.null = b.boolean(p) || s.null && !s.nilable()
	case "secret":
		if b.boolean(p) {
			b.secret(s)
		}
	case "additionalProperties":
		b.wrong(p, "is for a field _ struct{} of the struct that it is about")
	case "discriminator":
		if s.kind != kindBad {
			b.wrong(p, "is for a field _ struct{} of the struct of variants")
		}
	}
}

// boolean reads a keyword that is true or false.
func (b *builder) boolean(p pair) bool {
	if p.value != "true" && p.value != "false" {
		b.wrong(p, `is neither "true" nor "false"`)
	}
	return p.value == "true"
}

func (b *builder) secret(s *Schema) {
	s.secret = true
	if s.kind == kindString && s.words.Get("format") == nil {
		s.words.Set("format", "password")
	}
	s.words.Set("writeOnly", true)
}

// misplaced reports a keyword on a type that it is not for.
func (b *builder) misplaced(s *Schema, p pair, is string) {
	text := "is for " + is + ", not for " + s.typ.String()
	if s.kind == kindSlice || s.kind == kindArray {
		text += "; for its items write items." + p.String()
	}
	if s.kind == kindMap {
		text += "; for its values write values." + p.String()
	}
	b.wrong(p, text)
}

// textual reads the keywords of strings.
func (b *builder) textual(s *Schema, p pair) {
	lengths := p.key == "minLength" || p.key == "maxLength"
	switch {
	case s.quoted, s.kind != kindString && s.kind != kindText && !(s.kind == kindBytes && lengths) &&
		!(s.kind == kindBytes && p.key == "format" && p.value == "byte"):
		b.misplaced(s, p, "strings")
	case lengths:
		b.count(s, p)
	case p.key == "pattern":
		b.pattern(s, p)
	default:
		b.format(s, p)
	}
}

// count reads a keyword that is a number of things.
func (b *builder) count(s *Schema, p pair) {
	n, err := strconv.Atoi(p.value)
	if err != nil || n < 0 {
		b.wrong(p, "is not a number of "+things[p.key].many+"; write a whole number from 0 on")
		return
	}
	r := rule{keyword: p.key, op: opMinLen, i: int64(n), detail: "must have at least " + things[p.key].count(n)}
	if strings.HasPrefix(p.key, "max") {
		r.op, r.detail = opMaxLen, "must have at most "+things[p.key].count(n)
	}
	s.add(r, n)
}

// noun is what a keyword counts.
type noun struct{ one, many string }

func (n noun) count(i int) string {
	if i == 1 {
		return "1 " + n.one
	}
	return strconv.Itoa(i) + " " + n.many
}

var things = map[string]noun{
	"minLength": {"character", "characters"}, "maxLength": {"character", "characters"},
	"minItems": {"item", "items"}, "maxItems": {"item", "items"},
	"minProperties": {"member", "members"}, "maxProperties": {"member", "members"},
}

// add puts in a rule, and the value that documents have.
func (s *Schema) add(r rule, word any) {
	s.rules = append(s.rules, r)
	s.words.Set(r.keyword, word)
}

// listed reads the keywords of arrays.
func (b *builder) listed(s *Schema, p pair) {
	switch {
	case s.kind != kindSlice && s.kind != kindArray:
		b.wrong(p, "is for slices and arrays, not for "+s.typ.String())
	case p.key != "uniqueItems":
		if s.kind == kindArray {
			b.wrong(p, "is for slices: "+s.typ.String()+" has a fixed number of items")
			return
		}
		b.count(s, p)
	case b.boolean(p):
		s.add(rule{keyword: p.key, op: opUnique, detail: "must not have the same item twice"}, true)
	}
}

// contradictions reports bounds that no value can keep.
func (b *builder) contradictions(s *Schema, tg tags) {
	for _, ends := range [][2]string{
		{"minimum", "maximum"}, {"minimum", "exclusiveMaximum"}, {"exclusiveMinimum", "maximum"},
		{"exclusiveMinimum", "exclusiveMaximum"}, {"minLength", "maxLength"},
		{"minItems", "maxItems"}, {"minProperties", "maxProperties"},
	} {
		low, high := s.words.Get(ends[0]), s.words.Get(ends[1])
		if low == nil || high == nil {
			continue
		}
		least, _ := strconv.ParseFloat(toText(low), 64)
		most, _ := strconv.ParseFloat(toText(high), 64)
		if least > most || least == most && strings.HasPrefix(ends[0]+ends[1], "exclusive") {
			text, _ := tg.get(ends[0])
			b.wrong(pair{ends[0], text}, "is more than "+ends[1]+" allows; no value is left")
		}
	}
	if s.words.Get("const") != nil && s.words.Get("enum") != nil {
		b.wrong(pair{"const", toText(s.words.Get("const"))}, "and enum are both there; one says all")
	}
}

func toText(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

// blanks reads the blank fields, which are about the struct itself.
func (o *object) blanks() {
	b := builder{at: o.typ.String()}
	o.maxMembers = -1
	for i := range o.typ.NumField() {
		f := o.typ.Field(i)
		if f.Name != "_" || f.Type != reflect.TypeFor[struct{}]() {
			continue
		}
		for _, p := range parseTag(f.Tag, b.wrong) {
			b.blank(o, p)
		}
	}
	if o.maxMembers >= 0 && o.minMembers > o.maxMembers {
		b.wrong(pair{"minProperties", strconv.Itoa(o.minMembers)}, "is more than maxProperties allows; no value is left")
	}
	o.mistakes = append(o.mistakes, b.mistakes...)
}

func (b *builder) blank(o *object, p pair) {
	switch p.key {
	case "title":
		o.words.Set("title", p.value)
	case "doc":
		o.words.Set("description", p.value)
	case "deprecated":
		if b.boolean(p) {
			o.words.Set(p.key, true)
		}
	case "example":
		if !json.Valid([]byte(p.value)) {
			b.wrong(p, "is not JSON")
			return
		}
		o.words.Set("examples", []any{json.RawMessage(p.value)})
	case "additionalProperties":
		o.closed = !b.boolean(p)
	case "minProperties", "maxProperties":
		n, err := strconv.Atoi(p.value)
		switch {
		case err != nil || n < 0:
			b.wrong(p, "is not a number of members; write a whole number from 0 on")
		case p.key == "minProperties":
			o.minMembers = n
		default:
			o.maxMembers = n
		}
	case "discriminator":
	default:
		b.wrong(p, "says nothing about a struct; put it on the field that it is about")
	}
}
