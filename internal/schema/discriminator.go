package schema

import "strings"

// Discriminator returns the string that the member name of a JSON object is, "" if it is
// there as no string or not at all. object is false for JSON that is no object. As
// documents have it, a name that differs in case is another; the last of several counts.
func Discriminator(raw []byte, name string) (text string, object bool) {
	text, names, object := AnyDiscriminator(raw, name)
	if !names {
		return "", object
	}
	return text, object
}

// AnyDiscriminator is [Discriminator] that returns the JSON of what is no string, cut;
// names is false for it, as it names no variant.
func AnyDiscriminator(raw []byte, name string) (text string, names, object bool) {
	s := scanner{raw: raw}
	if !s.enter('{') {
		return "", false, false
	}
	var found []byte
	for quoted, ok := s.member(); ok; quoted, ok = s.member() {
		value := s.value()
		if unquote(quoted) == name {
			found = value
		}
	}
	if len(found) > 0 && found[0] == '"' {
		return strings.Clone(unquote(found)), true, true
	}
	return cut(string(found)), false, true
}

// IsNull reports whether JSON is null.
func IsNull(raw []byte) bool {
	s := scanner{raw: raw}
	return s.null()
}

// AppendDiscriminated appends a JSON object with the member name set to value, which
// comes first if the object does not have it.
func AppendDiscriminated(b, raw []byte, name, value string) []byte {
	member := toText(name) + ":" + toText(value)
	s := scanner{raw: raw}
	if !s.enter('{') {
		return append(b, raw...)
	}
	b = append(b, '{')
	start := len(b)
	has := false
	for quoted, ok := s.member(); ok; quoted, ok = s.member() {
		if len(b) > start {
			b = append(b, ',')
		}
		held := s.value()
		if unquote(quoted) == name {
			b, has = append(b, member...), true
			continue
		}
		b = append(b, quoted...)
		b = append(b, ':')
		b = append(b, held...)
	}
	if !has {
		rest := string(b[start:])
		b = append(b[:start], member...)
		if rest != "" {
			b = append(b, ',')
			b = append(b, rest...)
		}
	}
	return append(b, '}')
}
