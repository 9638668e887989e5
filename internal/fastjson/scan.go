package fastjson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// Eight bytes at a time, the first byte lowest.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

func load8(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// unusual has a high bit for each byte that is a quote, a backslash, a control
// character or not ASCII. Bits above the lowest may be wrong.
func unusual(x uint64) uint64 {
	return (x | (x - 0x20*ones) | ((x ^ '"'*ones) - ones) | ((x ^ '\\'*ones) - ones)) & highs
}

// special is unusual without what is not ASCII.
func special(x uint64) uint64 {
	quote, slash := x^'"'*ones, x^'\\'*ones
	return ((x-0x20*ones)&^x | (quote-ones)&^quote | (slash-ones)&^slash) & highs
}

func isSpecial(c byte) bool { return c < ' ' || c == '"' || c == '\\' }

// stringEnd returns where the string that begins at i ends, before its closing
// quote. It is not ok if there is no end, an escape, a control character, or what
// is not UTF-8.
func stringEnd(data []byte, i int) (end int, ok bool) {
	start := i
	for ; i+8 <= len(data); i += 8 {
		if m := unusual(load8(data[i:])); m != 0 {
			i += bits.TrailingZeros64(m) >> 3
			if data[i] < utf8.RuneSelf {
				return i, data[i] == '"'
			}
			return foreignEnd(data, start, i)
		}
	}
	for ; i < len(data); i++ {
		if c := data[i]; c >= utf8.RuneSelf {
			return foreignEnd(data, start, i)
		} else if isSpecial(c) {
			return i, c == '"'
		}
	}
	return i, false
}

// foreignEnd is stringEnd for a string that is not ASCII at i.
func foreignEnd(data []byte, start, i int) (end int, ok bool) {
	for ; i+8 <= len(data); i += 8 {
		if m := special(load8(data[i:])); m != 0 {
			i += bits.TrailingZeros64(m) >> 3
			return i, data[i] == '"' && utf8.Valid(data[start:i])
		}
	}
	for ; i < len(data); i++ {
		if isSpecial(data[i]) {
			return i, data[i] == '"' && utf8.Valid(data[start:i])
		}
	}
	return i, false
}

// plainPrefix returns how many bytes of s can stand in a JSON string as they are,
// counting ASCII only.
func plainPrefix(s string) int {
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if m := unusual(load8(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if b[i] >= utf8.RuneSelf || isSpecial(b[i]) {
			break
		}
	}
	return i
}
