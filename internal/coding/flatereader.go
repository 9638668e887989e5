package coding

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
)

// flateEnd is read behind a text whose sync flush lost its [FlateTail]: that, and an empty final
// block.
const flateEnd = FlateTail + "\x01\x00\x00\xff\xff"

// maxFinalBlocks bounds how often one text may end and go on: the decoder starts anew each time.
const maxFinalBlocks = 16

var errFinalBlocks = errors.New("deflate: too many final blocks")

// FlateReader reads raw deflate whose sync flush lost its [FlateTail]. It comes out of a pool, and
// is used by one goroutine at a time.
type FlateReader struct {
	z      io.ReadCloser
	resets flate.Resetter
	src    flate.Reader
	text   bytes.Reader  // src of a text that is there in one piece
	joined []byte        // what text reads
	stream *bufio.Reader // src of one that is not
	end    strings.Reader
	finals int
}

var flateReaders = sync.Pool{New: func() any {
	r := &FlateReader{}
	r.z = flate.NewReader(&r.text)
	r.resets = r.z.(flate.Resetter)
	return r
}}

// maxJoined is up to how many bytes a pooled reader keeps its copy of a text.
const maxJoined = 64 << 10

// NewFlateReader returns a reader of src, of which it keeps a copy, behind dict, of which the last
// 32 KiB are looked at. Close gives it back.
func NewFlateReader(src, dict []byte) *FlateReader {
	r := flateReaders.Get().(*FlateReader)
	r.joined = append(append(r.joined[:0], src...), flateEnd...)
	r.text.Reset(r.joined)
	r.start(&r.text, dict)
	return r
}

// NewFlateStream is NewFlateReader for a text that src gives bit by bit.
func NewFlateStream(src io.Reader, dict []byte) *FlateReader {
	r := flateReaders.Get().(*FlateReader)
	r.end.Reset(flateEnd)
	both := io.MultiReader(src, &r.end)
	if r.stream == nil {
		r.stream = bufio.NewReader(both)
	} else {
		r.stream.Reset(both)
	}
	r.start(r.stream, dict)
	return r
}

func (r *FlateReader) start(src flate.Reader, dict []byte) {
	r.src, r.finals = src, 0
	_ = r.resets.Reset(src, dict) // it has nothing to report
}

// Read reads decompressed bytes. It returns io.EOF at the end of the text, and behind a final
// block in it: see More.
func (r *FlateReader) Read(p []byte) (int, error) { return r.z.Read(p) }

// More reports, after io.EOF, whether the text goes on behind a final block (RFC 7692, section
// 7.2.3.4), and lets Read go on there. dict is what was read before, of which the last 32 KiB are
// looked at.
func (r *FlateReader) More(dict []byte) (bool, error) {
	left, err := r.left()
	// A text that ends with its final block has nothing of which flateEnd starts with the tail.
	if err != nil || left == 0 || left == len(flateEnd) {
		return false, err
	}
	if r.finals++; r.finals > maxFinalBlocks {
		return false, errFinalBlocks
	}
	_ = r.resets.Reset(r.src, dict)
	return true, nil
}

// left is how many bytes of the text and of flateEnd were not read, at most one more than
// flateEnd has.
func (r *FlateReader) left() (int, error) {
	if r.src != io.Reader(r.stream) {
		return r.text.Len(), nil
	}
	ahead, err := r.stream.Peek(len(flateEnd) + 1)
	if err == io.EOF {
		err = nil
	}
	return len(ahead), err
}

// Close gives the reader back. It must not be used after it.
func (r *FlateReader) Close() {
	if cap(r.joined) > maxJoined {
		r.joined = nil
	}
	r.text.Reset(nil)
	if r.stream != nil {
		r.stream.Reset(nil)
	}
	flateReaders.Put(r)
}
