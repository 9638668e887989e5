// Package codecbody is what the body extractors of the codec folders have in
// common: a body whose media type is that of one codec.
package codecbody

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
)

// Decode reads the request body into v, a pointer, by codec, and checks it as
// [tako.CheckValue] does. Another media type is 415, as is a content coding; no
// body and no Content-Type is 400 and matches [tako.ErrAbsent]; a body over the
// limit is 413, one that codec refuses 400.
func Decode(c *tako.Context, codec tako.Codec, v any) error {
	body, err := Read(c, codec.MediaTypes(), "Accept")
	if err != nil {
		return err
	}
	if err := codec.Decode(body, v); err != nil {
		if _, ok := errors.AsType[*tako.Error](err); ok {
			return err
		}
		return &tako.Error{Status: http.StatusBadRequest, Detail: err.Error(), Err: err}
	}
	return tako.CheckValue(c, v, null(codec, body))
}

// null returns the null of JSON for a body that stands for it, which JSON's rules are for.
func null(codec tako.Codec, body []byte) []byte {
	if n, ok := codec.(interface{ IsNull([]byte) bool }); ok && n.IsNull(body) {
		return []byte("null")
	}
	return nil
}

// Read returns the body if it has one of the media types, as [tako.Codec] lists
// them. field is the header field that names them in a 415.
func Read(c *tako.Context, types []string, field string) ([]byte, error) {
	contentType := c.RequestHeader("Content-Type")
	if !ascii.HasMedia(types, ascii.MediaType(contentType)) {
		if contentType == "" && c.ContentLength() == 0 {
			return nil, &tako.Error{Status: http.StatusBadRequest, Detail: "the request body is missing", Err: tako.ErrAbsent}
		}
		return nil, unsupported(contentType, types, field)
	}
	if err := c.CheckCoding(); err != nil {
		return nil, err
	}
	return c.ReadBody()
}

func unsupported(contentType string, types []string, field string) error {
	var exact []string
	for _, t := range types {
		if t[0] != '+' {
			exact = append(exact, t)
		}
	}
	expected := strings.Join(exact, " or ")
	e := tako.Errorf(http.StatusUnsupportedMediaType, "the body has media type %.80q, %s is expected", contentType, expected)
	if contentType == "" {
		e.Detail = "the request has no Content-Type, " + expected + " is expected"
	}
	return e.With(field, strings.Join(exact, ", "))
}

// Describe records a body of type t.
func Describe(op *tako.Operation, field string, t reflect.Type, codec tako.Codec) {
	op.AddBody(field, t, codec.MediaTypes()[0])
	op.AddFailure(http.StatusBadRequest, "the request body is malformed")
	op.AddFailure(http.StatusRequestEntityTooLarge, "the request body is over the limit of the route")
	op.AddFailure(http.StatusUnsupportedMediaType, "the request body has another media type")
	op.AddFailure(http.StatusUnprocessableEntity, "the request body breaks a rule of its type")
}

// Encode makes v, a pointer, the body of req.
func Encode(req *http.Request, codec tako.Codec, v any) error {
	var buf bytes.Buffer
	if err := codec.Encode(&buf, v); err != nil {
		return err
	}
	Set(req, codec.MediaTypes()[0], buf.Bytes())
	return nil
}

// Set makes body that of req, which can then be sent more than once.
func Set(req *http.Request, contentType string, body []byte) {
	req.Header.Set("Content-Type", contentType)
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
}

// Malformed is a 400 with the words for the client, and the private cause.
func Malformed(detail string, err error) error {
	return &tako.Error{Status: http.StatusBadRequest, Detail: detail, Err: err}
}
