// Package multipart reads bodies of the type multipart/form-data (RFC 7578) in one
// pass: part by part, without keeping any, in time that is linear in what is read.
//
// It is stricter than mime/multipart: lines end with CRLF, those of headers are not
// folded, a boundary has the form that RFC 2046 gives it, every part has a name, and
// what is not closed is an error.
package multipart

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"sync"
)

// Limits are what a Reader accepts. All must be positive.
type Limits struct {
	// Parts is the greatest number of parts.
	Parts int
	// HeaderBytes is the greatest size of the header of one part.
	HeaderBytes int
	// Headers is the greatest number of fields of one part.
	Headers int
}

// A SyntaxError says what is malformed.
type SyntaxError string

// Error returns the text, which is fit for a client.
func (e SyntaxError) Error() string { return string(e) }

// A LimitError says which limit was passed.
type LimitError struct {
	// What was too much, such as "parts".
	What string
	// Max is the limit.
	Max int
}

// Error returns the text, which is fit for a client.
func (e *LimitError) Error() string {
	return "the form has more than " + strconv.Itoa(e.Max) + " " + e.What
}

// ErrStale is returned by a Part after the next one was asked for, or the Reader
// was closed.
var ErrStale = errors.New("multipart: the part is over")

const errUnclosed = SyntaxError("the form ends before its last boundary")

const bufferSize = 32 << 10

// buffers pools windows of bufferSize.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// Reader reads one body. It is used by one goroutine at a time.
//
// A window slides over the body. A delimiter begins with CRLF and has no other CR
// (the boundary cannot hold one), so that delimiters do not overlap and no byte has
// to be looked at twice.
type Reader struct {
	src        io.Reader
	limits     Limits
	delim      []byte // CRLF, two hyphens, boundary
	buf        []byte
	pooled     *[bufferSize]byte
	start, end int   // of the window in buf
	data       int   // bytes at start that belong to the part
	lead       bool  // the window begins with a CRLF that a delimiter may take, and that is no data
	at         bool  // a delimiter follows the data
	srcErr     error // of src
	err        error // for good
	parts      int
	part       *Part
}

// NewReader returns a Reader of src, or an error if the boundary cannot be one.
func NewReader(src io.Reader, boundary string, limits Limits) (*Reader, error) {
	if err := checkBoundary(boundary); err != nil {
		return nil, err
	}
	r := &Reader{src: src, limits: limits, delim: []byte("\r\n--" + boundary)}
	if limits.HeaderBytes > bufferSize/2 {
		r.buf = make([]byte, 2*limits.HeaderBytes)
	} else {
		r.pooled = buffers.Get().(*[bufferSize]byte)
		r.buf = r.pooled[:]
	}
	// The first delimiter may stand at the very beginning (RFC 2046, section 5.1.1).
	r.end = copy(r.buf, "\r\n")
	r.lead = true
	return r, nil
}

