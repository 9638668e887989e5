package fastjson

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/tako-go/tako/internal/jsonscan"
)

// decoder goes through an input. Its methods take the index they begin at and
// return where they end, or -1 to give up; what they have written by then is
// undone by decode.
type decoder struct {
	data     []byte
	options  Options
	depth    int
	err      *jsonscan.Error
	scan     jsonscan.Scanner // has data if scanning
	scanning bool
	texts    textBlock
	scratch  []byte
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// keptScratch is the largest scratch that goes back to the pool.
const keptScratch = 64 << 10

// decode fills the value at p, and leaves it blank if it cannot. A value that is
// not blank is refused: what is merged, and how, is left to encoding/json.
func (p *plan) decode(data []byte, at unsafe.Pointer, o Options) (bool, error) {
	if !p.isZero(at) {
		return false, nil
	}
	d := decoders.Get().(*decoder)
	d.data, d.options, d.depth = data, o, 0
	end := d.value(p, at, 0)
	ok := end >= 0 && (end == len(data) || jsonscan.Space(data, end) == len(data))
	err := d.err
	d.data = nil
	if !ok {
		d.err = nil
	}
	if d.scanning {
		d.scan.Reset(nil, jsonscan.Limits{})
		d.scanning = false
	}
	if cap(d.scratch) > keptScratch {
		d.scratch = nil
	}
	decoders.Put(d)
	if ok {
		return true, nil
	}
	reflect.NewAt(p.typ, at).Elem().SetZero()
	if err != nil {
		err.Pointer = jsonscan.Pointer(data, err.Offset)
		return false, err
	}
	return false, nil
}

// scanner returns the scanner with the input.
func (d *decoder) scanner() *jsonscan.Scanner {
	if !d.scanning {
		d.scan.Reset(d.data, d.options.Limits)
		d.scanning = true
	}
	return &d.scan
}

// next returns the index of the next byte that is no space, and the byte, 0 at
// the end.
func (d *decoder) next(i int) (int, byte) {
	if uint(i) < uint(len(d.data)) {
		if c := d.data[i]; c > ' ' {
			return i, c
		}
		if i = jsonscan.Space(d.data, i); i < len(d.data) {
			return i, d.data[i]
		}
	}
	return i, 0
}

// value reads one into blank memory, so that null has nothing to do.
func (d *decoder) value(p *plan, at unsafe.Pointer, i int) int {
	i, c := d.next(i)
	if c == 'n' && p.kind != kindForeign {
		return d.word(i, "null")
	}
	switch p.kind {
	case kindString:
		if c != '"' {
			return -1
		}
		s, end := d.text(i)
		*(*string)(at) = s
		return end
	case kindBool:
		if c == 't' {
			*(*bool)(at) = true
			return d.word(i, "true")
		}
		return d.word(i, "false")
	case kindFloat32, kindFloat64:
		return d.float(p.kind, at, i)
	case kindStruct:
		if c != '{' {
			return -1
		}
		return d.object(p, at, i)
	case kindPointer:
		to := reflect.New(p.elem.typ).UnsafePointer()
		*(*unsafe.Pointer)(at) = to
		return d.value(p.elem, to, i)
	case kindSlice:
		if c != '[' {
			return -1
		}
		return d.slice(p, at, i)
	case kindArray, kindBytes, kindTexts, kindMap, kindAny, kindTime, kindForeign:
		return d.more(p, at, i, c)
	}
	return d.integer(p, at, i)
}

// more is value for what is less common.
func (d *decoder) more(p *plan, at unsafe.Pointer, i int, c byte) int {
	switch p.kind {
	case kindAny:
		v, end := d.any(i, c)
		*(*any)(at) = v
		return end
	case kindForeign:
		return d.foreign(p, at, i)
	case kindTime:
		return d.time(at, i, c)
	case kindBytes:
		return d.bytes(at, i, c)
	case kindArray:
		if c != '[' {
			return -1
		}
		return d.array(p, at, i)
	case kindTexts:
		if c != '{' {
			return -1
		}
		return d.textMap(at, i)
	}
	if c != '{' {
		return -1
	}
	return d.anyMap(p, at, i)
}

// word takes one of the three literals.
func (d *decoder) word(i int, w string) int {
	if len(d.data)-i < len(w) || string(d.data[i:i+len(w)]) != w {
		return -1
	}
	return i + len(w)
}

// enter begins an array or object at i, and returns where the first member is; 0
// if it is empty and ends at end.
func (d *decoder) enter(i int, closing byte) (at, end int) {
	d.depth++
	if d.depth > d.options.MaxDepth {
		return -1, 0
	}
	at, c := d.next(i + 1)
	if c == closing {
		d.depth--
		return 0, at + 1
	}
	return at, 0
}

// after takes what stands behind a member: the index of the next one, or 0 and
// the end.
func (d *decoder) after(i int, closing byte) (at, end int) {
	i, c := d.next(i)
	if c == ',' {
		at, _ = d.next(i + 1)
		return at, 0
	}
	if c == closing {
		d.depth--
		return 0, i + 1
	}
	return -1, 0
}
