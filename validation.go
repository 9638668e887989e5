package tako

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"github.com/tako-go/tako/internal/schema"
)

// checks holds the compiled rules of types, with the formats of one place. It is
// used by many goroutines at once.
type checks struct {
	schemas   schema.Compiler
	validator func(context.Context, any) error
	values    sync.Map // reflect.Type -> *valueCheck
	texts     sync.Map // reflect.Type -> *schema.Schema
	plans     sync.Map // planKey -> *input
}

// plainChecks is for places that know no formats of their own.
var plainChecks = new(checks)

func newChecks(formats map[string]func(string) error, validator func(context.Context, any) error) *checks {
	if len(formats) == 0 && validator == nil {
		return plainChecks
	}
	return &checks{schemas: schema.Compiler{Formats: formats}, validator: validator}
}

func (c *Context) checks() *checks {
	if s := c.scopeOf(); s != nil {
		return s.checks
	}
	return plainChecks
}

// param returns the rules of a parameter, nil if it has none. Mistakes in them
// are reported elsewhere.
func (k *checks) param(t reflect.Type, tag reflect.StructTag) *schema.Schema {
	s, _ := k.schemas.ForText(t, tag)
	if s.TextTrivial() {
		return nil
	}
	return s
}

// text is param for a type without a tag. It makes nothing once it knows the type.
func (k *checks) text(t reflect.Type) *schema.Schema {
	if s, ok := k.texts.Load(t); ok {
		return s.(*schema.Schema)
	}
	s := k.param(t, "")
	k.texts.Store(t, s)
	return s
}

// run checks the value at p and returns what is wrong with it.
func run(c contexter, rules *schema.Schema, p unsafe.Pointer, raw []byte) []schema.Failure {
	if rules.Holds(p, raw) {
		return nil
	}
	return failures(c, rules, p, raw)
}

// failures is apart, since the report is on the heap.
func failures(c contexter, rules *schema.Schema, p unsafe.Pointer, raw []byte) []schema.Failure {
	var report schema.Report
	rules.Check(c.Context(), p, raw, &report)
	return report.Failures
}

// valueCheck is how the values of one type are checked.
type valueCheck struct {
	rules   *schema.Schema    // nil if there are none
	pointer bool              // a pointer to it has a method Validate
	value   bool              // it has that method itself
	mixed   *schema.OwnChecks // those of embedded structs with its own, nil if it embeds none
}

func (k *checks) value(t reflect.Type) *valueCheck {
	if v, ok := k.values.Load(t); ok {
		return v.(*valueCheck)
	}
	v := new(valueCheck)
	if rules, _ := k.schemas.For(t, schema.Whole(t)); !rules.Trivial() {
		v.rules = rules
	}
	v.value = t.Implements(validatorType)
	v.pointer = reflect.PointerTo(t).Implements(validatorType)
	if base := pointedTo(t); base.Kind() == reflect.Struct {
		own := schema.OwnChecksOf(base, nil)
		if own == nil {
			v.value, v.pointer = false, false // promoted from a member, which has been asked
		}
		if own.Mixed() {
			v.mixed = own
		}
	}
	k.values.Store(t, v)
	return v
}

