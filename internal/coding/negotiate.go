package coding

import (
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// Negotiate returns the coding of a response for a client that sent accept, the lines of
// Accept-Encoding (RFC 9110, section 12.5.3). available are the codings there are in the
// order the server likes them, in lower case; [Identity] is always there and comes last
// unless the client gives it more weight by name. The heaviest coding wins, then the first.
//
// Members that are malformed do not count; without the field, or with nothing in it, the
// result is Identity. ok is false if the client refuses all there is, Identity included;
// the coding is Identity then, for who answers all the same.
func Negotiate(accept []string, available []string) (coding string, ok bool) {
	identity, named := weightOf(accept, Identity)
	best := 0
	for _, offer := range available {
		if offer == Identity {
			continue
		}
		if q, _ := weightOf(accept, offer); q > best {
			coding, best = offer, q
		}
	}
	switch {
	case best == 0:
		return Identity, identity != 0
	case named && identity > best:
		return Identity, true
	}
	return coding, true
}

// Refuses reports whether accept refuses a response without a coding.
func Refuses(accept []string) bool {
	q, _ := weightOf(accept, Identity)
	return q == 0
}

// weightOf returns the weight of coding in thousandths, and whether accept has it by name.
// What is not listed weighs nothing, but Identity, which weighs -1 then.
func weightOf(accept []string, coding string) (q int, named bool) {
	if coding == Identity {
		q = -1
	}
	wild := false
	for _, line := range accept {
		for item := range ascii.ListItems(line) {
			name, weight, ok := parseMember(item)
			switch {
			case !ok:
			case ascii.EqualFold(name, coding) || coding == "gzip" && ascii.EqualFold(name, "x-gzip"):
				return weight, true
			case name == "*" && !wild:
				q, wild = weight, true
			}
		}
	}
	return q, false
}

// parseMember reads `token [";" "q=" qvalue]`.
func parseMember(item string) (name string, q int, ok bool) {
	name, param, weighted := strings.Cut(item, ";")
	name = ascii.Trim(name)
	if !ascii.IsToken(name) {
		return "", 0, false
	}
	if !weighted {
		return name, 1000, true
	}
	param = ascii.Trim(param)
	if len(param) < 3 || ascii.Lower(param[0]) != 'q' || param[1] != '=' {
		return "", 0, false
	}
	q, ok = parseWeight(param[2:])
	return name, q, ok
}

// parseWeight returns a qvalue in thousandths (RFC 9110, section 12.4.2).
func parseWeight(s string) (q int, ok bool) {
	if len(s) > 5 || s[0] != '0' && s[0] != '1' || len(s) > 1 && s[1] != '.' {
		return 0, false
	}
	q = int(s[0]-'0') * 1000
	unit := 100
	for i := 2; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		q += int(s[i]-'0') * unit
		unit /= 10
	}
	return q, q <= 1000
}
