package extract

import (
	"net/http"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
)

// Accept is the Accept field (RFC 9110, section 12.5.1): the media types that the
// client can read. Members that are malformed are skipped, and without any that is
// valid everything is accepted, so it never fails. At most 100 members are kept.
type Accept struct {
	// Ranges are the members in the order of the field.
	Ranges []MediaRange
}

// A MediaRange is one member of Accept.
type MediaRange struct {
	// Type is the range in lower case: "text/html", "text/*" or "*/*".
	Type string
	// Params are the parameters before the weight as they came, such as "level=1".
	Params string
	// Quality is the weight in thousandths, 0 to 1000; 0 refuses.
	Quality int
}

var (
	_ tako.Describer      = (*Accept)(nil)
	_ tako.RequestEncoder = (*Accept)(nil)
)

// Extract reads the field.
func (a *Accept) Extract(c *tako.Context) error {
	a.Ranges = parseAccept(c.RequestHeaderValues("Accept"))
	return nil
}

func parseAccept(lines []string) []MediaRange {
	var ranges []MediaRange
	for member, params := range members(lines) {
		major, minor, ok := strings.Cut(member, "/")
		if !ok || !ascii.IsToken(major) || !ascii.IsToken(minor) || major == "*" && minor != "*" {
			continue
		}
		if q, before, ok := parseWeight(params); ok {
			ranges = append(ranges, MediaRange{Type: strings.ToLower(member), Params: before, Quality: q})
		}
		if len(ranges) == maxPreferences {
			break
		}
	}
	return ranges
}

// Prefers returns which of the offered media types the client likes best, by the
// rules of [tako.Context.Accepts]: the first of equals, the first of all if
// everything is accepted, and "" if all are refused.
func (a Accept) Prefers(offers ...string) string {
	if len(offers) > 0 && len(a.Ranges) == 0 {
		return offers[0]
	}
	best, bestQ := "", 0
	for _, offer := range offers {
		if q := a.Quality(offer); q > bestQ {
			best, bestQ = offer, q
		}
	}
	return best
}

// Quality returns the weight of a media type in thousandths, that of the most
// specific range; 0 if it is refused or not listed.
func (a Accept) Quality(media string) int {
	if len(a.Ranges) == 0 {
		return fullQuality
	}
	major, _, _ := strings.Cut(media, "/")
	specific, q := -1, 0
	for _, r := range a.Ranges {
		rank := 0
		rangeMajor, rangeMinor, _ := strings.Cut(r.Type, "/")
		switch {
		case ascii.EqualFold(r.Type, media) && r.Params == "":
			rank = 3
		case ascii.EqualFold(r.Type, media):
			rank = 2 // of a variant that is not offered, but better than nothing
		case rangeMinor == "*" && ascii.EqualFold(rangeMajor, major):
			rank = 1
		case r.Type != "*/*":
			continue
		}
		if rank > specific {
			specific, q = rank, r.Quality
		}
	}
	return q
}

// String returns the value of the field.
func (a Accept) String() string {
	var b []byte
	for i, r := range a.Ranges {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, r.Type...)
		if r.Params != "" {
			b = append(append(b, ';'), r.Params...)
		}
		b = appendWeight(b, r.Quality)
	}
	return string(b)
}

// Absent reports whether everything is accepted.
func (a *Accept) Absent() bool { return len(a.Ranges) == 0 }

// Describe records the field.
func (a *Accept) Describe(op *tako.Operation, _ string) {
	describePreference(op, "Accept", "media types that the client can read, with weights")
}

// EncodeRequest sets the field.
func (a *Accept) EncodeRequest(req *http.Request) error {
	if len(a.Ranges) > 0 {
		req.Header.Set("Accept", a.String())
	}
	return nil
}
