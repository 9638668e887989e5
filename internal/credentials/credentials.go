// Package credentials reads Authorization fields and writes challenges by their
// grammar (RFC 9110, section 11).
package credentials

import (
	"errors"
	"iter"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// Why there are no credentials.
var (
	// ErrAbsent is for a request without credentials of the scheme.
	ErrAbsent = errors.New("no credentials of this scheme")
	// ErrTwice is for a request with more than one Authorization field, of which
	// others on the way may have looked at another one.
	ErrTwice = errors.New("more than one Authorization field")
)

// Find returns what follows the scheme in the only Authorization field. Schemes
// are compared without regard to case.
func Find(header iter.Seq2[string, string], scheme string) (string, error) {
	line, found := "", false
	for name, value := range header {
		if !ascii.EqualFold(name, "Authorization") {
			continue
		}
		if found {
			return "", ErrTwice
		}
		line, found = value, true
	}
	given, rest, _ := strings.Cut(ascii.Trim(line), " ")
	if !ascii.EqualFold(given, scheme) {
		return "", ErrAbsent
	}
	return ascii.Trim(rest), nil
}

// IsToken68 reports whether s has the form of a bare token (RFC 9110, section 11.2).
func IsToken68(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		if !ascii.IsUnreserved(s[i]) && s[i] != '+' && s[i] != '/' {
			return false
		}
	}
	return s != ""
}

// CanQuote reports whether s can be a quoted string of ASCII.
func CanQuote(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// Quote returns s as a quoted string. Bytes that cannot be in one become spaces.
func Quote(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"', c == '\\':
			b = append(b, '\\', c)
		case c < ' ', c > 0x7e:
			b = append(b, ' ')
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
