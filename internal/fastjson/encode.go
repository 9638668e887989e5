package fastjson

import (
	"encoding/base64"
	"reflect"
	"strconv"
	"time"
	"unsafe"
)

// deepest is how many values may lie in each other. A value that contains itself
// is left to encoding/json, which finds out.
const deepest = 500

// appendAny appends what v holds, or points to.
func appendAny(b []byte, v any, depth int) ([]byte, bool) {
	w := words(&v)
	known := plans.of(w.typ, v)
	if known.plan == nil || w.data == nil {
		return b, false
	}
	at := w.data
	if known.direct {
		direct := w.data // v itself must not escape
		at = unsafe.Pointer(&direct)
	}
	return known.plan.append(b, at, depth)
}

// append appends the value at p to b. It is not ok for what JSON lacks, and for
// what encoding/json has to look at.
func (p *plan) append(b []byte, at unsafe.Pointer, depth int) ([]byte, bool) {
	switch p.kind {
	case kindString:
		return appendString(b, *(*string)(at)), true
	case kindBool:
		return appendBool(b, *(*bool)(at)), true
	case kindInt8:
		return strconv.AppendInt(b, int64(*(*int8)(at)), 10), true
	case kindInt16:
		return strconv.AppendInt(b, int64(*(*int16)(at)), 10), true
	case kindInt32:
		return strconv.AppendInt(b, int64(*(*int32)(at)), 10), true
	case kindInt64:
		return strconv.AppendInt(b, *(*int64)(at), 10), true
	case kindUint8:
		return strconv.AppendUint(b, uint64(*(*uint8)(at)), 10), true
	case kindUint16:
		return strconv.AppendUint(b, uint64(*(*uint16)(at)), 10), true
	case kindUint32:
		return strconv.AppendUint(b, uint64(*(*uint32)(at)), 10), true
	case kindUint64:
		return strconv.AppendUint(b, *(*uint64)(at), 10), true
	case kindFloat32:
		return appendFloat32(b, *(*float32)(at))
	case kindFloat64:
		return appendFloat64(b, *(*float64)(at))
	case kindTime:
		return appendTime(b, (*time.Time)(at))
	}
	if depth++; depth > deepest {
		return b, false
	}
	return p.appendNested(b, at, depth)
}

// appendNested is append for what has other values in it.
func (p *plan) appendNested(b []byte, at unsafe.Pointer, depth int) ([]byte, bool) {
	switch p.kind {
	case kindStruct:
		return p.appendStruct(b, at, depth)
	case kindSlice:
		s := (*sliceWords)(at)
		if s.data == nil {
			return append(b, "null"...), true
		}
		return p.appendElems(b, s.data, s.len, depth)
	case kindArray:
		return p.appendElems(b, at, p.len, depth)
	case kindPointer:
		if to := *(*unsafe.Pointer)(at); to != nil {
			return p.elem.append(b, to, depth)
		}
		return append(b, "null"...), true
	case kindBytes:
		return appendBytes(b, *(*[]byte)(at)), true
	case kindTexts:
		return appendTexts(b, *(*map[string]string)(at))
	case kindMap:
		return p.appendMap(b, at, depth)
	case kindAny:
		return appendDynamic(b, *(*any)(at), depth)
	}
	return appendForeign(b, reflect.NewAt(p.typ, at).Interface())
}

func (p *plan) appendStruct(b []byte, at unsafe.Pointer, depth int) ([]byte, bool) {
	start := len(b)
	for i := range p.fields {
		f := &p.fields[i]
		value := unsafe.Add(at, f.offset)
		if f.omit != omitNever && f.leftOut(value) {
			continue
		}
		b = appendKey(b, f.key)
		switch f.plan.kind {
		case kindString:
			b = appendString(b, *(*string)(value))
		case kindInt64:
			b = strconv.AppendInt(b, *(*int64)(value), 10)
		case kindBool:
			b = appendBool(b, *(*bool)(value))
		default:
			var ok bool
			if b, ok = f.plan.append(b, value, depth); !ok {
				return b, false
			}
		}
	}
	if len(b) == start {
		return append(b, "{}"...), true
	}
	b[start] = '{' // in place of the comma of the first field
	return append(b, '}'), true
}

// appendKey copies whole words, for which there is memory behind every key.
func appendKey(b []byte, key string) []byte {
	n := len(b)
	b = room(b, len(key)+8)
	from, to := unsafe.Pointer(unsafe.StringData(key)), unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), n)
	for i := 0; i < len(key); i += 8 {
		store(unsafe.Add(to, i), load(unsafe.Add(from, i)))
	}
	return b[:n+len(key)]
}

func (p *plan) appendElems(b []byte, at unsafe.Pointer, n, depth int) ([]byte, bool) {
	if n == 0 {
		return append(b, "[]"...), true
	}
	b = append(b, '[')
	elem := p.elem
	for i := range n {
		ok, value := true, unsafe.Add(at, uintptr(i)*elem.size)
		switch elem.kind {
		case kindString:
			b = appendString(b, *(*string)(value))
		case kindStruct:
			b, ok = elem.appendStruct(b, value, depth)
		default:
			b, ok = elem.append(b, value, depth)
		}
		if !ok {
			return b, false
		}
		b = append(b, ',')
	}
	b[len(b)-1] = ']'
	return b, true
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

func appendBytes(b, v []byte) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, v)
	return append(b, '"')
}

// appendTime refuses what RFC 3339 cannot say, as the method MarshalJSON of the
// type does.
func appendTime(b []byte, t *time.Time) ([]byte, bool) {
	if year := t.Year(); year < 0 || year > 9999 {
		return b, false
	}
	if _, offset := t.Zone(); offset%60 != 0 || offset <= -24*3600 || offset >= 24*3600 {
		return b, false
	}
	b = append(b, '"')
	b = t.AppendFormat(b, time.RFC3339Nano)
	return append(b, '"'), true
}
