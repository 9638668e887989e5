package extract

import (
	"net/http"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/byterange"
)

// A Part is a range of content whose length is known.
type Part struct {
	// Start is the first byte, counted from 0.
	Start int64
	// Length is the number of bytes, at least 1.
	Length int64
}

// ContentRange returns the Content-Range of the part of content with size bytes.
func (p Part) ContentRange(size int64) string {
	return byterange.Part(p).ContentRange(size)
}

// Resolve returns the parts of content with size bytes that are wanted, in the
// order of the field; nil without an error means all of it, answered 200. One part
// is answered 206 with its Content-Range, several as multipart/byteranges.
//
// Specs that are not within the content are left out. If that is all of them, the
// error is a 416 with the size in Content-Range (RFC 9110, section 15.5.17).
//
// Parts may overlap, but if they have more bytes than the content together, the
// field is ignored (section 14.2): no request is answered with more than what it
// could have had without one.
func (r Range) Resolve(size int64) ([]Part, error) {
	if len(r.Specs) == 0 || size <= 0 && !r.startsBeyond(size) {
		return nil, nil
	}
	parts := make([]Part, 0, len(r.Specs))
	left := size
	for _, spec := range r.Specs {
		part, ok := byterange.Spec(spec).Within(size)
		if !ok {
			continue
		}
		if left -= part.Length; left < 0 {
			return nil, nil
		}
		parts = append(parts, Part(part))
	}
	if len(parts) == 0 {
		e := tako.Errorf(http.StatusRequestedRangeNotSatisfiable, "no range is within the %d bytes of the content", size)
		return nil, e.With("Content-Range", byterange.Unsatisfied(size))
	}
	return parts, nil
}

// startsBeyond reports whether all specs begin behind content that is empty: its
// last bytes can be asked for, but nothing else.
func (r Range) startsBeyond(size int64) bool {
	for _, spec := range r.Specs {
		if size < 0 || spec.First < 0 && spec.Last > 0 {
			return false
		}
	}
	return true
}
