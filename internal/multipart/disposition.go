package multipart

import (
	"net/url"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// identify reads the Content-Disposition, which every part of a form has (RFC
// 7578, section 4.2).
func (p *Part) identify() error {
	at := -1
	for i := range p.Header {
		if !ascii.EqualFold(p.Header[i].Name, "Content-Disposition") {
			continue
		}
		if at >= 0 {
			return SyntaxError("a part has more than one Content-Disposition")
		}
		at = i
	}
	if at < 0 {
		return SyntaxError("a part has no Content-Disposition")
	}
	kind, params, _ := strings.Cut(p.Header[at].Value, ";")
	if !ascii.EqualFold(strings.Trim(kind, " \t"), "form-data") {
		return SyntaxError("a part has a Content-Disposition other than form-data")
	}
	return p.parameters(params)
}

// parameters reads name and filename. filename* is no part of forms, yet some
// clients send it; it counts if there is no other.
func (p *Part) parameters(s string) error {
	var named, extended bool
	var name string
	for {
		if s = strings.TrimLeft(s, " \t;"); s == "" {
			break
		}
		key, value, rest, ok := parameter(s)
		if !ok {
			return SyntaxError("the Content-Disposition of a part is malformed")
		}
		s = rest
		repeated := false
		switch strings.ToLower(key) {
		case "name":
			repeated, named, p.Name = named, true, value
		case "filename":
			repeated, p.IsFile, p.FileName = p.IsFile, true, value
		case "filename*":
			repeated, extended = extended, true
			if name, ok = decodeExtended(value); !ok {
				return SyntaxError("the file name of a part is malformed")
			}
		}
		if repeated {
			return SyntaxError("the Content-Disposition of a part says " + strings.ToLower(key) + " twice")
		}
	}
	if extended && !p.IsFile {
		p.IsFile, p.FileName = true, name
	}
	if !named {
		return SyntaxError("a part has no name")
	}
	return nil
}

// parameter reads key=value. In a quoted value a backslash stands for itself,
// except before a quote or another one: some clients send paths of Windows as they
// are.
func parameter(s string) (key, value, rest string, ok bool) {
	key, s, ok = strings.Cut(s, "=")
	if key = strings.TrimRight(key, " \t"); !ok || !ascii.IsToken(key) {
		return "", "", "", false
	}
	s = strings.TrimLeft(s, " \t")
	if s == "" || s[0] != '"' {
		value, rest, _ = strings.Cut(s, ";")
		value = strings.TrimRight(value, " \t")
		return key, value, rest, ascii.IsToken(value)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			rest = strings.TrimLeft(s[i+1:], " \t")
			return key, b.String(), rest, rest == "" || rest[0] == ';'
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", "", false
}

// decodeExtended decodes an extended value (RFC 8187) in UTF-8.
func decodeExtended(s string) (string, bool) {
	charset, rest, ok := strings.Cut(s, "'")
	_, text, ok2 := strings.Cut(rest, "'")
	if !ok || !ok2 || !ascii.EqualFold(charset, "UTF-8") {
		return "", false
	}
	text, err := url.PathUnescape(text)
	return text, err == nil
}
