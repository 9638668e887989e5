// Package cbor reads and writes request and response bodies in CBOR (RFC 8949),
// by github.com/fxamacker/cbor. Fields of structs are named by cbor tags, or by
// json tags where there are none.
//
//	r.Codec(cbor.Codec{})            // besides JSON, for every typed route
//	tako.WithCodec(cbor.Codec{})     // for one
//	in struct{ Body cbor.Body[User] } // for one body, nothing to be registered
package cbor

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync"

	"github.com/fxamacker/cbor/v2"
	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/codecbody"
)

// The limits of a [Codec] that sets none.
const (
	// DefaultMaxDepth is how many arrays, maps and tags may lie in each other.
	DefaultMaxDepth = 100
	// DefaultMaxElements is how many elements an array may have.
	DefaultMaxElements = 128 << 10
	// DefaultMaxPairs is how many pairs a map may have.
	DefaultMaxPairs = 128 << 10
)

// Codec is a [tako.Codec] for application/cbor and every type with the suffix
// +cbor. Text that is not UTF-8, keys that a map has twice, numbers that are not
// finite, times that RFC 3339 has not, and anything after the value are refused. Times are
// written in RFC 3339 with tag 0. Its zero value is ready; it is used by many goroutines at once.
type Codec struct {
	// MaxDepth is how many arrays, maps and tags may lie in each other: from 4 to
	// 65535, [DefaultMaxDepth] if 0.
	MaxDepth int
	// MaxElements is how many elements an array may have: at least 16,
	// [DefaultMaxElements] if 0.
	MaxElements int
	// MaxPairs is how many pairs a map may have: at least 16, [DefaultMaxPairs] if
	// 0.
	MaxPairs int
	// DisallowUnknownFields refuses keys that no field of a struct has.
	DisallowUnknownFields bool
	// DisallowTags refuses tagged values.
	DisallowTags bool
}

var _ tako.Codec = Codec{}

var format = codecbody.Format{Name: "CBOR", Own: reflect.TypeFor[cbor.Unmarshaler]()}

var mediaTypes = []string{"application/cbor", "+cbor"}

// MediaTypes returns application/cbor and every type with the suffix +cbor.
func (Codec) MediaTypes() []string { return mediaTypes }

// Encode writes v. What holds a [tako.Opt] or a [tako.OneOf] is an error.
func (Codec) Encode(w io.Writer, v any) error {
	if err := format.Refuse(v, http.StatusInternalServerError); err != nil {
		return err
	}
	mode, err := encoding()
	if err != nil {
		return err
	}
	body, err := mode.Marshal(v)
	if err == nil {
		_, err = w.Write(body)
	}
	return err
}

// Decode fills v from one value. Its errors are 400; 415 if v holds a [tako.Opt] or
// a [tako.OneOf]; a limit out of its range is 500.
func (c Codec) Decode(data []byte, v any) error {
	if err := format.Refuse(v, http.StatusUnsupportedMediaType); err != nil {
		return err
	}
	mode, err := c.decoding()
	if err != nil {
		return tako.Wrap(500, fmt.Errorf("cbor: %w", err))
	}
	if err := mode.Unmarshal(data, v); err != nil {
		return codecbody.Malformed(words(data, err), err)
	}
	if !format.FitsTimes(v) {
		return codecbody.Malformed("the CBOR has a time whose year or offset is out of range", nil)
	}
	return nil
}

// IsNull reports whether a body as a whole is null or undefined. Either is refused where
// null in JSON is.
func (Codec) IsNull(data []byte) bool {
	for len(data) > 0 && data[0]>>5 == 6 { // a tag
		head := 1
		if size := data[0] & 0x1f; size >= 24 {
			head += 1 << (size - 24)
		}
		data = data[min(head, len(data)):]
	}
	return len(data) == 1 && (data[0] == 0xf6 || data[0] == 0xf7)
}

var encoding = sync.OnceValues(func() (cbor.EncMode, error) {
	return cbor.EncOptions{Time: cbor.TimeRFC3339Nano, TimeTag: cbor.EncTagRequired}.EncMode()
})

// modes are what the settings that are in use have been made into.
type modes struct{ bySettings sync.Map }

var decoders modes

func (c Codec) decoding() (cbor.DecMode, error) {
	if mode, ok := decoders.bySettings.Load(c); ok {
		return mode.(cbor.DecMode), nil
	}
	options := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		TimeTag:          cbor.DecTagOptional,
		MaxNestedLevels:  orDefault(c.MaxDepth, DefaultMaxDepth),
		MaxArrayElements: orDefault(c.MaxElements, DefaultMaxElements),
		MaxMapPairs:      orDefault(c.MaxPairs, DefaultMaxPairs),
		DefaultMapType:   reflect.TypeFor[map[string]any](),
		NaN:              cbor.NaNDecodeForbidden,
		Inf:              cbor.InfDecodeForbidden,
	}
	if c.DisallowUnknownFields {
		options.ExtraReturnErrors = cbor.ExtraDecErrorUnknownField
	}
	if c.DisallowTags {
		options.TagsMd = cbor.TagsForbidden
	}
	mode, err := options.DecMode()
	if err == nil {
		decoders.bySettings.Store(c, mode)
	}
	return mode, err
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// words says what is wrong so that it names no Go type.
func words(data []byte, err error) string {
	var (
		mismatch *cbor.UnmarshalTypeError
		twice    *cbor.DupMapKeyError
		unknown  *cbor.UnknownFieldError
		extra    *cbor.ExtraneousDataError
		depth    *cbor.MaxNestedLevelError
		elements *cbor.MaxArrayElementsError
		pairs    *cbor.MaxMapPairsError
		tags     *cbor.TagsMdError
		text     *cbor.SemanticError
		number   *cbor.UnacceptableDataItemError
	)
	switch {
	case len(data) == 0:
		return "the request body is empty, CBOR is expected"
	case errors.As(err, &mismatch):
		return fmt.Sprintf("the CBOR has a value of the wrong kind: unexpected %s", mismatch.CBORType)
	case errors.As(err, &twice):
		return fmt.Sprintf("the CBOR has a key twice in one map: %.100q", fmt.Sprint(twice.Key))
	case errors.As(err, &unknown):
		return "the CBOR has a key that is not known"
	case errors.As(err, &extra):
		return "the CBOR has data after its value"
	case errors.As(err, &depth):
		return "the CBOR is nested too deeply"
	case errors.As(err, &elements):
		return "the CBOR has an array of too many elements"
	case errors.As(err, &pairs):
		return "the CBOR has a map of too many pairs"
	case errors.As(err, &tags):
		return "the CBOR has a tag, which is not allowed"
	case errors.As(err, &text):
		return "the CBOR has text that is not UTF-8"
	case errors.As(err, &number):
		return "the CBOR has a number that is not finite"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the CBOR ends too early"
	}
	return "the CBOR is malformed"
}
