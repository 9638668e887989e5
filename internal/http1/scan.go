package http1

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes are looked at together. The lowest bit that a test below sets is
// exact; those above it may be wrong, as carries run upwards.
const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

func less(x uint64, n uint64) uint64  { return (x - n*ones) &^ x }
func equal(x uint64, c uint64) uint64 { return less(x^c*ones, 1) }

// endOfTarget returns the index of the first byte from i on that cannot stand in a
// request-target: anything but visible ASCII without the number sign.
func endOfTarget(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		if m := (less(x, 0x21) | x | (x + ones) | equal(x, '#')) & tops; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(b) && b[i] > ' ' && b[i] < 0x7f && b[i] != '#' {
		i++
	}
	return i
}

// endOfValue returns the index of the first byte from i on that cannot stand in a
// field value: a control character other than the tab.
func endOfValue(b []byte, i int) int {
	for i < len(b) {
		for ; i+8 <= len(b); i += 8 {
			x := binary.LittleEndian.Uint64(b[i:])
			if m := (less(x, 0x20) | equal(x, 0x7f)) & tops; m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
		}
		for i < len(b) && b[i] >= ' ' && b[i] != 0x7f {
			i++
		}
		if i == len(b) || b[i] != '\t' {
			return i
		}
		i++
	}
	return i
}

// endOfToken returns the index of the first byte from i on that is none of a token.
func endOfToken(b []byte, i int) int {
	for i < len(b) && tokenByte[b[i]] {
		i++
	}
	return i
}

var tokenByte = func() (t [256]bool) {
	for c := '0'; c <= 'z'; c++ {
		t[c] = c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a'
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()

// equalFold reports whether b is the lower-case ASCII text.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// trim removes spaces and tabs from both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
