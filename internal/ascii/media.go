package ascii

import "strings"

// MediaType returns the media type of a Content-Type field in lower case, without
// parameters, and "" if it is malformed (RFC 9110, section 8.3.1).
func MediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	t = Trim(t)
	major, minor, ok := strings.Cut(t, "/")
	if !ok || !IsToken(major) || !IsToken(minor) {
		return ""
	}
	return strings.ToLower(t)
}

// HasMedia reports whether media, in lower case, is one of types. An entry that begins
// with "+", such as "+json", stands for every type with that suffix.
func HasMedia(types []string, media string) bool {
	for _, t := range types {
		if media != "" && (t == media || t[0] == '+' && strings.HasSuffix(media, t) && !strings.HasSuffix(media, "/"+t)) {
			return true
		}
	}
	return false
}
