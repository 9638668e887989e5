package openapi

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/tako-go/tako/internal/schema"
)

const (
	formType      = "application/x-www-form-urlencoded"
	multipartType = "multipart/form-data"
	octetType     = "application/octet-stream"
	problemType   = "application/problem+json"
)

var readerType = reflect.TypeFor[io.Reader]()

// raw reports whether a body of type t is sent as it is, past all codecs.
func raw(t reflect.Type) bool { return t == nil || t == bytesType || t == readerType }

// requestBody is the Request Body Object.
func (b *builder) requestBody(r *record) *object {
	media := r.bodyMedia
	switch {
	case len(media) > 0:
	case raw(r.body):
		media = []string{octetType}
	default:
		media = r.media
	}
	o := new(object)
	o.Set("content", b.content(r.body, media, r.examples(0)))
	if !r.bodyOptional && (r.body == nil || r.body.Kind() != reflect.Pointer) {
		o.Set("required", true)
	}
	return o
}

// content is the map of Media Type Objects of a body of type t; nil for one that
// no Go type describes.
func (b *builder) content(t reflect.Type, media []string, examples []any) *object {
	content := new(object)
	var encoded *object // one schema for all codecs
	for _, m := range media {
		item := new(object)
		patch := (*object)(nil)
		if !raw(t) {
			patch = b.patch(t, m)
		}
		switch {
		case raw(t):
			item.Set("schema", rawSchema(m))
		case patch != nil:
			item.Set("schema", patch)
		case isForm(m) && t.Kind() == reflect.Struct:
			b.form(item, t, m)
		default:
			if encoded == nil {
				s, _ := b.compiler.For(t, schema.Whole(t)) // the router has reported mistakes in tags
				encoded = b.use(s, nil)
			}
			item.Set("schema", encoded)
		}
		setExamples(item, m, examples)
		content.Set(m, item)
	}
	return content
}

// rawSchema is that of bytes of which the media type tells all there is.
func rawSchema(media string) *object {
	switch {
	case isJSON(media):
		return new(object)
	case strings.HasPrefix(media, "text/"):
		return new(object).Set("type", "string")
	case media == multipartType:
		return new(object).Set("type", "object")
	}
	// format binary is what tools know; JSON Schema itself has no word for bytes.
	return new(object).Set("type", "string").Set("format", "binary")
}

func isJSON(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

func isForm(media string) bool { return media == formType || media == multipartType }

// setExamples adds those that can be written in a document in this media type.
func setExamples(item *object, media string, examples []any) {
	var fit []any
	for _, e := range examples {
		if _, text := e.(string); isJSON(media) || text && strings.HasPrefix(media, "text/") {
			fit = append(fit, e)
		}
	}
	switch len(fit) {
	case 0:
	case 1:
		item.Set("example", fit[0])
	default:
		named := new(object)
		for i, e := range fit {
			named.Set(fmt.Sprintf("example%d", i+1), new(object).Set("value", e))
		}
		item.Set("examples", named)
	}
}

// form describes a form: its fields by their form and file tags.
func (b *builder) form(item *object, t reflect.Type, media string) {
	f := formFields{media: media, properties: new(object), encoding: new(object)}
	f.add(b, t)
	o := new(object).Set("type", "object")
	o.Set("properties", f.properties)
	if len(f.required) > 0 {
		o.Set("required", f.required)
	}
	item.Set("schema", o)
	setSome(item, "encoding", f.encoding)
}

type formFields struct {
	media                string
	properties, encoding *object
	required             []string
}

func (f *formFields) add(b *builder, t reflect.Type) {
	for field := range t.Fields() {
		name, file := field.Tag.Get("form"), field.Tag.Get("file")
		required := field.Tag.Get("required") == "true"
		if field.Anonymous && field.Type.Kind() == reflect.Struct && name == "" && file == "" {
			f.add(b, field.Type)
			continue
		}
		switch {
		case file != "":
			name = file
			f.properties.Set(name, described(b.fileSchema(field.Type, field.Tag, required), field.Type, field.Tag))
			if accept := field.Tag.Get("accept"); accept != "" {
				f.encoding.Set(name, new(object).Set("contentType", accept))
			}
		case name != "":
			f.properties.Set(name, described(b.textSchema(field.Type, field.Tag, required, "form"), field.Type, field.Tag))
			if isList(field.Type) && f.media == formType {
				f.encoding.Set(name, new(object).Set("style", "form").Set("explode", true))
			}
		default:
			continue
		}
		if required {
			f.required = append(f.required, name)
		}
	}
}

// described gives a property the text of its doc tag and what else there is to know, such
// as how long a file may be. The schema is filled in later, behind it.
func described(o *object, t reflect.Type, tag reflect.StructTag) *object {
	doc := readDoc(tag.Get("doc"), t)
	if size := tag.Get("maxSize"); size != "" {
		doc = strings.TrimSpace(doc + "\n\nAt most " + size + ".")
	}
	setText(o, "description", doc)
	return o
}

// fileSchema is that of one file or of several, and of how many.
func (b *builder) fileSchema(t reflect.Type, tag reflect.StructTag, required bool) *object {
	one := new(object).Set("type", "string").Set("format", "binary")
	if t.Kind() != reflect.Slice {
		return one
	}
	o := new(object).Set("type", "array").Set("items", one)
	rules := b.text(t, tag).Document(nil)
	for _, keyword := range []string{"minItems", "maxItems"} {
		if n := rules.Get(keyword); n != nil {
			o.Set(keyword, n)
		}
	}
	if required {
		demandSome(o, "form")
	}
	return o
}
