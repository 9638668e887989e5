package fastjson

import (
	"math"
	"strconv"
)

func appendFloat32(b []byte, f float32) ([]byte, bool) {
	abs := float32(math.Abs(float64(f)))
	return appendFloat(b, float64(f), abs != 0 && (abs < 1e-6 || abs >= 1e21), 32)
}

// appendFloat64 writes numbers of few digits by itself. If f is n/10^6, rounded,
// n below 10^15, then no other number of up to 15 digits is f, and so n is what
// the shortest form is made of. The same goes for 10^2, which is tried first.
func appendFloat64(b []byte, f float64) ([]byte, bool) {
	abs := math.Abs(f)
	if abs < 1e9 && abs != 0 {
		cents := uint64(abs*100 + 0.5)
		if float64(cents)/100 == abs {
			return appendDecimal(b, f < 0, cents/100, uint32(cents%100)*1e4), true
		}
		n := uint64(abs*1e6 + 0.5)
		if float64(n)/1e6 == abs {
			return appendDecimal(b, f < 0, n/1e6, uint32(n%1e6)), true
		}
	}
	return appendFloat(b, f, abs != 0 && (abs < 1e-6 || abs >= 1e21), 64)
}

// appendDecimal appends whole and rest/10^6.
func appendDecimal(b []byte, negative bool, whole uint64, rest uint32) []byte {
	if negative {
		b = append(b, '-')
	}
	b = strconv.AppendUint(b, whole, 10)
	if rest == 0 {
		return b
	}
	high, low := rest/1e4, rest%1e4
	b = append(b, '.', byte('0'+high/10), byte('0'+high%10))
	if low != 0 {
		high, low = low/100, low%100
		b = append(b, byte('0'+high/10), byte('0'+high%10), byte('0'+low/10), byte('0'+low%10))
	}
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
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