// pointedTo returns what t points to, t itself if it is no pointer.
func pointedTo(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// CheckValue checks what v, a pointer to a decoded value, points to: first the
// rules in the tags of its type, all of them; if they are kept, what
// [Router.Validator] has set, and last the method Validate(context.Context) error
// of the value. raw is the JSON it was decoded from, which tells an absent member
// from an empty one, or nil. The error is a 422 that lists each rule that was
// broken. Extractors of bodies call it.
func CheckValue(c *Context, v any, raw []byte) error {
	c.live()
	if at := reflect.ValueOf(v); at.Kind() != reflect.Pointer || at.IsNil() {
		return &Error{Status: http.StatusInternalServerError, Err: fmt.Errorf("tako: CheckValue wants a pointer, not a %T", v)}
	}
	k := c.checks()
	return k.check(c, v, raw, k.validator)
}

// contexter has a context, which may have to be made: a [Context].
type contexter interface{ Context() context.Context }

// fixedContext is one that is there.
type fixedContext struct{ ctx context.Context }

func (f fixedContext) Context() context.Context { return f.ctx }

// Checker is [CheckValue] for what comes when the request is over, such as the messages of an
// upgraded stream. The zero Checker knows the rules in tags and Validate. It may be kept, and
// used by several goroutines.
type Checker struct{ checks *checks }

// Checker returns what values of this route are checked by.
func (c *Context) Checker() Checker {
	c.live()
	return Checker{c.checks()}
}

// Check checks what v points to, as [CheckValue] does.
func (k Checker) Check(ctx context.Context, v any, raw []byte) error {
	if at := reflect.ValueOf(v); at.Kind() != reflect.Pointer || at.IsNil() {
		return &Error{Status: http.StatusInternalServerError, Err: fmt.Errorf("tako: Check wants a pointer, not a %T", v)}
	}
	if k.checks == nil {
		k.checks = plainChecks
	}
	return k.checks.check(fixedContext{ctx}, v, raw, k.checks.validator)
}

// CheckOwn is [CheckValue] without the rules in tags, for extractors that have looked at
// each field with [CheckParam].
func CheckOwn(c *Context, v any) error {
	c.live()
	if at := reflect.ValueOf(v); at.Kind() != reflect.Pointer || at.IsNil() {
		return &Error{Status: http.StatusInternalServerError, Err: fmt.Errorf("tako: CheckOwn wants a pointer, not a %T", v)}
	}
	return checkOwn(c, v)
}

func (k *checks) check(c contexter, v any, raw []byte, validator func(context.Context, any) error) error {
	t := reflect.TypeOf(v).Elem()
	check := k.value(t)
	if check.rules != nil {
		failures := run(c, check.rules, (*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1], raw)
		if len(failures) > 0 {
			return invalidBody(failures)
		}
	}
	return check.own(c, v, validator)
}

// checkOwn is CheckValue without the tags.
func checkOwn(c *Context, v any) error {
	k := c.checks()
	return k.value(reflect.TypeOf(v).Elem()).own(c, v, k.validator)
}

func (check *valueCheck) own(c contexter, v any, validate func(context.Context, any) error) error {
	if validate == nil && !check.pointer && !check.value && check.mixed == nil {
		return nil
	}
	at := reflect.ValueOf(v).Elem()
	if at.Kind() == reflect.Pointer && at.IsNil() {
		return nil // JSON null
	}
	if validate != nil {
		if err := unprocessable(validate(c.Context(), v)); err != nil {
			return err
		}
	}
	if check.mixed != nil {
		if at.Kind() == reflect.Pointer {
			at = at.Elem()
		}
		return runMixed(c.Context(), check.mixed, at.Addr().UnsafePointer())
	}
	var own validator
	switch {
	case check.pointer:
		own, _ = v.(validator)
	case check.value:
		own, _ = at.Interface().(validator)
	}
	if own == nil {
		return nil
	}
	return unprocessable(own.Validate(c.Context()))
}

// runMixed calls the Validate methods of embedded structs and of the struct at p itself. The
// first error counts.
func runMixed(ctx context.Context, own *schema.OwnChecks, p unsafe.Pointer) error {
	var first error
	own.Run(ctx, p, func(err error) {
		if first == nil {
			first = err
		}
	})
	return unprocessable(first)
}

// checkWhole runs what looks at an input as a whole.
func (in *input) checkWhole(c *Context, self any) error {
	if k := in.checks; k != nil && k.validator != nil {
		if err := unprocessable(k.validator(c.Context(), self)); err != nil {
			return err
		}
	}
	return in.validate(c, self)
}

func (in *input) validate(c *Context, self any) error {
	if in.mixed != nil {
		return runMixed(c.Context(), in.mixed, reflect.ValueOf(self).UnsafePointer())
	}
	if !in.validates {
		return nil
	}
	return unprocessable(self.(validator).Validate(c.Context()))
}

// unprocessable is 422 for an error without a status, whose text is for the client.
func unprocessable(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if !errors.Is(err, ErrAbsent) {
			return err
		}
		present := *e // what a check misses is not the input itself
		present.Err = opaque{e.Err}
		return &present
	}
	var has interface{ HTTPStatus() int }
	if errors.As(err, &has) || outage(err) {
		return opaque{err}
	}
	return &Error{Status: http.StatusUnprocessableEntity, Detail: err.Error(), Err: opaque{err}}
}

// outage reports an error of the system that a check asked, which is no fault of the
// input and no text for clients.
func outage(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var asked *url.Error
	var path *fs.PathError
	var errno syscall.Errno
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &op) || errors.As(err, &dns) || errors.As(err, &asked) && asked.Op != "parse" ||
		errors.As(err, &path) || errors.As(err, &errno)
}

// opaque hides that an error is ErrAbsent, and nothing else.
type opaque struct{ err error }

func (o opaque) Error() string {
	if o.err == nil {
		return "invalid"
	}
	return o.err.Error()
}

func (o opaque) Is(target error) bool { return target != ErrAbsent && errors.Is(o.err, target) }
func (o opaque) As(target any) bool   { return o.err != nil && errors.As(o.err, target) }

