package wsframe

import (
	"math/bits"
	"sync"
	"unsafe"
)

// Buffers come in powers of two from minBuffer to maxPooled; larger ones are left to the
// garbage collector.
const (
	minBufferBits = 9
	maxPooledBits = 20
	minBuffer     = 1 << minBufferBits
)

// The pools hold the address of a buffer alone, which needs no allocation to put there.
var bufferPools [maxPooledBits + 1]sync.Pool

// getBuffer returns an empty buffer for n bytes at least.
func getBuffer(n int) []byte {
	class := bits.Len(uint(max(n, minBuffer) - 1))
	if class > maxPooledBits {
		return make([]byte, 0, n)
	}
	if b, _ := bufferPools[class].Get().(*byte); b != nil {
		return unsafe.Slice(b, 1<<class)[:0]
	}
	return make([]byte, 0, 1<<class)
}

// putBuffer takes back a buffer of getBuffer, if b is the start of one.
func putBuffer(b []byte) {
	n := cap(b)
	if n < minBuffer || n&(n-1) != 0 || n > 1<<maxPooledBits {
		return
	}
	bufferPools[bits.Len(uint(n-1))].Put(unsafe.SliceData(b))
}

// growBuffer returns b with room for n more bytes, at least twice as large if it has to move.
func growBuffer(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	grown := append(getBuffer(max(2*cap(b), len(b)+n)), b...)
	putBuffer(b)
	return grown
}

func appendBuffer(b, p []byte) []byte { return append(growBuffer(b, len(p)), p...) }
