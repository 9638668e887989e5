// Package ascii holds the byte classes of the HTTP grammar: tokens, field
// values and path characters (RFC 9110, section 5.6; RFC 3986, section 3.3).
package ascii

const (
	token = 1 << iota
	fieldValue
	path
	unreserved
	query
)

var class = func() (t [256]uint8) {
	set := func(bit uint8, chars string) {
		for i := range len(chars) {
			t[chars[i]] |= bit
		}
	}
	const alnum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	set(token, alnum+"!#$%&'*+-.^_`|~")
	set(unreserved, alnum+"-._~")
	set(path, alnum+"-._~!$&'()*+,;=:@")
	for c := 0x21; c < 0x7f; c++ {
		if c != '#' {
			t[c] |= query
		}
	}
	for c := range 256 {
		if c >= 0x20 && c != 0x7f || c == '\t' {
			t[c] |= fieldValue
		}
	}
	return t
}()

// IsToken reports whether s is a token of RFC 9110, section 5.6.2.
func IsToken(s string) bool { return s != "" && all(s, token) }

// IsFieldValue reports whether s may stand in a header field: no control
// character but the tab (RFC 9110, section 5.5).
func IsFieldValue(s string) bool { return all(s, fieldValue) }

// IsQuery reports whether s holds only visible ASCII that a query may carry.
func IsQuery(s string) bool { return all(s, query) }

// IsPathByte reports whether c may stand unescaped in a path segment.
func IsPathByte(c byte) bool { return class[c]&path != 0 }

// IsUnreserved reports whether an escape of c means the same as c itself
// (RFC 3986, section 2.3).
func IsUnreserved(c byte) bool { return class[c]&unreserved != 0 }

func all(s string, bit uint8) bool {
	for i := range len(s) {
		if class[s[i]]&bit == 0 {
			return false
		}
	}
	return true
}

// Lower returns c in lower case.
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// EqualFold reports whether a and b are the same but for the case of ASCII letters.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && Lower(a[i]) != Lower(b[i]) {
			return false
		}
	}
	return true
}

// Trim removes the optional white space of RFC 9110, section 5.6.3, from both ends.
func Trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// Unhex returns the value of a hexadecimal digit.
func Unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
