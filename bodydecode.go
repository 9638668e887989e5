package tako

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	"github.com/tako-go/tako/internal/ascii"
)

func (f *inputField) decodeBody(c *Context, p unsafe.Pointer) error {
	if f.optional && c.ex.ContentLength() == 0 {
		return nil
	}
	v := reflect.NewAt(f.typ, p).Interface()
	contentType := c.ex.RequestHeader("Content-Type")
	media := "application/json"
	if contentType != media {
		media = ascii.MediaType(contentType)
	}
	codec := c.scopeOf().codecFor(media)
	if codec == nil {
		return c.unsupportedMedia(contentType)
	}
	err := c.decodeWith(codec, v, nil) // Router.Validator gets the whole input
	if e, ok := err.(*Error); ok && f.optional && e.Err == ErrAbsent {
		return nil
	}
	return err
}

// bodies pools the memory that bodies are read into before they are decoded.
var bodies = sync.Pool{New: func() any {
	b := make([]byte, 0, 1024)
	return &b
}}

// decodeWith decodes the request body into v, a pointer, and checks it.
func (c *Context) decodeWith(codec Codec, v any, validator func(context.Context, any) error) error {
	if err := c.CheckCoding(); err != nil {
		return err
	}
	buf := bodies.Get().(*[]byte)
	body, err := c.appendBody((*buf)[:0])
	switch {
	case err != nil:
	case len(body) == 0 && !acceptsEmpty(codec):
		err = &Error{Status: http.StatusBadRequest, Detail: "the request body is missing", Err: ErrAbsent}
	default:
		err = decodeBytes(codec, body, v)
	}
	if err == nil {
		err = c.checks().check(c, v, jsonOf(codec, body), validator)
	}
	if cap(body) <= keptBuffer {
		*buf = body
		bodies.Put(buf)
	}
	return err
}

func decodeBytes(codec Codec, body []byte, v any) error {
	err := codec.Decode(body, v)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{Status: http.StatusBadRequest, Detail: err.Error(), Err: err}
}

// acceptsEmpty reports a format in which nothing at all is a value, as Protobuf.
func acceptsEmpty(codec Codec) bool {
	e, ok := codec.(interface{ AcceptsEmpty() bool })
	return ok && e.AcceptsEmpty()
}

// jsonOf returns what the checks may read of a body: the JSON, the null of a format that has
// one, or nil.
func jsonOf(codec Codec, body []byte) []byte {
	if speaksJSON(codec) {
		return body
	}
	if n, ok := codec.(interface{ IsNull([]byte) bool }); ok && n.IsNull(body) {
		return []byte("null")
	}
	return nil
}

func speaksJSON(codec Codec) bool { return codec.MediaTypes()[0] == jsonTypes[0] }

// unsupportedMedia is 415 with the types that would do (RFC 9110, section 15.5.16).
func (c *Context) unsupportedMedia(contentType string) error {
	var types []string
	if s := c.scopeOf(); s != nil {
		for _, codec := range s.codecs {
			types = append(types, codec.MediaTypes()[0])
		}
	}
	types = append(types, "application/json")
	e := Errorf(http.StatusUnsupportedMediaType, "the body has media type %.80q, %s is expected", contentType, strings.Join(types, " or "))
	if contentType == "" {
		e.Detail = fmt.Sprintf("the request has no Content-Type, %s is expected", strings.Join(types, " or "))
	}
	if contentType == "" && c.ex.ContentLength() == 0 {
		return &Error{Status: http.StatusBadRequest, Detail: "the request body is missing", Err: ErrAbsent}
	}
	return e.With("Accept", strings.Join(types, ", "))
}

// CheckCoding refuses, with 415, a request body with a content coding; middleware
// that decodes bodies removes the field (RFC 9110, section 12.5.3). With 400 it refuses
// one that has several types: recipients differ in which they take (RFC 9110, section 8.3).
// Extractors of bodies call it.
func (c *Context) CheckCoding() error {
	c.live()
	if c.ex.RequestHeaderRepeats("Content-Type") {
		return BadRequest("the request has several Content-Type fields")
	}
	if c.ex.RequestHeader("Content-Encoding") == "" {
		return nil
	}
	coding := strings.Join(headerValues(c.ex, "Content-Encoding"), ", ")
	if strings.EqualFold(coding, "identity") {
		return nil
	}
	return Errorf(http.StatusUnsupportedMediaType, "the body has the coding %.40q, which is not supported", coding).With("Accept-Encoding", "identity")
}
