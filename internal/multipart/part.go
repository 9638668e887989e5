package multipart

import (
	"bytes"
	"io"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// Field is one field of the header of a part.
type Field struct {
	// Name and Value are as they were sent, without the white space around.
	Name, Value string
}

// Part is one part. It is read before Next is called again.
type Part struct {
	// Header has the fields in their order.
	Header []Field
	// Name is that of the form field.
	Name string
	// FileName is what the client says, "" if it says nothing.
	FileName string
	// IsFile tells whether the client gave a file name, maybe an empty one.
	IsFile bool

	r *Reader
}

// Get returns the first field of this name, "" if there is none.
func (p *Part) Get(name string) string {
	for i := range p.Header {
		if ascii.EqualFold(p.Header[i].Name, name) {
			return p.Header[i].Value
		}
	}
	return ""
}

// Chunk returns the next bytes of the part, at least one, io.EOF at its end. They
// are valid until r is used again.
func (p *Part) Chunk() ([]byte, error) {
	r := p.r
	if r.part != p {
		return nil, ErrStale
	}
	if r.err != nil {
		return nil, r.err
	}
	chunk, err := r.chunk()
	if err != nil && err != io.EOF {
		r.err = err
	}
	r.start += len(chunk)
	r.data = 0
	return chunk, err
}

// Read reads the part.
func (p *Part) Read(to []byte) (int, error) {
	if len(to) == 0 {
		return 0, nil
	}
	chunk, err := p.Chunk()
	if err != nil {
		return 0, err
	}
	n := copy(to, chunk)
	p.r.start -= len(chunk) - n // take back what found no room
	p.r.data = len(chunk) - n
	return n, nil
}

// WriteTo writes the rest of the part to w.
func (p *Part) WriteTo(w io.Writer) (written int64, err error) {
	for {
		chunk, err := p.Chunk()
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		n, err := w.Write(chunk)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
}

// header reads the header of a part. The window begins with the CRLF of the line
// before, and is left with the CRLF of the empty line, which the next delimiter may
// take: a part need not have a body.
func (r *Reader) header() (*Part, error) {
	seen := 0
	for {
		w := r.buf[r.start:r.end]
		i := bytes.Index(w[seen:], []byte("\r\n\r\n"))
		if i >= 0 && seen+i <= r.limits.HeaderBytes+2 {
			return r.newPart(seen + i)
		}
		if i >= 0 || len(w) > r.limits.HeaderBytes+4 {
			return nil, &LimitError{"bytes of header in a part", r.limits.HeaderBytes}
		}
		seen = max(0, len(w)-3)
		if err := r.fill(); err != nil {
			return nil, unclosed(err)
		}
	}
}

// newPart makes the part of a header of n bytes.
func (r *Reader) newPart(n int) (*Part, error) {
	p := &Part{r: r}
	if n > 0 {
		if err := p.parse(string(r.buf[r.start+2:r.start+n]), r.limits.Headers); err != nil {
			return nil, err
		}
	}
	r.start += n + 2
	r.lead = true
	return p, p.identify()
}

// parse splits the lines of a header. One that goes on in the next line (RFC 5322, section
// 2.2.3) is refused: clients do not write them, and readers do not agree on them.
func (p *Part) parse(header string, limit int) error {
	p.Header = make([]Field, 0, min(limit, strings.Count(header, "\n")+1))
	for line := range strings.SplitSeq(header, "\r\n") {
		if strings.ContainsAny(line, "\r\n") {
			return SyntaxError("a line of the header of a part does not end with CRLF")
		}
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			return SyntaxError("a line of the header of a part begins with white space")
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !ascii.IsToken(name) {
			return SyntaxError("a line of the header of a part is no field")
		}
		if len(p.Header) == limit {
			return &LimitError{"header fields in a part", limit}
		}
		p.Header = append(p.Header, Field{name, strings.Trim(value, " \t")})
	}
	return nil
}
