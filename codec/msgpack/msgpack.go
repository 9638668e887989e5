// Package msgpack reads and writes request and response bodies in MessagePack, by
// github.com/ugorji/go/codec. Of the libraries for Go it is the one that takes
// plain structs by reflection, names fields by json tags where there are no codec
// tags, knows the timestamp extension, bounds nesting and is cared for:
// github.com/tinylib/msgp needs generated code, github.com/shamaton/msgpack has
// tags of its own only and no bound on nesting. What it does not look for, keys
// that a map has twice, lengths that the body cannot hold and text that is not
// UTF-8, is looked for before.
//
//	r.Codec(msgpack.Codec{})            // besides JSON, for every typed route
//	tako.WithCodec(msgpack.Codec{})     // for one
//	in struct{ Body msgpack.Body[User] } // for one body, nothing to be registered
package msgpack

import (
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/codecbody"
	"github.com/ugorji/go/codec"
)

// The limits of a [Codec] that sets none.
const (
	// DefaultMaxDepth is how many arrays and maps may lie in each other.
	DefaultMaxDepth = 100
	// DefaultMaxElements is how many elements an array, and how many pairs a map
	// may have.
	DefaultMaxElements = 128 << 10
)

// Codec is a [tako.Codec] for application/vnd.msgpack, application/msgpack,
// application/x-msgpack and every type with the suffix +msgpack. Text that is not
// UTF-8, keys that a map has twice or that are no text (where the Go type has no
// others), numbers that are not finite or out of the range of their field,
// times of years beyond 9999, and anything after the value are refused, and so are arrays and maps whose elements
// would take over 64 MiB, or over 64 times the body if that is more.
// Its zero value is ready; it is used by many goroutines at once.
type Codec struct {
	// MaxDepth is how many arrays and maps may lie in each other;
	// [DefaultMaxDepth] if 0, and never more than 10000.
	MaxDepth int
	// MaxElements is how many elements an array, and how many pairs a map may
	// have; [DefaultMaxElements] if 0.
	MaxElements int
	// DisallowUnknownFields refuses keys that no field of a struct has.
	DisallowUnknownFields bool
}

var _ tako.Codec = Codec{}

var format = codecbody.Format{Name: "MessagePack", Own: reflect.TypeFor[codec.Selfer]()}

// RFC 9694 has registered application/vnd.msgpack.
var mediaTypes = []string{"application/vnd.msgpack", "application/msgpack", "application/x-msgpack", "+msgpack"}

// MediaTypes returns application/vnd.msgpack, application/msgpack,
// application/x-msgpack and every type with the suffix +msgpack.
func (Codec) MediaTypes() []string { return mediaTypes }

var (
	usual  = newHandle(false)
	strict = newHandle(true)
)

// deepest is what the library and the scanner take, whatever a Codec says.
const deepest = 10000

// newHandle returns the settings of the library, which are not changed later.
func newHandle(known bool) *codec.MsgpackHandle {
	h := new(codec.MsgpackHandle)
	h.WriteExt = true        // the format of today, with text and bytes apart
	h.ValidateUnicode = true // of bytes that become text; the rest is checked before
	h.MapType = reflect.TypeFor[map[string]any]()
	h.Canonical = true
	h.MaxDepth = deepest
	h.ErrorIfNoField = known
	return h
}

// Encode writes v; the keys of maps are in order. What holds a [tako.Opt] or a
// [tako.OneOf] is an error.
func (Codec) Encode(w io.Writer, v any) error {
	if err := format.Refuse(v, http.StatusInternalServerError); err != nil {
		return err
	}
	var body []byte
	if err := codec.NewEncoderBytes(&body, usual).Encode(v); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}

// Decode fills v from one value. Its errors are 400; 415 if v holds a [tako.Opt] or
// a [tako.OneOf].
func (c Codec) Decode(data []byte, v any) error {
	if err := format.Refuse(v, http.StatusUnsupportedMediaType); err != nil {
		return err
	}
	if len(data) == 0 {
		return codecbody.Malformed("the request body is empty, MessagePack is expected", nil)
	}
	if err := c.check(data, v); err != nil {
		return codecbody.Malformed("the MessagePack "+err.Error(), err)
	}
	h := usual
	if c.DisallowUnknownFields {
		h = strict
	}
	if err := codec.NewDecoderBytes(data, h).Decode(v); err != nil {
		if strings.Contains(err.Error(), "no matching struct field") {
			return codecbody.Malformed("the MessagePack has a key that is not known", err)
		}
		return codecbody.Malformed("the MessagePack has a value of the wrong kind", err)
	}
	if !format.FitsTimes(v) {
		return codecbody.Malformed("the MessagePack has a time whose year is out of range", nil)
	}
	return nil
}

// IsNull reports whether a body as a whole is nil, which is refused where null in JSON
// is.
func (Codec) IsNull(data []byte) bool { return len(data) == 1 && data[0] == 0xc0 }
