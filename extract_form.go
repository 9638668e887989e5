package tako

import (
	"fmt"
	"net/http"
	"reflect"
	"unsafe"

	"github.com/tako-go/tako/internal/ascii"
)

// Form is a request body of type application/x-www-form-urlencoded as a struct
// whose fields have form tags; the same types and rules as for queries apply.
type Form[T any] struct {
	// Value is the decoded body.
	Value T
}

const formType = "application/x-www-form-urlencoded"

// Extract decodes the body: 415 for another Content-Type, 413 over the body
// limit, 400 for values that do not parse, broken escapes and too many fields,
// 422 if Validate fails.
func (f *Form[T]) Extract(c *Context) error {
	contentType := c.RequestHeader("Content-Type")
	if ascii.MediaType(contentType) != formType {
		e := Errorf(http.StatusUnsupportedMediaType, "the body has media type %.80q, %s is expected", contentType, formType)
		if contentType == "" && c.ContentLength() == 0 {
			return &Error{Status: http.StatusBadRequest, Detail: "the request body is missing", Err: ErrAbsent}
		}
		return e.With("Accept", formType)
	}
	fields, err := c.checks().formFields(reflect.TypeFor[T]())
	if err != nil {
		return &Error{Status: http.StatusInternalServerError, Err: err}
	}
	if err := c.CheckCoding(); err != nil {
		return err
	}
	body, err := c.ReadBody()
	if err != nil {
		return err
	}
	if err := decodeForm(c, fields, unsafe.Pointer(&f.Value), string(body)); err != nil {
		return err
	}
	return checkOwn(c, &f.Value)
}

// Describe records the body.
func (f *Form[T]) Describe(op *Operation, field string) {
	t := reflect.TypeFor[T]()
	if _, err := plainChecks.formFields(t); err != nil {
		op.AddProblem(field + ": " + err.Error())
	}
	op.AddBody(field, t, formType)
}

// formFields compiles the fields of a form.
func (k *checks) formFields(t reflect.Type) ([]inputField, error) {
	if plan, ok := k.plans.Load(planKey{"form", t}); ok {
		return plan.(*input).fields, nil
	}
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%v is no struct with form tags", t)
	}
	in := &input{typ: t}
	if err := in.addFormFields(t, 0); err != nil {
		return nil, err
	}
	for i := range in.fields {
		in.fields[i].check = k.param(in.fields[i].typ, in.fields[i].tag)
	}
	k.plans.Store(planKey{"form", t}, in)
	return in.fields, nil
}

func (in *input) addFormFields(t reflect.Type, base uintptr) error {
	for f := range t.Fields() {
		name := f.Tag.Get("form")
		if f.Anonymous && f.Type.Kind() == reflect.Struct && name == "" {
			if err := in.addFormFields(f.Type, base+f.Offset); err != nil {
				return err
			}
			continue
		}
		if name == "" || !f.IsExported() {
			return fmt.Errorf("field %v.%s has no form tag", t, f.Name)
		}
		p := inputField{in: "form", name: name, field: f.Name, typ: f.Type, offset: base + f.Offset, tag: f.Tag,
			def: f.Tag.Get("default"), required: f.Tag.Get("required") == "true"}
		elem := f.Type
		if elem.Kind() == reflect.Slice && !implementsText(elem) {
			p.list, elem = true, elem.Elem()
		}
		if p.parse = parserFor(elem); p.parse == nil || p.def != "" && (p.list || elem.Kind() == reflect.Pointer) {
			return fmt.Errorf("field %v.%s cannot be read from a form", t, f.Name)
		}
		if p.def != "" && p.parse(reflect.New(elem).UnsafePointer(), p.def) != nil {
			return fmt.Errorf("field %v.%s has an invalid default", t, f.Name)
		}
		in.fields = append(in.fields, p)
	}
	return nil
}

// decodeForm fills the struct at base; the first value counts for a field that is
// no list.
func decodeForm(c *Context, fields []inputField, base unsafe.Pointer, body string) error {
	values, err := parseValues(body, "form")
	if err != nil {
		return err
	}
	var bad, broken []FieldError
	for i := range fields {
		f := &fields[i]
		p := unsafe.Add(base, f.offset)
		got := values[f.name]
		before := len(bad)
		switch {
		case len(got) == 0 && f.required:
			broken = append(broken, f.absent())
		case len(got) == 0 && f.def != "":
			f.set(p, f.def, true, &bad)
		case len(got) > 0 && !f.list:
			f.set(p, got[0], true, &bad)
		default:
			for _, v := range got {
				f.put(p, v, true, &bad)
			}
		}
		if f.check != nil && len(got) > 0 && len(bad) == before {
			if err := f.checkAt(c, p, &broken); err != nil {
				return err
			}
		}
	}
	if len(bad) > 0 {
		return badInput(append(bad, broken...))
	}
	return invalid(broken)
}
