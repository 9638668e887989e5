package jsonscan

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote appends what stands between the quotes of a valid string to b, without
// escapes. Half of a surrogate pair becomes U+FFFD, as encoding/json has it.
func Unquote(b, text []byte) []byte {
	for i := 0; i < len(text); {
		if text[i] != '\\' {
			b = append(b, text[i])
			i++
			continue
		}
		var size int
		b, size = appendEscape(b, text[i:])
		i += size
	}
	return b
}

// appendEscape appends the character that the escape at the begin of text means
// and returns how long the escape is.
func appendEscape(b, text []byte) ([]byte, int) {
	switch c := text[1]; c {
	case 'b':
		return append(b, '\b'), 2
	case 'f':
		return append(b, '\f'), 2
	case 'n':
		return append(b, '\n'), 2
	case 'r':
		return append(b, '\r'), 2
	case 't':
		return append(b, '\t'), 2
	case 'u':
	default:
		return append(b, c), 2
	}
	r := hex4(text[2:6])
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(b, r), 6
	}
	if len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(text[8:12])); pair != utf8.RuneError {
			return utf8.AppendRune(b, pair), 12
		}
	}
	return utf8.AppendRune(b, utf8.RuneError), 6
}

// Escape appends what the escape at i means to b and returns the end of the
// escape, -1 if it is malformed.
func Escape(b, data []byte, i int) ([]byte, int) {
	size := escape(data[i:])
	if size == 0 {
		return b, -1
	}
	b, size = appendEscape(b, data[i:])
	return b, i + size
}

// hex4 returns the number that four hexadecimal digits are, -1 if they are not.
func hex4(text []byte) rune {
	var r rune
	for _, c := range text[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
