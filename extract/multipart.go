package extract

import (
	"io"
	"iter"
	"net/http"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/multipart"
)

// Multipart is a request body of type multipart/form-data, read part by part as it
// comes; nothing is kept:
//
//	for part, err := range form.Parts() {
//		if err != nil {
//			return err
//		}
//		_, err = io.Copy(to, part)
//	}
//
// [MultipartLimits] that the route's groups supply hold. It is used by one
// goroutine, until the handler returns. See [MultipartForm] for forms with a type.
type Multipart struct{ form *form }

// Extract looks at the Content-Type: 415 for another one and for a body with a
// content coding, 400 for a boundary that is missing or cannot be one. The body is
// read by Next and Parts.
func (m *Multipart) Extract(c *tako.Context) error {
	form, err := openForm(c, suppliedLimits(c).orDefaults())
	if err != nil {
		return err
	}
	c.OnDone(func(tako.Outcome) { form.close() })
	m.form = form
	return nil
}

// Describe records the body.
func (m *Multipart) Describe(op *tako.Operation, field string) {
	op.AddBody(field, nil, formDataType)
	describeForm(op)
}

// Next returns the next part, after it has skipped what was not read of the one
// before; io.EOF when the body has ended. Other errors have a status and are for
// good: 400 for a malformed form, 413 over a limit, 415 for a file whose type is
// not allowed, 408 for a part that took too long, and those of
// [tako.Context.Body].
func (m Multipart) Next() (*FormPart, error) {
	if m.form == nil {
		return nil, misuse("Multipart was not extracted")
	}
	p, err := m.form.next()
	if err != nil {
		return nil, err
	}
	if p.file && !acceptsMedia(m.form.limits.Accept, p.ContentType()) {
		return nil, m.form.fail(wrongMedia(p, m.form.limits.Accept))
	}
	return p, nil
}

// Parts yields the parts in their order, and at last the error that ended them, if
// any. A part is valid until the next one is asked for.
func (m Multipart) Parts() iter.Seq2[*FormPart, error] {
	return func(yield func(*FormPart, error) bool) {
		for {
			p, err := m.Next()
			if err == io.EOF || !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// FormPart is one part of a [Multipart] form.
type FormPart struct {
	raw  *multipart.Part
	form *form
	file bool
	max  int64 // what its data may have
	read int64
}

// Name returns the name of the form field.
func (p *FormPart) Name() string { return p.raw.Name }

// IsFile reports whether the client gave a file name, be it an empty one, as
// browsers do where no file was chosen.
func (p *FormPart) IsFile() bool { return p.file }

// FileName returns the base name of the file, made harmless: without folders,
// drive and control characters, with at most 255 bytes, "" if nothing is left. It
// is for showing; files are better stored under names of your own.
func (p *FormPart) FileName() string { return cleanFileName(p.raw.FileName) }

// UnsafeFileName returns what the client sent as file name: any text at all, such
// as ../../etc/passwd. It must never be part of a path.
func (p *FormPart) UnsafeFileName() string { return p.raw.FileName }

// ContentType returns the media type that the client claims, as it was sent. One
// that says nothing means text/plain, or application/octet-stream for a file.
func (p *FormPart) ContentType() string { return contentTypeOf(p.raw) }

// Header returns the first field of this name in the header of the part, "" if
// there is none.
func (p *FormPart) Header(name string) string { return p.raw.Get(name) }

// Headers yields the fields of the header of the part, as they were sent.
func (p *FormPart) Headers() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, f := range p.raw.Header {
			if !yield(f.Name, f.Value) {
				return
			}
		}
	}
}

// Read reads the data of the part. Its errors are those of [Multipart.Next].
func (p *FormPart) Read(to []byte) (int, error) {
	if p.form.err != nil {
		return 0, p.form.err
	}
	if int64(len(to)) > p.max-p.read+1 {
		to = to[:p.max-p.read+1] // one more tells a full part from one that is too large
	}
	n, err := p.raw.Read(to)
	return n, p.count(n, err)
}

// WriteTo writes the data of the part to w. [io.Copy] calls it.
func (p *FormPart) WriteTo(w io.Writer) (written int64, err error) {
	for {
		chunk, err := p.chunk()
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

// chunk returns the next bytes, which are valid until the form is used again.
func (p *FormPart) chunk() ([]byte, error) {
	if p.form.err != nil {
		return nil, p.form.err
	}
	chunk, err := p.raw.Chunk()
	if err = p.count(len(chunk), err); err != nil {
		return nil, err
	}
	return chunk, nil
}

// count holds the part to its limit.
func (p *FormPart) count(n int, err error) error {
	if err == io.EOF || err == multipart.ErrStale {
		return err
	}
	if err != nil {
		return p.form.fail(formError(err))
	}
	if p.read += int64(n); p.read > p.max {
		return p.form.fail(tooLargePart(p))
	}
	return nil
}

// contentTypeOf applies the defaults of RFC 7578, section 4.4.
func contentTypeOf(p *multipart.Part) string {
	if t := p.Get("Content-Type"); t != "" {
		return t
	}
	if p.IsFile {
		return "application/octet-stream"
	}
	return "text/plain"
}

// describeForm records how every form can fail.
func describeForm(op *tako.Operation) {
	op.AddFailure(http.StatusBadRequest, "the form is malformed")
	op.AddFailure(http.StatusRequestTimeout, "a part of the form takes too long")
	op.AddFailure(http.StatusRequestEntityTooLarge, "the form, one of its parts or their number is over its limit")
	op.AddFailure(http.StatusUnsupportedMediaType, "the body is no "+formDataType+", or a file has a type that is not allowed")
}

// plainTransfer refuses encodings that forms do not have (RFC 7578, section 4.7).
func plainTransfer(p *multipart.Part) error {
	switch coding := p.Get("Content-Transfer-Encoding"); {
	case coding == "", ascii.EqualFold(coding, "binary"), ascii.EqualFold(coding, "8bit"), ascii.EqualFold(coding, "7bit"):
		return nil
	default:
		return tako.Errorf(http.StatusUnsupportedMediaType, "form field %s has the transfer encoding %q, which is not supported", p.Name, coding)
	}
}
