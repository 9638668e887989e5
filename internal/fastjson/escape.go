package fastjson

import (
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"

	"github.com/tako-go/tako/internal/jsonscan"
)

const hex = "0123456789abcdef"

// appendString copies and looks for what must be escaped in one go, eight bytes at
// a time.
func appendString(b []byte, s string) []byte {
	n, size := len(b), len(s)
	b = room(b, size+10)
	from, to := unsafe.Pointer(unsafe.StringData(s)), unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), n)
	*(*byte)(to) = '"'
	to = unsafe.Add(to, 1)
	i := 0
	for ; i+8 <= size; i += 8 {
		x := load(unsafe.Add(from, i))
		store(unsafe.Add(to, i), x)
		if m := unusual(x); m != 0 {
			i += bits.TrailingZeros64(m) >> 3
			return append(appendOdd(b[:n+1+i], s[i:]), '"')
		}
	}
	if i < size {
		var x uint64
		if size >= 8 {
			i = size - 8 // some of it again
			x = load(unsafe.Add(from, i))
		} else {
			x = loadTail(from, size)
		}
		store(unsafe.Add(to, i), x)
		if m := unusual(x); m != 0 {
			i += bits.TrailingZeros64(m) >> 3
			return append(appendOdd(b[:n+1+i], s[i:]), '"')
		}
	}
	*(*byte)(unsafe.Add(to, size)) = '"'
	return b[:n+size+2]
}

// room returns b with space for n more bytes.
func room(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		return slices.Grow(b, n)
	}
	return b
}

// loadTail loads one to seven bytes, with spaces behind them.
func loadTail(p unsafe.Pointer, n int) uint64 {
	var x uint64
	if n >= 4 {
		x = uint64(load4(p)) | uint64(load4(unsafe.Add(p, n-4)))<<(8*n-32)
	} else {
		x = uint64(*(*byte)(p)) | uint64(*(*byte)(unsafe.Add(p, n/2)))<<(n/2*8) | uint64(*(*byte)(unsafe.Add(p, n-1)))<<(8*n-8)
	}
	return x | (' '*ones)<<(8*n)
}

// appendOdd appends s, escaping what must be and what encoding/json escapes
// besides: the separators U+2028 and U+2029, which end a line in JavaScript. What
// is not UTF-8 becomes the replacement character.
func appendOdd(b []byte, text string) []byte {
	s := unsafe.Slice(unsafe.StringData(text), len(text))
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			size := jsonscan.Rune(s, i)
			if size > 0 && (c != 0xe2 || s[i+1] != 0x80 || s[i+2]&^1 != 0xa8) {
				i += size
				continue
			}
			b = append(b, s[done:i]...)
			if size == 0 {
				b, size = append(b, `\ufffd`...), 1
			} else {
				b = append(b, `\u202`...)
				b = append(b, hex[s[i+2]&15])
			}
			i += size
			done = i
			continue
		}
		if !isSpecial(c) {
			i = plainEnd(s, i)
			continue
		}
		b = append(b, s[done:i]...)
		b = appendEscape(b, c)
		i++
		done = i
	}
	return append(b, s[done:]...)
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
