package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// toYAML writes a JSON object with members as YAML in blocks, in the same order. Every
// text is on one line: quoted, with escapes, unless it is plain beyond doubt, so that
// parsers of YAML 1.1 read the same.
func toYAML(text []byte) ([]byte, error) {
	w := yamlWriter{in: json.NewDecoder(bytes.NewReader(text))}
	w.in.UseNumber()
	if _, err := w.in.Token(); err != nil {
		return nil, err
	}
	if err := w.members(0, false); err != nil {
		return nil, err
	}
	return w.out.Bytes(), nil
}

// yamlWriter reads JSON and writes YAML.
type yamlWriter struct {
	in  *json.Decoder
	out bytes.Buffer
}

// start begins a member or item: on the line that there is if it is the first behind
// a dash.
func (w *yamlWriter) start(indent int, here bool) {
	if here {
		w.out.WriteByte(' ')
		return
	}
	w.out.WriteString(strings.Repeat(" ", indent))
}

// members writes those of an object, up to its end.
func (w *yamlWriter) members(indent int, here bool) error {
	for ; w.in.More(); here = false {
		name, err := w.in.Token()
		if err != nil {
			return err
		}
		w.start(indent, here)
		w.scalar(name)
		w.out.WriteByte(':')
		if err := w.value(indent, false); err != nil {
			return err
		}
	}
	_, err := w.in.Token()
	return err
}

// items writes those of an array, up to its end.
func (w *yamlWriter) items(indent int, here bool) error {
	for ; w.in.More(); here = false {
		w.start(indent, here)
		w.out.WriteByte('-')
		if err := w.value(indent, true); err != nil {
			return err
		}
	}
	_, err := w.in.Token()
	return err
}

// value writes what stands behind a name, or behind the dash of an item, at indent.
func (w *yamlWriter) value(indent int, item bool) error {
	token, err := w.in.Token()
	if err != nil {
		return err
	}
	delim, nested := token.(json.Delim)
	if !nested {
		w.out.WriteByte(' ')
		w.scalar(token)
		w.out.WriteByte('\n')
		return nil
	}
	if !w.in.More() {
		_, err := w.in.Token()
		w.out.WriteString(map[json.Delim]string{'{': " {}\n", '[': " []\n"}[delim])
		return err
	}
	if !item {
		w.out.WriteByte('\n')
	}
	if item || delim == '{' {
		indent += 2
	}
	if delim == '{' {
		return w.members(indent, item)
	}
	return w.items(indent, item)
}

func (w *yamlWriter) scalar(token json.Token) {
	switch v := token.(type) {
	case string:
		if isPlain(v) {
			w.out.WriteString(v)
			return
		}
		w.quoted(v)
	case json.Number:
		// YAML 1.1 takes 1e9 for text, as it has no point.
		number, power, has := strings.Cut(v.String(), "e")
		w.out.WriteString(number)
		if has {
			if !strings.Contains(number, ".") {
				w.out.WriteString(".0")
			}
			w.out.WriteString("e" + power)
		}
	case nil:
		w.out.WriteString("null")
	default:
		fmt.Fprint(&w.out, v)
	}
}

// quoted writes a text in double quotes. What YAML might fold or refuse is escaped.
func (w *yamlWriter) quoted(s string) {
	w.out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.out.WriteByte('\\')
			w.out.WriteRune(r)
		case r == '\n':
			w.out.WriteString(`\n`)
		case r == '\t':
			w.out.WriteString(`\t`)
		case r == '\r':
			w.out.WriteString(`\r`)
		case unicode.IsPrint(r):
			w.out.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&w.out, `\U%08X`, r)
		default:
			fmt.Fprintf(&w.out, `\u%04X`, r)
		}
	}
	w.out.WriteByte('"')
}

// otherWords are not text in one version of YAML or the other.
var otherWords = []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan"}

// isPlain reports whether YAML takes s for a text as it is.
func isPlain(s string) bool {
	if isVersion(s) {
		return true
	}
	if s == "" || !startsPlain(s[0]) || s[len(s)-1] == ' ' || s[len(s)-1] == ':' ||
		strings.Contains(s, ": ") || strings.Contains(s, " #") || slices.Contains(otherWords, strings.ToLower(s)) {
		return false
	}
	for _, r := range s {
		if r != ' ' && !unicode.IsLetter(r) && (r < '!' || r > '~') {
			return false
		}
	}
	return true
}

func startsPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '/' || c == '$'
}

// isVersion reports whether s is three numbers with points between them.
func isVersion(s string) bool {
	parts := strings.Split(s, ".")
	return len(parts) == 3 && !slices.ContainsFunc(parts, func(p string) bool { return p == "" || strings.Trim(p, "0123456789") != "" })
}
