package takotest

import (
	"context"

	"github.com/tako-go/tako"
)

// Provide makes r give value to every handler that takes a T, in place of what
// [tako.Provide] registered there or below. It is called before the app is built.
func Provide[T any](r *tako.Router, value T) {
	tako.Override(r, func(context.Context) (T, error) { return value, nil })
}
