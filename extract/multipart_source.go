package extract

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/multipart"
)

const formDataType = "multipart/form-data"

// form is a body that is being read.
type form struct {
	reader *multipart.Reader
	source *formSource
	limits MultipartLimits
	err    error // for good
}

// openForm looks at the header of a request with a form.
func openForm(c *tako.Context, limits MultipartLimits) (*form, error) {
	contentType := c.RequestHeader("Content-Type")
	media, params, err := mime.ParseMediaType(contentType)
	if media != formDataType {
		if contentType == "" && c.ContentLength() == 0 {
			return nil, missingBody()
		}
		return nil, tako.Errorf(http.StatusUnsupportedMediaType, "the body has media type %.80q, %s is expected", contentType, formDataType).
			With("Accept", formDataType)
	}
	if err != nil {
		return nil, &tako.Error{Status: http.StatusBadRequest, Detail: "the Content-Type is malformed", Err: err}
	}
	if err := c.CheckCoding(); err != nil {
		return nil, err
	}
	source := &formSource{left: -1, timeout: limits.PartTimeout}
	if limits.MaxTotal != 0 {
		if err := c.LimitBody(limits.MaxTotal); err != nil {
			if _, ok := errors.AsType[*tako.Error](err); ok {
				return nil, err
			}
			source.left = max(limits.MaxTotal, -1) // somebody reads the body already
		}
	}
	source.from = c.Body()
	reader, err := multipart.NewReader(source, params["boundary"], multipart.Limits{
		Parts: limits.MaxParts, HeaderBytes: limits.MaxHeaderBytes, Headers: limits.MaxHeaders})
	if err != nil {
		return nil, formError(err)
	}
	return &form{reader: reader, source: source, limits: limits}, nil
}

func (f *form) close() { f.reader.Close() }

// fail keeps an error that ends the form.
func (f *form) fail(err error) error {
	if f.err == nil {
		f.err = err
	}
	return f.err
}

// next returns the next part, io.EOF behind the last.
func (f *form) next() (*FormPart, error) {
	if f.err != nil {
		return nil, f.err
	}
	if f.limits.PartTimeout > 0 {
		f.source.due = time.Now().Add(f.limits.PartTimeout)
	}
	raw, err := f.reader.Next()
	if err == nil {
		err = plainTransfer(raw)
	}
	if err == io.EOF {
		return nil, f.fail(err)
	}
	if err != nil {
		return nil, f.fail(formError(err))
	}
	p := &FormPart{raw: raw, form: f, file: raw.IsFile, max: f.limits.MaxField}
	if p.file {
		p.max = f.limits.MaxFile
	}
	return p, nil
}

// formSource holds the body to limits that it does not know itself.
type formSource struct {
	from    io.Reader
	left    int64 // -1 without a limit
	timeout time.Duration
	due     time.Time // when the part at hand has to be there
}

func (s *formSource) Read(p []byte) (int, error) {
	if s.timeout > 0 && time.Now().After(s.due) {
		return 0, &tako.Error{Status: http.StatusRequestTimeout, Detail: fmt.Sprintf("a part of the form took longer than %v", s.timeout)}
	}
	n, err := s.from.Read(p)
	if s.left < 0 {
		return n, err
	}
	if int64(n) > s.left {
		n = int(s.left)
		err = &tako.Error{Status: http.StatusRequestEntityTooLarge, Detail: "the form is too large", Err: tako.ErrBodyTooLarge}
	}
	s.left -= int64(n)
	return n, err
}

// formError gives what the reader of forms says its status.
func formError(err error) error {
	if syntax, ok := errors.AsType[multipart.SyntaxError](err); ok {
		return &tako.Error{Status: http.StatusBadRequest, Detail: syntax.Error(), Err: err}
	}
	if limit, ok := errors.AsType[*multipart.LimitError](err); ok {
		return &tako.Error{Status: http.StatusRequestEntityTooLarge, Detail: limit.Error(), Err: err}
	}
	return err
}

// tooLargePart is 413 for a part over its limit.
func tooLargePart(p *FormPart) error {
	detail := fmt.Sprintf("is larger than %d bytes", p.max)
	return partError(p, http.StatusRequestEntityTooLarge, tako.FieldError{Detail: detail, Rule: "maxSize"})
}

// wrongMedia is 415 for a file whose type is not allowed.
func wrongMedia(p *FormPart, accept []string) error {
	return partError(p, http.StatusUnsupportedMediaType, tako.FieldError{Rule: "accept", Value: p.ContentType(),
		Detail: fmt.Sprintf("has media type %q, %s is expected", p.ContentType(), strings.Join(accept, " or "))})
}

func partError(p *FormPart, status int, field tako.FieldError) error {
	field.In, field.Name = "form", p.Name()
	return &tako.Error{Status: status, Detail: "form field " + field.Name + " " + field.Detail, Fields: []tako.FieldError{field}}
}

// acceptsMedia reports whether a Content-Type is among patterns such as image/png,
// image/* and */*. Parameters do not count. An empty list has them all.
func acceptsMedia(patterns []string, contentType string) bool {
	if len(patterns) == 0 {
		return true
	}
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.Trim(media, " \t"))
	kind, sub, ok := strings.Cut(media, "/")
	if !ok || kind == "" || sub == "" {
		return false
	}
	for _, pattern := range patterns {
		if pattern = strings.ToLower(pattern); pattern == media || pattern == kind+"/*" || pattern == "*/*" {
			return true
		}
	}
	return false
}
