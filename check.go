package tako

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/schema"
)

// checkRoute reports what is wrong with a route at its place.
func (t *table) checkRoute(r *route) {
	op := r.op
	where := op.Location
	if op.Method != "" && !ascii.IsToken(op.Method) || op.Method == http.MethodConnect || standardInLowerCase(op.Method) {
		t.mistake(where, "method %q cannot be routed: write it as clients send it, in capitals; CONNECT arrives as GET with a protocol to upgrade to", op.Method)
	}
	if r.timeout < 0 {
		t.mistake(where, "%s: timeout %v is negative: 0 stands for none", r.label(), r.timeout)
	}
	if r.bodyLimit < NoLimit {
		t.mistake(where, "%s: body limit %d is negative: tako.NoLimit turns it off", r.label(), r.bodyLimit)
	}
	if slices.ContainsFunc(op.use, func(mw Middleware) bool { return mw == nil }) {
		t.mistake(where, "%s: middleware is nil: leave it out", r.label())
	}
	if len(op.bodies) > 1 {
		t.mistake(where, "%s: %s all read the request body, only one can: keep one, and read the rest from it", r.label(), strings.Join(op.bodies, ", "))
	}
	for _, p := range op.Inputs {
		if p.Type != nil {
			_, problems := r.scope.checks.schemas.ForText(p.Type, p.Tag)
			t.reportTags(r, problems)
		}
	}
	if op.Body != nil {
		_, problems := r.scope.checks.schemas.For(op.Body, schema.Whole(op.Body))
		t.reportTags(r, problems)
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
		t.mistake(where, "name %q is taken by %s at %s: give one of them another", op.Name, other.label(), other.op.Location)
	} else if other != nil {
		t.names[op.Name] = &route{op: op} // mounted twice: ambiguous, has no path
	} else {
		t.names[op.Name] = r
	}
}

// reportTags reports the rules of a type that make no sense.
func (t *table) reportTags(r *route, problems []string) {
	for _, problem := range problems {
		t.mistake(r.op.Location, "%s: %s", r.label(), problem)
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
		if p.Name == soleParam {
			if len(r.params) != 1 {
				t.mistake(r.op.Location, "%s: the input reads the only path parameter, and the pattern has %d: use tako.Path of a struct with a field for each", r.label(), len(r.params))
			}
			continue
		}
		declared[p.Name] = true
		if !seen[p.Name] {
			t.mistake(r.op.Location, "%s: the input reads path parameter %q, which the pattern does not have: add {%s} to it, or take the field out", r.label(), p.Name, p.Name)
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
