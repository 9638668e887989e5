package tako

import (
	"fmt"
	"net/http"
	"reflect"
	"unsafe"
)

// Form is a request body of type application/x-www-form-urlencoded as a struct
// whose fields have form tags; the same types and rules as for queries apply. A
// Validate method of T is called.
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
	if mediaType(contentType) != formType {
		e := Errorf(http.StatusUnsupportedMediaType, "the body has media type %q, %s is expected", contentType, formType)
		if contentType == "" && c.ContentLength() == 0 {
			return &Error{Status: http.StatusBadRequest, Detail: "the request body is missing", Err: ErrAbsent}
		}
		return e.With("Accept", formType)
	}
	fields, err := formFields(reflect.TypeFor[T]())
	if err != nil {
		return &Error{Status: http.StatusInternalServerError, Err: err}
	}
	if err := c.checkCoding(); err != nil {
		return err
	}
	body, err := c.ReadBody()
	if err != nil {
		return err
	}
	if err := decodeForm(fields, unsafe.Pointer(&f.Value), string(body)); err != nil {
		return err
	}
	return validateValue(c, &f.Value)
}

// Describe records the body.
func (f *Form[T]) Describe(op *Operation, field string) {
	t := reflect.TypeFor[T]()
	if _, err := formFields(t); err != nil {
		op.problems = append(op.problems, field+": "+err.Error())
	}
	op.AddBody(field, t)
}

// formFields compiles the fields of a form.
func formFields(t reflect.Type) ([]inputField, error) {
	if plan, ok := plans.Load(planKey{"form", t}); ok {
		return plan.(*input).fields, nil
	}
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%v is no struct with form tags", t)
	}
	in := &input{typ: t}
	if err := in.addFormFields(t, 0); err != nil {
		return nil, err
	}
	plans.Store(planKey{"form", t}, in)
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
		p := inputField{in: "form", name: name, field: f.Name, typ: f.Type, offset: base + f.Offset,
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
func decodeForm(fields []inputField, base unsafe.Pointer, body string) error {
	values, err := parseValues(body, "form")
	if err != nil {
		return err
	}
	var bad []FieldError
	missing := false
	for i := range fields {
		f := &fields[i]
		p := unsafe.Add(base, f.offset)
		got := values[f.name]
		switch {
		case len(got) == 0 && f.required:
			bad, missing = append(bad, f.absent()), true
		case len(got) == 0 && f.def != "":
			f.set(p, f.def, true, &bad)
		case len(got) > 0 && !f.list:
			f.set(p, got[0], true, &bad)
		default:
			for _, v := range got {
				f.put(p, v, true, &bad)
			}
		}
	}
	if len(bad) > 0 {
		return badInput(bad, missing)
	}
	return nil
}
