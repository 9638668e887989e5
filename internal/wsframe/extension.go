package wsframe

import (
	"errors"
	"strings"
)

var errExtensions = errors.New("malformed Sec-WebSocket-Extensions field")

// extension is an element of Sec-WebSocket-Extensions (RFC 6455, section 9.1).
type extension struct {
	name   string
	params []param
}

type param struct {
	name, value string
	valued      bool // has a value, which may have been quoted
}

// maxExtensions bounds the elements, and the parameters of each, that are looked at.
const maxExtensions = 32

// parseExtensions reads all fields of a message. Empty elements of the list are skipped (RFC
// 9110, section 5.6.1.2).
func parseExtensions(fields []string) (list []extension, err error) {
	for _, s := range fields {
		for s = trim(s); s != ""; {
			if s[0] == ',' {
				s = trim(s[1:])
				continue
			}
			var e extension
			if e, s, err = parseExtension(s); err != nil {
				return nil, err
			}
			if list = append(list, e); len(list) > maxExtensions {
				return nil, errExtensions
			}
		}
	}
	return list, nil
}

// parseExtension reads one element up to its comma or the end.
func parseExtension(s string) (e extension, rest string, err error) {
	e.name, s = cutToken(s)
	for s = trim(s); e.name != "" && s != "" && s[0] == ';'; s = trim(s) {
		var p param
		if p.name, s = cutToken(trim(s[1:])); p.name == "" {
			return e, "", errExtensions
		}
		if s = trim(s); s != "" && s[0] == '=' {
			p.valued = true
			if p.value, s = cutValue(trim(s[1:])); p.value == "" {
				return e, "", errExtensions
			}
		}
		if e.params = append(e.params, p); len(e.params) > maxExtensions {
			return e, "", errExtensions
		}
	}
	if e.name == "" || s != "" && s[0] != ',' {
		return e, "", errExtensions
	}
	return e, s, nil
}

func trim(s string) string { return strings.Trim(s, " \t") }

// cutValue cuts a token, or a quoted string that is one, off s.
func cutValue(s string) (value, rest string) {
	if s == "" || s[0] != '"' {
		return cutToken(s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			if token, rest := cutToken(b.String()); rest == "" {
				return token, s[i+1:]
			}
			return "", s
		case '\\':
			if i++; i == len(s) {
				return "", s
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return "", s
}

// cutToken cuts the token (RFC 9110, section 5.6.2) off the start of s, "" if there is none.
func cutToken(s string) (token, rest string) {
	n := 0
	for n < len(s) && isTokenByte(s[n]) {
		n++
	}
	return s[:n], s[n:]
}

func isTokenByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return c != 0 && strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
