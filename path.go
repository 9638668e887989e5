package tako

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/tako-go/tako/internal/ascii"
)

// The normal form of a path, which every layer sees, is made once from the
// escaped path of the request-target:
//
//	/%61/b     -> /a/b      escapes of unreserved characters are decoded
//	/a%2fb     -> /a%2Fb    others are kept, in upper case: %2F splits nothing
//	/a//b/./c  -> /a/b/c    repeated slashes and dot segments are resolved,
//	/a/%2e%2E/ -> /         escaped ones too; none leads above the root
//	/a{b       -> /a%7Bb    characters that should have been escaped are
//
// Control characters, %00, broken escapes, escapes that are not UTF-8, raw bytes
// above ASCII, backslashes and fragments make the request invalid.

var errBadPath = errors.New("malformed path")

// normalPath returns the normal form of p, which is p itself in most requests.
func normalPath(p string) (string, error) {
	if p == "" || p[0] != '/' {
		return "", errBadPath
	}
	for i := 1; i < len(p); i++ {
		switch c := p[i]; {
		case c == '/' && p[i-1] == '/', c == '.' && p[i-1] == '/':
			return resolvePath(p)
		case c == '/' || ascii.IsPathByte(c):
		default:
			return resolvePath(p)
		}
	}
	return p, nil
}

func resolvePath(p string) (string, error) {
	out := make([]byte, 0, len(p)+16)
	rest, more := p[1:], true
	for more {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		start := len(out)
		var err error
		if out, err = appendSegment(append(out, '/'), segment); err != nil {
			return "", err
		}
		switch s := out[start+1:]; {
		case len(s) == 0, string(s) == ".":
			out = out[:start]
		case string(s) == "..":
			out = out[:max(bytes.LastIndexByte(out[:start], '/'), 0)]
		default:
			continue
		}
		if !more { // a dropped last segment leaves its slash behind
			out = append(out, '/')
		}
	}
	return string(out), nil
}

// appendSegment appends the normal form of one segment.
func appendSegment(out []byte, s string) ([]byte, error) {
	high := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case ascii.IsPathByte(c):
			out = append(out, c)
		case c == '%':
			b, ok := unescapeByte(s[i:])
			if !ok || b == 0 {
				return out, errBadPath
			}
			i += 2
			high = high || b >= utf8.RuneSelf
			if ascii.IsUnreserved(b) {
				out = append(out, b)
			} else {
				out = appendEscape(out, b)
			}
		case c <= ' ' || c >= 0x7f || c == '\\' || c == '#' || c == '?':
			return out, errBadPath
		default:
			out = appendEscape(out, c)
		}
	}
	if high {
		if decoded, ok := unescapeSegment(s); !ok || !utf8.ValidString(decoded) {
			return out, errBadPath
		}
	}
	return out, nil
}

const upperHex = "0123456789ABCDEF"

func appendEscape(out []byte, b byte) []byte {
	return append(out, '%', upperHex[b>>4], upperHex[b&15])
}

// unescapeByte decodes the escape that s begins with.
func unescapeByte(s string) (byte, bool) {
	if len(s) < 3 {
		return 0, false
	}
	hi, ok1 := ascii.Unhex(s[1])
	lo, ok2 := ascii.Unhex(s[2])
	return hi<<4 | lo, ok1 && ok2
}

// unescapeSegment decodes the escapes of a path segment; a plus stays a plus.
func unescapeSegment(s string) (string, bool) { return unescape(s, false) }

// unescapeQuery decodes a key or value of a query or form; a plus is a space.
func unescapeQuery(s string) (string, bool) { return unescape(s, true) }

// unescape returns s itself where nothing is escaped.
func unescape(s string, plus bool) (string, bool) {
	i := 0
	for i < len(s) && s[i] != '%' && (!plus || s[i] != '+') {
		i++
	}
	if i == len(s) {
		return s, true
	}
	out := make([]byte, i, len(s))
	copy(out, s)
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			b, ok := unescapeByte(s[i:])
			if !ok {
				return s, false
			}
			out = append(out, b)
			i += 2
		case c == '+' && plus:
			out = append(out, ' ')
		default:
			out = append(out, c)
		}
	}
	return string(out), true
}

// escapeSegment returns value as one path segment.
func escapeSegment(value string) string {
	out := make([]byte, 0, len(value)+8)
	for i := range len(value) {
		if c := value[i]; ascii.IsPathByte(c) {
			out = append(out, c)
		} else {
			out = appendEscape(out, c)
		}
	}
	return string(out)
}
