package schema

import (
	"net/url"
	"strings"
)

// isURI is a URI with a scheme (RFC 3986, section 3).
func isURI(s string) bool {
	scheme, _, ok := strings.Cut(s, ":")
	return ok && isScheme(scheme) && isURIReference(s)
}

func isScheme(s string) bool {
	for i := range len(s) {
		if c := s[i]; !letter(c) && (i == 0 || !digit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// isURIReference is a URI or a relative reference (RFC 3986, section 4.1).
func isURIReference(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c > '~' || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return false
		}
		if c == '%' && (i+2 >= len(s) || !hex(s[i+1]) || !hex(s[i+2])) {
			return false
		}
	}
	_, fragment, _ := strings.Cut(s, "#")
	if strings.Contains(fragment, "#") || !isBracketed(s) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	host, bracketed := u.Hostname(), strings.Contains(u.Host, "[")
	return !strings.Contains(host, ":") || bracketed && isIPv6(host)
}

// isBracketed reports that brackets are nowhere but around the host, and that there is one
// @ in the authority at most (RFC 3986, sections 3.2 and 3.3).
func isBracketed(s string) bool {
	authority, rest := authorityOf(s)
	user, host, has := strings.Cut(authority, "@")
	if !has {
		user, host = "", authority
	}
	if end := strings.IndexByte(host, ']'); end > 0 && host[0] == '[' {
		host = host[1:end] + host[end+1:]
	}
	return !strings.ContainsAny(rest, "[]") && !strings.ContainsAny(user, "[]") && !strings.ContainsAny(host, "[]@")
}

// authorityOf returns the authority of a reference, "" if it has none, and what comes
// behind it.
func authorityOf(s string) (authority, rest string) {
	before, after, has := strings.Cut(s, "//")
	scheme, isBehind := strings.CutSuffix(before, ":")
	if !has || before != "" && !(isBehind && isScheme(scheme)) {
		return "", s
	}
	end := strings.IndexAny(after, "/?#")
	if end < 0 {
		end = len(after)
	}
	return after[:end], after[end:]
}
