package tako

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"unsafe"
)

// Query is the query of the request as a struct whose fields have query tags; a
// field without a tag is a mistake. See [Handle] for the types and tags that can
// be used. An absent query leaves all fields at their defaults.
type Query[T any] struct {
	// Value is the decoded query.
	Value T
}

// Extract decodes the query: 400 for values that do not parse, broken escapes and
// too many parameters.
func (q *Query[T]) Extract(c *Context) error {
	return extractParams(c, "query", unsafe.Pointer(&q.Value), &q.Value, reflect.TypeFor[T]())
}

// Describe records the parameters.
func (q *Query[T]) Describe(op *Operation, field string) {
	describeParams(op, "query", field, reflect.TypeFor[T]())
}

// Path is the path parameters as a struct whose fields have path tags, or, if the
// pattern has one parameter, as a single value such as Path[int64].
type Path[T any] struct {
	// Value is the decoded parameters.
	Value T
}

// Extract decodes the parameters; 400 for values that do not parse, 422 for those that
// their rules or their Validate refuse.
func (p *Path[T]) Extract(c *Context) error {
	t := reflect.TypeFor[T]()
	parse := parserFor(t)
	if parse == nil {
		return extractParams(c, "path", unsafe.Pointer(&p.Value), &p.Value, t)
	}
	if c.route == nil || len(c.route.params) != 1 {
		return &Error{Status: http.StatusInternalServerError, Err: fmt.Errorf("tako: pattern %q does not have one parameter", c.Pattern())}
	}
	f := inputField{in: "path", name: c.route.params[0], parse: parse, check: c.checks().text(t)}
	var bad []FieldError
	value, ok := unescapeSegment(c.params[0])
	if f.set(unsafe.Pointer(&p.Value), value, ok, &bad); len(bad) > 0 {
		return badInput(bad)
	}
	if f.check == nil {
		return nil
	}
	if err := f.checkAt(c, unsafe.Pointer(&p.Value), &bad); err != nil {
		return err
	}
	return invalid(bad)
}

// Describe records the parameters.
func (p *Path[T]) Describe(op *Operation, field string) {
	if t := reflect.TypeFor[T](); parserFor(t) == nil {
		describeParams(op, "path", field, t)
		return
	}
	op.AddParam(Param{In: "path", Name: soleParam, Type: reflect.TypeFor[T](), Required: true})
	op.TakesAllParams()
}

// planKey names the compiled plan of a parameter struct.
type planKey struct {
	in  string
	typ reflect.Type
}

// planFor compiles a struct whose fields all come from one source.
func (k *checks) planFor(source string, t reflect.Type) (*input, error) {
	if plan, ok := k.plans.Load(planKey{source, t}); ok {
		return plan.(*input), nil
	}
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%v is no struct with %s tags", t, source)
	}
	op, log := new(Operation), new(mistakes)
	in := &input{typ: t, op: op, checks: k}
	in.addStruct(op, log, t, 0)
	in.arrange()
	for _, f := range in.fields {
		if f.in != source {
			log.add("", "field %v.%s has no %s tag", t, f.field, source)
		}
	}
	if err := log.err(); err != nil {
		return nil, errors.New(log.list[0].Message)
	}
	in.findValidate(t)
	for i := range in.fields {
		in.fields[i].check = k.param(in.fields[i].typ, in.fields[i].tag)
	}
	k.plans.Store(planKey{source, t}, in)
	return in, nil
}

func describeParams(op *Operation, source, field string, t reflect.Type) {
	plan, err := plainChecks.planFor(source, t)
	if err != nil {
		op.problems = append(op.problems, field+": "+err.Error())
		return
	}
	for _, p := range plan.op.Inputs {
		op.AddParam(p)
	}
}

// extractParams fills the struct at base; path parameters are found by name.
func extractParams(c *Context, source string, base unsafe.Pointer, self any, t reflect.Type) error {
	c.live()
	plan, err := c.checks().planFor(source, t)
	if err != nil {
		return &Error{Status: http.StatusInternalServerError, Err: err}
	}
	plan.setDefaults(base)
	if source != "path" {
		return plan.decode(c, base, self)
	}
	var bad []FieldError
	var present fieldSet
	for i := range plan.fields {
		f := &plan.fields[i]
		value, ok := unescapeSegment(c.RawParam(f.name))
		f.set(unsafe.Add(base, f.offset), value, ok, &bad)
		present.add(i)
	}
	if len(bad) > 0 {
		return badInput(bad)
	}
	if err := plan.checkParams(c, base, &present, &bad); err != nil {
		return err
	}
	if len(bad) > 0 {
		return invalid(bad)
	}
	return plan.checkWhole(c, self)
}
