package fastjson

import (
	"math/bits"
	"unicode/utf8"
	"unsafe"

	"github.com/tako-go/tako/internal/jsonscan"
)

// textBlock is where short strings are put, so that few of them need memory of
// their own.
type textBlock struct{ free []byte }

const (
	blockSize = 4 << 10
	shortText = 256
)

func (t *textBlock) keep(text []byte) string {
	n := len(text)
	if n == 0 {
		return ""
	}
	if n > shortText {
		return string(text)
	}
	if n > len(t.free) {
		t.free = make([]byte, blockSize)
	}
	copy(t.free, text)
	s := unsafe.String(&t.free[0], n)
	t.free = t.free[n:]
	return s
}

// text takes the string whose opening quote is at i.
func (d *decoder) text(i int) (string, int) {
	start := i + 1
	end := plainEnd(d.data, start)
	if end < len(d.data) && d.data[end] == '"' {
		return d.texts.keep(d.data[start:end]), end + 1
	}
	text, end := d.oddText(start, end)
	if end < 0 {
		return "", -1
	}
	return d.texts.keep(text), end
}

// name is text for what is not kept: the bytes are valid until the next call.
func (d *decoder) name(i int) ([]byte, int) {
	start := i + 1
	end := plainEnd(d.data, start)
	if end < len(d.data) && d.data[end] == '"' {
		return d.data[start:end], end + 1
	}
	return d.oddText(start, end)
}

// plainEnd returns the index of the first byte from i on that is not plain.
func plainEnd(data []byte, i int) int {
	for ; i+8 <= len(data); i += 8 {
		if m := unusual(load8(data[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(data) && data[i] < utf8.RuneSelf && !isSpecial(data[i]) {
		i++
	}
	return i
}

// oddText takes the rest of a string that is plain from start to i, and returns
// all of it and where it ends. Without escapes it is a part of the input.
func (d *decoder) oddText(start, i int) ([]byte, int) {
	data, escapes := d.data, false
	done := start // what is before is in scratch, if there are escapes
	for ; i < len(data); i = plainEnd(data, i) {
		switch c := data[i]; {
		case c == '"':
			if !escapes {
				return data[start:i], i + 1
			}
			d.scratch = append(d.scratch, data[done:i]...)
			return d.scratch, i + 1
		case c == '\\':
			if !escapes {
				d.scratch, escapes = d.scratch[:0], true
			}
			d.scratch = append(d.scratch, data[done:i]...)
			if d.scratch, i = jsonscan.Escape(d.scratch, data, i); i < 0 {
				return nil, -1
			}
			done = i
		case c >= utf8.RuneSelf:
			for i < len(data) && data[i] >= utf8.RuneSelf {
				size := jsonscan.Rune(data, i)
				if size == 0 {
					return nil, -1
				}
				i += size
			}
		default:
			return nil, -1
		}
	}
	return nil, -1
}
