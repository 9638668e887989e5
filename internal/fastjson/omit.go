package fastjson

import (
	"reflect"
	"unsafe"
)

// leftOut reports whether the field at p does not appear.
func (f *field) leftOut(at unsafe.Pointer) bool {
	return f.omit&omitEmpty != 0 && f.plan.isEmpty(at) || f.omit&omitZero != 0 && f.holdsZero(at)
}

// isEmpty tells what omitempty leaves out; a struct never is.
func (p *plan) isEmpty(at unsafe.Pointer) bool {
	switch p.kind {
	case kindString:
		return *(*string)(at) == ""
	case kindSlice, kindBytes:
		return (*sliceWords)(at).len == 0
	case kindFloat32:
		return *(*float32)(at) == 0 // -0 as well
	case kindFloat64:
		return *(*float64)(at) == 0
	case kindStruct, kindTime:
		return false
	case kindTexts:
		return len(*(*map[string]string)(at)) == 0
	case kindArray:
		return p.len == 0
	case kindMap, kindForeign:
		return emptyValue(reflect.NewAt(p.typ, at).Elem())
	}
	return p.isZero(at)
}

func emptyValue(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	case reflect.Float32, reflect.Float64:
		return v.Float() == 0
	}
	return v.IsZero()
}

// holdsZero tells what omitzero leaves out.
func (f *field) holdsZero(at unsafe.Pointer) bool {
	v := reflect.NewAt(f.plan.typ, at)
	if f.isZero {
		return v.Interface().(zeroer).IsZero()
	}
	return v.Elem().IsZero()
}
