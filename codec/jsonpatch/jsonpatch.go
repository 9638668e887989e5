// Package jsonpatch reads the bodies of PATCH requests: JSON Merge Patch (RFC
// 7396) and JSON Patch (RFC 6902).
//
//	tako.Patch(r, "/users/{id}", func(ctx context.Context, in struct {
//		ID    int64 `path:"id"`
//		Patch jsonpatch.Patch[User]
//	}) (User, error) {
//		user, err := load(ctx, in.ID)
//		if err != nil {
//			return User{}, err
//		}
//		if err := in.Patch.Apply(ctx, &user); err != nil {
//			return User{}, err
//		}
//		return user, save(ctx, user)
//	})
package jsonpatch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/codecbody"
)

// The media types of patches.
const (
	// MergeType is that of JSON Merge Patch.
	MergeType = "application/merge-patch+json"
	// PatchType is that of JSON Patch.
	PatchType = "application/json-patch+json"
)

var mediaTypes = []string{MergeType, PatchType}

// Patch is the body of a PATCH request that changes a T. It belongs to its
// request: it is applied before the handler returns.
type Patch[T any] struct {
	c          *tako.Context
	merge      json.RawMessage // one of the two
	list       json.RawMessage
	operations []operation // of list
}

var (
	_ tako.Describer      = (*Patch[int])(nil)
	_ tako.RequestEncoder = (*Patch[int])(nil)
)

// Extract reads the body: 415 with Accept-Patch for another media type, 413 over
// the body limit, 400 for what is malformed, names that occur twice among it, and
// for more than [MaxOperations] operations. Where there is neither a body nor a
// Content-Type, that is 400 and matches [tako.ErrAbsent].
func (p *Patch[T]) Extract(c *tako.Context) error {
	body, err := codecbody.Read(c, mediaTypes, "Accept-Patch")
	if err != nil {
		return err
	}
	var text json.RawMessage
	if err := (tako.JSONCodec{}).Decode(body, &text); err != nil {
		return err
	}
	*p = Patch[T]{c: c}
	if ascii.MediaType(c.RequestHeader("Content-Type")) == MergeType {
		p.merge = text
		return nil
	}
	p.list = text
	p.operations, err = operations(text)
	return err
}

// operations reads a JSON Patch.
func operations(text []byte) ([]operation, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil || list == nil {
		return nil, tako.BadRequest("the JSON Patch is no list of operations")
	}
	if len(list) > MaxOperations {
		return nil, tako.BadRequest("the JSON Patch has more than %d operations", MaxOperations)
	}
	read := make([]operation, len(list))
	for i, item := range list {
		var err error
		if read[i], err = readOperation(item); err != nil {
			return nil, &tako.Error{Status: http.StatusBadRequest, Detail: "the JSON Patch has an operation that is malformed",
				Fields: []tako.FieldError{{In: "body", Name: fmt.Sprintf("/%d", i), Detail: err.Error()}}}
		}
	}
	return read, nil
}

// Describe records the body and what applying it may answer.
func (p *Patch[T]) Describe(op *tako.Operation, field string) {
	op.AddBody(field, reflect.TypeFor[T](), mediaTypes...)
	op.AddFailure(http.StatusBadRequest, "the patch is malformed")
	op.AddFailure(http.StatusConflict, "the patch does not fit what it is applied to")
	op.AddFailure(http.StatusRequestEntityTooLarge, "the request body is over the limit of the route")
	op.AddFailure(http.StatusUnsupportedMediaType, "the request body is no patch")
	op.AddFailure(http.StatusUnprocessableEntity, "what the patch makes is not valid")
}

// EncodeRequest makes the patch the body of a request.
func (p *Patch[T]) EncodeRequest(r *http.Request) error {
	switch {
	case p.list != nil:
		codecbody.Set(r, PatchType, p.list)
	case p.merge != nil:
		codecbody.Set(r, MergeType, p.merge)
	default:
		return fmt.Errorf("jsonpatch: the patch is empty")
	}
	return nil
}
