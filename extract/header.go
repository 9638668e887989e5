package extract

import (
	"net/http"
	"reflect"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
)

// HeaderName is implemented by types that are the value of one field of the
// request. The method is called on a zero value.
type HeaderName interface {
	// HeaderName returns the name of the field, in any case.
	HeaderName() string
}

// Header is one field of the request as a value of a type that knows its name:
//
//	type Retries int
//
//	func (Retries) HeaderName() string { return "X-Retries" }
//
//	in.Retries.Value // of a field Retries extract.Header[Retries]
//
// N may be what a field with a header tag may be: a string, boolean or number, a
// duration, what unmarshals text, a pointer to these, and a list of them, which
// is split at commas. Of a field that is repeated, what is no list takes the first.
//
// A field that is absent is 422 and matches [tako.ErrAbsent], one that does not
// parse is 400, one that the Validate method of its type refuses is 422.
type Header[N HeaderName] struct {
	// Value is the parsed value.
	Value N
}

var (
	_ tako.Describer      = (*Header[HeaderName])(nil)
	_ tako.RequestEncoder = (*Header[HeaderName])(nil)
)

// Extract reads the field.
func (h *Header[N]) Extract(c *tako.Context) error {
	name, problem := headerName[N]()
	if problem != "" {
		return misuse("%s", problem)
	}
	v := reflect.ValueOf(&h.Value).Elem()
	if isList(v.Type()) {
		if err := h.extractList(c, name, v); err != nil {
			return err
		}
		return h.check(c, name)
	}
	text := c.RequestHeader(name)
	if text == "" {
		return missing("header", name)
	}
	if err := h.parse(v, name, text); err != nil {
		return err
	}
	return h.check(c, name)
}

// check holds the value against what its type asks for.
func (h *Header[N]) check(c *tako.Context, name string) error {
	bad, err := tako.CheckParam(c, "header", name, "", &h.Value)
	if err != nil || len(bad) == 0 {
		return present(err)
	}
	return &tako.Error{Status: http.StatusUnprocessableEntity, Detail: "header parameter " + name + " " + bad[0].Detail, Fields: bad}
}

func (h *Header[N]) extractList(c *tako.Context, name string, v reflect.Value) error {
	for _, line := range c.RequestHeaderValues(name) {
		for item := range ascii.ListItems(line) {
			elem := reflect.New(v.Type().Elem()).Elem()
			if err := h.parse(elem, name, item); err != nil {
				return err
			}
			v.Set(reflect.Append(v, elem))
		}
	}
	if v.Len() == 0 {
		return missing("header", name)
	}
	return nil
}

func (h *Header[N]) parse(v reflect.Value, name, text string) error {
	if problem := parseText(v, text); problem != "" {
		return invalid("header", name, problem)
	}
	return nil
}

// Describe records the parameter.
func (h *Header[N]) Describe(op *tako.Operation, field string) {
	name, problem := headerName[N]()
	t := reflect.TypeFor[N]()
	if elem := t; problem == "" {
		if isList(t) {
			elem = t.Elem()
		}
		if !parsable(elem) {
			problem = t.String() + " cannot be read from a header"
		}
	}
	if problem != "" {
		op.AddProblem(field + ": " + problem)
		return
	}
	op.AddParam(tako.Param{In: "header", Name: name, Type: t, Required: true})
	op.AddFailure(http.StatusUnprocessableEntity, "the header "+name+" is missing")
	op.AddFailure(http.StatusBadRequest, "the header "+name+" does not parse")
}

// EncodeRequest adds the field.
func (h *Header[N]) EncodeRequest(req *http.Request) error {
	name, problem := headerName[N]()
	if problem != "" {
		return misuse("%s", problem)
	}
	v := reflect.ValueOf(&h.Value).Elem()
	if !isList(v.Type()) {
		req.Header.Set(name, formatText(v))
		return nil
	}
	for i := range v.Len() {
		req.Header.Add(name, formatText(v.Index(i)))
	}
	return nil
}

// headerName asks N for its name and says what is wrong with it.
func headerName[N HeaderName]() (name, problem string) {
	t := reflect.TypeFor[N]()
	if t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer {
		return "", t.String() + " cannot tell a header name: it has no zero value to ask"
	}
	var zero N
	name = zero.HeaderName()
	if !ascii.IsToken(name) {
		return "", t.String() + " has the header name \"" + name + "\", which is no token"
	}
	return http.CanonicalHeaderKey(name), ""
}
