package coding

import (
	"bufio"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// The levels of encoders where none is given. They are for bodies that are made for each
// request: on 10 KB of JSON br takes 46 µs, zstd 21 µs and gzip 30 µs, for 28, 30 and 30 % of
// the size.
const (
	defaultBrotli = 3
	defaultZstd   = 1
	defaultGzip   = 5
	flushedGzip   = 7
)

// maxLevel bounds the levels of all codings.
const maxLevel = 9

// zstdWindow bounds the memory of an encoder of zstd.
const zstdWindow = 256 << 10

// An Encoder writes a coded body. It belongs to one goroutine at a time, between
// [NewEncoder] and Release, and starts no other.
type Encoder struct {
	impl encoder
	out  *bufio.Writer // some write a few bytes at a time
	pool *sync.Pool
}

type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(to io.Writer)
}

// encoders pools what is idle, by coding and level.
var encoders [4][maxLevel + 1]sync.Pool

// Known reports whether there is an encoder and a decoder for coding, in lower case.
func Known(coding string) bool { return index(coding) >= 0 }

func index(coding string) int {
	switch coding {
	case Brotli:
		return 0
	case Zstd:
		return 1
	case Gzip:
		return 2
	case Deflate:
		return 3
	}
	return -1
}

// Level returns the level that is used for level, 1 to 9 with 0 for the default. With
// flushed the default is one that still finds repetitions in pieces of some ten bytes: below
// 7, gzip and deflate do not.
func Level(coding string, level int, flushed bool) int {
	if level > 0 {
		return min(level, maxLevel)
	}
	switch {
	case coding == Brotli:
		return defaultBrotli
	case coding == Zstd:
		return defaultZstd
	case flushed:
		return flushedGzip
	}
	return defaultGzip
}

// NewEncoder returns an encoder of coding that writes to w. Level is a result of [Level]. An
// unknown coding is an error.
func NewEncoder(coding string, level int, w io.Writer) (*Encoder, error) {
	i := index(coding)
	if i < 0 || level < 1 || level > maxLevel {
		return nil, fmt.Errorf("coding: no encoder for %q at level %d", coding, level)
	}
	pool := &encoders[i][level]
	e, _ := pool.Get().(*Encoder)
	if e == nil {
		impl, err := makeEncoder(coding, level)
		if err != nil {
			return nil, err
		}
		e = &Encoder{impl, bufio.NewWriterSize(nil, 4<<10), pool}
	}
	e.out.Reset(w)
	e.impl.Reset(e.out)
	return e, nil
}

func makeEncoder(coding string, level int) (encoder, error) {
	switch coding {
	case Brotli:
		return newBrotliWriter(level), nil
	case Zstd:
		// Frames of nothing are valid bodies, no bytes are not.
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)),
			zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdWindow), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
	case Gzip:
		return gzip.NewWriterLevel(nil, level)
	}
	return zlib.NewWriterLevel(nil, level)
}

// Write codes p. It does not keep it.
func (e *Encoder) Write(p []byte) (int, error) { return e.impl.Write(p) }

// Flush writes what there is, so that it can be decoded.
func (e *Encoder) Flush() error {
	if err := e.impl.Flush(); err != nil {
		return err
	}
	return e.out.Flush()
}

// Close writes the rest and the end. It does not close what is written to.
func (e *Encoder) Close() error {
	if err := e.impl.Close(); err != nil {
		return err
	}
	return e.out.Flush()
}

// Release gives the encoder back, closed or not. It must not be used after that.
func (e *Encoder) Release() {
	e.out.Reset(io.Discard)
	e.impl.Reset(io.Discard)
	e.pool.Put(e)
}
