package schema

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// scanner steps through JSON that a decoder has accepted. It does not check it; where the
// text is none, it stops at the end.
type scanner struct {
	raw []byte
	pos int
}

// space steps over white space and returns the byte it comes to, 0 at the end.
func (s *scanner) space() byte {
	for s.pos < len(s.raw) {
		switch c := s.raw[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// null steps over a null if one is next.
func (s *scanner) null() bool {
	if s.space() != 'n' {
		return false
	}
	s.pos = min(s.pos+len(nullText), len(s.raw))
	return true
}

// text steps over a string and returns it with its quotes.
func (s *scanner) text() []byte {
	start := s.pos
	for s.pos++; s.pos < len(s.raw); s.pos++ {
		switch s.raw[s.pos] {
		case '\\':
			s.pos++
		case '"':
			s.pos++
			return s.raw[start:s.pos]
		}
	}
	s.pos = len(s.raw)
	return s.raw[min(start, s.pos):]
}

// value steps over a value and returns it.
func (s *scanner) value() []byte {
	first := s.space()
	start := s.pos
	switch first {
	case '"':
		return s.text()
	case '{', '[':
		s.nested()
		return s.raw[start:s.pos]
	}
	for s.pos < len(s.raw) {
		switch s.raw[s.pos] {
		case ',', ']', '}', ' ', '\t', '\n', '\r':
			return s.raw[start:s.pos]
		}
		s.pos++
	}
	return s.raw[start:]
}

// nested steps over an object or array.
func (s *scanner) nested() {
	for depth := 0; s.pos < len(s.raw); {
		switch s.raw[s.pos] {
		case '"':
			s.text()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.pos++
		if depth == 0 {
			return
		}
	}
}

// enter steps over the bracket of an object or array. It returns false for anything else.
func (s *scanner) enter(bracket byte) bool {
	if s.space() != bracket {
		return false
	}
	s.pos++
	return true
}

// item steps to the next item of an array, over the comma before it; at the end, it steps
// over the bracket and returns false.
func (s *scanner) item() bool {
	for {
		switch s.space() {
		case ',':
			s.pos++
		case 0:
			return false
		case ']', '}':
			s.pos++
			return false
		default:
			return true
		}
	}
}

// member steps to the value of the next member of an object and returns its name with
// quotes.
func (s *scanner) member() ([]byte, bool) {
	if !s.item() {
		return nil, false
	}
	if s.space() != '"' {
		s.pos = len(s.raw)
		return nil, false
	}
	name := s.text()
	if s.space() == ':' {
		s.pos++
	}
	return name, true
}

// unquote returns a string in JSON as text. Without escapes it is a view of the JSON.
func unquote(quoted []byte) string {
	if len(quoted) < 2 {
		return ""
	}
	inner := quoted[1 : len(quoted)-1]
	for _, c := range inner {
		if c == '\\' || c >= utf8.RuneSelf {
			var text string
			_ = json.Unmarshal(quoted, &text)
			return text
		}
	}
	return unsafe.String(unsafe.SliceData(inner), len(inner))
}

// place is where a value is: below another, as a member or as an item.
type place struct {
	up    *place
	name  string // of a member
	index int    // of an item; -1 for a member
	depth int
}

// shownPointer is how much of a JSON pointer failures have, in bytes. Names are the
// client's: one that is long would be repeated by each failure below it.
const shownPointer = 256

// pointer returns the JSON pointer (RFC 6901) of the place, nil for the root. One that is
// too long ends in "…" instead.
func (at *place) pointer() string {
	if at == nil {
		return ""
	}
	b := at.append(make([]byte, 0, 64))
	if len(b) <= shownPointer {
		return string(b)
	}
	end := shownPointer
	for end > 0 && !utf8.RuneStart(b[end]) {
		end--
	}
	if b[end-1] == '~' { // half of an escape
		end--
	}
	return string(b[:end]) + "…"
}

// append stops once there is more than failures have.
func (at *place) append(b []byte) []byte {
	if at.up != nil {
		b = at.up.append(b)
	}
	if len(b) > shownPointer {
		return b
	}
	b = append(b, '/')
	if at.index >= 0 {
		return strconv.AppendInt(b, int64(at.index), 10)
	}
	for i := 0; i < len(at.name) && len(b) <= shownPointer; i++ {
		switch c := at.name[i]; c {
		case '~':
			b = append(b, "~0"...)
		case '/':
			b = append(b, "~1"...)
		default:
			b = append(b, c)
		}
	}
	return b
}
