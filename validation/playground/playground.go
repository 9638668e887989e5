// Package playground checks inputs by the validate tags of go-playground/validator,
// for services that have them already:
//
//	r.Validator(playground.New(validator.New()))
//
// New code is better served by the tags that [tako.CheckValue] knows, since documents
// tell them too.
package playground

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/go-playground/validator/v10"

	"github.com/tako-go/tako"
)

// New returns a check for [tako.Router.Validator] that runs v over structs. What it
// finds is answered 422, with a [tako.FieldError] for each failure: parameters by their
// name, members of a body by a JSON pointer. The rule is the tag that failed. The value
// is shown unless it may be a secret: a header field, a cookie, or a field with the tag
// secret, writeOnly or format:"password". v must not be changed any more,
// and should have been made with validator.WithRequiredStructEnabled.
func New(v *validator.Validate) func(ctx context.Context, value any) error {
	return func(ctx context.Context, value any) error {
		t := reflect.TypeOf(value)
		for t != nil && t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t == nil || t.Kind() != reflect.Struct {
			return nil
		}
		err := v.StructCtx(ctx, value)
		failures, ok := errors.AsType[validator.ValidationErrors](err)
		if !ok {
			return err // nil, or a value that cannot be checked
		}
		e := &tako.Error{Status: http.StatusUnprocessableEntity, Detail: "the input breaks a rule", Err: err}
		for _, f := range failures {
			e.Fields = append(e.Fields, describe(t, f))
		}
		return e
	}
}

func describe(t reflect.Type, f validator.FieldError) tako.FieldError {
	at := locate(t, f.StructNamespace())
	e := tako.FieldError{In: at.in, Name: at.name, Rule: f.Tag(), Detail: "breaks the rule " + f.Tag()}
	if f.Param() != "" {
		e.Detail += "=" + f.Param()
	}
	if f.Tag() == "required" {
		e.Detail = "is required"
	}
	if !at.hidden && scalar(f.Kind()) {
		e.Value = f.Value()
	}
	return e
}

func scalar(k reflect.Kind) bool {
	return k == reflect.String || k >= reflect.Bool && k <= reflect.Float64
}

// place is where a client knows a value by. Its value is hidden if it may be a secret.
type place struct {
	in, name string
	hidden   bool
}

var sources = []string{"path", "query", "header", "cookie", "form"}

// locate follows a namespace such as CreateUser.Body.Tags[0].Name through t. The name of
// the type is left out for one that has none. What cannot be followed is hidden.
func locate(t reflect.Type, namespace string) place {
	rest := namespace
	if t.Name() != "" {
		rest = strings.TrimPrefix(namespace, t.Name()+".")
	}
	if at, ok := follow(t, rest, place{in: "body"}); ok {
		return at
	}
	return place{in: "body", hidden: true}
}

// follow goes through fields, items and members until nothing is left of rest.
func follow(t reflect.Type, rest string, at place) (place, bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case rest == "":
		return at, true
	case rest[0] == '[':
		return followItem(t, rest[1:], at)
	case rest[0] == '.':
		rest = rest[1:]
	}
	if t.Kind() != reflect.Struct {
		return at, false
	}
	for f := range t.Fields() {
		after, ok := strings.CutPrefix(rest, f.Name)
		if !ok || after != "" && after[0] != '.' && after[0] != '[' {
			continue
		}
		return follow(f.Type, after, at.field(f))
	}
	return at, false
}

// followItem goes into a list or map. The key of a map may have any character in it, so
// each end that is possible is tried.
func followItem(t reflect.Type, rest string, at place) (place, bool) {
	if t.Kind() != reflect.Slice && t.Kind() != reflect.Array && t.Kind() != reflect.Map {
		return at, false
	}
	for i := range len(rest) {
		if rest[i] != ']' {
			continue
		}
		inner := at
		inner.name += "/" + escape(rest[:i])
		if found, ok := follow(t.Elem(), rest[i+1:], inner); ok {
			return found, true
		}
	}
	return at, false
}

// field goes into one field.
func (at place) field(f reflect.StructField) place {
	at.hidden = at.hidden || f.Tag.Get("secret") == "true" || f.Tag.Get("writeOnly") == "true" || f.Tag.Get("format") == "password"
	for _, source := range sources {
		if name := f.Tag.Get(source); name != "" {
			at.in, at.name = source, name
			at.hidden = at.hidden || source == "header" || source == "cookie" // they carry credentials
			return at
		}
	}
	if f.Anonymous || at.in == "body" && at.name == "" && (f.Name == "Body" || f.Name == "Value") && f.Tag.Get("json") == "" {
		return at
	}
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" {
		name = f.Name
	}
	at.name += "/" + escape(name)
	return at
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// escape writes a reference token of a JSON pointer (RFC 6901, section 3).
func escape(s string) string { return pointerEscapes.Replace(s) }
