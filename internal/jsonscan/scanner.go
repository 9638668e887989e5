package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Scanner checks values one by one. Its zero value has no text.
type Scanner struct {
	limits Limits
	data   []byte
	names  nameSet
	fault  Fault
	at     int
}

// Reset gives the scanner a text.
func (s *Scanner) Reset(data []byte, limits Limits) {
	s.data, s.limits, s.fault, s.at = data, limits, None, 0
	s.names.reset()
}

// Err is the error of the last value that was refused.
func (s *Scanner) Err() error {
	if s.fault == None {
		return nil
	}
	return &Error{Fault: s.fault, Offset: s.at, Pointer: Pointer(s.data, s.at)}
}

func (s *Scanner) fail(f Fault, at int) int {
	s.fault, s.at = f, at
	return -1
}

// Value checks the value that begins at i, or behind white space there, inside
// depth arrays and objects. It returns its end, or -1.
func (s *Scanner) Value(i, depth int) int {
	i = Space(s.data, i)
	if i == len(s.data) {
		return s.fail(Syntax, i)
	}
	switch c := s.data[i]; c {
	case '"':
		return s.Text(i)
	case '{':
		return s.object(i, depth+1)
	case '[':
		return s.array(i, depth+1)
	case 't':
		return s.word(i, "true")
	case 'f':
		return s.word(i, "false")
	case 'n':
		return s.word(i, "null")
	}
	return s.Number(i)
}

// Names begins an object whose names the caller reads, and returns what the
// methods for names want.
func (s *Scanner) Names() (mark int) { return s.names.open() }

// AddName takes the name between start and end, quotes included. It reports false
// for one that the object has already, unless EndNames will see it.
func (s *Scanner) AddName(mark, start, end int) bool {
	if s.limits.AllowDuplicates || s.names.add(mark, s.data, start, end) {
		return true
	}
	s.fail(Duplicate, start)
	return false
}

// EndNames ends the object and reports whether every name was there once.
func (s *Scanner) EndNames(mark int) bool {
	if at := s.names.close(mark, s.data); at >= 0 {
		s.fail(Duplicate, at)
		return false
	}
	return true
}

func (s *Scanner) word(i int, w string) int {
	if len(s.data)-i < len(w) || string(s.data[i:i+len(w)]) != w {
		return s.fail(Syntax, i)
	}
	return i + len(w)
}

func (s *Scanner) array(i, depth int) int {
	if depth > s.limits.MaxDepth {
		return s.fail(Depth, i)
	}
	if i = Space(s.data, i+1); i < len(s.data) && s.data[i] == ']' {
		return i + 1
	}
	for {
		if i = s.Value(i, depth); i < 0 {
			return -1
		}
		i = Space(s.data, i)
		switch {
		case i < len(s.data) && s.data[i] == ',':
			i++
		case i < len(s.data) && s.data[i] == ']':
			return i + 1
		default:
			return s.fail(Syntax, i)
		}
	}
}

func (s *Scanner) object(i, depth int) int {
	if depth > s.limits.MaxDepth {
		return s.fail(Depth, i)
	}
	if i = Space(s.data, i+1); i < len(s.data) && s.data[i] == '}' {
		return i + 1
	}
	mark := s.names.open()
	for {
		if i == len(s.data) || s.data[i] != '"' {
			return s.fail(Syntax, i)
		}
		end := s.Text(i)
		if end < 0 {
			return -1
		}
		if !s.limits.AllowDuplicates && !s.names.add(mark, s.data, i, end) {
			return s.fail(Duplicate, i)
		}
		if i = Space(s.data, end); i == len(s.data) || s.data[i] != ':' {
			return s.fail(Syntax, i)
		}
		if i = s.Value(i+1, depth); i < 0 {
			return -1
		}
		i = Space(s.data, i)
		switch {
		case i < len(s.data) && s.data[i] == ',':
			i = Space(s.data, i+1)
		case i < len(s.data) && s.data[i] == '}':
			if at := s.names.close(mark, s.data); at >= 0 {
				return s.fail(Duplicate, at)
			}
			return i + 1
		default:
			return s.fail(Syntax, i)
		}
	}
}

// Number checks the number at i and returns its end, or -1.
func (s *Scanner) Number(i int) int {
	start := i
	if i < len(s.data) && s.data[i] == '-' {
		i++
	}
	first := i
	i = digits(s.data, i)
	if i == first || i-first > 1 && s.data[first] == '0' {
		return s.fail(Syntax, i)
	}
	whole := i
	if i < len(s.data) && s.data[i] == '.' {
		if i = digits(s.data, i+1); i == whole+1 {
			return s.fail(Syntax, i)
		}
	}
	if i < len(s.data) && s.data[i]|0x20 == 'e' {
		i++
		if i < len(s.data) && (s.data[i] == '-' || s.data[i] == '+') {
			i++
		}
		exponent := i
		if i = digits(s.data, i); i == exponent {
			return s.fail(Syntax, i)
		}
	}
	if s.limits.SafeIntegers && i == whole && !SafeInteger(s.data[first:whole]) {
		return s.fail(Range, start)
	}
	return i
}

func digits(data []byte, i int) int {
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	return i
}

// SafeInteger reports whether an integer, given by its digits, is at most
// [MaxSafe].
func SafeInteger(text []byte) bool {
	if len(text) != 16 {
		return len(text) < 16
	}
	var n uint64
	for _, c := range text {
		n = n*10 + uint64(c-'0')
	}
	return n <= MaxSafe
}

// Eight bytes at a time, the first byte lowest.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// Text checks the string whose opening quote is at i, and returns where it ends,
// behind its closing quote, or -1.
func (s *Scanner) Text(i int) int {
	data := s.data
	for i++; i < len(data); {
		if i+8 <= len(data) {
			x := binary.LittleEndian.Uint64(data[i:])
			m := (x | (x - 0x20*ones) | ((x ^ '"'*ones) - ones) | ((x ^ '\\'*ones) - ones)) & highs
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		switch c := data[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			size := escape(data[i:])
			if size == 0 {
				return s.fail(Syntax, i)
			}
			i += size
		case c < ' ':
			return s.fail(Syntax, i)
		case c < utf8.RuneSelf:
			i++
		default:
			size := Rune(data, i)
			if size == 0 {
				return s.fail(Encoding, i)
			}
			i += size
		}
	}
	return s.fail(Syntax, i)
}

// escape returns the length of the escape that data begins with, 0 if it is none.
func escape(data []byte) int {
	if len(data) < 2 {
		return 0
	}
	switch data[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(data) >= 6 && hex4(data[2:6]) >= 0 {
			return 6
		}
	}
	return 0
}

// Rune returns the length of the encoded character at i that is not ASCII; 0 if
// it is not UTF-8.
func Rune(data []byte, i int) int {
	c := data[i]
	switch {
	case c < 0xc2:
	case c < 0xe0:
		if i+1 < len(data) && data[i+1]&0xc0 == 0x80 {
			return 2
		}
	case c < 0xf0:
		if i+2 < len(data) && data[i+1]&0xc0 == 0x80 && data[i+2]&0xc0 == 0x80 &&
			(c != 0xe0 || data[i+1] >= 0xa0) && (c != 0xed || data[i+1] < 0xa0) {
			return 3
		}
	default:
		if _, size := utf8.DecodeRune(data[i:]); size > 1 {
			return size
		}
	}
	return 0
}
