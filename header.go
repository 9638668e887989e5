package tako

import (
	"fmt"
	"iter"
	"net/textproto"

	"github.com/tako-go/tako/internal/ascii"
)

// Header is the ordered list of a response's header or trailer fields. Names are
// kept in canonical form ("Content-Type"); every method accepts any case.
//
// A field with an invalid name or a value with control characters is refused:
// it is not added, and the response fails with [ErrInvalidField] when its head
// is written, so that outside text can never split a header (RFC 9110, section
// 5.5). The zero Header is empty and ready to use. It is not safe for
// concurrent use.
type Header struct {
	fields []field
	err    error
}

type field struct{ name, value string }

// Get returns the first value of the field, or "".
func (h *Header) Get(name string) string {
	if i := h.index(canonical(name), 0); i >= 0 {
		return h.fields[i].value
	}
	return ""
}

// Has reports whether the field is present, even if its value is empty.
func (h *Header) Has(name string) bool { return h.index(canonical(name), 0) >= 0 }

// Values returns all values of the field in order, nil if there is none.
func (h *Header) Values(name string) []string {
	var values []string
	name = canonical(name)
	for i := h.index(name, 0); i >= 0; i = h.index(name, i+1) {
		values = append(values, h.fields[i].value)
	}
	return values
}

// Set replaces all values of the field by one.
func (h *Header) Set(name, value string) {
	name = canonical(name)
	if !h.valid(name, value) {
		return
	}
	i := h.index(name, 0)
	if i < 0 {
		h.fields = append(h.fields, field{name, value})
		return
	}
	h.fields[i].value = value
	h.remove(name, i+1)
}

// Add appends a value to the field.
func (h *Header) Add(name, value string) {
	name = canonical(name)
	if h.valid(name, value) {
		h.fields = append(h.fields, field{name, value})
	}
}

// Del removes the field.
func (h *Header) Del(name string) { h.remove(canonical(name), 0) }

// Len returns the number of field lines.
func (h *Header) Len() int { return len(h.fields) }

// Field returns the field line at index i, below Len.
func (h *Header) Field(i int) (name, value string) { return h.fields[i].name, h.fields[i].value }

// All yields every field line in order.
func (h *Header) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, f := range h.fields {
			if !yield(f.name, f.value) {
				return
			}
		}
	}
}

// Clone returns an independent copy.
func (h *Header) Clone() *Header {
	return &Header{fields: append([]field(nil), h.fields...), err: h.err}
}

// AddVary adds name to the Vary field unless it is there already.
func (h *Header) AddVary(name string) {
	for i := h.index("Vary", 0); i >= 0; i = h.index("Vary", i+1) {
		for part := range ascii.ListItems(h.fields[i].value) {
			if part == "*" || ascii.EqualFold(part, name) {
				return
			}
		}
	}
	h.Add("Vary", name)
}

// Err returns the first refusal of an invalid field, an [ErrInvalidField].
func (h *Header) Err() error { return h.err }

func (h *Header) index(name string, from int) int {
	for i := from; i < len(h.fields); i++ {
		if h.fields[i].name == name {
			return i
		}
	}
	return -1
}

func (h *Header) remove(name string, from int) {
	kept := h.fields[:from]
	for _, f := range h.fields[from:] {
		if f.name != name {
			kept = append(kept, f)
		}
	}
	clear(h.fields[len(kept):])
	h.fields = kept
}

func (h *Header) valid(name, value string) bool {
	if ascii.IsToken(name) && ascii.IsFieldValue(value) {
		return true
	}
	if h.err == nil {
		h.err = fmt.Errorf("%w: %q", ErrInvalidField, name)
	}
	return false
}

// put appends a field whose name is canonical and whose value is known to be valid.
func (h *Header) put(name, value string) { h.fields = append(h.fields, field{name, value}) }

func (h *Header) reset() {
	clear(h.fields)
	h.fields = h.fields[:0]
	h.err = nil
}

// assign makes h a copy of from and keeps its memory.
func (h *Header) assign(from *Header) {
	h.reset()
	h.fields = append(h.fields, from.fields...)
	h.err = from.err
}

func canonical(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }
