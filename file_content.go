package tako

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"

	"github.com/tako-go/tako/internal/byterange"
	"github.com/tako-go/tako/internal/rawfile"
)

const (
	// maxRanges is the most ranges that are answered; more are ignored.
	maxRanges = 16
	// wholeRead is the size up to which content is read before the head is sent, so
	// that both go out together and a failure can still be told.
	wholeRead = 32 << 10
	// watchedSize is the size from which on a file is looked at once more before
	// its last bytes are sent.
	watchedSize = 1 << 20
)

var errFileChanged = errors.New("tako: the file was changed while it was sent")

// ServeContent answers with size bytes of r, for GET and HEAD by RFC 9110: 304 or 412
// as [Context.CheckConditions] has it, 206 with what Range asks for if If-Range
// agrees, as multipart/byteranges if that are several parts, 416 if there is nothing
// of it, else 200. Other methods are answered 200 with everything. Content-Type and
// the like are set on the header before.
//
// A Range with more than 16 ranges is ignored, and so is one whose answer would be
// longer than the content, or would have several parts of what has a Content-Encoding,
// since the answer as a whole has not. Ranges that overlap or touch are joined.
//
// An [*os.File] is read from its position, so that the kernel can copy it: nobody else
// may read it meanwhile. If it gets shorter the response is broken off, and also if it
// is found to be written to while 1 MiB or more of it are sent. Not all is found: what
// the kernel keeps for a client that is slow changes with the file. Replace files
// instead of writing to them.
func (c *Context) ServeContent(v Validators, size int64, r io.ReaderAt) error {
	c.live()
	if size < 0 {
		return fmt.Errorf("tako: content of %d bytes", size)
	}
	if err := c.conditions(&v); err != nil || c.opened {
		return err
	}
	if c.reads() {
		c.header.Set("Accept-Ranges", "bytes")
	}
	parts, err := c.ranges(v, size)
	switch {
	case err != nil:
		return err
	case len(parts) == 0:
		return c.sendContent(http.StatusOK, r, byterange.Part{Length: size})
	case len(parts) == 1:
		c.header.Set("Content-Range", parts[0].ContentRange(size))
		return c.sendContent(http.StatusPartialContent, r, parts[0])
	}
	m := newMultiRange(c.header.Get("Content-Type"), parts, size)
	if m.length > size || c.header.Has("Content-Encoding") {
		return c.sendContent(http.StatusOK, r, byterange.Part{Length: size})
	}
	return m.send(c, r)
}

// serve is ServeContent for whatever can be read; size is -1 if unknown.
func (c *Context) serve(v Validators, size int64, r io.Reader) error {
	if size >= 0 {
		switch r := r.(type) {
		case io.ReaderAt:
			return c.ServeContent(v, size, r)
		case io.ReadSeeker:
			return c.ServeContent(v, size, &seekAt{r: r, at: -1})
		}
		r = &io.LimitedReader{R: r, N: size}
	}
	if err := c.conditions(&v); err != nil || c.opened {
		return err
	}
	if err := c.open(http.StatusOK, size); err != nil || c.discard {
		return err
	}
	_, err := c.ReadFrom(r)
	return err
}

// conditions answers a request whose conditions say so, and sets the validators.
func (c *Context) conditions(v *Validators) error {
	if c.opened {
		return ErrHeadSent
	}
	if c.reads() {
		_, err := c.CheckConditions(*v)
		return err
	}
	if err := v.check(); err != nil {
		return err
	}
	v.setFields(&c.header)
	return nil
}

// ranges returns the parts that are to be sent, none for everything.
func (c *Context) ranges(v Validators, size int64) ([]byterange.Part, error) {
	if c.method != http.MethodGet || c.ex.RequestHeader("Range") == "" || !c.IfRange(v) {
		return nil, nil
	}
	lines := headerValues(c.ex, "Range")
	if len(lines) != 1 {
		return nil, nil
	}
	parts, ok := byterange.Resolve(byterange.Parse(lines[0], maxRanges), size)
	if !ok {
		e := Errorf(http.StatusRequestedRangeNotSatisfiable, "no range is within the %d bytes of the content", size)
		return nil, e.With("Content-Range", byterange.Unsatisfied(size))
	}
	return parts, nil
}

// sendContent answers with one part.
func (c *Context) sendContent(status int, r io.ReaderAt, p byterange.Part) error {
	if p.Length > wholeRead || c.method == http.MethodHead {
		if err := c.open(status, p.Length); err != nil || c.discard {
			return err
		}
		return c.sendPart(r, p)
	}
	buf := contentBuffers.Get().(*[wholeRead]byte)
	defer contentBuffers.Put(buf)
	if err := readPart(r, buf[:p.Length], p.Start); err != nil {
		return err
	}
	return c.respond(status, "", buf[:p.Length])
}

var contentBuffers = sync.Pool{New: func() any { return new([wholeRead]byte) }}

// readPart fills b from what stands at that offset.
func readPart(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read content at %d: %w", at, err)
}

// sendPart writes the bytes of p, behind the head.
func (c *Context) sendPart(r io.ReaderAt, p byterange.Part) error {
	if p.Length > 0 {
		switch f := r.(type) {
		case *os.File:
			return c.sendFilePart(f, p)
		case *rawfile.File:
			return c.sendRawPart(f, p)
		}
	}
	buf := contentBuffers.Get().(*[wholeRead]byte)
	defer contentBuffers.Put(buf)
	for end := p.Start + p.Length; p.Start < end; {
		b := buf[:min(end-p.Start, wholeRead)]
		if err := readPart(r, b, p.Start); err != nil {
			return err
		}
		if _, err := c.writeBody(b); err != nil {
			return err
		}
		p.Start += int64(len(b))
	}
	return nil
}

// sendFilePart lets the kernel copy. What is large takes long enough for somebody to
// write to the file: its last bytes follow only if nobody did. That is as much as can be
// seen: the kernel sends what the file has when the client takes it, which may be later.
func (c *Context) sendFilePart(f *os.File, p byterange.Part) error {
	if _, err := f.Seek(p.Start, io.SeekStart); err != nil {
		return err
	}
	if p.Length < watchedSize {
		return c.copyFrom(f, p.Length)
	}
	before, err := f.Stat()
	if err != nil {
		return err
	}
	if err := c.copyFrom(f, p.Length-wholeRead); err != nil {
		return err
	}
	after, err := f.Stat()
	if err != nil {
		return err
	}
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return errFileChanged
	}
	return c.copyFrom(f, wholeRead)
}

func (c *Context) copyFrom(f *os.File, n int64) error {
	sent, err := c.ReadFrom(&io.LimitedReader{R: f, N: n})
	return sentAll(sent, n, err)
}

func sentAll(sent, n int64, err error) error {
	if err == nil && sent < n {
		err = fmt.Errorf("the file became shorter: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// sendRawPart has the exchange send p of f, if nothing stands between them. What is watched
// while it is sent is large enough for an *os.File to cost nothing.
func (c *Context) sendRawPart(f *rawfile.File, p byterange.Part) error {
	to, ok := c.ex.(rawfile.Sender)
	if !ok || c.body != nil || c.discard || p.Length >= watchedSize || c.left >= 0 && p.Length > c.left {
		return c.sendFilePart(f.OS(), p)
	}
	sent, err := to.SendFile(f, p.Start, p.Length)
	c.copied(sent)
	if err != nil && clientLost(err) {
		err = fmt.Errorf("%w: %w", ErrClientGone, err)
	}
	return sentAll(sent, p.Length, err)
}

// multiRange is a body of the type multipart/byteranges (RFC 9110, section 14.6).
type multiRange struct {
	boundary string
	parts    []byterange.Part
	heads    [][]byte // what stands before each part
	tail     []byte
	length   int64
}

func newMultiRange(contentType string, parts []byterange.Part, size int64) *multiRange {
	m := &multiRange{boundary: rand.Text(), parts: parts}
	m.tail = []byte("\r\n--" + m.boundary + "--\r\n")
	m.length = int64(len(m.tail))
	for i, p := range parts {
		var b []byte
		if i > 0 {
			b = append(b, "\r\n"...)
		}
		b = append(append(append(b, "--"...), m.boundary...), "\r\n"...)
		if contentType != "" {
			b = append(append(append(b, "Content-Type: "...), contentType...), "\r\n"...)
		}
		b = append(p.AppendContentRange(append(b, "Content-Range: "...), size), "\r\n\r\n"...)
		m.heads = append(m.heads, b)
		m.length += int64(len(b)) + p.Length
	}
	return m
}

func (m *multiRange) send(c *Context, r io.ReaderAt) error {
	c.header.Set("Content-Type", "multipart/byteranges; boundary="+strconv.Quote(m.boundary))
	if err := c.open(http.StatusPartialContent, m.length); err != nil || c.discard {
		return err
	}
	for i, p := range m.parts {
		if _, err := c.writeBody(m.heads[i]); err != nil {
			return err
		}
		if err := c.sendPart(r, p); err != nil {
			return err
		}
	}
	_, err := c.writeBody(m.tail)
	return err
}

// seekAt reads at offsets by seeking, for one reader at a time.
type seekAt struct {
	r  io.ReadSeeker
	at int64
}

func (s *seekAt) ReadAt(p []byte, off int64) (int, error) {
	if off != s.at {
		if _, err := s.r.Seek(off, io.SeekStart); err != nil {
			return 0, err
		}
		s.at = off
	}
	n, err := io.ReadFull(s.r, p)
	s.at += int64(n)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}
