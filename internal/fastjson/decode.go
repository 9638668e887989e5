package fastjson

import (
	"reflect"
	"unsafe"
)

// sharedText is the largest input, in bytes, of which all strings share one copy.
const sharedText = 1 << 10

// decoder is at one place of an input. Its methods give up by returning false;
// what they have written by then is undone by decode.
type decoder struct {
	data []byte
	pos  int
	text string // a copy of data, made when it is needed
}

// decode fills the value at p, and leaves it blank if it cannot. A value that is
// not blank is refused: what is merged, and how, is left to encoding/json.
func (p *plan) decode(data []byte, at unsafe.Pointer) bool {
	if !p.isZero(at) {
		return false
	}
	d := decoder{data: data}
	if d.value(p, at) {
		if d.next(); d.pos == len(data) {
			return true
		}
	}
	reflect.NewAt(p.typ, at).Elem().SetZero()
	return false
}

// next returns the next byte that is no space, without taking it; 0 at the end.
func (d *decoder) next() byte {
	if d.pos < len(d.data) && d.data[d.pos] > ' ' {
		return d.data[d.pos]
	}
	return d.nextSlow()
}

func (d *decoder) nextSlow() byte {
	for ; d.pos < len(d.data); d.pos++ {
		switch c := d.data[d.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (d *decoder) value(p *plan, at unsafe.Pointer) bool {
	c := d.next()
	switch p.kind {
	case kindString:
		if c != '"' {
			return false
		}
		start := d.pos + 1
		end, ok := stringEnd(d.data, start)
		if !ok {
			return false
		}
		d.pos = end + 1
		*(*string)(at) = d.take(start, end)
		return true
	case kindBool:
		if c == 't' && d.word("true") {
			*(*bool)(at) = true
			return true
		}
		*(*bool)(at) = false
		return c == 'f' && d.word("false")
	case kindFloat32, kindFloat64:
		return d.float(p.kind, at)
	case kindStruct:
		return c == '{' && d.object(p, at)
	case kindPointer:
		return d.pointer(p, at, c)
	case kindSlice:
		return c == '[' && d.array(p, at)
	}
	return d.integer(p, at)
}

// take returns a part of the input as a string.
func (d *decoder) take(start, end int) string {
	if start == end {
		return ""
	}
	if d.text == "" {
		if len(d.data) > sharedText {
			return string(d.data[start:end])
		}
		d.text = string(d.data)
	}
	return d.text[start:end]
}

// word takes one of the three literals.
func (d *decoder) word(w string) bool {
	if len(d.data)-d.pos < len(w) || string(d.data[d.pos:d.pos+len(w)]) != w {
		return false
	}
	d.pos += len(w)
	return true
}

// pointer refuses null, and what an equal name has filled before.
func (d *decoder) pointer(p *plan, at unsafe.Pointer, c byte) bool {
	to := (*unsafe.Pointer)(at)
	if c == 'n' || *to != nil {
		return false
	}
	*to = reflect.New(p.elem.typ).UnsafePointer()
	return d.value(p.elem, *to)
}

func (d *decoder) object(p *plan, base unsafe.Pointer) bool {
	d.pos++
	c := d.next()
	if c == '}' {
		d.pos++
		return true
	}
	for expected := 0; ; {
		if c != '"' {
			return false
		}
		f, ok := d.key(p, expected)
		if !ok || d.next() != ':' {
			return false
		}
		d.pos++
		if f >= 0 {
			ok = d.value(p.fields[f].plan, unsafe.Add(base, p.fields[f].offset))
			expected = f + 1
		} else {
			ok = d.skip(0)
		}
		if !ok {
			return false
		}
		c = d.next()
		d.pos++
		if c != ',' {
			return c == '}'
		}
		c = d.next()
	}
}

// key takes a name and returns the index of its field, -1 if there is none. Fields
// come mostly in the order of the struct, so one is expected.
func (d *decoder) key(p *plan, expected int) (index int, ok bool) {
	if expected < len(p.fields) && d.word(p.fields[expected].quoted) {
		return expected, true
	}
	start := d.pos + 1
	end, ok := stringEnd(d.data, start)
	if !ok {
		return -1, false
	}
	d.pos = end + 1
	name := d.data[start:end]
	for i := range p.fields {
		if p.fields[i].name == string(name) {
			return i, true
		}
	}
	return -1, !p.folds(name)
}

// folds reports whether a name that no field has might match one all the same:
// encoding/json does not regard case.
func (p *plan) folds(name []byte) bool {
	for _, c := range name {
		if c >= 0x80 {
			return true
		}
	}
	for i := range p.fields {
		if equalFold(p.fields[i].name, name) {
			return true
		}
	}
	return false
}

func equalFold(a string, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range b {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// sliceWords is how a slice looks in memory.
type sliceWords struct {
	data unsafe.Pointer
	len  int
	cap  int
}

func (d *decoder) array(p *plan, at unsafe.Pointer) bool {
	s := (*sliceWords)(at)
	if s.data != nil {
		return false // an equal name has filled it before
	}
	d.pos++
	if d.next() == ']' {
		d.pos++
		s.data = unsafe.Pointer(&struct{}{})
		return true
	}
	for {
		if s.len == s.cap {
			reflect.NewAt(p.typ, at).Elem().Grow(max(4, s.len))
		}
		if !d.value(p.elem, unsafe.Add(s.data, uintptr(s.len)*p.elem.size)) {
			return false
		}
		s.len++
		c := d.next()
		d.pos++
		if c != ',' {
			return c == ']'
		}
	}
}
