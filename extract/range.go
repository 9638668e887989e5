package extract

import (
	"net/http"
	"strconv"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/byterange"
)

// Range is the Range field of a GET (RFC 9110, section 14.2): the bytes that the
// client wants. A field that is malformed, repeated, of another unit, of another
// method or has more than 100 specs counts as none, as the RFC has it, so it never
// fails: see [Range.Resolve].
type Range struct {
	// Specs are what is wanted; empty for everything.
	Specs []RangeSpec
}

// A RangeSpec is one part that is wanted.
type RangeSpec struct {
	// First is the first byte, counted from 0; -1 if Last is how many bytes of the
	// end are wanted.
	First int64
	// Last is the last byte, included; -1 for all that follow.
	Last int64
}

var (
	_ tako.Describer      = (*Range)(nil)
	_ tako.RequestEncoder = (*Range)(nil)
)

// maxRanges is the most specs a field may have.
const maxRanges = 100

// Extract reads the field.
func (r *Range) Extract(c *tako.Context) error {
	if c.Method() != http.MethodGet || c.RequestHeader("Range") == "" {
		return nil
	}
	if lines := c.RequestHeaderValues("Range"); len(lines) == 1 {
		r.Specs = parseRange(lines[0])
	}
	return nil
}

// parseRange returns nil for what is to be ignored.
func parseRange(value string) []RangeSpec {
	var specs []RangeSpec
	for _, spec := range byterange.Parse(value, maxRanges) {
		specs = append(specs, RangeSpec(spec))
	}
	return specs
}

// String returns the value of the field, "" for everything.
func (r Range) String() string {
	if len(r.Specs) == 0 {
		return ""
	}
	b := []byte("bytes=")
	for i, s := range r.Specs {
		if i > 0 {
			b = append(b, ',')
		}
		if s.First >= 0 {
			b = strconv.AppendInt(b, s.First, 10)
		}
		b = append(b, '-')
		if s.Last >= 0 {
			b = strconv.AppendInt(b, s.Last, 10)
		}
	}
	return string(b)
}

// Absent reports whether everything is wanted.
func (r *Range) Absent() bool { return len(r.Specs) == 0 }

// Describe records the field and what [Range.Resolve] fails with.
func (r *Range) Describe(op *tako.Operation, _ string) {
	describePreference(op, "Range", "the bytes that are wanted, such as bytes=0-499")
	op.AddFailure(http.StatusRequestedRangeNotSatisfiable, "none of the ranges is within the content")
}

// EncodeRequest sets the field.
func (r *Range) EncodeRequest(req *http.Request) error {
	if len(r.Specs) > 0 {
		req.Header.Set("Range", r.String())
	}
	return nil
}
