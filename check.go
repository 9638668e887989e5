package tako

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// checkRoute reports what is wrong with a route at its place.
func (t *table) checkRoute(r *route) {
	op := r.op
	where := op.Location
	if op.Method != "" && !ascii.IsToken(op.Method) || op.Method == http.MethodConnect || standardInLowerCase(op.Method) {
		t.mistake(where, "method %q cannot be routed", op.Method)
	}
	if r.timeout < 0 {
		t.mistake(where, "%s: timeout %v is negative", r.label(), r.timeout)
	}
	if r.bodyLimit < NoLimit {
		t.mistake(where, "%s: body limit %d is negative", r.label(), r.bodyLimit)
	}
	if slices.ContainsFunc(op.use, func(mw Middleware) bool { return mw == nil }) {
		t.mistake(where, "%s: middleware is nil", r.label())
	}
	if len(op.bodies) > 1 {
		t.mistake(where, "%s: %s all read the request body, only one can", r.label(), strings.Join(op.bodies, ", "))
	}
	for _, problem := range op.problems {
		t.mistake(where, "%s: %s", r.label(), problem)
	}
	for _, need := range op.needs {
		if _, ok := r.scope.supplies[need]; !ok {
			t.mistake(where, "%s needs a supplied value of type %v: call tako.Supply on the router or a group around it", r.label(), need)
		}
	}
	t.checkParams(r)
	if op.Name == "" {
		return
	}
	if other := t.names[op.Name]; other != nil && other.op != op {
		t.mistake(where, "name %q is taken by %s at %s", op.Name, other.label(), other.op.Location)
	} else if other != nil {
		t.names[op.Name] = &route{op: op} // mounted twice: ambiguous, has no path
	} else {
		t.names[op.Name] = r
	}
}

// standardInLowerCase reports whether a method is meant that no client sends so:
// methods are case-sensitive (RFC 9110, section 9.1).
func standardInLowerCase(method string) bool {
	switch upper := strings.ToUpper(method); upper {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT":
		return method != upper
	}
	return false
}

// checkParams compares the parameters of the pattern with those that a typed
// input declares.
func (t *table) checkParams(r *route) {
	if len(r.params) > maxParams {
		t.mistake(r.op.Location, "%s has %d parameters with its host, at most %d can be had", r.label(), len(r.params), maxParams)
	}
	seen := map[string]bool{}
	for _, name := range r.params {
		if seen[name] {
			t.mistake(r.op.Location, "%s has parameter %q twice", r.label(), name)
		}
		seen[name] = true
	}
	if r.op.typed == nil {
		return
	}
	declared := map[string]bool{}
	for _, p := range r.op.Inputs {
		if p.In != "path" {
			continue
		}
		declared[p.Name] = true
		if !seen[p.Name] {
			t.mistake(r.op.Location, "%s: the input reads path parameter %q, which the pattern does not have", r.label(), p.Name)
		}
	}
	own, err := parsePattern(r.op.Pattern) // parameters of a group's prefix are the group's business
	if err != nil || r.op.allParams {
		return
	}
	for _, p := range own {
		if p.param != "" && !declared[p.param] {
			t.mistake(r.op.Location, "%s: the input does not declare path parameter %q: add a field with the tag `path:%q`", r.label(), p.param, p.param)
		}
	}
}

// Supply makes value available to r's handlers as [State] of type T. The type is
// the one named, so an interface can be supplied: Supply[Store](r, memory).
func Supply[T any](r *Router, value T) {
	where := callSite()
	r.log.changing(where)
	t := reflect.TypeFor[T]()
	if any(value) == nil {
		r.log.add(where, "the supplied value of type %v is nil", t)
	}
	if _, ok := r.supplies[t]; ok {
		r.log.add(where, "a value of type %v is supplied twice", t)
		return
	}
	if r.supplies == nil {
		r.supplies = map[reflect.Type]any{}
	}
	r.supplies[t] = value
}
