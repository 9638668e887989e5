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
	dynamic   bool // a pointer or interface whose value may be a Responder
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
	case t.Kind() == reflect.Interface, t.Kind() == reflect.Pointer && t.Implements(responderType):
		out.dynamic = true
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
	stray := out.scan(op, log, t, 0)
	switch {
	case len(out.fields) == 0:
		out.body = nil
	case stray != "":
		log.add(op.Location, "%s: field %v.%s of the result is neither a header field nor Body", op, t, stray)
	}
}

// scan goes through the fields of t and of embedded structs, and returns the name
// of one that is neither header field nor Body.
func (out *output) scan(op *Operation, log *mistakes, t reflect.Type, base uintptr) (stray string) {
	for f := range t.Fields() {
		name, tagged := f.Tag.Lookup("header")
		switch {
		case tagged && (!f.IsExported() || !formats(f.Type)):
			log.add(op.Location, "%s: field %v.%s cannot be sent as a header field", op, t, f.Name)
		case tagged:
			out.fields = append(out.fields, outputField{canonical(name), base + f.Offset, f.Type})
		case f.Name == "Body":
			out.body = &outputField{"Body", base + f.Offset, f.Type}
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			if s := out.scan(op, log, f.Type, base+f.Offset); s != "" {
				stray = s
			}
		default:
			stray = f.Name
		}
	}
	return stray
}

// formats reports whether a value of type t, or a list of such, can be a field value.
func formats(t reflect.Type) bool {
	return formatterFor(t) != nil || t.Kind() == reflect.Slice && formatterFor(t.Elem()) != nil
}

// present reports whether a result's field is to be sent: not an empty string, a
// nil pointer or a zero time, but zero and false are values.
func present(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Pointer, reflect.Struct, reflect.Slice:
		return !v.IsZero()
	}
	return true
}

// write answers with the result at base; self is a pointer to it.
func (out *output) write(c *Context, self any, base unsafe.Pointer) error {
	switch {
	case c.opened:
		return nil // the handler wrote the response through its *Context
	case out.responder:
		return self.(Responder).Respond(c)
	case out.dynamic:
		return out.writeDynamic(c, self)
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
		} else if present(v) {
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

// writeDynamic looks at what the pointer or interface holds.
func (out *output) writeDynamic(c *Context, self any) error {
	v := reflect.ValueOf(self).Elem()
	if v.IsNil() {
		if out.typ.Implements(responderType) {
			return &Error{Status: http.StatusInternalServerError, Err: fmt.Errorf("handler returned a nil %v", out.typ)}
		}
		return c.Encode(http.StatusOK, self)
	}
	if r, ok := v.Interface().(Responder); ok {
		return r.Respond(c)
	}
	if v.Kind() == reflect.Interface { // a value whose method is on the pointer
		held := reflect.New(v.Elem().Type())
		held.Elem().Set(v.Elem())
		if r, ok := held.Interface().(Responder); ok {
			return r.Respond(c)
		}
	}
	return c.Encode(http.StatusOK, self)
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
