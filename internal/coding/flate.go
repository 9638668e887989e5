package coding

import (
	"sync"

	"github.com/klauspost/compress/flate"
)

// FlateTail is what a sync flush of deflate ends with, an empty stored block without its first
// bits (RFC 1951, section 3.2.4). [AppendFlate] and [AppendFlateDict] append it.
const FlateTail = "\x00\x00\xff\xff"

// FlateDict is how many bytes of a dictionary [AppendFlateDict] looks at.
const FlateDict = 8 << 10

// bytesWriter appends what is written.
type bytesWriter struct{ b []byte }

func (w *bytesWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// flateWriter is kept with what it writes to, so that using one allocates nothing.
type flateWriter struct {
	z   *flate.Writer
	out bytesWriter
}

// One pool for each level, and for each window below 32 KiB.
var (
	levelWriters  [10]sync.Pool
	windowWriters [15]sync.Pool
)

// AppendFlate appends src as raw deflate, ended by a sync flush. level is 1 to 9, and 1 for
// others. With bits from 8 to 14 no match reaches back further than 2^bits bytes, and level has
// no effect.
func AppendFlate(dst, src []byte, level, bits int) []byte {
	if level < 1 || level > 9 {
		level = 1
	}
	pool := &levelWriters[level]
	if bits >= 8 && bits < 15 {
		pool = &windowWriters[bits]
	} else {
		bits = 15
	}
	w, _ := pool.Get().(*flateWriter)
	if w == nil {
		w = newFlateWriter(level, bits)
	}
	w.out.b = dst
	w.z.Reset(&w.out)
	_, _ = w.z.Write(src) // bytesWriter does not fail
	_ = w.z.Flush()
	dst, w.out.b = w.out.b, nil
	pool.Put(w)
	return dst
}

func newFlateWriter(level, bits int) *flateWriter {
	w := new(flateWriter)
	var err error
	if bits < 15 {
		w.z, err = flate.NewWriterWindow(&w.out, 1<<bits)
	} else {
		w.z, err = flate.NewWriter(&w.out, level)
	}
	if err != nil {
		panic(err) // only for parameters that AppendFlate does not pass
	}
	return w
}

var bytesWriters = sync.Pool{New: func() any { return new(bytesWriter) }}

// AppendFlateDict appends src as raw deflate behind dict, ended by a sync flush. Matches reach
// into the last [FlateDict] bytes of dict. It suits short texts: it keeps no tables between calls.
func AppendFlateDict(dst, src, dict []byte) []byte {
	w := bytesWriters.Get().(*bytesWriter)
	w.b = dst
	_ = flate.StatelessDeflate(w, src, false, dict) // bytesWriter does not fail
	dst, w.b = w.b, nil
	bytesWriters.Put(w)
	return dst
}
