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
)

func (f *inputField) decodeBody(c *Context, p unsafe.Pointer) error {
	if f.body.optional && c.ex.ContentLength() == 0 {
		return nil
	}
	target := reflect.NewAt(f.typ, p).Interface()
	if err := c.decodeBody(target); err != nil || !f.body.validates {
		return err
	}
	if f.body.optional && reflect.NewAt(f.typ, p).Elem().IsNil() {
		return nil
	}
	if v, ok := target.(validator); ok {
		return validate(c, v)
	}
	return validate(c, reflect.NewAt(f.typ, p).Elem().Interface().(validator))
}

func (in *input) validate(c *Context, self any) error {
	if !in.validates {
		return nil
	}
	return validate(c, self.(validator))
}

// validate runs a type's own check: an error without a status is a 422 whose
// text is for the client.
func validate(c *Context, v validator) error {
	err := v.Validate(c.Context())
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	var has interface{ HTTPStatus() int }
	if errors.As(err, &has) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Error{Status: http.StatusUnprocessableEntity, Detail: err.Error(), Err: err}
}

// bodies pools the memory that bodies are read into before they are decoded.
var bodies = sync.Pool{New: func() any {
	b := make([]byte, 0, 1024)
	return &b
}}

// decodeBody decodes the request body into v, a pointer, by its Content-Type.
func (c *Context) decodeBody(v any) error {
	contentType := c.ex.RequestHeader("Content-Type")
	media := "application/json"
	if contentType != media {
		media = mediaType(contentType)
	}
	codec := c.scopeOf().codecFor(media)
	if codec == nil {
		return c.unsupportedMedia(contentType)
	}
	return c.decodeWith(codec, v)
}

func (c *Context) decodeWith(codec Codec, v any) error {
	if err := c.checkCoding(); err != nil {
		return err
	}
	buf := bodies.Get().(*[]byte)
	body, err := c.appendBody((*buf)[:0])
	if err == nil {
		err = codec.Decode(body, v)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				err = &Error{Status: http.StatusBadRequest, Detail: err.Error(), Err: err}
			}
		}
	}
	if cap(body) <= keptBuffer {
		*buf = body
		bodies.Put(buf)
	}
	return err
}

// unsupportedMedia is 415 with the types that would do (RFC 9110, section 15.5.16).
func (c *Context) unsupportedMedia(contentType string) error {
	var types []string
	if s := c.scopeOf(); s != nil {
		for _, codec := range s.codecs {
			types = append(types, codec.MediaTypes()[0])
		}
	}
	types = append(types, "application/json")
	e := Errorf(http.StatusUnsupportedMediaType, "the body has media type %q, %s is expected", contentType, strings.Join(types, " or "))
	if contentType == "" {
		e.Detail = fmt.Sprintf("the request has no Content-Type, %s is expected", strings.Join(types, " or "))
	}
	if contentType == "" && c.ex.ContentLength() == 0 {
		return &Error{Status: http.StatusBadRequest, Detail: "the request body is missing", Err: ErrAbsent}
	}
	return e.With("Accept", strings.Join(types, ", "))
}

// checkCoding refuses a body with a content coding; middleware that decodes
// bodies removes the field (RFC 9110, section 12.5.3).
func (c *Context) checkCoding() error {
	coding := c.ex.RequestHeader("Content-Encoding")
	if coding == "" || strings.EqualFold(coding, "identity") {
		return nil
	}
	return Errorf(http.StatusUnsupportedMediaType, "the body has the coding %q, which is not supported", coding).With("Accept-Encoding", "identity")
}
