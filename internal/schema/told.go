package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
)

// checkTold finds the defaults and examples that the schemas themselves refuse.
func checkTold(all []*Schema) {
	for _, s := range all {
		if s.quoted || s.textOnly() {
			continue // not what encoding/json reads
		}
		if raw, ok := s.words.Get("default").(json.RawMessage); ok {
			s.refused("default", raw)
		}
		if list, ok := s.words.Get("examples").([]any); ok {
			s.refused("example", list[0].(json.RawMessage))
		}
	}
}

// refused checks a value that a tag tells of, as if a client had sent it.
func (s *Schema) refused(key string, raw json.RawMessage) {
	wrong := func(text string) {
		s.mistakes = append(s.mistakes, fmt.Sprintf("%s: %s:%q %s", s.at, key, raw, text))
	}
	v := reflect.New(s.typ)
	if err := json.Unmarshal(raw, v.Interface()); err != nil {
		wrong("does not read as a " + s.typ.String())
		return
	}
	var r Report
	s.Check(context.Background(), v.UnsafePointer(), raw, &r)
	if len(r.Failures) > 0 {
		wrong(r.Failures[0].Detail + "; tell of a value that the other tags allow")
	}
}

// textOnly reports a value, or items, that are read from text in another way than from
// JSON.
func (s *Schema) textOnly() bool {
	switch s.kind {
	case kindPointer, kindOpt, kindSlice, kindArray:
		return !s.recursive && s.elem.textOnly()
	case kindText:
		return kindOf(s.typ, false) != kindText
	}
	return false
}
