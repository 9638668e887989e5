package coding

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// ZstdWindow is the largest window of zstd that is decoded (RFC 9659, section 3).
const ZstdWindow = 8 << 20

// ErrCorrupt is in every error of a [Decoder] that is about what it reads, cut off or not
// well-formed. Errors of the source are returned as they are.
var ErrCorrupt = errors.New("coding: corrupt body")

// A Decoder reads a coded body. It belongs to one goroutine at a time, and starts no other.
// It reads to the end of its source, and nothing may follow the coded body there. The
// memory it takes is bounded by the window of the coding: 32 KiB for gzip and deflate, 8 MiB
// for zstd, 16 MiB for br, of which it takes what the body needs.
type Decoder struct {
	impl   decoder
	source source
	pool   *sync.Pool
	begun  bool
	err    error
}

type decoder interface {
	io.Reader
	Reset(r io.Reader) error
}

// decoders pools what is idle, by coding.
var decoders [4]sync.Pool

// NewDecoder returns a decoder that reads coding from r, which it does not touch before the
// first Read. An unknown coding is an error.
func NewDecoder(coding string, r io.Reader) (*Decoder, error) {
	i := index(coding)
	if i < 0 {
		return nil, fmt.Errorf("coding: no decoder for %q", coding)
	}
	d, _ := decoders[i].Get().(*Decoder)
	if d == nil {
		impl, err := makeDecoder(coding)
		if err != nil {
			return nil, err
		}
		d = &Decoder{impl: impl, pool: &decoders[i]}
		d.source.buf = bufio.NewReaderSize(nil, 4<<10)
	}
	d.begun, d.err = false, nil
	d.source.begin(r)
	return d, nil
}

func makeDecoder(coding string) (decoder, error) {
	switch coding {
	case Brotli:
		return new(brotli.Reader), nil
	case Zstd:
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(ZstdWindow))
	case Gzip:
		return new(gzip.Reader), nil
	}
	return new(zlibReader), nil
}

// Read decodes. After an error, io.EOF too, it returns that for ever.
func (d *Decoder) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.read(p)
	if err != nil {
		d.err = d.judge(err)
	}
	return n, d.err
}

func (d *Decoder) read(p []byte) (int, error) {
	if !d.begun {
		d.begun = true
		if _, err := d.source.buf.Peek(1); err != nil {
			return 0, io.ErrUnexpectedEOF // no coding has a body of no bytes
		}
		if err := d.impl.Reset(&d.source); err != nil {
			return 0, err
		}
	}
	return d.impl.Read(p)
}

// judge tells errors of the source from what it holds.
func (d *Decoder) judge(err error) error {
	switch {
	case d.source.err != nil && d.source.err != io.EOF:
		return d.source.err
	case err != io.EOF:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if _, more := d.source.ReadByte(); more == nil {
		return fmt.Errorf("%w: bytes behind its end", ErrCorrupt)
	}
	if d.source.err != io.EOF {
		return d.source.err
	}
	return io.EOF
}

// Release gives the decoder back. It must not be used after that.
func (d *Decoder) Release() {
	if d.err != io.EOF {
		// What a broken body leaves behind is not worth looking at.
		if z, ok := d.impl.(*zstd.Decoder); ok {
			z.Close()
		}
		return
	}
	d.source.begin(nil)
	d.pool.Put(d)
}

// source keeps the error of what it reads from. It is an io.ByteReader, so that nobody reads
// further than he must.
type source struct {
	buf  *bufio.Reader
	from io.Reader
	err  error
}

func (s *source) begin(r io.Reader) {
	s.from, s.err = r, nil
	s.buf.Reset(watched{s})
}

func (s *source) Read(p []byte) (int, error) { return s.buf.Read(p) }

func (s *source) ReadByte() (byte, error) { return s.buf.ReadByte() }

// watched is the side of a source that its buffer reads from.
type watched struct{ s *source }

func (w watched) Read(p []byte) (int, error) {
	n, err := w.s.from.Read(p)
	if err != nil {
		w.s.err = err
	}
	return n, err
}

// zlibReader makes a decoder of what must read a header to be made.
type zlibReader struct{ z io.ReadCloser }

func (r *zlibReader) Reset(from io.Reader) (err error) {
	if r.z == nil {
		r.z, err = zlib.NewReader(from)
		return err
	}
	return r.z.(zlib.Resetter).Reset(from, nil)
}

func (r *zlibReader) Read(p []byte) (int, error) { return r.z.Read(p) }
