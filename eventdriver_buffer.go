package tako

import "sync"

// driverBuffer is what a stream is read into, or what is to be sent. It comes from one of two
// pools, so that streams with short messages hold little memory.
type driverBuffer struct {
	b []byte
}

const (
	smallDriverBuffer = 4 << 10
	largeDriverBuffer = 32 << 10  // room for what is often sent at once, framing included
	keptDriverBuffer  = 128 << 10 // the largest that is used again
)

var (
	smallDriverBuffers = sync.Pool{New: func() any { return &driverBuffer{make([]byte, 0, smallDriverBuffer)} }}
	largeDriverBuffers = sync.Pool{New: func() any { return &driverBuffer{make([]byte, 0, largeDriverBuffer)} }}
)

// newDriverBuffer returns an empty one, a large one if size needs it.
func newDriverBuffer(size int) *driverBuffer {
	if size <= smallDriverBuffer {
		return smallDriverBuffers.Get().(*driverBuffer)
	}
	return largeDriverBuffers.Get().(*driverBuffer)
}

func (b *driverBuffer) free() {
	b.b = b.b[:0]
	switch {
	case cap(b.b) == smallDriverBuffer:
		smallDriverBuffers.Put(b)
	case cap(b.b) <= keptDriverBuffer:
		largeDriverBuffers.Put(b)
	}
}

// len is 0 for nil.
func (b *driverBuffer) len() int {
	if b == nil {
		return 0
	}
	return len(b.b)
}

// append returns the buffer with p behind what it has, which may be another one. nil is empty.
func (b *driverBuffer) append(p []byte) *driverBuffer {
	switch {
	case b == nil:
		b = newDriverBuffer(len(p))
	case cap(b.b) == smallDriverBuffer && len(p) > smallDriverBuffer-len(b.b):
		small := b
		b = newDriverBuffer(largeDriverBuffer)
		b.b = append(b.b, small.b...)
		small.free()
	}
	b.b = append(b.b, p...)
	return b
}

// room is what can be read into.
func (b *driverBuffer) room() []byte { return b.b[:min(cap(b.b), largeDriverBuffer)] }

// after returns the buffer for the next read, when one has brought n bytes: a large one once a
// small one was filled, until little comes again.
func (b *driverBuffer) after(n int) *driverBuffer {
	large := cap(b.b) > smallDriverBuffer
	if large == (n >= smallDriverBuffer) {
		return b
	}
	b.free()
	if large {
		return newDriverBuffer(0)
	}
	return newDriverBuffer(largeDriverBuffer)
}
