package tako

import "strings"

// An entity tag is `"opaque"` or `W/"opaque"` (RFC 9110, section 8.8.3).

// validTag reports whether tag is one entity tag.
func validTag(tag string) bool {
	opaque, rest, ok := cutTag(strings.TrimPrefix(tag, "W/"))
	return ok && opaque != "" && rest == ""
}

// cutTag cuts the quoted part off the beginning of s.
func cutTag(s string) (opaque, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", s, false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[:i+1], s[i+1:], true
		case c <= ' ' || c == 0x7f:
			return "", s, false
		}
	}
	return "", s, false
}

// tagListed reports whether list, the value of If-Match or If-None-Match, has the
// tag or is "*". What stands behind a malformed member is not looked at.
func tagListed(list, tag string, strong bool) bool {
	list = strings.Trim(list, " \t,")
	if list == "*" {
		return true
	}
	for list != "" {
		weak := strings.HasPrefix(list, "W/")
		opaque, rest, ok := cutTag(strings.TrimPrefix(list, "W/"))
		if !ok {
			return false
		}
		rest = strings.TrimLeft(rest, " \t")
		if rest != "" && rest[0] != ',' {
			return false
		}
		if sameTag(opaque, weak, tag, strong) {
			return true
		}
		list = strings.TrimLeft(rest, " \t,")
	}
	return false
}

// sameTag compares as RFC 9110, section 8.8.3.2, has it: strongly, two weak tags
// never match.
func sameTag(opaque string, weak bool, tag string, strong bool) bool {
	own, ownWeak := strings.CutPrefix(tag, "W/")
	return own == opaque && !(strong && (weak || ownWeak))
}
