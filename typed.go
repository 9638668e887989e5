package tako

import (
	"context"
	"reflect"
	"sync"
	"unsafe"
)

// typedHandler is a handler whose input and output are types. bind makes it a
// Handler for its place in the built router.
type typedHandler interface {
	bind(t *table, r *route) Handler
	plan() *input
}

// Handle registers a typed handler for a method and pattern; the method "" stands
// for every method that has no route of its own.
//
// Each field of the struct I names one source:
//
//	ID    int64           `path:"id"`       // a path parameter
//	Tags  []string        `query:"tag"`     // repeated; the first value for a field that is no list
//	Limit int             `query:"limit" default:"20"`
//	Token string          `header:"X-Token" required:"true"`
//	Theme string          `cookie:"theme"`
//	Body  NewUser                           // the request body, by its Content-Type
//	Page  tako.Query[Page]                  // any Extractor
//	User  Principal                         // a type that a group provides
//	C     *tako.Context
//
// Fields of embedded structs count as fields of I. Anything else, and a parameter
// of the pattern that no field reads, is a mistake that Build reports. Parameters
// may be strings, booleans, numbers, [time.Duration], implementations of
// [encoding.TextUnmarshaler], and lists of and pointers to these; a pointer is nil
// where the parameter is absent. A value that does not parse is answered 400, all
// of them at once.
//
// I may also be an [Extractor] itself, such as JSON[NewUser]. If I, its Body or
// the value of a body extractor has a method Validate(context.Context) error, it
// is called last; its error is answered 422.
//
// The result is encoded by the codec that Accept prefers, JSON by default, with
// status 200. A [Responder] such as [Created] or [NoContent] writes itself. A
// struct with a field Body and fields tagged header sets those fields of the
// response. An error decides every other status.
func Handle[I, O any](r *Router, method, pattern string, fn func(context.Context, I) (O, error), options ...Option) Route[I, O] {
	op := r.register(method, pattern, nil)
	h := &typed[I, O]{fn: fn, in: compileInput(op, r.log, reflect.TypeFor[I]())}
	h.out = compileOutput(op, r.log, reflect.TypeFor[O]())
	op.Output = reflect.TypeFor[O]()
	op.typed = h
	if fn == nil {
		r.log.add(op.Location, "%s: handler is nil: give a function", op)
	}
	op.apply(options)
	return Route[I, O]{op: op, router: r, in: h.in}
}

// Get registers a typed handler for GET; see [Handle].
func Get[I, O any](r *Router, pattern string, fn func(context.Context, I) (O, error), options ...Option) Route[I, O] {
	return Handle(r, "GET", pattern, fn, options...)
}

// Post registers a typed handler for POST; see [Handle].
func Post[I, O any](r *Router, pattern string, fn func(context.Context, I) (O, error), options ...Option) Route[I, O] {
	return Handle(r, "POST", pattern, fn, options...)
}

// Put registers a typed handler for PUT; see [Handle].
func Put[I, O any](r *Router, pattern string, fn func(context.Context, I) (O, error), options ...Option) Route[I, O] {
	return Handle(r, "PUT", pattern, fn, options...)
}

// Patch registers a typed handler for PATCH; see [Handle].
func Patch[I, O any](r *Router, pattern string, fn func(context.Context, I) (O, error), options ...Option) Route[I, O] {
	return Handle(r, "PATCH", pattern, fn, options...)
}

// Delete registers a typed handler for DELETE; see [Handle].
func Delete[I, O any](r *Router, pattern string, fn func(context.Context, I) (O, error), options ...Option) Route[I, O] {
	return Handle(r, "DELETE", pattern, fn, options...)
}

type typed[I, O any] struct {
	fn  func(context.Context, I) (O, error)
	in  *input
	out *output
}

func (h *typed[I, O]) plan() *input { return h.in }

// frame is what one call of a typed handler works on. The handler gets its input
// by value, so the frame can be used again.
type frame[I, O any] struct {
	in  I
	out O
}

func (h *typed[I, O]) bind(t *table, r *route) Handler {
	in := h.in.bind(t, r)
	if h.fn == nil || in == nil {
		return nil
	}
	out, fn := h.out, h.fn
	blank := new(frame[I, O])
	in.setDefaults(unsafe.Pointer(&blank.in))
	pool := sync.Pool{New: func() any {
		f := *blank
		return &f
	}}
	return func(c *Context) error {
		f := pool.Get().(*frame[I, O])
		err := in.decode(c, unsafe.Pointer(&f.in), &f.in)
		if err == nil {
			f.out, err = fn(c.Context(), f.in)
		}
		if err == nil {
			err = out.write(c, &f.out, unsafe.Pointer(&f.out))
		}
		*f = *blank
		pool.Put(f)
		return err
	}
}
