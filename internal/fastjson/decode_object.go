package fastjson

import (
	"unsafe"

	"github.com/tako-go/tako/internal/jsonscan"
)

func (d *decoder) object(p *plan, base unsafe.Pointer, i int) int {
	i, end := d.enter(i, '}')
	var seen [maxFields / 64]uint64
	unknown := -1
	for expected := 0; i > 0; {
		start := i
		f, value := d.field(p, i, expected)
		switch {
		case value < 0:
			return -1
		case f < 0:
			i = d.unknown(&unknown, start, value)
		default:
			bit := uint64(1) << (f & 63)
			if seen[f>>6]&bit != 0 {
				return d.twice(start)
			}
			seen[f>>6] |= bit
			i = d.member(&p.fields[f], base, value)
			expected = f + 1
		}
		if i < 0 {
			return -1
		}
		if i+1 < len(d.data) && d.data[i] == ',' && d.data[i+1] > ' ' {
			i++
			continue
		}
		i, end = d.after(i, '}')
	}
	if i < 0 || unknown >= 0 && !d.scanner().EndNames(unknown) {
		return -1
	}
	return end
}

// member reads the value of a field.
func (d *decoder) member(f *field, base unsafe.Pointer, i int) int {
	if f.plan.kind == kindString && i < len(d.data) && d.data[i] == '"' {
		s, end := d.text(i)
		*(*string)(unsafe.Add(base, f.offset)) = s
		return end
	}
	return d.value(f.plan, unsafe.Add(base, f.offset), i)
}

// field takes a name and its colon. It returns the index of the field, -1 if
// there is none, and where the value begins. Fields come mostly in the order of
// the struct, so one is expected.
func (d *decoder) field(p *plan, i, expected int) (index, value int) {
	data := d.data
	if expected < len(p.fields) && len(data)-i >= 8 {
		f := &p.fields[expected]
		if (load8(data[i:])^f.head)&f.mask == 0 {
			n := len(f.quoted)
			if n <= 8 || len(data)-i >= n && string(data[i+8:i+n]) == f.quoted[8:] {
				return expected, i + n
			}
		}
	}
	if i >= len(data) || data[i] != '"' {
		return -1, -1
	}
	name, end := d.name(i)
	if end < 0 {
		return -1, -1
	}
	index = p.lookup(name)
	end, c := d.next(end)
	if c != ':' {
		return -1, -1
	}
	return index, end + 1
}

// twice refuses a name for a field that had one. encoding/json lets the last win
// and does not know that they are the same if they differ in case.
func (d *decoder) twice(at int) int {
	if !d.options.AllowDuplicates {
		d.err = &jsonscan.Error{Fault: jsonscan.Duplicate, Offset: at}
	}
	return -1
}

// unknown skips the value at i, whose name no field has.
func (d *decoder) unknown(mark *int, start, i int) int {
	if d.options.DisallowUnknown {
		d.err = &jsonscan.Error{Fault: jsonscan.Unknown, Offset: start}
		return -1
	}
	if !d.options.AllowDuplicates {
		if *mark < 0 {
			*mark = d.scanner().Names()
		}
		if !d.scanner().AddName(*mark, start, d.scanner().Text(start)) {
			return -1
		}
	}
	return d.scanner().Value(i, d.depth)
}
