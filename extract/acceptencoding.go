package extract

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
)

// AcceptEncoding is the Accept-Encoding field (RFC 9110, section 12.5.3): the
// content codings that the client can decode. Members that are malformed are
// skipped, so it never fails. At most 100 members are kept.
type AcceptEncoding struct {
	// Present tells a field that is empty, which wants no coding, from none.
	Present bool
	// Codings are the members in the order of the field.
	Codings []ContentCoding
}

// A ContentCoding is one member of Accept-Encoding.
type ContentCoding struct {
	// Coding is its name in lower case, "identity" or "*"; x-gzip is gzip, and
	// x-compress is compress.
	Coding string
	// Quality is the weight in thousandths, 0 to 1000; 0 refuses.
	Quality int
}

var (
	_ tako.Describer      = (*AcceptEncoding)(nil)
	_ tako.RequestEncoder = (*AcceptEncoding)(nil)
)

// identity is the coding that is none.
const identity = "identity"

// Extract reads the field.
func (a *AcceptEncoding) Extract(c *tako.Context) error {
	lines := c.RequestHeaderValues("Accept-Encoding")
	a.Present, a.Codings = len(lines) > 0, parseCodings(lines)
	return nil
}

func parseCodings(lines []string) []ContentCoding {
	var codings []ContentCoding
	for member, params := range members(lines) {
		if !ascii.IsToken(member) {
			continue
		}
		if q, _, ok := parseWeight(params); ok {
			codings = append(codings, ContentCoding{codingName(member), q})
		}
		if len(codings) == maxPreferences {
			break
		}
	}
	return codings
}

// codingName makes names comparable (RFC 9110, section 8.4.1).
func codingName(name string) string {
	switch name = strings.ToLower(name); name {
	case "x-gzip", "x-compress":
		return name[2:]
	}
	return name
}

// Prefers returns which of the offered codings the client likes best, the first of
// equals. It is "identity" where the client does not want any of them, or has not
// sent the field at all, and "" where it refuses that too.
func (a AcceptEncoding) Prefers(offers ...string) string {
	if !a.Present {
		return identity
	}
	best, bestQ := "", 0
	for _, offer := range offers {
		if q := a.Quality(offer); q > bestQ {
			best, bestQ = offer, q
		}
	}
	if !slices.Contains(offers, identity) && a.Quality(identity) > bestQ {
		best = identity
	}
	return best
}

// Quality returns the weight of a coding in thousandths; 0 if it is refused or not
// listed. What is not coded is accepted unless it is refused, with the least of
// weights if nothing is said of it.
func (a AcceptEncoding) Quality(coding string) int {
	coding = codingName(coding)
	rest := 0
	if coding == identity {
		rest = 1
	}
	star := false
	for _, c := range a.Codings {
		if c.Coding == coding {
			return c.Quality
		}
		if c.Coding == "*" && !star {
			star, rest = true, c.Quality
		}
	}
	if !a.Present && coding != identity {
		return fullQuality
	}
	return rest
}

// String returns the value of the field.
func (a AcceptEncoding) String() string {
	var b []byte
	for i, c := range a.Codings {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendWeight(append(b, c.Coding...), c.Quality)
	}
	return string(b)
}

// Absent reports whether the field is.
func (a *AcceptEncoding) Absent() bool { return !a.Present }

// Describe records the field.
func (a *AcceptEncoding) Describe(op *tako.Operation, _ string) {
	describePreference(op, "Accept-Encoding", "content codings that the client can decode, with weights")
}

// EncodeRequest sets the field.
func (a *AcceptEncoding) EncodeRequest(req *http.Request) error {
	if a.Present {
		req.Header.Set("Accept-Encoding", a.String())
	}
	return nil
}
