// Package fastjson reads and writes the plain part of JSON, for types that need
// nothing special, exactly as encoding/json does. It refuses everything else, and
// the caller then asks encoding/json: errors, escapes, null, values that are to be
// merged and types with methods of their own are never its business.
package fastjson

import "unsafe"

// Unmarshal fills what v, a pointer, points to with the JSON value data, which it
// does not keep. It reports whether it did; if not, nothing is changed. The result
// is that of [encoding/json.Unmarshal], and data is UTF-8.
func Unmarshal(data []byte, v any) bool {
	w := words(&v)
	known := plans.of(w.typ, v)
	if known.plan == nil || !known.pointer || w.data == nil {
		return false
	}
	return known.plan.decode(data, w.data)
}

// Append appends v, a value or a pointer to one, to b and reports whether it did;
// if not, b may have been written to behind its length. The bytes are those of an
// [encoding/json.Encoder] that does not escape HTML, without the line end. It
// calls no methods of v.
func Append(b []byte, v any) ([]byte, bool) {
	w := words(&v)
	known := plans.of(w.typ, v)
	if known.plan == nil || w.data == nil {
		return b, false
	}
	return known.plan.append(b, w.data)
}

// ifaceWords is how an interface looks in memory.
type ifaceWords struct{ typ, data unsafe.Pointer }

func words(v *any) *ifaceWords { return (*ifaceWords)(unsafe.Pointer(v)) }
