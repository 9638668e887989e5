package tako

import (
	"net/http"
	"net/url"
	"reflect"
)

var (
	_ RequestEncoder = (*JSON[any])(nil)
	_ RequestEncoder = (*Query[struct{}])(nil)
	_ RequestEncoder = (*Form[struct{}])(nil)
	_ RequestEncoder = (*Optional[any])(nil)
	_ pathEncoder    = (*Path[int])(nil)
)

// EncodeRequest writes the value as the body.
func (j *JSON[T]) EncodeRequest(req *http.Request) error {
	body, err := encodeJSON(&j.Value)
	setBody(req, "application/json", body)
	return err
}

// EncodeRequest adds the fields to the query.
func (q *Query[T]) EncodeRequest(req *http.Request) error {
	plan, err := planFor("query", reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	v := reflect.ValueOf(&q.Value).Elem()
	for i := range plan.fields {
		f := &plan.fields[i]
		if err := f.encode(req, fieldAt(v, f.offset, f.typ), nil); err != nil {
			return err
		}
	}
	return nil
}

// EncodeRequest writes the fields as the body.
func (f *Form[T]) EncodeRequest(req *http.Request) error {
	fields, err := formFields(reflect.TypeFor[T]())
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
		if !fields[i].list {
			values.Add(fields[i].name, formatValue(field))
			continue
		}
		for k := range field.Len() {
			values.Add(fields[i].name, formatValue(field.Index(k)))
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

func (p *Path[T]) encodePath(params map[string]string) error {
	t := reflect.TypeFor[T]()
	v := reflect.ValueOf(&p.Value).Elem()
	if parserFor(t) != nil {
		params[soleParam] = formatValue(v)
		return nil
	}
	plan, err := planFor("path", t)
	if err != nil {
		return err
	}
	for i := range plan.fields {
		f := &plan.fields[i]
		params[f.name] = formatValue(fieldAt(v, f.offset, f.typ))
	}
	return nil
}
