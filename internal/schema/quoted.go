package schema

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// written is how a scalar stands in a string. It says no less than the document: what
// encoding/json reads beyond it, such as 0x10 or infinity, is refused.
type written struct {
	pattern string
	re      *regexp.Regexp
	detail  string
	boolean bool
	decoded bool // decoders refuse everything else
}

func newWritten(pattern, detail string) *written {
	return &written{pattern: pattern, re: regexp.MustCompile(pattern), detail: detail}
}

// fits reports whether a string in JSON has the form. Any has where w is nil.
func (w *written) fits(raw []byte) bool { return w == nil || w.re.MatchString(unquote(raw)) }

func (w *written) failure() Failure {
	if w.boolean {
		return Failure{Rule: "enum", Detail: w.detail}
	}
	return Failure{Rule: "pattern", Detail: w.detail}
}

func (w *written) document() *Object {
	o := new(Object).Set("type", "string")
	if w.boolean {
		return o.Set("enum", []any{"true", "false"})
	}
	return o.Set("pattern", w.pattern)
}

const (
	aNumber      = "must be a number in a string"
	quotedString = `^"([^"\\\x00-\x1f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"$`
	quotedFloat  = `^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`
)

// writtenField returns how a member with json:",string" is written, nil for a type that
// writes itself.
func writtenField(s *Schema) *written {
	switch s.kind {
	case kindString:
		return newWritten(quotedString, "must be a string of JSON in a string")
	case kindBool:
		w := newWritten(`^(true|false)$`, "must be true or false in a string")
		w.boolean = true
		return w
	case kindInt, kindUint:
		return newWritten(digitsPattern(s, "-?"), aNumber)
	case kindFloat, kindNumber:
		return newWritten(quotedFloat, aNumber)
	}
	return nil
}

// writtenKey returns how an integer is written as the name of a member of a map.
func writtenKey(s *Schema) *written {
	w := newWritten(digitsPattern(s, "[-+]?"), aNumber)
	w.decoded = true
	return w
}

// digitsPattern returns the pattern of an integer, with its range if it has 8 or 16 bits.
// For more bits a pattern of the range would be longer than it tells; numbers beyond it
// are left to the decoder.
func digitsPattern(s *Schema, sign string) string {
	bits := s.size * 8
	switch {
	case s.kind == kindUint && bits > 16:
		return `^[0-9]+$`
	case s.kind == kindUint:
		return `^0*(` + upTo(1<<bits-1) + `)$`
	case bits > 16:
		return `^` + sign + `[0-9]+$`
	}
	limit := 1 << (bits - 1)
	return `^(` + sign + `0*(` + upTo(limit-1) + `)|-0*` + strconv.Itoa(limit) + `)$`
}

// upTo returns the pattern of the numbers from 0 to n, which has two digits or more.
func upTo(n int) string {
	most := strconv.Itoa(n)
	last := len(most) - 1
	pattern := "[0-9]{1," + strconv.Itoa(last) + "}"
	for i := range most { // those with i digits of n, and then a lower one
		low, high := byte('0'), most[i]
		if i == 0 {
			low = '1'
		}
		if i < last {
			high--
		}
		if low > high {
			continue
		}
		pattern += "|" + most[:i] + between(low, high) + strings.Repeat("[0-9]", last-i)
	}
	return pattern
}

func between(low, high byte) string {
	if low == high {
		return string(low)
	}
	return "[" + string(low) + "-" + string(high) + "]"
}

// quote returns the schema of a field with json:",string".
func (b *builder) quote(s *Schema) *Schema {
	quoted := *s
	quoted.quoted = true
	b.c.fresh = append(b.c.fresh, &quoted)
	if s.kind == kindPointer {
		quoted.elem = b.quote(s.elem)
		return &quoted
	}
	quoted.written = writtenField(s)
	quoted.words = quotedWords(&s.words)
	if len(s.rules) > 0 {
		b.mistakes = append(b.mistakes, b.at+`: the value is written as a string, of which JSON Schema cannot say `+
			s.rules[0].keyword+`; leave out json:",string" or the keyword`)
		quoted.rules, quoted.words = nil, Object{}
	}
	return &quoted
}

// quotedWords returns what documents have of a field, with the values that it tells of
// in strings.
func quotedWords(words *Object) (out Object) {
	for name, value := range words.All() {
		switch v := value.(type) {
		case json.RawMessage:
			value = json.RawMessage(toText(string(v)))
		case []any:
			if raw, ok := v[0].(json.RawMessage); ok && name == "examples" {
				value = []any{json.RawMessage(toText(string(raw)))}
			}
		}
		out.Set(name, value)
	}
	return out
}
