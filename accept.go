package tako

import (
	"strconv"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// Accepts returns which of the offered media types the client likes best, the
// first of equals, by its Accept field (RFC 9110, section 12.5.1): q=0 refuses, a
// specific range beats a wildcard. Without the field, or if none of its ranges is
// valid, that is the first offer. It returns "" if all are refused.
func (c *Context) Accepts(offers ...string) string {
	c.live()
	if len(offers) == 0 {
		return ""
	}
	accept := strings.Join(headerValues(c.ex, "Accept"), ",")
	if accept == "" || accept == "*/*" {
		return offers[0]
	}
	best, bestQ, valid := "", 0, false
	for _, offer := range offers {
		q, ok := quality(accept, offer)
		valid = valid || ok
		if q > bestQ {
			best, bestQ = offer, q
		}
	}
	if !valid {
		return offers[0]
	}
	return best
}

// refusesByName reports whether the client names a media type to have none of it.
func (c *Context) refusesByName(offer string) bool {
	for _, line := range headerValues(c.ex, "Accept") {
		for item := range ascii.ListItems(line) {
			mediaRange, params, _ := strings.Cut(item, ";")
			if q, bare, ok := parseQ(params); ok && bare && q == 0 && ascii.EqualFold(ascii.Trim(mediaRange), offer) {
				return true
			}
		}
	}
	return false
}

// quality returns the weight in thousandths that accept gives to a media type,
// and whether accept has any valid range at all.
func quality(accept, offer string) (q int, valid bool) {
	specific := -1
	for item := range ascii.ListItems(accept) {
		mediaRange, params, _ := strings.Cut(item, ";")
		mediaRange = ascii.Trim(mediaRange)
		major, minor, ok := strings.Cut(mediaRange, "/")
		if !ok || !ascii.IsToken(major) || !ascii.IsToken(minor) || major == "*" && minor != "*" {
			continue
		}
		weight, bare, ok := parseQ(params)
		if !ok {
			continue
		}
		valid = true
		rank := 0
		offerMajor, _, _ := strings.Cut(offer, "/")
		switch {
		case ascii.EqualFold(mediaRange, offer) && bare:
			rank = 3
		case ascii.EqualFold(mediaRange, offer):
			rank = 2 // of a variant that is not offered, but better than nothing
		case minor == "*" && ascii.EqualFold(major, offerMajor):
			rank = 1
		case mediaRange != "*/*":
			continue
		}
		if rank > specific {
			specific, q = rank, weight
		}
	}
	return q, valid
}

// parseQ returns the weight among the parameters of an Accept item in thousandths,
// 1000 if there is none, and whether it is the only parameter.
func parseQ(params string) (q int, bare, ok bool) {
	bare = true
	for params != "" {
		param, rest, _ := strings.Cut(params, ";")
		params = rest
		name, value, _ := strings.Cut(ascii.Trim(param), "=")
		if !ascii.EqualFold(name, "q") {
			bare = bare && name == ""
			continue
		}
		whole, fraction, dot := strings.Cut(value, ".")
		if len(fraction) > 3 || whole != "0" && whole != "1" || dot && fraction != "" && !digits(fraction) {
			return 0, false, false
		}
		n, _ := strconv.Atoi((whole + fraction + "000")[:4])
		return n, bare, n <= 1000
	}
	return 1000, bare, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
