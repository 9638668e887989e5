package extract

import "strings"

// An EntityTag names a version of a resource (RFC 9110, section 8.8.3).
type EntityTag struct {
	// Opaque is the text between the quotes.
	Opaque string
	// Weak says that equal tags mean equal content, but not equal bytes.
	Weak bool
}

// String returns the tag as a field has it.
func (t EntityTag) String() string {
	if t.Weak {
		return `W/"` + t.Opaque + `"`
	}
	return `"` + t.Opaque + `"`
}

// StrongMatch reports whether both are the same and neither is weak.
func (t EntityTag) StrongMatch(other EntityTag) bool {
	return t.Opaque == other.Opaque && !t.Weak && !other.Weak
}

// WeakMatch reports whether both are the same, weak or not.
func (t EntityTag) WeakMatch(other EntityTag) bool { return t.Opaque == other.Opaque }

// ParseEntityTag reads one tag, such as "v1" with its quotes or W/"v1".
func ParseEntityTag(s string) (EntityTag, bool) {
	t, rest, ok := cutTag(s)
	return t, ok && rest == ""
}

// cutTag reads the tag that s begins with.
func cutTag(s string) (t EntityTag, rest string, ok bool) {
	s, t.Weak = strings.CutPrefix(s, "W/")
	if s == "" || s[0] != '"' {
		return t, s, false
	}
	s = s[1:]
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			t.Opaque = s[:i]
			return t, s[i+1:], true
		case c <= ' ' || c == 0x7f:
			return t, s, false
		}
	}
	return t, s, false
}

// EntityTags is the list of If-Match or If-None-Match.
type EntityTags struct {
	// Present says that the field was there, Any that it was "*".
	Present, Any bool
	// Tags are its members; at most 100.
	Tags []EntityTag
}

// maxTags is the most tags a field may have.
const maxTags = 100

// MatchStrong reports whether the list has a tag by strong comparison, as If-Match
// wants it. "*" has every tag.
func (l EntityTags) MatchStrong(tag EntityTag) bool { return l.has(tag, EntityTag.StrongMatch) }

// MatchWeak reports whether the list has a tag by weak comparison, as If-None-Match
// wants it. "*" has every tag.
func (l EntityTags) MatchWeak(tag EntityTag) bool { return l.has(tag, EntityTag.WeakMatch) }

func (l EntityTags) has(tag EntityTag, same func(a, b EntityTag) bool) bool {
	for _, t := range l.Tags {
		if same(t, tag) {
			return true
		}
	}
	return l.Any
}

// String returns the value of the field.
func (l EntityTags) String() string {
	if l.Any {
		return "*"
	}
	var b strings.Builder
	for i, t := range l.Tags {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(t.String())
	}
	return b.String()
}

// parseTags reads a list. ok is false if it is malformed or too long.
func parseTags(lines []string) (list EntityTags, ok bool) {
	if len(lines) == 0 {
		return list, true
	}
	list.Present = true
	rest := strings.Trim(strings.Join(lines, ","), " \t")
	if rest == "*" {
		list.Any = true
		return list, true
	}
	for rest = strings.TrimLeft(rest, ", \t"); rest != ""; rest = strings.TrimLeft(rest, ", \t") {
		var tag EntityTag
		if tag, rest, ok = cutTag(rest); !ok || len(list.Tags) == maxTags {
			return EntityTags{Present: true}, false
		}
		list.Tags = append(list.Tags, tag)
		rest = strings.TrimLeft(rest, " \t")
		if rest != "" && rest[0] != ',' {
			return EntityTags{Present: true}, false
		}
	}
	return list, len(list.Tags) > 0
}
