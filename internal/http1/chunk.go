package http1

import (
	"bytes"
	"math"

	"github.com/tako-go/tako/internal/ascii"
)

const (
	maxSizeLine = 4 << 10  // of a chunk size with its extensions
	maxOverhead = 16 << 10 // beyond what chunks of a sensible size need, over a whole body
)

// Trailer is a field behind a chunked body.
type Trailer struct{ Name, Value string }

// Chunked decodes the chunked coding (RFC 9112, section 7.1). The zero value stands
// before the first chunk.
type Chunked struct {
	// Limits bound the trailer section.
	Limits Limits
	// Trailers are the fields behind the body, once it is done.
	Trailers []Trailer

	left     int64 // bytes of the chunk that are still to come
	lines    int   // bytes of the trailer section that are whole lines
	fields   int   // in these
	overhead int
	state    chunkState
}

type chunkState uint8

const (
	atSize chunkState = iota
	atData
	atDataEnd
	atTrailers
	atEnd
)

// Done reports whether the end of the body was seen.
func (d *Chunked) Done() bool { return d.state == atEnd }

// Next decodes from the beginning of src. It returns the next piece of the body,
// which lies in src, and how many bytes of src are used up with it. If both are
// empty and the body is not done, more bytes are needed behind those in src.
func (d *Chunked) Next(src []byte) (data []byte, used int, err error) {
	for {
		b := src[used:]
		n := 0
		switch d.state {
		case atSize:
			n, err = d.size(b)
		case atData:
			n = int(min(d.left, int64(len(b))))
			if n == 0 {
				return nil, used, nil
			}
			if d.left -= int64(n); d.left == 0 {
				d.state = atDataEnd
			}
			return b[:n:n], used + n, nil
		case atDataEnd:
			n, err = d.dataEnd(b)
		case atTrailers:
			n, err = d.trailers(b)
		case atEnd:
			return nil, used, nil
		}
		if err != nil || n == 0 {
			return nil, used, err
		}
		used += n
	}
}

// size reads a chunk size with its extensions, which mean nothing here.
func (d *Chunked) size(b []byte) (int, error) {
	size, digits := int64(0), 0
	for digits < len(b) {
		v, ok := ascii.Unhex(b[digits])
		if !ok {
			break
		}
		if digits == 16 || size > math.MaxInt64>>4 {
			return 0, ErrChunk
		}
		size = size<<4 | int64(v)
		digits++
	}
	if digits == len(b) {
		return 0, nil
	}
	end := digits
	if digits > 0 && b[end] == ';' {
		if end = endOfValue(b, end); end == len(b) {
			if end > maxSizeLine {
				return 0, ErrChunkOverhead
			}
			return 0, nil
		}
	}
	if digits == 0 || b[end] != '\r' {
		return 0, ErrChunk
	}
	if end+1 == len(b) {
		return 0, nil
	}
	if b[end+1] != '\n' {
		return 0, ErrChunk
	}
	if end > maxSizeLine {
		return 0, ErrChunkOverhead
	}
	d.overhead = max(d.overhead+end-16-2*int(min(size, maxOverhead)), 0)
	if d.overhead > maxOverhead {
		return 0, ErrChunkOverhead
	}
	d.left, d.state = size, atData
	if size == 0 {
		d.state = atTrailers
	}
	return end + 2, nil
}

func (d *Chunked) dataEnd(b []byte) (int, error) {
	if len(b) > 0 && b[0] != '\r' || len(b) > 1 && b[1] != '\n' {
		return 0, ErrChunk
	}
	if len(b) < 2 {
		return 0, nil
	}
	d.state = atSize
	return 2, nil
}

// trailers reads the whole trailer section at once, so that nothing of it is kept
// while it comes.
func (d *Chunked) trailers(b []byte) (int, error) {
	i, fields := d.lines, d.fields
	for ; ; fields++ {
		d.lines, d.fields = i, fields // lines that were read need not be read again
		if bytes.HasPrefix(b[i:], []byte(ChunkEnd)) {
			break
		}
		if i == len(b) || i+1 == len(b) && b[i] == '\r' {
			return 0, d.trailersCut(b)
		}
		_, next, err := parseField(b, i)
		if err != nil {
			return 0, ErrTrailer
		}
		if next < 0 {
			return 0, d.trailersCut(b)
		}
		i = next
	}
	if d.Limits.Fields > 0 && fields > d.Limits.Fields || d.Limits.HeadBytes > 0 && i+2 > d.Limits.HeadBytes {
		return 0, ErrTrailersTooLarge
	}
	for at := 0; at < i; {
		field, next, _ := parseField(b, at)
		d.Trailers = append(d.Trailers, Trailer{string(field.Name.Of(b)), string(field.Value.Of(b))})
		at = next
	}
	d.state = atEnd
	return i + 2, nil
}

func (d *Chunked) trailersCut(b []byte) error {
	if d.Limits.HeadBytes > 0 && len(b) >= d.Limits.HeadBytes {
		return ErrTrailersTooLarge
	}
	return nil
}

// Join decodes a body that is wholly in b and moves its pieces together at the
// beginning of b. It returns the length of the body and of what it took; done is
// false, and b unchanged, if the end of the body is not in b.
func (d *Chunked) Join(b []byte) (length, used int, done bool, err error) {
	look := Chunked{Limits: d.Limits}
	for !look.Done() {
		data, n, err := look.Next(b[used:])
		if err != nil {
			return 0, 0, false, err
		}
		if len(data) == 0 && !look.Done() {
			return 0, 0, false, nil
		}
		length += len(data)
		used += n
	}
	to, from := 0, 0
	for !d.Done() {
		data, n, err := d.Next(b[from:used])
		if err != nil {
			return 0, 0, false, err
		}
		to += copy(b[to:], data)
		from += n
	}
	return length, used, true, nil
}

// AppendChunk begins a chunk of n bytes behind which [ChunkEnd] has to stand.
func AppendChunk(b []byte, n int64) []byte {
	const digits = "0123456789abcdef"
	shift := 0
	for n>>shift > 15 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		b = append(b, digits[n>>shift&15])
	}
	return append(b, '\r', '\n')
}

// ChunkEnd stands behind the data of a chunk; LastChunk before the trailers, behind
// which ChunkEnd ends the body.
const (
	ChunkEnd  = "\r\n"
	LastChunk = "0\r\n"
)
