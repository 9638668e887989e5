// Package fastjson reads and writes JSON for Go types exactly as encoding/json
// does, faster. It refuses what it does not take, and the caller then asks
// encoding/json: errors, values that are to be merged, and a few types are never
// its business. Parts of a value whose types have methods of their own are handed
// to encoding/json one by one. Where that fails, it finds the value at fault; and it finds
// the times that encoding/json takes although they cannot be written again.
package fastjson

import (
	"unsafe"

	"github.com/tako-go/tako/internal/jsonscan"
)

// Options say how strict Unmarshal is.
type Options struct {
	jsonscan.Limits
	// DisallowUnknown refuses names that no field has.
	DisallowUnknown bool
}

// Unmarshal fills what v, a pointer, points to with the JSON value data, which it
// does not keep. It reports whether it did; the result is that of
// [encoding/json.Unmarshal], and data is UTF-8 and within the options. If not, the
// value is what it was before, and an error is a reason that encoding/json does
// not know: two names for one field, or a name that no field has.
//
// Strings of up to 256 bytes share blocks of 4 KiB.
func Unmarshal(data []byte, v any, o Options) (ok bool, err error) {
	w := words(&v)
	known := plans.of(w.typ, v)
	if known.plan == nil || !known.pointer || w.data == nil {
		return false, nil
	}
	return known.plan.decode(data, w.data, o)
}

// Append appends v, a value or a pointer to one, to b and reports whether it did;
// if not, b may have been written to behind its length. The bytes are those of an
// [encoding/json.Encoder] that does not escape HTML, without the line end.
func Append(b []byte, v any) ([]byte, bool) { return appendAny(b, v, 0) }

// ifaceWords is how an interface looks in memory.
type ifaceWords struct{ typ, data unsafe.Pointer }

func words(v *any) *ifaceWords { return (*ifaceWords)(unsafe.Pointer(v)) }

// Takes reports whether the type of v, or what v points to, is one of this
// package; what Unmarshal and Append refuse is then an exception.
func Takes(v any) bool { return v != nil && plans.of(words(&v).typ, v).plan != nil }