// checkBoundary holds the boundary to RFC 2046, section 5.1.1.
func checkBoundary(boundary string) error {
	switch {
	case boundary == "":
		return SyntaxError("the Content-Type has no boundary")
	case len(boundary) > 70:
		return SyntaxError("the boundary is longer than 70 characters")
	case boundary[len(boundary)-1] == ' ':
		return SyntaxError("the boundary ends with a space")
	}
	for i := range len(boundary) {
		if c := boundary[i]; !isAlphanumeric(c) && bytes.IndexByte([]byte("'()+_,-./:=? "), c) < 0 {
			return SyntaxError("the boundary has a character that it must not have")
		}
	}
	return nil
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// Close gives the memory of r back. Parts must not be read any more.
func (r *Reader) Close() {
	if r.pooled != nil {
		buffers.Put(r.pooled)
	}
	r.pooled, r.buf, r.part, r.err = nil, nil, nil, ErrStale
	r.start, r.end, r.data, r.at = 0, 0, 0, false
}

// Next skips the rest of the part at hand and returns the next one, io.EOF behind
// the last boundary, when the body was read to its end. Other errors are a
// SyntaxError, a *LimitError, or what the source said; they are for good.
func (r *Reader) Next() (*Part, error) {
	if r.err != nil {
		return nil, r.err
	}
	part, err := r.next()
	if r.part = part; err != nil {
		r.err = err
		return nil, err
	}
	return part, nil
}

func (r *Reader) next() (*Part, error) {
	r.part = nil
	for {
		chunk, err := r.chunk()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		r.start += len(chunk)
		r.data = 0
	}
	r.start += len(r.delim)
	r.at = false
	last, err := r.endOfLine()
	if err != nil {
		return nil, err
	}
	if last {
		return nil, r.epilogue()
	}
	if r.parts++; r.parts > r.limits.Parts {
		return nil, &LimitError{"parts", r.limits.Parts}
	}
	return r.header()
}

// chunk returns the data at the beginning of the window, at least a byte, io.EOF if
// a delimiter is there. The caller advances start and lowers data.
func (r *Reader) chunk() ([]byte, error) {
	for r.data == 0 {
		if r.at {
			return nil, io.EOF
		}
		if r.scan() {
			continue
		}
		if err := r.fill(); err == io.EOF {
			return nil, errUnclosed
		} else if err != nil {
			return nil, err
		}
	}
	return r.buf[r.start : r.start+r.data], nil
}

// scan finds out how much of the window is data and whether a delimiter follows.
// It reports false if there is too little to tell.
func (r *Reader) scan() bool {
	w := r.buf[r.start:r.end]
	i := bytes.Index(w, r.delim)
	switch {
	case i < 0:
		r.data = len(w) - r.partial(w)
	default:
		r.data = i // all of it for now where follows cannot tell yet
		switch follows(w[i+len(r.delim):]) {
		case isDelimiter:
			r.at = true
		case isData:
			r.data = i + len(r.delim)
		}
	}
	if r.lead && (r.data > 0 || r.at) {
		r.lead = false
		if r.data > 0 {
			r.start += 2
			r.data -= 2
			return r.data > 0 || r.at || r.scan()
		}
	}
	return r.data > 0 || r.at
}

// partial returns the length of the longest end of w that a delimiter may begin
// with. Only a CR begins one.
func (r *Reader) partial(w []byte) int {
	tail := w[max(0, len(w)-len(r.delim)+1):]
	for {
		i := bytes.IndexByte(tail, '\r')
		if i < 0 {
			return 0
		}
		if tail = tail[i:]; bytes.HasPrefix(r.delim, tail) {
			return len(tail)
		}
		tail = tail[1:]
	}
}

type verdict uint8

const (
	unknown verdict = iota
	isDelimiter
	isData
)

// follows judges the bytes behind what looks like a delimiter: a boundary that
// merely begins like ours is data.
func follows(rest []byte) verdict {
	switch {
	case len(rest) == 0:
		return unknown
	case rest[0] == ' ', rest[0] == '\t', rest[0] == '\r', rest[0] == '\n':
		return isDelimiter
	case rest[0] != '-':
		return isData
	case len(rest) == 1:
		return unknown
	case rest[1] == '-':
		return isDelimiter
	}
	return isData
}

// fill reads more. What is left of the window is moved to the front when it is
// short or stands at the end.
func (r *Reader) fill() error {
	if r.srcErr != nil {
		return r.srcErr
	}
	if r.start > 0 && (r.end-r.start < 256 || r.end == len(r.buf)) {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		r.srcErr = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// need fills until the window has n bytes.
func (r *Reader) need(n int) error {
	for r.end-r.start < n {
		if err := r.fill(); err != nil {
			return err
		}
	}
	return nil
}

// endOfLine reads what follows a boundary, up to its CRLF, which stays in the
// window, and reports whether it is the last boundary. That may end with the body.
func (r *Reader) endOfLine() (last bool, err error) {
	if err := r.need(2); err == io.EOF {
		return false, errUnclosed
	} else if err != nil {
		return false, err
	}
	if last = r.buf[r.start] == '-' && r.buf[r.start+1] == '-'; last {
		r.start += 2
	}
	for {
		err := r.need(1)
		if err == io.EOF && last {
			return true, nil
		}
		if err != nil {
			return false, unclosed(err)
		}
		if c := r.buf[r.start]; c != ' ' && c != '\t' {
			break
		}
		r.start++
	}
	if err := r.need(2); err != nil && err != io.EOF {
		return false, err
	}
	if w := r.buf[r.start:r.end]; len(w) < 2 || w[0] != '\r' || w[1] != '\n' {
		return false, SyntaxError("a boundary is followed by something else than CRLF")
	}
	return last, nil
}

func unclosed(err error) error {
	if err == io.EOF {
		return errUnclosed
	}
	return err
}

// epilogue reads what has no meaning any more, so that limits of the whole body
// hold and the connection can be used again.
func (r *Reader) epilogue() error {
	for {
		r.start, r.end = 0, 0
		if err := r.fill(); err != nil {
			return err
		}
	}
}
