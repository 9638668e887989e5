package tako

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"unsafe"
)

// decode fills the input at base, which is blank; self is a pointer to it.
func (in *input) decode(c *Context, base unsafe.Pointer, self any) error {
	if in.whole {
		if err := self.(Extractor).Extract(c); err != nil {
			return err
		}
		return in.validate(c, self)
	}
	if in.fresh {
		in.setFresh(base)
	}
	var bad []FieldError
	if in.queries > 0 && c.query != "" {
		if err := in.decodeQuery(c, base, &bad); err != nil {
			return err
		}
	}
	missing := false
	for i := range in.fields {
		f := &in.fields[i]
		p := unsafe.Add(base, f.offset)
		switch f.source {
		case fromPath:
			value, ok := unescapeSegment(c.params[f.index])
			f.set(p, value, ok, &bad)
		case fromQuery:
			if f.required && !c.hasQuery(f.name) {
				bad, missing = append(bad, f.absent()), true
			}
		case fromHeader, fromCookie:
			if !f.decodeHeader(c, p, &bad) && f.required {
				bad, missing = append(bad, f.absent()), true
			}
		}
	}
	if len(bad) > 0 {
		return badInput(bad, missing)
	}
	for i := range in.fields {
		f := &in.fields[i]
		if f.source >= fromBody {
			if err := f.fill(c, unsafe.Add(base, f.offset)); err != nil {
				return err
			}
		}
	}
	return in.validate(c, self)
}

// badInput is 400 for values that do not parse; 422 if all that is wrong is that
// something is missing.
func badInput(bad []FieldError, missing bool) error {
	status := http.StatusBadRequest
	if missing && !hasParseError(bad) {
		status = http.StatusUnprocessableEntity
	}
	detail := bad[0].In + " parameter " + bad[0].Name + " " + bad[0].Detail
	return &Error{Status: status, Detail: detail, Fields: bad}
}

const isRequired = "is required"

func hasParseError(bad []FieldError) bool {
	for _, f := range bad {
		if f.Detail != isRequired {
			return true
		}
	}
	return false
}

func (f *inputField) absent() FieldError {
	return FieldError{In: f.in, Name: f.name, Detail: isRequired}
}

// set parses value into the field at p and notes a failure.
func (f *inputField) set(p unsafe.Pointer, value string, valid bool, bad *[]FieldError) {
	detail := "has a broken escape"
	if valid {
		err := f.parse(p, value)
		if err == nil {
			return
		}
		detail = err.Error()
	}
	*bad = append(*bad, FieldError{In: f.in, Name: f.name, Detail: detail})
}

// add parses value as one more element of the list at p.
func (f *inputField) add(p unsafe.Pointer, value string, valid bool, bad *[]FieldError) {
	elem := reflect.New(f.typ.Elem())
	before := len(*bad)
	if f.set(elem.UnsafePointer(), value, valid, bad); len(*bad) == before {
		list := reflect.NewAt(f.typ, p).Elem()
		list.Set(reflect.Append(list, elem.Elem()))
	}
}

// put parses value into the field at p, which may be a list.
func (f *inputField) put(p unsafe.Pointer, value string, valid bool, bad *[]FieldError) {
	switch {
	case !f.list:
		f.set(p, value, valid, bad)
	case f.typ == stringsType && valid:
		list := (*[]string)(p)
		*list = append(*list, value)
	default:
		f.add(p, value, valid, bad)
	}
}

var stringsType = reflect.TypeFor[[]string]()

// decodeQuery goes over the query once. The first value counts for a field that
// is no list.
func (in *input) decodeQuery(c *Context, base unsafe.Pointer, bad *[]FieldError) error {
	if tooManyPairs(c.query) {
		return errTooManyPairs("query")
	}
	var seen [4]uint64 // fields that have their value; enough for 256
	for k, v := range queryPairs(c.query) {
		key, err := decodePair(k, "query")
		if err != nil {
			return err
		}
		value, err := decodePair(v, "query")
		if err != nil {
			return err
		}
		for i := range in.fields {
			f := &in.fields[i]
			if f.source != fromQuery || f.name != key {
				continue
			}
			bit := uint64(1) << (i & 63)
			if !f.list && seen[i>>6&3]&bit != 0 {
				break
			}
			seen[i>>6&3] |= bit
			f.put(unsafe.Add(base, f.offset), value, true, bad)
			break
		}
	}
	return nil
}

func (c *Context) hasQuery(name string) bool {
	for k := range queryPairs(c.query) {
		if key, _ := unescapeQuery(k); key == name {
			return true
		}
	}
	return false
}

// decodeHeader reads a header or cookie field and reports whether it is there.
func (f *inputField) decodeHeader(c *Context, p unsafe.Pointer, bad *[]FieldError) bool {
	if f.source == fromCookie {
		value, ok := findCookie(c.ex, f.name)
		if ok {
			f.put(p, value, true, bad)
		}
		return ok
	}
	if f.list {
		found := false
		for _, line := range headerValues(c.ex, f.name) {
			for value := range listItems(line) {
				f.put(p, value, true, bad)
				found = true
			}
		}
		return found
	}
	value := c.ex.RequestHeader(f.name)
	if value != "" {
		f.set(p, value, true, bad)
	}
	return value != ""
}

// fill fills a field that is no parameter.
func (f *inputField) fill(c *Context, p unsafe.Pointer) error {
	switch f.source {
	case fromContext:
		*(**Context)(p) = c
	case fromExtractor:
		return reflect.NewAt(f.typ, p).Interface().(Extractor).Extract(c)
	case fromProvider:
		return f.provided.copyTo(c, p)
	case fromBodyFlow:
		*(*io.Reader)(p) = c.Body()
	case fromRawBody:
		body, err := c.ReadBody()
		*(*[]byte)(p) = body
		return err
	case fromBody:
		return f.decodeBody(c, p)
	}
	return nil
}

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
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			err = &Error{Status: http.StatusBadRequest, Detail: err.Error(), Err: err}
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
