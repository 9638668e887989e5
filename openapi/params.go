package openapi

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/schema"
)

// parameters lists those of path, query, headers and cookies. Each parameter of
// the path is there, whether somebody reads it or not.
func (b *builder) parameters(r *record, at operationPlace) []*object {
	var list []*object
	for _, name := range at.template.params() {
		list = append(list, b.pathParameter(r, at, name))
	}
	for _, p := range r.inputs {
		if p.In != "path" && !elsewhere(p) {
			list = append(list, b.parameter(p))
		}
	}
	return list
}

// elsewhere reports whether OpenAPI has other means for a header, and wants it to
// be no parameter.
func elsewhere(p tako.Param) bool {
	if p.In != "header" {
		return false
	}
	return strings.EqualFold(p.Name, "Accept") || strings.EqualFold(p.Name, "Content-Type") || strings.EqualFold(p.Name, "Authorization")
}

const restDoc = "The rest of the path: any number of segments with slashes between them, which OpenAPI has no term for."

func (b *builder) pathParameter(r *record, at operationPlace, name string) *object {
	p := tako.Param{In: "path", Name: name, Type: reflect.TypeFor[string]()}
	for _, have := range r.inputs {
		if have.In == "path" && (have.Name == name || have.Name == "*" && len(at.template.params()) == 1) {
			p = have
		}
	}
	p.Name, p.Required = at.names[name], true
	params := at.template.params()
	if !at.template.rest || name != params[len(params)-1] {
		return b.parameter(p)
	}
	p.Doc = strings.TrimSpace(p.Doc + "\n\n" + restDoc)
	return b.parameter(p).Set("x-rest", true)
}

// parameter is the Parameter Object.
func (b *builder) parameter(p tako.Param) *object {
	o := new(object)
	o.Set("name", p.Name)
	o.Set("in", p.In)
	p.Doc = readDoc(p.Doc, p.Type)
	b.value(o, p, p.Required)
	if p.Type != nil && p.In == "query" && isList(p.Type) {
		o.Set("style", "form")
		o.Set("explode", true)
	}
	return o
}

// value sets what parameters and headers have in common; demand says that the schema
// holds for the value only if it is there.
func (b *builder) value(o *object, p tako.Param, demand bool) {
	setText(o, "description", p.Doc)
	if p.Required {
		o.Set("required", true)
	}
	if p.Tag.Get("deprecated") == "true" {
		o.Set("deprecated", true)
	}
	t := p.Type
	if t == nil {
		t = reflect.TypeFor[string]()
	}
	o.Set("schema", b.textSchema(t, p.Tag, demand, p.In))
}

// readDoc adds to a description what the schema of a value that is read from text does
// not say: generators know no boolean that may be 1 and 0 too.
func readDoc(doc string, t reflect.Type) string {
	if t == nil || !isBool(t) {
		return doc
	}
	return strings.TrimSpace(doc + "\n\n1 and 0 are read as true and false.")
}

func isBool(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer || isList(t) {
		t = t.Elem()
	}
	return t.Kind() == reflect.Bool && !isText(t)
}

var (
	unmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	bytesType   = reflect.TypeFor[[]byte]()
)

func isText(t reflect.Type) bool {
	return t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler)
}

func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t != bytesType && !isText(t)
}

// textSchema is the schema of a value that is written as text and not as JSON: a
// pointer is a value that may be absent, never null. Description and deprecation
// belong to what the value stands in.
func (b *builder) textSchema(t reflect.Type, tag reflect.StructTag, required bool, in string) *object {
	return b.use(b.text(t, tag), func(doc *object) *object {
		doc = without(doc, "description", "deprecated")
		if required {
			demandSome(doc, in)
		}
		return doc
	})
}

// demandSome adds what it takes for a required value to be there at all: a list without
// items is not written, and a header field that is empty counts as absent, as does an
// item of one that is.
func demandSome(doc *object, in string) {
	switch {
	case doc.Get("type") == "array":
		atLeastOne(doc, "minItems")
		if items, ok := doc.Get("items").(*object); ok {
			demandSome(items, in)
		}
	case doc.Get("type") == "string" && in == "header" && doc.Get("enum") == nil && doc.Get("const") == nil:
		atLeastOne(doc, "minLength")
	}
}

func atLeastOne(doc *object, keyword string) {
	if least := doc.Get(keyword); least == nil || fmt.Sprint(least) == "0" {
		doc.Set(keyword, 1)
	}
}

func (b *builder) text(t reflect.Type, tag reflect.StructTag) *schema.Schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s, _ := b.compiler.ForText(t, tag) // the router has reported mistakes in tags
	return s
}

// without returns o without some members.
func without(o *object, names ...string) *object {
	out := new(object)
members:
	for name, value := range o.All() {
		for _, left := range names {
			if name == left {
				continue members
			}
		}
		out.Set(name, value)
	}
	return out
}
