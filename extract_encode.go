package tako

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
)

var (
	_ RequestEncoder = (*JSON[any])(nil)
	_ RequestEncoder = (*Query[struct{}])(nil)
	_ RequestEncoder = (*Form[struct{}])(nil)
	_ RequestEncoder = (*Optional[any])(nil)
	_ PathEncoder    = (*Path[int])(nil)
	_ PathEncoder    = (*Optional[any])(nil)
)

// EncodeRequest writes the value as the body.
func (j *JSON[T]) EncodeRequest(req *http.Request) error {
	body, err := encodeJSON(&j.Value)
	setBody(req, "application/json", body)
	return err
}

// EncodeRequest adds the fields to the query.
func (q *Query[T]) EncodeRequest(req *http.Request) error {
	plan, err := plainChecks.planFor("query", reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	to := requestEncoding{req: req}
	v := reflect.ValueOf(&q.Value).Elem()
	for i := range plan.fields {
		f := &plan.fields[i]
		if err := to.field(f, fieldAt(v, f.offset, f.typ)); err != nil {
			return err
		}
	}
	return nil
}

// EncodeRequest writes the fields as the body.
func (f *Form[T]) EncodeRequest(req *http.Request) error {
	fields, err := plainChecks.formFields(reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	values := url.Values{}
	v := reflect.ValueOf(&f.Value).Elem()
	for i := range fields {
		field := fieldAt(v, fields[i].offset, fields[i].typ)
		if field.Kind() == reflect.Pointer && field.IsNil() {
			continue
		}
		list := []reflect.Value{field}
		if fields[i].list {
			list = list[:0]
			for k := range field.Len() {
				list = append(list, field.Index(k))
			}
		}
		for _, v := range list {
			text, err := formatParam(v)
			if err != nil {
				return fmt.Errorf("form field %s: %w", fields[i].name, err)
			}
			values.Add(fields[i].name, text)
		}
	}
	setBody(req, formType, []byte(values.Encode()))
	return nil
}

// EncodeRequest writes the value if it is present.
func (o *Optional[T]) EncodeRequest(req *http.Request) error {
	if e, ok := any(&o.Value).(RequestEncoder); ok && o.Present {
		return e.EncodeRequest(req)
	}
	return nil
}

// EncodePath sets the parameters if the value is present.
func (o *Optional[T]) EncodePath(params map[string]string) error {
	if e, ok := any(&o.Value).(PathEncoder); ok && o.Present {
		return e.EncodePath(params)
	}
	return nil
}

// EncodePath sets the parameters; a single value is for the only one of the pattern.
func (p *Path[T]) EncodePath(params map[string]string) error {
	t := reflect.TypeFor[T]()
	v := reflect.ValueOf(&p.Value).Elem()
	if parserFor(t) != nil {
		text, err := formatParam(v)
		params[soleParam] = text
		return err
	}
	plan, err := plainChecks.planFor("path", t)
	if err != nil {
		return err
	}
	for i := range plan.fields {
		f := &plan.fields[i]
		if params[f.name], err = formatParam(fieldAt(v, f.offset, f.typ)); err != nil {
			return fmt.Errorf("path parameter %s: %w", f.name, err)
		}
	}
	return nil
}
