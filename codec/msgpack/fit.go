package msgpack

import (
	"errors"
	"math"

	"github.com/tako-go/tako/internal/fastjson"
)

var errRange = errors.New("has a number that is out of the range of its field")

const (
	// freeMemory is what elements, pairs and pointers of any body may take.
	freeMemory = 64 << 20
	// memoryPerByte is what they may take for each byte of a larger body.
	memoryPerByte = 64
)

// fits refuses what the library would take although it should not: a number that
// wraps round, a key that becomes text although it is none, and values of little text
// that take much memory. The body has passed
// the checker, which tells whether there is anything to look for.
func (k *checker) fits(v any) error {
	t := fastjson.PointedTo(v)
	if t == nil {
		return nil
	}
	r := plans.of(t)
	free := max(freeMemory, memoryPerByte*int64(len(k.data)))
	if !k.otherKeys && (r.plan == nil || !k.large && r.most <= free/(k.values+1)) {
		return nil
	}
	f := fitter{checker: checker{data: k.data}, free: free}
	return f.value(r.plan)
}

// fitter goes through a body along the plan of a type.
type fitter struct {
	checker
	free int64 // bytes that may still be taken
}

// take counts the memory of n values.
func (f *fitter) take(n int, each int64) error {
	if each > 0 && int64(n) > f.free/each {
		return errElements
	}
	f.free -= int64(n) * each
	return nil
}

// value reads one that becomes what p says; nil for what is left out, or does not
// matter.
func (f *fitter) value(p *plan) error {
	start := f.pos
	of, n, err := f.head()
	if err != nil {
		return err
	}
	for p != nil && p.kind == planPointer && f.data[start] != 0xc0 {
		if err := f.take(1, p.charge); err != nil {
			return err
		}
		p = p.elem
	}
	switch of {
	case array, mapping:
		return f.nested(p, of, n)
	}
	if len(f.data)-f.pos < n {
		return errShort
	}
	f.pos += n
	if of == fixed && p != nil && !inRange(p.kind, f.data[start:f.pos]) {
		return errRange
	}
	return nil
}

func (f *fitter) nested(p *plan, of kind, n int) error {
	if of == mapping && p != nil && p.kind == planStruct {
		return f.members(p, n)
	}
	if of == mapping && (p == nil || p.kind == planMap) {
		return f.pairs(p, n)
	}
	if of == mapping {
		n *= 2 // a list takes names and values as its elements
	}
	return f.items(p, n)
}

// pairs reads a map; that of no plan has text for keys.
func (f *fitter) pairs(p *plan, n int) error {
	textual := p == nil || p.textual
	var key, elem *plan
	if p != nil {
		key, elem = p.key, p.elem
		if err := f.take(n, p.charge); err != nil {
			return err
		}
	}
	for range n {
		if textual && !f.textNext() {
			return errKey
		}
		if err := f.value(key); err != nil {
			return err
		}
		if err := f.value(elem); err != nil {
			return err
		}
	}
	return nil
}

// textNext reports whether the next value is text.
func (f *fitter) textNext() bool {
	start := f.pos
	of, _, _ := f.head()
	f.pos = start
	return of == text
}

// items reads the elements of a list, or the fields of a struct one after the other.
func (f *fitter) items(p *plan, n int) error {
	if p != nil && (p.kind == planList || p.kind == planStruct) {
		times := n
		if p.kind == planStruct {
			times = 1
		}
		if err := f.take(times, p.charge); err != nil {
			return err
		}
	}
	for i := range n {
		var elem *plan
		switch {
		case p == nil:
		case p.kind == planList:
			elem = p.elem
		case p.kind == planOwn:
			elem = p
		case p.kind == planStruct && i < len(p.fields):
			elem = p.fields[i]
		}
		if err := f.value(elem); err != nil {
			return err
		}
	}
	return nil
}

// members reads the map of a struct. Names are text, or numbers by a tag of the library.
func (f *fitter) members(p *plan, n int) error {
	if err := f.take(1, p.charge); err != nil {
		return err
	}
	for range n {
		start := f.pos
		of, size, err := f.head()
		if err != nil {
			return err
		}
		if of != text && !p.numbered {
			return errKey
		}
		var field *plan
		if of == text || of == content {
			i, has := p.names[string(f.data[f.pos:f.pos+size])]
			if has {
				field = p.fields[i]
			}
			f.pos += size
		} else {
			f.pos = start
			if err := f.value(nil); err != nil {
				return err
			}
			if x, ok := numberOf(f.data[start:f.pos]); ok {
				if i, has := p.names[x.String()]; has {
					field = p.fields[i]
				}
			}
		}
		if err := f.value(field); err != nil {
			return err
		}
	}
	return nil
}

// inRange reports whether a value, if it is a number, fits into 64 bits of the kind.
// The library looks for smaller ones, for signs and for fractions.
func inRange(of planKind, value []byte) bool {
	if of != planSigned && of != planUnsigned {
		return true
	}
	x, ok := numberOf(value)
	return !ok || x.whole && (of == planUnsigned || x.negative || x.size <= math.MaxInt64)
}
