package jsonpatch

import (
	"encoding/json"
	"strconv"
	"strings"
)

// equal compares values as RFC 6902, section 4.6, has it: numbers by what they are
// worth, objects without regard to order.
func equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || worth(string(a)) == worth(string(b)))
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, v := range a {
			if other, has := b[name]; !has || !equal(v, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	}
	return a == b // text, true, false and null; another type is not equal
}

// decimal is a number as 0.digits times a power of ten; the digits neither begin
// nor end with a zero.
type decimal struct {
	negative bool
	digits   string
	power    int64
}

// worth reads a number of JSON. One whose exponent is beyond 64 bits is worth what
// is written.
func worth(text string) decimal {
	rest, negative := strings.CutPrefix(text, "-")
	mantissa, exponent := rest, int64(0)
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.ParseInt(rest[i+1:], 10, 62); err != nil {
			return decimal{negative, rest, 0}
		}
		mantissa = rest[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	power := exponent + int64(len(digits)-len(fraction))
	if digits = strings.TrimRight(digits, "0"); digits == "" {
		return decimal{} // whatever its sign and exponent
	}
	return decimal{negative, digits, power}
}
