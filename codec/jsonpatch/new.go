package jsonpatch

import (
	"encoding/json"
	"fmt"
)

// Merge returns a JSON Merge Patch for a client to send: v as JSON, where null
// removes a member.
func Merge[T any](v any) (Patch[T], error) {
	text, err := json.Marshal(v)
	return Patch[T]{merge: text}, err
}

// Operations returns a JSON Patch for a client to send; v is encoded as JSON and
// has to be a list of operations.
func Operations[T any](v any) (Patch[T], error) {
	text, err := json.Marshal(v)
	if err != nil {
		return Patch[T]{}, err
	}
	list, err := operations(text)
	if err != nil {
		return Patch[T]{}, fmt.Errorf("jsonpatch: %w", err)
	}
	return Patch[T]{list: text, operations: list}, nil
}
