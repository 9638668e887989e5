package msgpack

import (
	"math"
	"strconv"
)

// number is one of a body: an integer, with its sign, or a float that is none.
type number struct {
	size     uint64 // of the integer
	negative bool
	float    float64 // if it is not an integer of 64 bits
	whole    bool
}

// String is the same for the same number.
func (x number) String() string {
	switch {
	case !x.whole:
		return strconv.FormatFloat(x.float, 'f', -1, 64)
	case x.negative:
		return "-" + strconv.FormatUint(x.size, 10)
	}
	return strconv.FormatUint(x.size, 10)
}

// numberOf reads a value that is a number.
func numberOf(value []byte) (x number, ok bool) {
	first, bits := value[0], uint64(0)
	for _, b := range value[1:] {
		bits = bits<<8 | uint64(b)
	}
	switch {
	case first <= 0x7f:
		return number{size: uint64(first), whole: true}, true
	case first >= 0xe0:
		return signed(int64(int8(first))), true
	case first == 0xca && len(value) == 5:
		return floating(float64(math.Float32frombits(uint32(bits)))), true
	case first == 0xcb && len(value) == 9:
		return floating(math.Float64frombits(bits)), true
	case first >= 0xcc && first <= 0xcf:
		return number{size: bits, whole: true}, true
	case first >= 0xd0 && first <= 0xd3:
		shift := 64 - 8*(len(value)-1)
		return signed(int64(bits<<shift) >> shift), true
	}
	return number{}, false
}

func signed(i int64) number {
	if i < 0 {
		return number{size: -uint64(i), negative: true, whole: true}
	}
	return number{size: uint64(i), whole: true}
}

func floating(v float64) number {
	switch {
	case v != math.Trunc(v) || v < -(1<<63) || v >= 1<<64:
		return number{float: v}
	case v < 0:
		return signed(int64(v))
	}
	return number{size: uint64(v), whole: true}
}

// isLarge reports whether a number is over the largest int64, or a whole float that is
// out of its range.
func (x number) isLarge() bool {
	if !x.whole {
		return x.float == math.Trunc(x.float)
	}
	return !x.negative && x.size > math.MaxInt64
}
