package jwt

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// object is the members of a JSON object, in order. The values belong to the text that
// they were read from.
type object []jsonMember

type jsonMember struct {
	name string
	raw  []byte
}

// parseObject returns the members of a JSON object. Two names that encoding/json would
// take for the same field are refused: one of them could pass the check and the other be
// used (RFC 7519, section 4).
func parseObject(data []byte) (object, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, invalid("a part is not JSON in UTF-8")
	}
	i := skipSpace(data, 0)
	if data[i] != '{' {
		return nil, invalid("a part is not a JSON object")
	}
	members := make(object, 0, 8)
	for i = skipSpace(data, i+1); data[i] != '}'; {
		end := skipValue(data, i)
		name, _ := unquote(data[i:end])
		i = skipSpace(data, skipSpace(data, end)+1) // behind the colon
		end = skipValue(data, i)
		members = append(members, jsonMember{name, data[i:end]})
		if i = skipSpace(data, end); data[i] == ',' {
			i = skipSpace(data, i+1)
		}
	}
	if members.doubled() {
		return nil, invalid("a name is there twice")
	}
	return members, nil
}

// The three below are for text that is known to be valid.

func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r' || data[i] == '\n') {
		i++
	}
	return i
}

// skipValue returns where the value that begins at i has ended.
func skipValue(data []byte, i int) int {
	switch data[i] {
	case '"':
		return skipString(data, i)
	case '{', '[':
		for depth := 0; ; {
			switch data[i] {
			case '"':
				i = skipString(data, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			i++
			if depth == 0 {
				return i
			}
		}
	}
	for i < len(data) && !strings.ContainsRune(",]} \t\r\n", rune(data[i])) {
		i++
	}
	return i
}

func skipString(data []byte, i int) int {
	for i++; data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// unquote returns the text of a string, false for any other value.
func unquote(raw []byte) (s string, ok bool) {
	if raw[0] != '"' {
		return "", false
	}
	s = string(raw[1 : len(raw)-1])
	if strings.IndexByte(s, '\\') >= 0 {
		ok = json.Unmarshal(raw, &s) == nil
		return s, ok
	}
	return s, true
}

// doubled compares a few names with each other, and keeps a list of many.
func (o object) doubled() bool {
	if len(o) <= 16 {
		for i := range o {
			for k := range i {
				if strings.EqualFold(o[i].name, o[k].name) {
					return true
				}
			}
		}
		return false
	}
	seen := make(map[string]bool, len(o))
	for i := range o {
		name := fold(o[i].name)
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

// fold maps all names that are equal but for their case to one.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}

// get returns a value, nil if there is none of exactly this name.
func (o object) get(name string) []byte {
	for i := range o {
		if o[i].name == name {
			return o[i].raw
		}
	}
	return nil
}

// has reports whether there is a value, and not null.
func (o object) has(name string) bool {
	raw := o.get(name)
	return raw != nil && string(raw) != "null"
}

// text returns a value that is a string if it is there.
func (o object) text(name string) (s string, has bool, err error) {
	raw := o.get(name)
	if raw == nil {
		return "", false, nil
	}
	s, ok := unquote(raw)
	if !ok {
		return "", true, invalid("%s is not a string", name)
	}
	return s, true, nil
}
