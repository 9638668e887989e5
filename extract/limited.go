package extract

import (
	"fmt"
	"net/http"
	"reflect"

	"github.com/tako-go/tako"
)

// ByteLimit is implemented by types that stand for a body limit. The method is
// called on a zero value.
type ByteLimit interface {
	// MaxBytes returns the limit in bytes, [tako.NoLimit] for none.
	MaxBytes() int64
}

// Limited reads a body extractor under a limit of its own, in place of the
// route's:
//
//	type avatarLimit struct{}
//
//	func (avatarLimit) MaxBytes() int64 { return 256 << 10 }
//
//	Picture extract.Limited[extract.Bytes, avatarLimit]
//
// A body over it is 413. It fails with 500 if the body was read before.
type Limited[T any, L ByteLimit] struct {
	// Value is what was read.
	Value T
}

// Extract sets the limit and reads the value.
func (l *Limited[T, L]) Extract(c *tako.Context) error {
	e, ok := any(&l.Value).(tako.Extractor)
	if !ok {
		return misuse("%v is no Extractor", reflect.TypeFor[T]())
	}
	var limit L
	if err := c.LimitBody(limit.MaxBytes()); err != nil {
		return tako.AsError(err)
	}
	return e.Extract(c)
}

// Absent reports whether the value is.
func (l *Limited[T, L]) Absent() bool {
	a, ok := any(&l.Value).(interface{ Absent() bool })
	return ok && a.Absent()
}

// Describe describes the value and its limit.
func (l *Limited[T, L]) Describe(op *tako.Operation, field string) {
	if _, ok := any(&l.Value).(tako.Extractor); !ok {
		op.AddProblem(field + ": " + reflect.TypeFor[T]().String() + " is no Extractor")
	}
	if d, ok := any(&l.Value).(tako.Describer); ok {
		d.Describe(op, field)
	}
	var limit L
	if n := limit.MaxBytes(); n >= 0 {
		op.AddFailure(http.StatusRequestEntityTooLarge, fmt.Sprintf("the request body is over the limit of %d bytes", n))
	}
}

// EncodeRequest writes the value.
func (l *Limited[T, L]) EncodeRequest(req *http.Request) error {
	if e, ok := any(&l.Value).(tako.RequestEncoder); ok {
		return e.EncodeRequest(req)
	}
	return nil
}
