package extract

import (
	"iter"
	"strconv"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
)

// maxPreferences is the most members of Accept, Accept-Language or Accept-Encoding
// that are kept. No client sends that many; the rest is skipped.
const maxPreferences = 100

// fullQuality is the weight 1 in thousandths.
const fullQuality = 1000

// members yields what the lines of a list-based field hold, with the parameters
// behind it, until enough were taken.
func members(lines []string) iter.Seq2[string, string] {
	return func(yield func(member, params string) bool) {
		for _, line := range lines {
			for item := range ascii.ListItems(line) {
				member, params, _ := strings.Cut(item, ";")
				if !yield(ascii.Trim(member), params) {
					return
				}
			}
		}
	}
}

// parseWeight returns the weight among parameters in thousandths, fullQuality if
// there is none, and the parameters before it (RFC 9110, section 12.4.2).
func parseWeight(params string) (q int, before string, ok bool) {
	for at := 0; at < len(params); {
		param, _, _ := strings.Cut(params[at:], ";")
		name, value, _ := strings.Cut(ascii.Trim(param), "=")
		if ascii.EqualFold(name, "q") {
			q, ok = parseQuality(value)
			return q, trimParams(params[:at]), ok
		}
		at += len(param) + 1
	}
	return fullQuality, trimParams(params), true
}

func trimParams(s string) string { return strings.Trim(s, "; \t") }

func parseQuality(value string) (int, bool) {
	whole, fraction, _ := strings.Cut(value, ".")
	if len(fraction) > 3 || whole != "0" && whole != "1" || strings.Trim(fraction, "0123456789") != "" {
		return 0, false
	}
	n, _ := strconv.Atoi((whole + fraction + "000")[:4])
	return n, n <= fullQuality
}

// appendWeight appends a weight in thousandths, unless it is 1.
func appendWeight(b []byte, q int) []byte {
	if q >= fullQuality {
		return b
	}
	digits := strings.TrimRight(strconv.Itoa(fullQuality + max(q, 0))[1:], "0")
	b = append(b, ";q=0"...)
	if digits != "" {
		b = append(append(b, '.'), digits...)
	}
	return b
}

// describePreference records a field that is only advice.
func describePreference(op *tako.Operation, name, doc string) {
	op.AddParam(tako.Param{In: "header", Name: name, Type: stringType, Doc: doc})
}
