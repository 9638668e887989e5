package fastjson

import (
	"strconv"
	"unsafe"
)

// integer refuses fractions and exponents, which encoding/json does not take.
func (d *decoder) integer(p *plan, at unsafe.Pointer) bool {
	i := d.pos
	negative := i < len(d.data) && d.data[i] == '-'
	if negative {
		i++
	}
	start := i
	var n uint64
	for ; i < len(d.data) && d.data[i]-'0' <= 9; i++ {
		n = n*10 + uint64(d.data[i]-'0')
	}
	digits := i - start
	if digits == 0 || digits > 19 || digits > 1 && d.data[start] == '0' {
		return false
	}
	if i < len(d.data) && (d.data[i] == '.' || d.data[i]|0x20 == 'e') {
		return false
	}
	d.pos = i
	return p.storeInteger(at, n, negative)
}

// storeInteger stores n or -n if it is in range.
func (p *plan) storeInteger(at unsafe.Pointer, n uint64, negative bool) bool {
	limit := p.limit
	if negative {
		if p.kind >= kindUint8 {
			return false
		}
		limit++
	}
	if n > limit {
		return false
	}
	if negative {
		n = -n
	}
	switch p.size {
	case 1:
		*(*uint8)(at) = uint8(n)
	case 2:
		*(*uint16)(at) = uint16(n)
	case 4:
		*(*uint32)(at) = uint32(n)
	default:
		*(*uint64)(at) = n
	}
	return true
}

func (d *decoder) float(k kind, at unsafe.Pointer) bool {
	start := d.pos
	if !d.number() {
		return false
	}
	text := unsafe.String(&d.data[start], d.pos-start)
	if k == kindFloat32 {
		f, err := strconv.ParseFloat(text, 32)
		*(*float32)(at) = float32(f)
		return err == nil
	}
	f, err := strconv.ParseFloat(text, 64)
	*(*float64)(at) = f
	return err == nil
}

// number takes a number of any form.
func (d *decoder) number() bool {
	d.sign('-')
	first := d.pos
	n := d.digits()
	if n == 0 || n > 1 && d.data[first] == '0' {
		return false
	}
	if d.pos < len(d.data) && d.data[d.pos] == '.' {
		d.pos++
		if d.digits() == 0 {
			return false
		}
	}
	if d.pos < len(d.data) && d.data[d.pos]|0x20 == 'e' {
		d.pos++
		if !d.sign('-') {
			d.sign('+')
		}
		return d.digits() > 0
	}
	return true
}

func (d *decoder) sign(c byte) bool {
	if d.pos < len(d.data) && d.data[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

// digits returns how many it took.
func (d *decoder) digits() int {
	start := d.pos
	for d.pos < len(d.data) && d.data[d.pos]-'0' <= 9 {
		d.pos++
	}
	return d.pos - start
}
