package schema

import (
	"context"
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// inspector looks at a value and at the JSON it was decoded from, side by side: the
// scanner is at the JSON of the value that is looked at, and behind it afterwards.
type inspector struct {
	scanner
	ctx    context.Context
	report *Report
	found  int // failures so far, kept or not
	// inside says that the root is a pointer or Opt whose own Validate method, if any, is
	// not that of the value in it.
	inside bool
	// compared counts the bytes that uniqueItems has compared: in values that hold
	// themselves it looks at the inner ones again at each level.
	compared int
}

// child is the place of a member or item below at.
func child(at *place, name string, index int) place {
	depth := 1
	if at != nil {
		depth = at.depth + 1
	}
	return place{at, name, index, depth}
}

// fail records a failure at a place.
func (in *inspector) fail(at *place, f Failure) {
	in.found++
	if !in.report.Full() {
		f.Pointer = at.pointer()
		in.report.Failures = append(in.report.Failures, f)
	}
}

// value checks the value of s at p. secret says that it is part of one.
func (in *inspector) value(s *Schema, p unsafe.Pointer, at *place, secret bool) {
	before := in.found
	secret = secret || s.secret
	if in.raw != nil {
		if in.null() {
			switch {
			case !s.null:
				in.fail(at, Failure{Rule: "type", Detail: "must not be null"})
			case s.checks != nil && s.nullIsValue() && (at != nil || in.inside):
				in.validate(s.checks, p, at)
			}
			return
		}
		if s.Trivial() && s.checks == nil {
			in.scanner.value()
			return
		}
	}
	if at != nil && at.depth > maxDepth && !s.kind.scalar() {
		in.fail(at, Failure{Rule: "type", Detail: "is nested too deeply"})
		in.skip()
		return
	}
	switch s.kind {
	case kindPointer:
		in.pointer(s, p, at, secret)
		return
	case kindOpt:
		if *(*State)(unsafe.Add(p, s.opt.state)) != Present {
			in.skip()
			return
		}
		in.inside = in.inside || at == nil
		in.value(s.elem, unsafe.Add(p, s.opt.value), at, secret)
		return
	case kindStruct:
		in.object(s.object, p, at, secret, "")
	case kindUnion:
		in.union(s.union, p, at, secret)
	case kindSlice, kindArray:
		in.items(s, p, at, secret)
	case kindMap:
		in.entries(s, p, at, secret)
	default:
		in.scalar(s, p, at, secret)
	}
	if s.checks != nil && (at != nil || in.inside) && in.found == before {
		in.validate(s.checks, p, at)
	}
}

// skip steps over the JSON of a value.
func (in *inspector) skip() {
	if in.raw != nil {
		in.scanner.value()
	}
}

func (in *inspector) pointer(s *Schema, p unsafe.Pointer, at *place, secret bool) {
	q := *(*unsafe.Pointer)(p)
	if q == nil {
		if in.raw != nil && !s.elem.written.fits(in.scanner.value()) {
			in.fail(at, s.elem.written.failure())
		}
		return
	}
	// A *T has the methods of T: that of a root is for the caller.
	in.inside = in.inside || at == nil && s.elem.checks == nil
	// Pointers to pointers are no level of JSON, but may be a circle in memory.
	in.value(s.elem, q, at, secret)
}

// validate calls the Validate methods of a value.
func (in *inspector) validate(checks *OwnChecks, p unsafe.Pointer, at *place) {
	checks.Run(in.ctx, p, func(err error) {
		in.fail(at, Failure{Rule: "validate", Detail: cutAt(err.Error(), shownError), Err: err})
	})
}

// scalar checks a value that is one token.
func (in *inspector) scalar(s *Schema, p unsafe.Pointer, at *place, secret bool) {
	var raw []byte
	if in.raw != nil {
		raw = in.scanner.value()
	}
	if len(raw) > 0 && (s.kind == kindBytes && raw[0] != '"' || s.kind == kindNumber && raw[0] == '"' && !s.quoted) {
		is := "a string"
		if s.kind == kindNumber {
			is = "a number"
		}
		in.fail(at, Failure{Rule: "type", Detail: "must be " + is})
		return
	}
	if raw != nil && !s.written.fits(raw) {
		in.fail(at, s.written.failure())
		return
	}
	if len(s.rules) == 0 {
		return
	}
	var text string
	if s.kind == kindText {
		text = s.textAt(p, raw)
	}
	for i := range s.rules {
		r := &s.rules[i]
		if s.fits(r, p, text) {
			continue
		}
		f := Failure{Rule: r.keyword, Detail: r.detail}
		if r.accepts != nil {
			if s.kind == kindString {
				text = *(*string)(p)
			}
			if f.Err = r.accepts(text); f.Err != nil {
				f.Detail = cutAt(f.Err.Error(), shownError)
			}
		}
		switch {
		case !secret:
			f.Value = s.shown(p, text)
		case r.op == opEnum: // what it must be is the secret
			f.Detail = "is not a value that is allowed"
		}
		in.fail(at, f)
	}
}

// fits reports whether a scalar keeps a rule; text is that of a kindText.
func (s *Schema) fits(r *rule, p unsafe.Pointer, text string) bool {
	switch s.kind {
	case kindString:
		return r.fitsText(*(*string)(p))
	case kindText:
		return r.fitsText(text)
	case kindInt:
		return r.fitsInt(loadInt(p, s.size))
	case kindUint:
		return r.fitsUint(loadUint(p, s.size))
	case kindFloat:
		return r.fitsFloat(loadFloat(p, s.size), s.size)
	case kindBool:
		return *(*bool)(p) == (r.i == 1)
	case kindBytes:
		return r.fitsLength(encodedLen(p))
	}
	return true
}

// textAt returns the text of a value that reads itself from text: that of the JSON, or
// without JSON the one it writes.
func (s *Schema) textAt(p unsafe.Pointer, raw []byte) string {
	if len(raw) > 0 {
		return strings.Clone(unquote(raw)) // a format may keep it
	}
	switch v := reflect.NewAt(s.typ, p).Interface().(type) {
	case encoding.TextMarshaler:
		text, _ := v.MarshalText()
		return string(text)
	case fmt.Stringer:
		return v.String()
	}
	return ""
}

// shownText is how much of a text failures repeat, in bytes.
const shownText = 128

// shown returns the value at p for a failure.
func (s *Schema) shown(p unsafe.Pointer, text string) any {
	switch s.kind {
	case kindString:
		return cut(*(*string)(p))
	case kindText:
		return cut(text)
	case kindInt:
		return loadInt(p, s.size)
	case kindUint:
		return loadUint(p, s.size)
	case kindFloat:
		if s.size == 4 {
			return *(*float32)(p)
		}
		return *(*float64)(p)
	case kindBool:
		return *(*bool)(p)
	}
	return nil
}

// shownError is how much of an error's text failures repeat, in bytes. It may have the
// value in it.
const shownError = 1024

func cut(s string) string { return cutAt(s, shownText) }

func cutAt(s string, end int) string {
	if len(s) <= end {
		return strings.Clone(s) // it may be a view of the body
	}
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
