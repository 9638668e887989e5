package schema

import (
	"math"
	"unsafe"
)

// step is the look at one member of a struct: what [object.fine] needs, close together.
type step struct {
	offset   uintptr
	kind     kind
	required bool
	plain    bool   // not below an embedded pointer, and no other member hangs on it
	low      int64  // of numbers and of lengths in code points
	span     uint64 // highest allowed, less low
	rest     []rule // those that low and span do not say
	field    *field
}

func stepOf(f *field) step {
	s := f.schema
	st := step{
		offset: f.offset, kind: s.kind, required: f.required, field: f,
		plain: len(f.via) == 0 && len(f.needs) == 0,
	}
	if s.kind != kindString && (s.kind != kindInt || s.size != 8) {
		return st
	}
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	for i := range s.rules {
		switch r := &s.rules[i]; r.op {
		case opMin, opMinLen:
			low = max(low, r.i)
		case opMax, opMaxLen:
			high = min(high, r.i)
		default:
			st.rest = append(st.rest, *r)
		}
	}
	if s.kind == kindString {
		low = max(low, 0)
	}
	st.low, st.span = low, uint64(high)-uint64(low)
	if low > high { // a mistake in the tags; nothing fits
		st.plain = false
	}
	return st
}

// fine reports that the members of the struct at p break no rule; see [Schema.fine].
func (o *object) fine(p unsafe.Pointer, depth int) bool {
	for i := range o.steps {
		st := &o.steps[i]
		if !st.plain {
			if !o.fineMember(st.field, p, depth) {
				return false
			}
			continue
		}
		q := unsafe.Add(p, st.offset)
		switch st.kind {
		case kindString:
			s := *(*string)(q)
			if st.required && s == "" || !st.fitsLength(s) || len(st.rest) > 0 && !fineText(st.rest, s) {
				return false
			}
		case kindInt:
			if st.field.schema.size != 8 {
				if !o.fineMember(st.field, p, depth) {
					return false
				}
				continue
			}
			n := *(*int64)(q)
			if st.required && n == 0 || uint64(n)-uint64(st.low) > st.span || len(st.rest) > 0 && !fineInt(st.rest, n) {
				return false
			}
		default:
			if st.required && st.field.schema.zero(q) || !st.field.schema.fine(q, depth+1) {
				return false
			}
		}
	}
	return true
}

// fitsLength reports whether the code points of s are in the span of the step. It counts
// them only where the number of bytes does not tell.
func (st *step) fitsLength(s string) bool {
	low, high := int(st.low), uint64(st.low)+st.span
	return (len(s)+3)/4 >= low && uint64(len(s)) <= high ||
		atLeast(s, low) && (high >= uint64(len(s)) || atMost(s, int(high)))
}

// fineMember is fine for one member, whatever it is.
func (o *object) fineMember(f *field, p unsafe.Pointer, depth int) bool {
	q := f.at(p)
	if q == nil {
		return !f.required
	}
	if f.required && f.schema.zero(q) || !f.schema.fine(q, depth+1) {
		return false
	}
	for _, need := range f.needs {
		other := &o.fields[need]
		if q := other.at(p); q == nil || other.schema.zero(q) {
			return false
		}
	}
	return true
}
