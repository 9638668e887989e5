// Package byterange is the arithmetic of byte ranges (RFC 9110, section 14): what a
// Range field asks for, and which parts of content of a known size that is.
package byterange

import (
	"math"
	"strconv"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// A Spec is one part that a Range field asks for.
type Spec struct {
	// First is the first byte, counted from 0; -1 if Last is how many bytes of the
	// end are wanted.
	First int64
	// Last is the last byte, included; -1 for all that follow.
	Last int64
}

// A Part is a range of content whose size is known.
type Part struct {
	// Start is the first byte, counted from 0.
	Start int64
	// Length is the number of bytes, at least 1.
	Length int64
}

// Parse returns what the value of a Range field asks for. It is nil for what is to
// be ignored: a value that is malformed, of another unit than bytes, or has more
// than most specs.
func Parse(value string, most int) []Spec {
	unit, set, ok := strings.Cut(value, "=")
	if !ok || !ascii.EqualFold(unit, "bytes") {
		return nil
	}
	var specs []Spec
	for item := range strings.SplitSeq(set, ",") {
		if item = ascii.Trim(item); item == "" {
			continue
		}
		spec, ok := parseSpec(item)
		if !ok || len(specs) == most {
			return nil
		}
		specs = append(specs, spec)
	}
	return specs
}

func parseSpec(s string) (Spec, bool) {
	first, last, ok := strings.Cut(s, "-")
	spec := Spec{-1, -1}
	if !ok || first == "" && last == "" {
		return spec, false
	}
	if first != "" {
		spec.First, ok = parsePosition(first)
	}
	if last != "" && ok {
		spec.Last, ok = parsePosition(last)
	}
	return spec, ok && (spec.First < 0 || spec.Last < 0 || spec.First <= spec.Last)
}

// parsePosition reads digits; what is too large is as large as can be.
func parsePosition(s string) (int64, bool) {
	if strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n = math.MaxInt64
	}
	return n, true
}

// Within returns the part of content with size bytes that the spec stands for, and
// whether there is any.
func (s Spec) Within(size int64) (Part, bool) {
	switch {
	case s.First < 0:
		n := min(s.Last, size)
		return Part{size - n, n}, n > 0
	case s.First >= size:
		return Part{}, false
	case s.Last < 0:
		return Part{s.First, size - s.First}, true
	}
	return Part{s.First, min(s.Last, size-1) - s.First + 1}, true
}

// ContentRange returns the Content-Range of the part of content with size bytes.
func (p Part) ContentRange(size int64) string {
	return string(p.AppendContentRange(nil, size))
}

// AppendContentRange appends what [Part.ContentRange] returns.
func (p Part) AppendContentRange(b []byte, size int64) []byte {
	b = strconv.AppendInt(append(b, "bytes "...), p.Start, 10)
	b = strconv.AppendInt(append(b, '-'), p.Start+p.Length-1, 10)
	return strconv.AppendInt(append(b, '/'), size, 10)
}

// Unsatisfied returns the Content-Range of a 416 for content with size bytes.
func Unsatisfied(size int64) string { return "bytes */" + strconv.FormatInt(size, 10) }
