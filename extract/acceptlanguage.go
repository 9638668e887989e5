package extract

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
)

// AcceptLanguage is the Accept-Language field (RFC 9110, section 12.5.4): the
// languages that the user reads. Members that are malformed are skipped, and
// without any that is valid every language will do, so it never fails. At most 100
// members are kept.
type AcceptLanguage struct {
	// Ranges are the members, the preferred one first, equals in the order of the
	// field; those that refuse stand last.
	Ranges []LanguageRange
}

// A LanguageRange is one member of Accept-Language.
type LanguageRange struct {
	// Range is a language tag or the beginning of one, as it came, or "*".
	Range string
	// Quality is the weight in thousandths, 0 to 1000; 0 refuses.
	Quality int
}

var (
	_ tako.Describer      = (*AcceptLanguage)(nil)
	_ tako.RequestEncoder = (*AcceptLanguage)(nil)
)

// maxLanguageRange is the longest range that is kept, in bytes. The longest tag
// that RFC 5646 expects has 35.
const maxLanguageRange = 64

// Extract reads the field.
func (a *AcceptLanguage) Extract(c *tako.Context) error {
	a.Ranges = parseLanguages(c.RequestHeaderValues("Accept-Language"))
	return nil
}

func parseLanguages(lines []string) []LanguageRange {
	var ranges []LanguageRange
	for member, params := range members(lines) {
		if member != "*" && !isLanguageRange(member) {
			continue
		}
		if q, _, ok := parseWeight(params); ok {
			ranges = append(ranges, LanguageRange{member, q})
		}
		if len(ranges) == maxPreferences {
			break
		}
	}
	slices.SortStableFunc(ranges, func(a, b LanguageRange) int { return b.Quality - a.Quality })
	return ranges
}

// isLanguageRange reports whether s is a basic language range (RFC 4647, section
// 2.1): subtags of one to eight letters and digits, the first of letters alone.
func isLanguageRange(s string) bool {
	if len(s) > maxLanguageRange {
		return false
	}
	first := true
	for subtag := range strings.SplitSeq(s, "-") {
		if len(subtag) < 1 || len(subtag) > 8 {
			return false
		}
		for i := range len(subtag) {
			c := ascii.Lower(subtag[i])
			if (c < 'a' || c > 'z') && (first || c < '0' || c > '9') {
				return false
			}
		}
		first = false
	}
	return true
}

// Tags returns the ranges that are not refused, the preferred one first.
func (a AcceptLanguage) Tags() []string {
	var tags []string
	for _, r := range a.Ranges {
		if r.Quality > 0 {
			tags = append(tags, r.Range)
		}
	}
	return tags
}

// Match returns which of the supported languages suits the user best, by lookup
// (RFC 4647, section 3.4): a range is shortened from its end until it is one of
// them, so that "de-CH" finds "de", but "de" does not find "de-CH". "*" finds the
// first that no other range speaks of. Where none suits it returns the first, the
// default, and false; where every language will do, the first and true.
func (a AcceptLanguage) Match(supported ...string) (tag string, ok bool) {
	if len(supported) == 0 {
		return "", false
	}
	if len(a.Ranges) == 0 {
		return supported[0], true
	}
	for _, r := range a.Ranges {
		if r.Quality == 0 {
			break
		}
		i := -1
		if r.Range == "*" {
			i = slices.IndexFunc(supported, func(s string) bool { return a.closest(s) == nil })
		} else {
			i = a.lookup(r.Range, supported)
		}
		if i >= 0 {
			return supported[i], true
		}
	}
	return supported[0], false
}

// lookup returns the index of what a range finds, -1 for nothing.
func (a AcceptLanguage) lookup(want string, supported []string) int {
	for want != "" {
		i := slices.IndexFunc(supported, func(s string) bool {
			if !ascii.EqualFold(s, want) {
				return false
			}
			r := a.closest(s)
			return r == nil || r.Quality > 0
		})
		if i >= 0 {
			return i
		}
		want = shorten(want)
	}
	return -1
}

// shorten drops the last subtag, and one of a single character before it.
func shorten(tag string) string {
	tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	if len(tag) >= 2 && tag[len(tag)-2] == '-' {
		tag = tag[:len(tag)-2]
	}
	return tag
}

// closest returns the longest range that a tag begins with, nil if there is none
// but "*": that is the one whose weight is the tag's.
func (a AcceptLanguage) closest(tag string) *LanguageRange {
	var longest *LanguageRange
	for i := range a.Ranges {
		r := &a.Ranges[i]
		n := len(r.Range)
		if r.Range == "*" || n > len(tag) || n < len(tag) && tag[n] != '-' || !ascii.EqualFold(tag[:n], r.Range) {
			continue
		}
		if longest == nil || n > len(longest.Range) {
			longest = r
		}
	}
	return longest
}

// String returns the value of the field.
func (a AcceptLanguage) String() string {
	var b []byte
	for i, r := range a.Ranges {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendWeight(append(b, r.Range...), r.Quality)
	}
	return string(b)
}

// Absent reports whether every language will do.
func (a *AcceptLanguage) Absent() bool { return len(a.Ranges) == 0 }

// Describe records the field.
func (a *AcceptLanguage) Describe(op *tako.Operation, _ string) {
	describePreference(op, "Accept-Language", "languages that the user reads, with weights")
}

// EncodeRequest sets the field.
func (a *AcceptLanguage) EncodeRequest(req *http.Request) error {
	if len(a.Ranges) > 0 {
		req.Header.Set("Accept-Language", a.String())
	}
	return nil
}
