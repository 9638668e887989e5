package fastjson

import (
	"math"
	"strconv"
	"unsafe"
)

// append appends the value at p to b. It is not ok for numbers that JSON lacks.
func (p *plan) append(b []byte, at unsafe.Pointer) ([]byte, bool) {
	switch p.kind {
	case kindString:
		return appendString(b, *(*string)(at)), true
	case kindBool:
		return strconv.AppendBool(b, *(*bool)(at)), true
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
		f := *(*float32)(at)
		abs := float32(math.Abs(float64(f)))
		return appendFloat(b, float64(f), abs != 0 && (abs < 1e-6 || abs >= 1e21), 32)
	case kindFloat64:
		f := *(*float64)(at)
		abs := math.Abs(f)
		return appendFloat(b, f, abs != 0 && (abs < 1e-6 || abs >= 1e21), 64)
	case kindStruct:
		return p.appendStruct(b, at)
	case kindSlice:
		return p.appendSlice(b, (*sliceWords)(at))
	}
	if to := *(*unsafe.Pointer)(at); to != nil {
		return p.elem.append(b, to)
	}
	return append(b, "null"...), true
}

func (p *plan) appendStruct(b []byte, at unsafe.Pointer) ([]byte, bool) {
	b = append(b, '{')
	first := 1 // leaves out the comma
	for i := range p.fields {
		f := &p.fields[i]
		value := unsafe.Add(at, f.offset)
		if f.omit && f.plan.isEmpty(value) {
			continue
		}
		b = append(b, f.key[first:]...)
		first = 0
		var ok bool
		if b, ok = f.plan.append(b, value); !ok {
			return b, false
		}
	}
	return append(b, '}'), true
}

// isEmpty tells what omitempty leaves out; a struct never is.
func (p *plan) isEmpty(at unsafe.Pointer) bool {
	switch p.kind {
	case kindString:
		return *(*string)(at) == ""
	case kindSlice:
		return (*sliceWords)(at).len == 0
	case kindFloat32:
		return *(*float32)(at) == 0 // -0 as well
	case kindFloat64:
		return *(*float64)(at) == 0
	case kindStruct:
		return false
	}
	return p.isZero(at)
}

func (p *plan) appendSlice(b []byte, s *sliceWords) ([]byte, bool) {
	if s.data == nil {
		return append(b, "null"...), true
	}
	b = append(b, '[')
	for i := range s.len {
		if i > 0 {
			b = append(b, ',')
		}
		var ok bool
		if b, ok = p.elem.append(b, unsafe.Add(s.data, uintptr(i)*p.elem.size)); !ok {
			return b, false
		}
	}
	return append(b, ']'), true
}

// appendFloat formats numbers as ECMAScript does, like encoding/json.
func appendFloat(b []byte, f float64, exponent bool, bits int) ([]byte, bool) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return b, false
	}
	if !exponent {
		return strconv.AppendFloat(b, f, 'f', -1, bits), true
	}
	b = strconv.AppendFloat(b, f, 'e', -1, bits)
	if n := len(b); n >= 4 && b[n-4] == 'e' && b[n-3] == '-' && b[n-2] == '0' { // e-09 becomes e-9
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b, true
}
