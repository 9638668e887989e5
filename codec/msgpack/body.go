package msgpack

import (
	"net/http"
	"reflect"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/codecbody"
)

// Body is a request body in MessagePack. The codec needs not be registered; that of the
// body has the limits of the zero [Codec].
type Body[T any] struct {
	// Value is the decoded body.
	Value T
}

var (
	_ tako.Describer      = (*Body[int])(nil)
	_ tako.RequestEncoder = (*Body[int])(nil)
)

// Extract decodes the body and checks it as [tako.CheckValue] does: 415 for
// another media type or a content coding, 413 over the body limit, 400 for what is
// malformed, 422 for a rule that is broken. Where there is neither a body nor a
// Content-Type, that is 400 and matches [tako.ErrAbsent].
func (b *Body[T]) Extract(c *tako.Context) error { return codecbody.Decode(c, Codec{}, &b.Value) }

// Describe records the body. A T that holds a [tako.Opt] or a [tako.OneOf] is a
// mistake.
func (b *Body[T]) Describe(op *tako.Operation, field string) {
	codecbody.Describe(op, field, reflect.TypeFor[T](), Codec{})
	format.Describe(op, field, reflect.TypeFor[T]())
}

// EncodeRequest makes the value the body of a request.
func (b *Body[T]) EncodeRequest(r *http.Request) error {
	return codecbody.Encode(r, Codec{}, &b.Value)
}
