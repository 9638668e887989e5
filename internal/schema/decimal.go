package schema

import (
	"math/bits"
	"strconv"
)

// decimal is digits·10^exp, with digits that do not end in 0. It is what people write
// down for a float: 0.3 is a multiple of 0.1, though their binary forms are not.
type decimal struct {
	digits uint64
	exp    int
}

// decimalOf returns the shortest decimal that reads as f, without its sign.
func decimalOf(f float64, bitSize int) decimal {
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, bitSize)
	var d decimal
	fraction, point := 0, false
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			d.digits = d.digits*10 + uint64(c-'0')
			if point {
				fraction++
			}
		case c == '.':
			point = true
		case c == 'e':
			d.exp, _ = strconv.Atoi(string(text[i+1:]))
			d.exp -= fraction
			return d.trimmed()
		}
	}
	return d.trimmed()
}

func (d decimal) trimmed() decimal {
	for d.digits != 0 && d.digits%10 == 0 {
		d.digits /= 10
		d.exp++
	}
	return d
}

// multipleOf reports whether d is a whole multiple of step, which is not 0.
func (d decimal) multipleOf(step decimal) bool {
	if d.digits == 0 {
		return true
	}
	up := d.exp - step.exp
	for ; up < 0; up++ { // step has further digits on the left: they must divide too
		if d.digits%10 != 0 {
			return false
		}
		d.digits /= 10
	}
	rest := d.digits % step.digits
	for ; up > 0 && rest != 0; up-- {
		hi, lo := bits.Mul64(rest, 10)
		rest = bits.Rem64(hi, lo, step.digits)
	}
	return rest == 0
}
