package extract

import (
	"encoding"
	"reflect"
	"strconv"
	"time"

	"github.com/tako-go/tako"
)

var (
	unmarshaler  = reflect.TypeFor[encoding.TextUnmarshaler]()
	marshaler    = reflect.TypeFor[encoding.TextMarshaler]()
	durationType = reflect.TypeFor[time.Duration]()
)

// isList reports whether a field of type t takes several values.
func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && !reflect.PointerTo(t).Implements(unmarshaler)
}

// parsable reports whether parseText knows t.
func parsable(t reflect.Type) bool { return tako.ParsesText(t) }

// parseText reads s into v by the rules for tagged fields. The problem completes
// the sentence "parameter x …"; it is "" if there is none.
func parseText(v reflect.Value, s string) (problem string) {
	if err := tako.ParseText(v.Addr().Interface(), s); err != nil {
		return err.Error()
	}
	return ""
}

// formatText is what parseText reads.
func formatText(v reflect.Value) string {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return ""
	}
	if v.CanAddr() && v.Addr().Type().Implements(marshaler) {
		text, _ := v.Addr().Interface().(encoding.TextMarshaler).MarshalText()
		return string(text)
	}
	if v.Type() == durationType {
		return time.Duration(v.Int()).String()
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	case reflect.Pointer:
		return formatText(v.Elem())
	}
	return v.String()
}