// CheckParam checks what p, a pointer, points to: a parameter called name that was read
// as text, by the rules in the tag of its field. It returns what is wrong, with in as the
// place it came from. Extractors of parameters and form fields call it for each that is
// there, and put all they get into one [Error] of status 422. The error is that of a
// method Validate whose status is another, to be returned as it is.
func CheckParam(c *Context, in, name string, tag reflect.StructTag, p any) ([]FieldError, error) {
	c.live()
	t := reflect.TypeOf(p).Elem()
	f := inputField{in: in, name: name, check: c.checks().param(t, tag)}
	if f.check == nil {
		return nil, nil
	}
	var bad []FieldError
	err := f.checkAt(c, (*[2]unsafe.Pointer)(unsafe.Pointer(&p))[1], &bad)
	return bad, err
}

// checkAt notes the rules that the parameter at p breaks, and what its own Validate says.
// An error is for a Validate that has another status than 422.
func (f *inputField) checkAt(c *Context, p unsafe.Pointer, bad *[]FieldError) error {
	if f.check.HoldsText(p) {
		return nil
	}
	for _, failure := range textFailures(c, f.check, p) {
		if err := statusOf(failure); err != nil {
			return err
		}
		e := FieldError{In: f.in, Name: f.name, Detail: failure.Detail, Rule: failure.Rule}
		if failure.Pointer != "" {
			e.Detail = "item " + failure.Pointer[1:] + " " + e.Detail
		}
		if !f.secret() {
			e.Value = failure.Value
		}
		*bad = append(*bad, e)
	}
	return nil
}

// textFailures is failures for what was read from text.
func textFailures(c *Context, rules *schema.Schema, p unsafe.Pointer) []schema.Failure {
	var report schema.Report
	rules.CheckText(c.Context(), p, &report)
	return report.Failures
}

// statusOf returns the error of a Validate that has another status than 422.
func statusOf(f schema.Failure) error {
	if f.Err == nil {
		return nil
	}
	if err := unprocessable(f.Err); AsError(err).Status != http.StatusUnprocessableEntity {
		return err
	}
	return nil
}

// secret reports whether the value must not be shown, whatever its tags say.
func (f *inputField) secret() bool { return f.in == "cookie" || f.in == "header" && secretName(f.name) }

// secretName reports header fields that carry credentials, or are likely to.
func secretName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "cookie", "token", "key", "secret", "passw", "session", "signature"},
		func(part string) bool { return strings.Contains(name, part) })
}

// invalidBody is 422, or the status of a nested Validate that has one.
func invalidBody(failures []schema.Failure) error {
	bad := make([]FieldError, len(failures))
	for i, f := range failures {
		if err := statusOf(f); err != nil {
			return err
		}
		bad[i] = FieldError{In: "body", Name: f.Pointer, Detail: f.Detail, Rule: f.Rule, Value: f.Value}
	}
	return invalid(bad)
}

// badInput is 400 for values that do not parse.
func badInput(bad []FieldError) error {
	return &Error{Status: http.StatusBadRequest, Detail: summary(bad), Fields: bad}
}

// invalid is 422 for values that break rules, nil if there are none.
func invalid(bad []FieldError) error {
	if len(bad) == 0 {
		return nil
	}
	return &Error{Status: http.StatusUnprocessableEntity, Detail: summary(bad), Fields: bad}
}

// rulesOnly returns what an error says if it is no more than rules that are broken.
func rulesOnly(err error) []FieldError {
	if e, ok := err.(*Error); ok && e.Status == http.StatusUnprocessableEntity && e.Err == nil {
		return e.Fields
	}
	return nil
}

// joinInvalid puts the rules that parameters break in front of those that the
// body breaks. Any other failure of the body goes first.
func joinInvalid(bad []FieldError, err error) error {
	e, ok := errors.AsType[*Error](err)
	if len(bad) == 0 || !ok || e.Status != http.StatusUnprocessableEntity || len(e.Fields) == 0 {
		return err
	}
	joined := *e
	joined.Fields = append(bad, e.Fields...)
	joined.Detail = summary(joined.Fields)
	return &joined
}

// summary says the first of several things that are wrong.
func summary(bad []FieldError) string {
	first := bad[0]
	text := first.In + " parameter " + first.Name + " " + first.Detail
	switch {
	case first.In == "body" && first.Name == "":
		text = "the body " + first.Detail
	case first.In == "body":
		text = first.Name + " of the body " + first.Detail
	case first.In == "form":
		text = "form field " + first.Name + " " + first.Detail
	}
	if n := len(bad) - 1; n > 0 {
		text += " (and " + strconv.Itoa(n) + " more)"
	}
	return text
}
