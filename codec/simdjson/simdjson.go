// Package simdjson is a JSON codec for large bodies and for types that the root's
// codec leaves to encoding/json, with the semantics of that package:
//
//	r.Codec(simdjson.Codec{})
//
// The root's codec reads and writes most types by itself, eight bytes at a time,
// and is the fastest there is for them at every size; this codec has it do that.
// What is left are types with embedded pointers, maps whose keys are no strings, and
// names that stand for several fields. Those are checked as strictly as any other
// body, and then given to github.com/goccy/go-json. Whatever that refuses is asked of
// encoding/json again, which has the last word, and so is what goccy would do in its
// own way: numbers in quotes, names that occur twice or are not known.
//
// Figures are in the module bench, folder json.
package simdjson

import (
	"bytes"
	"io"
	"reflect"

	"github.com/goccy/go-json"
	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/fastjson"
	"github.com/tako-go/tako/internal/jsonscan"
)

// Codec is a [tako.Codec] for application/json and every type with the suffix
// +json. Its zero value is ready; it is used by many goroutines at once.
type Codec struct {
	// Threshold is from how many bytes on a body is not left to encoding/json.
	// 0 stands for every body: measured, there is no size below which it would not
	// pay.
	Threshold int
	// JSON says how strict Decode is; the zero value is safe.
	JSON tako.JSONConfig
}

var _ tako.Codec = Codec{}

// MediaTypes returns application/json and every type with the suffix +json.
func (c Codec) MediaTypes() []string { return tako.JSONCodec{}.MediaTypes() }

// Encode writes v as JSON without a line end, without escaping HTML. If it fails
// nothing was written.
func (c Codec) Encode(w io.Writer, v any) error {
	if buf, ok := w.(*bytes.Buffer); ok {
		if text, ok := fastjson.Append(buf.AvailableBuffer(), v); ok {
			_, err := buf.Write(text)
			return err
		}
	}
	if !ownWay(v) {
		if text, err := json.MarshalWithOption(v, json.DisableHTMLEscape()); err == nil {
			_, err = w.Write(text)
			return err
		}
	}
	return tako.JSONCodec{Config: c.JSON}.Encode(w, v)
}

// Decode fills v from one JSON value. Its errors are those of [tako.JSONCodec].
func (c Codec) Decode(data []byte, v any) error {
	// What stands twice is merged, and goccy does that in its own way.
	left := c.JSON.DisallowUnknownFields || c.JSON.AllowDuplicateNames
	if len(data) < c.Threshold || left || ownWay(v) || !c.decode(data, v) {
		return tako.JSONCodec{Config: c.JSON}.Decode(data, v)
	}
	return nil
}

// ownWay reports whether a value is for the root's codec.
func ownWay(v any) bool {
	if v == nil || fastjson.Takes(v) {
		return true
	}
	t := reflect.TypeOf(v)
	return t.Kind() != reflect.Pointer || !trusted(t.Elem())
}

// decode reports whether it did; if not, v is what it was before.
func (c Codec) decode(data []byte, v any) bool {
	to := reflect.ValueOf(v)
	if to.Kind() != reflect.Pointer || to.IsNil() || !to.Elem().IsZero() {
		return false
	}
	depth := c.JSON.MaxDepth
	if depth <= 0 || depth > tako.DefaultJSONDepth {
		depth = tako.DefaultJSONDepth // what is deeper is rare enough
	}
	o := fastjson.Options{Limits: jsonscan.Limits{MaxDepth: depth, SafeIntegers: c.JSON.SafeIntegers}}
	if jsonscan.Check(data, o.Limits) != nil || fastjson.CheckNames(data, v, o) != nil {
		return false
	}
	if json.Unmarshal(data, v) == nil {
		return true
	}
	to.Elem().SetZero()
	return false
}
