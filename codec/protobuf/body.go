package protobuf

import (
	"fmt"
	"net/http"
	"reflect"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/codecbody"
)

// Body is a request body in Protocol Buffers; T is a pointer to a message, such as
// *pb.User. The codec needs not be registered; that of the body has the limits of
// the zero [Codec].
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

// Describe records the body. A T that is no message is a mistake that Build
// reports.
func (b *Body[T]) Describe(op *tako.Operation, field string) {
	t := reflect.TypeFor[T]()
	if !isMessage(t) {
		op.AddProblem(fmt.Sprintf("%s: %v is no pointer to a Protocol Buffers message", field, t))
	}
	codecbody.Describe(op, field, t, Codec{})
}

// EncodeRequest makes the value the body of a request.
func (b *Body[T]) EncodeRequest(r *http.Request) error {
	return codecbody.Encode(r, Codec{}, &b.Value)
}
