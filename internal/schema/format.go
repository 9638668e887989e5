package schema

import (
	"encoding/base64"
	"net/netip"
	"regexp"
	"strings"
)

// format is a check of the format keyword.
type format struct {
	noun string // completes "must be"
	is   func(string) bool
}

// formats are the built-in ones, beside password, which checks nothing.
var formats = map[string]format{
	"date-time":     {TimeNoun, isDateTime},
	"date":          {"a date such as 2030-01-31", isDate},
	"time":          {"a time with offset such as 12:00:00Z", isTime},
	"duration":      {"a duration such as P1DT12H", isDuration},
	"email":         {"an email address", isEmail},
	"hostname":      {"a host name", isHostname},
	"ipv4":          {"an IPv4 address", isIPv4},
	"ipv6":          {"an IPv6 address", isIPv6},
	"uri":           {"a URI with a scheme", isURI},
	"uri-reference": {"a URI or a relative reference", isURIReference},
	"uuid":          {"a UUID", isUUID},
	"regex":         {"a regular expression", isRegex},
	"json-pointer":  {"a JSON pointer", isPointer},
	"byte":          {"base64", isBase64},
}

func isIPv4(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is4()
}

func isIPv6(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is6() && addr.Zone() == ""
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if !hex(s[i]) {
			return false
		}
	}
	return true
}

func hex(c byte) bool { return digit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isRegex(s string) bool {
	_, err := regexp.Compile(s)
	return err == nil
}

// isPointer is RFC 6901, section 3.
func isPointer(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != '/' {
		return false
	}
	for i := range len(s) {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return false
		}
	}
	return true
}

// isBase64 is RFC 4648, section 4, with padding and without line ends.
func isBase64(s string) bool {
	if len(s)%4 != 0 || strings.ContainsAny(s, "\r\n") {
		return false
	}
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil
}

// Classes of bytes in names.
const (
	inLabel byte = 1 << iota // letters and digits
	inAtom                   // RFC 5322, section 3.2.3
)

// classes tells what each byte may be part of.
var classes = func() (all [256]byte) {
	for i := range all {
		c := byte(i)
		if letter(c) || digit(c) {
			all[i] = inLabel | inAtom
		}
		if strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0 {
			all[i] |= inAtom
		}
	}
	return all
}()

// isHostname is RFC 1123, section 2.1: letters, digits and hyphens in labels of up to 63.
func isHostname(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	start := 0 // of the label that runs
	for i := range len(s) {
		c := s[i]
		switch {
		case classes[c]&inLabel != 0:
		case c == '-' && i > start:
		case c == '.' && isLabelEnd(s, start, i):
			start = i + 1
		default:
			return false
		}
	}
	return isLabelEnd(s, start, len(s))
}

func isLabelEnd(s string, start, end int) bool {
	return end > start && end-start <= 63 && s[end-1] != '-'
}

// isEmail is the Mailbox of RFC 5321, section 4.1.2, with its lengths.
func isEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 || !isLocalPart(s[:at]) {
		return false
	}
	domain := s[at+1:]
	if len(domain) > 2 && domain[0] == '[' && domain[len(domain)-1] == ']' {
		literal := domain[1 : len(domain)-1]
		if six, ok := strings.CutPrefix(literal, "IPv6:"); ok {
			return isIPv6(six)
		}
		return isIPv4(literal)
	}
	return isHostname(domain)
}

func isLocalPart(s string) bool {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		for i := 1; i < len(s)-1; i++ {
			if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
				return false
			}
		}
		return true
	}
	for i := range len(s) {
		c := s[i]
		if c == '.' {
			if i == 0 || i == len(s)-1 || s[i-1] == '.' {
				return false
			}
		} else if classes[c]&inAtom == 0 {
			return false
		}
	}
	return true
}
