package openapi

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tako-go/tako"
)

// responses is the Responses Object, ordered by status.
func (b *builder) responses(r *record) *object {
	byStatus := map[int]*object{}
	for _, resp := range r.responses() {
		byStatus[resp.Status] = b.response(r, resp)
	}
	for status, f := range b.failures(r) {
		if byStatus[status] == nil {
			byStatus[status] = b.failed(status, f)
		}
	}
	o := new(object)
	success, refusal := false, false
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		if status >= 400 && !success && byStatus[0] == nil { // where it belongs in the order
			o.Set("2XX", undescribed(r))
			success = true
		}
		if status != 0 {
			o.Set(strconv.Itoa(status), byStatus[status])
		}
		success = success || status >= 200 && status < 400
		refusal = refusal || status >= 400 && status < 500
	}
	if byStatus[0] != nil {
		return o.Set("default", byStatus[0])
	}
	if !success {
		o.Set("2XX", undescribed(r))
	}
	if r.called {
		return o
	}
	if !refusal {
		o.Set("4XX", ref("#/components/responses/"+problemName))
	}
	return o.Set("default", ref("#/components/responses/"+problemName))
}

// undescribed stands for what a handler answers that nobody has described.
func undescribed(r *record) *object {
	doc := "What the handler answers; it is not described."
	if r.called {
		doc = "Taken."
	}
	return new(object).Set("description", doc)
}

// response is the Response Object of what an operation answers on purpose.
func (b *builder) response(r *record, resp tako.Response) *object {
	o := new(object)
	o.Set("description", describedStatus(resp.Status, resp.Doc))
	setSome(o, "headers", b.headers(resp.Header))
	if bodiless(resp.Status) {
		return o
	}
	examples := r.examples(resp.Status)
	if resp.Example != nil {
		examples = append([]any{resp.Example}, examples...)
	}
	media := resp.Media
	switch {
	case len(media) > 0:
	case resp.Type == nil:
		return o
	case raw(resp.Type):
		media = []string{octetType}
	default:
		media = r.media
	}
	o.Set("content", b.content(resp.Type, media, examples))
	return o
}

func describedStatus(status int, doc string) string {
	if doc == "" {
		doc = http.StatusText(status)
	}
	return cmp.Or(doc, "Every other answer.")
}

// bodiless reports whether a response of this status never has a body.
func bodiless(status int) bool {
	return status >= 100 && status < 200 || status == http.StatusNoContent || status == http.StatusNotModified
}

func (b *builder) headers(params []tako.Param) *object {
	headers := new(object)
	for _, p := range params {
		// OpenAPI wants Content-Type to be told by the content.
		if p.In == "header" && !strings.EqualFold(p.Name, "Content-Type") || p.In == "" {
			o := new(object)
			b.value(o, p, false)
			headers.Set(p.Name, o)
		}
	}
	return headers
}

// failed is the response of a failure with all reasons for it.
func (b *builder) failed(status int, f *failure) *object {
	doc := http.StatusText(status)
	switch len(f.reasons) {
	case 0:
	case 1:
		doc = f.reasons[0]
	default:
		doc = "- " + strings.Join(f.reasons, "\n- ")
	}
	if bodiless(status) {
		return new(object).Set("description", doc)
	}
	o := b.problemResponse(cmp.Or(doc, fmt.Sprintf("Status %d.", status)), f.examples)
	headers := new(object)
	for _, name := range f.headers {
		headers.Set(name, new(object).Set("schema", new(object).Set("type", "string")))
	}
	if headers.Len() == 0 {
		return o
	}
	out := new(object)
	for name, value := range o.All() {
		out.Set(name, value)
		if name == "description" {
			out.Set("headers", headers)
		}
	}
	return out
}

func (b *builder) problemResponse(doc string, examples []*tako.Error) *object {
	item := new(object).Set("schema", ref(schemaPrefix+problemName))
	if len(examples) > 0 {
		named := new(object)
		for i, e := range examples {
			example := new(object)
			setText(example, "summary", cmp.Or(e.Detail, e.Title))
			named.Set(fmt.Sprintf("problem%d", i+1), example.Set("value", e))
		}
		item.Set("examples", named)
	}
	o := new(object).Set("description", doc)
	return o.Set("content", new(object).Set(problemType, item))
}

// problemSchema is that of the documents which failures are told by (RFC 9457).
func problemSchema() *object {
	text := func(doc string) *object {
		return new(object).Set("type", "string").Set("description", doc)
	}
	field := new(object).Set("type", "object")
	field.Set("required", []string{"in", "name", "detail"})
	field.Set("properties", new(object).
		Set("in", text("Where the value came from: path, query, header, cookie, form or body.")).
		Set("name", text("The parameter, or a JSON Pointer into the body.")).
		Set("detail", text("What is wrong.")).
		Set("rule", text("The keyword of JSON Schema that is broken.")).
		Set("value", new(object).Set("description", "The value that breaks it.")))
	status := new(object).Set("type", "integer").Set("minimum", 400).Set("maximum", 599)
	o := new(object).Set("type", "object")
	o.Set("description", "A failure (RFC 9457).")
	o.Set("required", []string{"status", "title"})
	o.Set("properties", new(object).
		Set("type", text("Names the kind of problem.").Set("format", "uri-reference")).
		Set("title", text("What kind of problem it is, in a few words.")).
		Set("status", status.Set("description", "The status of the response.")).
		Set("detail", text("What is wrong with this request.")).
		Set("instance", text("Names this occurrence.").Set("format", "uri-reference")).
		Set("errors", new(object).Set("type", "array").Set("description", "What is wrong with the input, part by part.").Set("items", field)))
	return o
}
