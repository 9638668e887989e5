package fastjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"time"
	"unsafe"

	"github.com/tako-go/tako/internal/schema"
)

// sliceWords is how a slice looks in memory.
type sliceWords struct {
	data unsafe.Pointer
	len  int
	cap  int
}

// presized is how many bytes a slice may begin with because the last one of its
// type was that long.
const presized = 4 << 10

func (d *decoder) slice(p *plan, at unsafe.Pointer, i int) int {
	s := (*sliceWords)(at)
	i, end := d.enter(i, ']')
	if i == 0 {
		s.data = unsafe.Pointer(&struct{}{})
		return end
	}
	for i > 0 {
		if s.len == s.cap {
			p.grow(s, at)
		}
		if i = d.value(p.elem, unsafe.Add(s.data, uintptr(s.len)*p.elem.size), i); i < 0 {
			return -1
		}
		s.len++
		i, end = d.after(i, ']')
	}
	if i < 0 {
		return -1
	}
	if n := min(s.len, 1<<16); int(p.hint.Load()) != n {
		p.hint.Store(int32(n))
	}
	return end
}

// grow makes room for more elements.
func (p *plan) grow(s *sliceWords, at unsafe.Pointer) {
	more := s.len
	if more == 0 {
		more = max(1, min(int(p.hint.Load()), presized/int(max(1, p.elem.size))))
	}
	if p.elem.kind == kindString && s.len == 0 {
		texts := make([]string, 0, more)
		s.data, s.cap = unsafe.Pointer(unsafe.SliceData(texts)), more
		return
	}
	reflect.NewAt(p.typ, at).Elem().Grow(more)
}

// array drops elements that have no place.
func (d *decoder) array(p *plan, at unsafe.Pointer, i int) int {
	i, end := d.enter(i, ']')
	for n := 0; i > 0; n++ {
		if n < p.len {
			i = d.value(p.elem, unsafe.Add(at, uintptr(n)*p.elem.size), i)
		} else {
			i = d.scanner().Value(i, d.depth)
		}
		if i < 0 {
			return -1
		}
		i, end = d.after(i, ']')
	}
	if i < 0 {
		return -1
	}
	return end
}

func (d *decoder) bytes(at unsafe.Pointer, i int, c byte) int {
	if c != '"' {
		return -1
	}
	text, end := d.name(i)
	if end < 0 {
		return -1
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(b, text)
	if err != nil {
		return -1
	}
	*(*[]byte)(at) = b[:n]
	return end
}

func (d *decoder) time(at unsafe.Pointer, i int, c byte) int {
	if c != '"' {
		return -1
	}
	end := d.scanner().Text(i)
	if end < 0 || !schema.IsTime(unsafe.String(&d.data[i+1], end-i-2)) || (*time.Time)(at).UnmarshalJSON(d.data[i:end]) != nil {
		return -1
	}
	return end
}

// foreign hands a part to encoding/json.
func (d *decoder) foreign(p *plan, at unsafe.Pointer, i int) int {
	end := d.scanner().Value(i, d.depth)
	if end < 0 || p.shape != nil && !d.namesFit(p.shape, i) || p.times != nil && !d.timesFit(p.times, i) {
		return -1
	}
	to := reflect.NewAt(p.typ, at).Interface()
	if d.options.DisallowUnknown {
		from := json.NewDecoder(bytes.NewReader(d.data[i:end]))
		from.DisallowUnknownFields()
		if from.Decode(to) != nil {
			return -1
		}
		return end
	}
	if json.Unmarshal(d.data[i:end], to) != nil {
		return -1
	}
	return end
}

// namesFit is [CheckNames] for a part.
func (d *decoder) namesFit(s *shape, i int) bool {
	if d.options.AllowDuplicates && !d.options.DisallowUnknown {
		return true
	}
	n := naming{data: d.data, options: d.options}
	if n.value(s, i) >= 0 {
		return true
	}
	d.err = n.err
	return false
}

// timesFit is [FindOddTime] for a part.
func (d *decoder) timesFit(f *fit, i int) bool {
	w := fitting{naming: naming{data: d.data}, timesOnly: true}
	return w.value(f, i) >= 0
}
