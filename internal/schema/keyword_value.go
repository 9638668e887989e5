package schema

import (
	"encoding/json"
	"strconv"
	"strings"
)

// enumerated reads const, and enum: values with commas between them.
func (b *builder) enumerated(s *Schema, p pair) {
	texts := []string{p.value}
	if p.key == "enum" {
		texts = strings.Split(p.value, ",")
	}
	r := rule{keyword: p.key, op: opEnum, detail: "must be "}
	if len(texts) > 1 {
		r.detail = "must be one of "
	}
	words := make([]any, 0, len(texts))
	for i, text := range texts {
		word, ok := s.oneOf(&r, text)
		if !ok {
			b.wrong(p, "has "+strconv.Quote(text)+", which is no value of "+s.typ.String())
			return
		}
		if word == nil {
			b.misplaced(s, p, "strings, numbers and booleans")
			return
		}
		words = append(words, word)
		if i > 0 {
			r.detail += ", "
		}
		r.detail += toText(word)
	}
	r.manyTexts()
	if p.key == "const" {
		s.add(r, words[0])
		return
	}
	s.add(r, words)
}

// oneOf adds a value to r. It returns what documents have for it, nil if s is of a kind
// without such values.
func (s *Schema) oneOf(r *rule, text string) (word any, ok bool) {
	if s.quoted {
		return nil, true
	}
	var err error
	switch s.kind {
	case kindString, kindText:
		r.texts = append(r.texts, text)
		return text, true
	case kindInt:
		var n int64
		n, err = strconv.ParseInt(text, 10, int(s.size)*8)
		r.ints, word = append(r.ints, n), n
	case kindUint:
		var n uint64
		n, err = strconv.ParseUint(text, 10, int(s.size)*8)
		r.uints, word = append(r.uints, n), n
	case kindFloat:
		var f float64
		f, err = strconv.ParseFloat(text, int(s.size)*8)
		ok := json.Valid([]byte(text))
		r.floats = append(r.floats, f)
		return json.RawMessage(text), ok && err == nil
	case kindBool:
		if r.keyword != "const" {
			return nil, true
		}
		if text == "true" {
			r.i = 1
		}
		return text == "true", text == "true" || text == "false"
	default:
		return nil, true
	}
	return word, err == nil
}

// told reads default and example, which are checked once all is made.
func (b *builder) told(s *Schema, p pair) {
	raw, ok := s.literal(p.value)
	if !ok {
		b.wrong(p, "does not read as a "+s.typ.String())
		return
	}
	if p.key == "default" {
		s.words.Set("default", raw)
	} else {
		s.words.Set("examples", []any{raw})
	}
}

// literal returns the JSON of a value in a tag: text as it is, items of scalars with
// commas between them, everything else as JSON.
func (s *Schema) literal(text string) (json.RawMessage, bool) {
	switch {
	case s.quoted || s.kind >= kindString && s.kind <= kindTime:
		return json.RawMessage(toText(text)), true
	case (s.kind == kindPointer || s.kind == kindOpt) && !s.recursive:
		return s.elem.literal(text)
	case s.kind == kindAny && !json.Valid([]byte(text)):
		return json.RawMessage(toText(text)), true
	case (s.kind == kindSlice || s.kind == kindArray) && !strings.HasPrefix(text, "[") &&
		s.elem.kind != kindSlice && s.elem.kind != kindArray:
		out := []byte("[")
		for i, item := range strings.Split(text, ",") {
			raw, ok := s.elem.literal(item)
			if !ok {
				return nil, false
			}
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, raw...)
		}
		return append(out, ']'), true
	}
	return json.RawMessage(text), json.Valid([]byte(text))
}
