package codecbody

import (
	"encoding"
	"reflect"
	"time"
)

// deepest is how deep times are looked for: beyond what codecs read.
const deepest = 1 << 17

// FitsTimes reports whether the times in v, or in what it points to, are of years and
// offsets that RFC 3339 has. Others could not be written as JSON.
func (f *Format) FitsTimes(v any) bool { return f.fitsTimes(reflect.ValueOf(v), 0) }

func (f *Format) fitsTimes(v reflect.Value, depth int) bool {
	if !v.IsValid() || depth > deepest || !f.timed(v.Type()) {
		return true
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		return isTime(v.Interface().(time.Time))
	}
	switch v.Kind() {
	case reflect.Interface:
		return v.IsNil() || f.fitsLoose(v.Interface(), depth)
	case reflect.Pointer:
		return f.fitsTimes(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if !f.fitsTimes(v.Index(i), depth+1) {
				return false
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if !f.fitsTimes(entries.Value(), depth+1) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); (field.IsExported() || field.Anonymous) && !f.fitsTimes(v.Field(i), depth+1) {
				return false
			}
		}
	}
	return true
}

// fitsLoose looks at a value that no type was given for, mostly without reflection.
func (f *Format) fitsLoose(v any, depth int) bool {
	switch v := v.(type) {
	case string, bool, float64, int64, uint64, []byte:
		return true
	case map[string]any:
		for _, elem := range v {
			if !f.fitsLoose(elem, depth+1) {
				return false
			}
		}
		return true
	case []any:
		for _, elem := range v {
			if !f.fitsLoose(elem, depth+1) {
				return false
			}
		}
		return true
	}
	return f.fitsTimes(reflect.ValueOf(v), depth+1)
}

// isTime reports a time that can be written.
func isTime(t time.Time) bool {
	var buf [len(time.RFC3339Nano)]byte
	_, err := t.AppendText(buf[:0])
	return err == nil
}

// timed reports whether a value of type t may hold times.
func (f *Format) timed(t reflect.Type) bool {
	if known, met := f.withTimes.Load(t); met {
		return known.(bool)
	}
	is := f.findTimes(t, map[reflect.Type]bool{})
	f.withTimes.Store(t, is)
	return is
}

func (f *Format) findTimes(t reflect.Type, met map[reflect.Type]bool) bool {
	switch {
	case t == reflect.TypeFor[time.Time](), t.Kind() == reflect.Interface:
		return true
	case met[t]:
		return false
	}
	met[t] = true
	if p := reflect.PointerTo(t); t.Kind() == reflect.Struct && (p.Implements(f.Own) || p.Implements(reflect.TypeFor[encoding.BinaryUnmarshaler]())) {
		return false
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return f.findTimes(t.Elem(), met)
	case reflect.Struct:
		for field := range t.Fields() {
			if (field.IsExported() || field.Anonymous) && f.findTimes(field.Type, met) {
				return true
			}
		}
	}
	return false
}
