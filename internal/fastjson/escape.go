package fastjson

import "unicode/utf8"

const hex = "0123456789abcdef"

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	if n := plainPrefix(s); n < len(s) {
		b = append(b, s[:n]...)
		return append(appendEscaped(b, s[n:]), '"')
	}
	b = append(b, s...)
	return append(b, '"')
}

// appendEscaped escapes what must be and what encoding/json escapes besides: the
// separators U+2028 and U+2029, which end a line in JavaScript. What is not UTF-8
// becomes the replacement character.
func appendEscaped(b []byte, s string) []byte {
	done := 0
	for i := 0; i < len(s); {
		c, size := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(s[i:])
			broken := c == utf8.RuneError && size == 1
			if !broken && c != '\u2028' && c != '\u2029' {
				i += size
				continue
			}
		} else if !isSpecial(s[i]) {
			i++
			continue
		}
		b = append(b, s[done:i]...)
		b = appendEscape(b, c)
		i += size
		done = i
	}
	return append(b, s[done:]...)
}

func appendEscape(b []byte, c rune) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', byte(c))
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', hex[c>>12&15], hex[c>>8&15], hex[c>>4&15], hex[c&15])
}
