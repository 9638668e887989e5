package tako

import (
	"fmt"
	"net/http"
	"reflect"
	"unsafe"
)

// A Responder is a result that writes itself. Its method may be on the value or
// on the pointer.
type Responder interface {
	// Respond writes the whole response.
	Respond(c *Context) error
}

// output is the compiled plan to write one result type.
type output struct {
	typ       reflect.Type
	responder bool
	empty     bool // struct{}: 204
	fields    []outputField
	body      *outputField // the field Body of a struct with header fields
}

type outputField struct {
	name   string
	offset uintptr
	typ    reflect.Type
}

var responderType = reflect.TypeFor[Responder]()

func compileOutput(op *Operation, log *mistakes, t reflect.Type) *output {
	out := &output{typ: t}
	switch {
	case reflect.PointerTo(t).Implements(responderType):
		out.responder = true
	case t.Kind() == reflect.Struct && t.NumField() == 0:
		out.empty = true
	case t.Kind() == reflect.Struct:
		out.addFields(op, log, t)
	case t.Kind() == reflect.Chan, t.Kind() == reflect.Func:
		log.add(op.Location, "%s: the result type %v cannot be encoded", op, t)
	}
	return out
}

// addFields looks for header fields; without one the struct is the body itself.
func (out *output) addFields(op *Operation, log *mistakes, t reflect.Type) {
	var body *outputField
	for f := range t.Fields() {
		if name, ok := f.Tag.Lookup("header"); ok {
			if kind := f.Type.Kind(); !f.IsExported() || formatterFor(f.Type) == nil && (kind != reflect.Slice || formatterFor(f.Type.Elem()) == nil) {
				log.add(op.Location, "%s: field %v.%s cannot be sent as a header field", op, t, f.Name)
				continue
			}
			out.fields = append(out.fields, outputField{canonical(name), f.Offset, f.Type})
		} else if f.Name == "Body" {
			body = &outputField{"Body", f.Offset, f.Type}
		} else if len(out.fields) > 0 {
			log.add(op.Location, "%s: field %v.%s of the result is neither a header field nor Body", op, t, f.Name)
		}
	}
	if len(out.fields) > 0 {
		out.body = body
	}
}

// write answers with the result at base; self is a pointer to it.
func (out *output) write(c *Context, self any, base unsafe.Pointer) error {
	switch {
	case c.opened:
		return nil // the handler wrote the response through its *Context
	case out.responder:
		return self.(Responder).Respond(c)
	case out.empty:
		return c.NoContent()
	case len(out.fields) == 0:
		return c.Encode(http.StatusOK, self)
	}
	for _, f := range out.fields {
		v := reflect.NewAt(f.typ, unsafe.Add(base, f.offset)).Elem()
		if v.Kind() == reflect.Slice && formatterFor(f.typ) == nil {
			for i := range v.Len() {
				c.header.Add(f.name, formatValue(v.Index(i)))
			}
		} else if !v.IsZero() {
			c.header.Set(f.name, formatValue(v))
		}
	}
	if out.body == nil {
		return c.NoContent()
	}
	body := reflect.NewAt(out.body.typ, unsafe.Add(base, out.body.offset)).Interface()
	if r, ok := body.(Responder); ok {
		return r.Respond(c)
	}
	return c.Encode(http.StatusOK, body)
}

// Encode answers with v in the media type that Accept prefers among the codecs of
// the route's groups and JSON. If none of them is acceptable the first is used,
// as RFC 9110, section 12.4.1, allows. If v cannot be encoded nothing was sent.
func (c *Context) Encode(status int, v any) error {
	c.live()
	s := c.scopeOf()
	if s == nil || len(s.codecs) == 0 {
		return c.JSON(status, v)
	}
	offers := make([]string, 0, 4)
	for _, codec := range s.codecs {
		offers = append(offers, codec.MediaTypes()[0])
	}
	offers = append(offers, "application/json")
	media := c.Accepts(offers...)
	if media == "" {
		media = offers[0]
	}
	c.header.AddVary("Accept")
	e := encoders.Get().(*jsonEncoder)
	defer e.release()
	if err := s.codecFor(media).Encode(&e.buf, v); err != nil {
		return fmt.Errorf("encode response: %w", err)
	}
	return c.respond(status, media, e.buf.Bytes())
}
