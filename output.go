package tako

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"unsafe"
)

// A Responder is a result that writes itself. Its method may be on the value or
// on the pointer. One that is an [io.Closer] is closed in place of that if the handler has
// written the response itself.
type Responder interface {
	// Respond writes the whole response.
	Respond(c *Context) error
}

// An OutputDescriber is a [Responder] that tells documents what it answers.
// DescribeOutput is called once for each route, on a zero value, before the
// options of the route: what these say about a status replaces it.
type OutputDescriber interface {
	// DescribeOutput calls [Operation.AddResponse] and [Operation.AddFailure].
	DescribeOutput(op *Operation)
}

// output is the compiled plan to write one result type.
type output struct {
	whole answer
	parts *outputParts // nil where the value is the answer itself
}

// answer is how one value becomes a response.
type answer struct {
	typ  reflect.Type
	kind answerKind
}

type answerKind uint8

const (
	encoded  answerKind = iota // by a codec, as the body
	empty                      // struct{}: 204
	responds                   // a Responder
	dynamic                    // a pointer or interface that may hold a Responder
)

var responderType = reflect.TypeFor[Responder]()

// compileOutput makes the plan for t and describes it in op.
func compileOutput(op *Operation, log *mistakes, t reflect.Type) *output {
	out := &output{whole: answerOf(t)}
	switch {
	case !encodable(t) && out.whole.kind == encoded:
		log.add(op.Location, "%s: the result type %v cannot be encoded: return a value, a tako.Stream or a Responder", op, t)
		return out
	case t.Kind() == reflect.Struct && out.whole.kind == encoded:
		out.parts = compileParts(op, log, t)
	}
	if out.parts != nil {
		out.parts.describe(op)
	} else {
		out.whole.describe(op)
	}
	return out
}

func answerOf(t reflect.Type) answer {
	a := answer{typ: t}
	switch {
	case t.Kind() == reflect.Interface, t.Kind() == reflect.Pointer && t.Implements(responderType):
		a.kind = dynamic
	case reflect.PointerTo(t).Implements(responderType):
		a.kind = responds
	case t.Kind() == reflect.Struct && t.NumField() == 0:
		a.kind = empty
	}
	return a
}

func encodable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return false
	}
	return true
}

// describe records what the value answers. A Responder that does not tell is left
// to the options of the route.
func (a answer) describe(op *Operation) {
	t := a.typ
	if a.kind == dynamic && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	describer, ok := reflect.New(t).Interface().(OutputDescriber)
	switch {
	case ok:
		describer.DescribeOutput(op)
	case a.kind == empty:
		op.AddResponse(Response{Status: http.StatusNoContent})
	case a.kind == encoded, a.kind == dynamic && !a.typ.Implements(responderType):
		op.AddResponse(Response{Status: http.StatusOK, Type: a.typ})
	}
}

// write answers with the result at base; self is a pointer to it.
func (out *output) write(c *Context, self any, base unsafe.Pointer) error {
	switch {
	case c.opened: // the handler wrote the response through its *Context
		if unused, ok := self.(io.Closer); ok {
			return unused.Close()
		}
		return nil
	case out.parts != nil:
		return out.parts.write(c, base)
	}
	return out.whole.write(c, http.StatusOK, self)
}

// write answers with the value that self points to; status is for those that are
// encoded.
func (a answer) write(c *Context, status int, self any) error {
	switch a.kind {
	case responds:
		return self.(Responder).Respond(c)
	case dynamic:
		return a.writeDynamic(c, status, self)
	case empty:
		return c.NoContent()
	}
	return c.encodeResult(status, self)
}

// encodeResult is Encode for what v, a pointer, points to. A list or map that is nil is
// an empty one to clients, not null, as the document says.
func (c *Context) encodeResult(status int, v any) error {
	switch at := reflect.ValueOf(v).Elem(); at.Kind() {
	case reflect.Slice:
		if at.IsNil() && at.Type().Elem().Kind() != reflect.Uint8 {
			at.Set(reflect.MakeSlice(at.Type(), 0, 0))
		}
	case reflect.Map:
		if at.IsNil() {
			at.Set(reflect.MakeMap(at.Type()))
		}
	}
	return c.Encode(status, v)
}

// writeDynamic looks at what the pointer or interface holds.
func (a answer) writeDynamic(c *Context, status int, self any) error {
	v := reflect.ValueOf(self).Elem()
	if v.IsNil() {
		if a.typ.Implements(responderType) {
			return &Error{Status: http.StatusInternalServerError, Err: fmt.Errorf("handler returned a nil %v", a.typ)}
		}
		return c.Encode(status, self)
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
	return c.Encode(status, self)
}

// Encode answers with v in the media type that Accept prefers among the codecs of
// the route's groups and JSON: q=0 refuses one, a specific range beats a wildcard,
// and the first of equals is taken. If none of them is acceptable the first that
// is not refused by its name is used all the same, else the first, rather than a 406, as
// RFC 9110, section 12.4.1, allows. Where there is a choice, Vary names Accept. If v
// cannot be encoded nothing was sent.
func (c *Context) Encode(status int, v any) error {
	c.live()
	s := c.scopeOf()
	if s == nil || len(s.codecs) == 0 {
		return c.JSON(status, v)
	}
	media, codec := s.offers[0], s.encoders[0]
	if len(s.offers) > 1 {
		best := slices.Index(s.offers, c.Accepts(s.offers...))
		if best < 0 {
			best = slices.IndexFunc(s.offers, func(offer string) bool { return !c.refusesByName(offer) })
		}
		if best > 0 {
			media, codec = s.offers[best], s.encoders[best]
		}
		c.header.AddVary("Accept")
	}
	e := encoders.Get().(*jsonEncoder)
	defer e.release()
	if err := codec.Encode(&e.buf, v); err != nil {
		return fmt.Errorf("encode response: %w", err)
	}
	return c.respond(status, media, e.buf.Bytes())
}

// offer finds out what the codecs of s encode to, and which does.
func (s *scope) offer() {
	s.offers, s.encoders = nil, nil
	for _, codec := range append(slices.Clone(s.codecs), JSONCodec{}) {
		if media := codec.MediaTypes()[0]; !slices.Contains(s.offers, media) {
			s.offers, s.encoders = append(s.offers, media), append(s.encoders, s.codecFor(media))
		}
	}
}

// negotiates reports whether Encode has a choice of media types.
func (c *Context) negotiates() bool {
	s := c.scopeOf()
	return s != nil && len(s.offers) > 1
}
