package coding

import (
	"io"
	"math/bits"

	"github.com/andybalholm/brotli"
	"github.com/andybalholm/brotli/matchfinder"
)

// brotliReach is how far back matches reach, in bytes; about three times as much is held.
const brotliReach = 128 << 10

// brotliBlock is how much is coded at once where nobody flushes.
const brotliBlock = 32 << 10

// brotliWriter writes br with the faster of the module's two coders, which cannot flush by
// itself: it keeps bits of the last byte back. A flush is an empty metadata block, which ends
// on a byte (RFC 7932, section 9.2).
type brotliWriter struct {
	to      io.Writer
	finder  matchfinder.MatchFinder
	coder   brotli.Encoder
	matches []matchfinder.Match
	in      []byte // waits for a block to be full
	coded   []byte // by coder
	out     bitShifter
	dirty   bool // something was coded since the last flush
	err     error
}

func newBrotliWriter(level int) *brotliWriter {
	return &brotliWriter{finder: brotliFinder(level)}
}

func brotliFinder(level int) matchfinder.MatchFinder {
	switch level {
	case 1:
		return &matchfinder.ZFast{MaxDistance: brotliReach}
	case 2:
		return &matchfinder.ZDFast{MaxDistance: brotliReach}
	case 3:
		return &matchfinder.ZM{MaxDistance: brotliReach}
	case 4:
		return &matchfinder.Trio{MaxDistance: brotliReach}
	case 5, 6:
		return &matchfinder.Bargain1{MaxDistance: brotliReach}
	case 7:
		return &matchfinder.Bargain2{MaxDistance: brotliReach, Skip: true}
	case 8:
		return &matchfinder.Bargain2{MaxDistance: brotliReach}
	}
	return &matchfinder.Bargain3{MaxDistance: brotliReach}
}

func (w *brotliWriter) Reset(to io.Writer) {
	w.to = to
	w.finder.Reset()
	w.coder.Reset()
	w.in = w.in[:0]
	w.out = bitShifter{buf: w.out.buf[:0]}
	w.dirty, w.err = false, nil
}

func (w *brotliWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && w.err == nil {
		if len(w.in) == 0 && len(p) >= brotliBlock {
			w.code(p[:brotliBlock], false)
			p = p[brotliBlock:]
			continue
		}
		take := min(len(p), brotliBlock-len(w.in))
		w.in = append(w.in, p[:take]...)
		p = p[take:]
		if len(w.in) == brotliBlock {
			w.code(w.in, false)
			w.in = w.in[:0]
		}
	}
	return n - len(p), w.err
}

// code writes a block; with last it ends the stream.
func (w *brotliWriter) code(block []byte, last bool) {
	w.matches = w.matches[:0]
	if len(block) > 0 {
		w.matches = w.finder.FindMatches(w.matches, block)
	}
	w.coded = w.coder.Encode(w.coded[:0], block, w.matches, last)
	w.out.write(w.coded)
	if last {
		w.out.end()
	}
	w.dirty = true
	w.send()
}

func (w *brotliWriter) send() {
	if w.err == nil && len(w.out.buf) > 0 {
		_, w.err = w.to.Write(w.out.buf)
	}
	w.out.buf = w.out.buf[:0]
}

func (w *brotliWriter) Flush() error {
	if len(w.in) > 0 {
		w.code(w.in, false)
		w.in = w.in[:0]
	}
	if w.err != nil || !w.dirty {
		return w.err
	}
	// A copy of the coder that ends the stream shows the bits that it keeps back: below the
	// two bits that are set at the end.
	copied := w.coder
	kept := copied.Encode(w.coded[:0], nil, nil, true)
	w.out.flush(kept, bitLen(kept)-2)
	w.coded = kept
	w.dirty = false
	w.send()
	return w.err
}

func (w *brotliWriter) Close() error {
	if w.err == nil {
		w.code(w.in, true)
		w.in = w.in[:0]
	}
	return w.err
}

// bitLen is the number of bits in p up to the last that is set.
func bitLen(p []byte) int {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != 0 {
			return i*8 + bits.Len8(p[i])
		}
	}
	return 0
}

// bitShifter passes on a stream of bits, first bit lowest, that flushes have moved against
// the bytes it comes in.
type bitShifter struct {
	buf  []byte
	acc  uint64 // bits that do not fill a byte yet
	n    int    // how many these are
	skip int    // bits to come that a flush has written already
}

func (s *bitShifter) write(p []byte) {
	if s.n == 0 && s.skip == 0 {
		s.buf = append(s.buf, p...)
		return
	}
	for _, b := range p {
		s.push(uint64(b), 8)
	}
}

// push appends the low n bits of v, which has no others.
func (s *bitShifter) push(v uint64, n int) {
	drop := min(n, s.skip)
	s.skip -= drop
	s.acc |= v >> drop << s.n
	s.n += n - drop
	for s.n >= 8 {
		s.buf = append(s.buf, byte(s.acc))
		s.acc >>= 8
		s.n -= 8
	}
}

// flush appends the first n bits of kept, which will come again, and an empty metadata block.
func (s *bitShifter) flush(kept []byte, n int) {
	for i := 0; i < n; i += 8 {
		take := min(8, n-i)
		s.push(uint64(kept[i/8])&(1<<take-1), take)
	}
	s.push(0b000110, 6) // not the last; metadata; reserved; of no bytes
	if s.n > 0 {
		s.buf = append(s.buf, byte(s.acc))
		s.acc, s.n = 0, 0
	}
	s.skip = n
}

// end appends what is left, and cuts off the filling behind the last bit, which is set.
func (s *bitShifter) end() {
	if s.n > 0 {
		s.buf = append(s.buf, byte(s.acc))
	}
	s.buf = s.buf[:(bitLen(s.buf)+7)/8]
}
