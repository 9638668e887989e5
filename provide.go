package tako

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// provider is a registered Provide or Override.
type provider struct {
	where string
	typ   reflect.Type
	in    *input
	op    *Operation // describes the input
	run   func(c *Context, in *input) (any, error)
	set   func(to unsafe.Pointer, from any)
}

// provided is a provider at one place of the built router.
type provided struct {
	*provider
	scope   *scope
	slot    int
	bound   *input
	binding bool
}

// Provide makes a value of type T for each request that needs one in r's routes:
// the signed-in user, a tenant, a transaction. Typed handlers take it as a field
// of type T, raw ones by [Provided]. fn has an input like that of a typed handler,
// without a body, which may need other provided values. It is called at most once
// a request; an error ends the request.
func Provide[I, T any](r *Router, fn func(context.Context, I) (T, error)) {
	where := callSite()
	if fn == nil {
		r.log.add(where, "provider of %v is nil: give a function", reflect.TypeFor[T]())
		return
	}
	p := newProvider[I, T](r, where, fn)
	for _, other := range r.provides {
		if other.typ == p.typ {
			r.log.add(where, "type %v is provided twice, the other at %s: keep one, or provide it in a group of its own", p.typ, other.where)
		}
	}
	r.provides = append(r.provides, p)
}

// Override replaces, for tests, whatever provides T in r and all below it.
func Override[T any](r *Router, fn func(context.Context) (T, error)) {
	where := callSite()
	if fn == nil {
		r.log.add(where, "override of %v is nil: give a function", reflect.TypeFor[T]())
		return
	}
	r.overrides = append(r.overrides, newProvider[struct{}, T](r, where, func(ctx context.Context, _ struct{}) (T, error) { return fn(ctx) }))
}

func newProvider[I, T any](r *Router, where string, fn func(context.Context, I) (T, error)) *provider {
	r.log.changing(where)
	t := reflect.TypeFor[T]()
	p := &provider{where: where, typ: t, op: &Operation{Method: "provide", Pattern: " " + t.String(), Location: where}}
	p.in = compileInput(p.op, r.log, reflect.TypeFor[I]())
	if len(p.op.bodies) > 0 {
		r.log.add(where, "the provider of %v reads the request body, which belongs to the handler", t)
	}
	if extracts(t) || t == contextType {
		r.log.add(where, "type %v cannot be provided, it is filled in its own way", t)
	}
	p.set = func(to unsafe.Pointer, from any) { *(*T)(to) = *from.(*T) }
	p.run = func(c *Context, in *input) (any, error) {
		var input I
		base := unsafe.Pointer(&input)
		in.setDefaults(base)
		if err := in.decode(c, base, &input); err != nil {
			return nil, err
		}
		v, err := fn(c.Context(), input)
		return &v, err
	}
	return p
}

func (t *table) newProvided(p *provider, s *scope) *provided {
	t.slots++
	at := &provided{provider: p, scope: s, slot: t.slots - 1}
	t.provided = append(t.provided, at)
	return at
}

// bindProviders completes the providers once all scopes are known.
func (t *table) bindProviders() {
	for _, p := range t.provided {
		t.bindProvided(p, nil)
	}
}

func (t *table) bindProvided(p *provided, path []string) {
	path = append(path, p.typ.String())
	if p.binding {
		t.mistake(p.where, "provided values need each other: %s: take one out of the circle", strings.Join(path, " -> "))
		return
	}
	if p.bound != nil {
		return
	}
	p.binding = true
	defer func() { p.binding = false }()
	parts, _ := parsePattern(p.scope.prefix + "/")
	r := &route{op: p.op, scope: p.scope, parts: parts, params: p.scope.params}
	for _, in := range p.op.Inputs {
		if in.In == "path" && in.Name != soleParam && !slices.Contains(r.params, in.Name) {
			t.mistake(p.where, "the provider of %v reads path parameter %q, which the prefix %q of its group does not have", p.typ, in.Name, p.scope.prefix)
		}
	}
	for _, need := range p.op.needs {
		if _, ok := p.scope.supplies[need]; !ok {
			t.mistake(p.where, "the provider of %v needs a supplied value of type %v: call tako.Supply on the router or a group around it", p.typ, need)
		}
	}
	if p.bound = p.in.bind(t, r); p.bound == nil {
		return
	}
	for i := range p.bound.fields {
		if f := &p.bound.fields[i]; f.source == fromProvider {
			t.bindProvided(f.provided, path)
		}
	}
}

// value returns the request's value as a pointer, made on first use.
func (p *provided) value(c *Context) (any, error) {
	for len(c.provided) <= p.slot {
		c.provided = append(c.provided, nil)
	}
	switch v := c.provided[p.slot].(type) {
	case nil:
	case provideFailure:
		return nil, v.err
	default:
		return v, nil
	}
	v, err := p.run(c, p.bound)
	if err != nil {
		c.provided[p.slot] = provideFailure{err}
		return nil, err
	}
	c.provided[p.slot] = v
	return v, nil
}

// provideFailure stands in the slot of a value that could not be made.
type provideFailure struct{ err error }

func (p *provided) copyTo(c *Context, to unsafe.Pointer) error {
	v, err := p.value(c)
	if err == nil {
		p.set(to, v)
	}
	return err
}

// Provided returns the request's value of type T, for raw handlers and
// middleware. Where nobody provides one, that is a 500.
func Provided[T any](c *Context) (T, error) {
	c.live()
	var zero T
	t := reflect.TypeFor[T]()
	s := c.scopeOf()
	var p *provided
	if s != nil {
		p = s.provider(t)
	}
	if p == nil {
		return zero, &Error{Status: http.StatusInternalServerError, Err: errors.Join(ErrAbsent, fmt.Errorf("nobody provides %v here", t))}
	}
	v, err := p.value(c)
	if err != nil {
		return zero, err
	}
	return *v.(*T), nil
}
