package fastjson

import (
	"strconv"
	"unsafe"

	"github.com/tako-go/tako/internal/jsonscan"
)

// integer refuses fractions and exponents, which encoding/json does not take.
func (d *decoder) integer(p *plan, at unsafe.Pointer, i int) int {
	data := d.data
	negative := i < len(data) && data[i] == '-'
	if negative {
		i++
	}
	start := i
	var n uint64
	for ; i < len(data) && data[i]-'0' <= 9; i++ {
		n = n*10 + uint64(data[i]-'0')
	}
	digits := i - start
	if digits == 0 || digits > 19 || digits > 1 && data[start] == '0' {
		return -1
	}
	if i < len(data) && (data[i] == '.' || data[i]|0x20 == 'e') {
		return -1
	}
	if d.options.SafeIntegers && n > jsonscan.MaxSafe || !p.storeInteger(at, n, negative) {
		return -1
	}
	return i
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

// powers of ten that a float64 holds exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

func (d *decoder) float(k kind, at unsafe.Pointer, i int) int {
	if k == kindFloat64 {
		if f, end := d.simpleFloat(i); end >= 0 {
			*(*float64)(at) = f
			return end
		}
	}
	end := d.scanner().Number(i)
	if end < 0 {
		return -1
	}
	text := unsafe.String(&d.data[i], end-i)
	if k == kindFloat32 {
		f, err := strconv.ParseFloat(text, 32)
		*(*float32)(at) = float32(f)
		if err != nil {
			return -1
		}
		return end
	}
	f, err := strconv.ParseFloat(text, 64)
	*(*float64)(at) = f
	if err != nil {
		return -1
	}
	return end
}

// simpleFloat reads a number of few digits without an exponent. Both the digits
// as an integer and the power of ten are exact, and so their quotient is rounded
// once only.
func (d *decoder) simpleFloat(i int) (float64, int) {
	data := d.data
	negative := i < len(data) && data[i] == '-'
	if negative {
		i++
	}
	start := i
	var n uint64
	for ; i < len(data) && data[i]-'0' <= 9; i++ {
		n = n*10 + uint64(data[i]-'0')
	}
	digits := i - start
	if digits == 0 || digits > 1 && data[start] == '0' {
		return 0, -1
	}
	fraction := 0
	if i < len(data) && data[i] == '.' {
		i++
		first := i
		for ; i < len(data) && data[i]-'0' <= 9; i++ {
			n = n*10 + uint64(data[i]-'0')
		}
		if fraction = i - first; fraction == 0 {
			return 0, -1
		}
	}
	if digits+fraction > 15 || i < len(data) && data[i]|0x20 == 'e' {
		return 0, -1
	}
	f := float64(n) / powers[fraction]
	if negative {
		f = -f
	}
	return f, i
}
