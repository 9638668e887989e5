package openapi

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/tako-go/tako"
)

// operationPlace is where in the document an operation stands.
type operationPlace struct {
	method, path, host string
	any                bool // one of several methods of one route
	template           pathTemplate
	names              map[string]string // of path parameters in the document
}

// operation is the Operation Object of a route.
func (b *builder) operation(r *record, at operationPlace) *object {
	o := new(object)
	b.describe(o, r)
	o.Set("operationId", b.operationID(r.op, at))
	if list := b.parameters(r, at); len(list) > 0 {
		o.Set("parameters", list)
	}
	if r.hasBody() && !(at.any && (at.method == "GET" || at.method == "DELETE")) {
		o.Set("requestBody", b.requestBody(r))
	}
	o.Set("responses", b.responses(r))
	b.finish(o, r, o.Get("operationId").(string))
	return o
}

func (b *builder) describe(o *object, r *record) {
	if tags := r.tags(); len(tags) > 0 {
		o.Set("tags", tags)
		for _, tag := range tags {
			if !slices.Contains(b.tags, tag) {
				b.tags = append(b.tags, tag)
			}
		}
	}
	setText(o, "summary", r.op.Summary)
	setText(o, "description", r.op.Description)
}

func (b *builder) finish(o *object, r *record, id string) {
	setSome(o, "callbacks", b.callbacks(r, id))
	if r.deprecated() {
		o.Set("deprecated", true)
	}
	if list := b.security(r); list != nil {
		o.Set("security", list)
	}
}

// callbacks is the map of Callback Objects.
func (b *builder) callbacks(r *record, id string) *object {
	callbacks := new(object)
	for _, op := range r.all {
		for _, called := range op.Callbacks() {
			item := child(child(callbacks, called.Name), called.Expression)
			b.addCalled(item, called, id)
		}
	}
	return callbacks
}

func (b *builder) addWebhook(called tako.Called) {
	if called.Operation == nil {
		b.problems = append(b.problems, fmt.Errorf("openapi: webhook %q has no operation", called.Name))
		return
	}
	b.addCalled(child(b.webhooks, called.Name), called, "on")
}

// addCalled adds what somebody else serves to a Path Item Object.
func (b *builder) addCalled(item *object, called tako.Called, prefix string) {
	r := calledRecord(called.Operation)
	method := called.Operation.Method
	if method == "" {
		method = "POST"
	}
	o := new(object)
	b.describe(o, r)
	name := called.Operation.Name
	if name == "" {
		name = prefix + camel(called.Name)
	}
	o.Set("operationId", b.claim(name, called.Operation.Name != ""))
	if list := b.parameters(r, operationPlace{method: method, template: parsePath("/")}); len(list) > 0 {
		o.Set("parameters", list)
	}
	if r.hasBody() {
		o.Set("requestBody", b.requestBody(r))
	}
	o.Set("responses", b.responses(r))
	b.finish(o, r, o.Get("operationId").(string))
	slot(item, method).Set(memberOf(method), o)
}

// operationID is the name of the route, or one made of method and path.
func (b *builder) operationID(op *tako.Operation, at operationPlace) string {
	if op.Name != "" {
		name := op.Name
		if at.any {
			name = anyName(name, at.method)
		}
		return b.claim(name, true)
	}
	var id strings.Builder
	id.WriteString(strings.ToLower(at.method))
	for _, s := range parsePath(at.path).segments {
		if isParam(s) {
			id.WriteString("By")
		}
		id.WriteString(camel(s))
	}
	if strings.Trim(at.path, "/") == "" || at.path == "/{$}" {
		id.WriteString("Root")
	}
	if at.host != "" && (b.ids[id.String()] || b.given[id.String()]) {
		id.WriteString("At" + camel(at.host))
	}
	return b.claim(id.String(), false)
}

// reserve keeps the names that the program has given from the ids that are made.
// methods are those of a route for any.
func (b *builder) reserve(r *record, methods ...string) {
	if r.op.Name != "" && len(methods) == 0 {
		b.given[r.op.Name] = true
	}
	for _, method := range methods {
		if r.op.Name != "" {
			b.given[anyName(r.op.Name, method)] = true
		}
	}
	for _, op := range r.all {
		for _, called := range op.Callbacks() {
			b.reserve(calledRecord(called.Operation))
		}
	}
}

// anyName is the name of one method of a route that has several.
func anyName(name, method string) string { return name + "_" + strings.ToLower(method) }

// claim returns an id that no other operation has: it is numbered if it is taken, or
// if it is given to another.
func (b *builder) claim(id string, given bool) string {
	name := id
	for n := 2; b.ids[name] || b.given[name] && !(given && name == id); n++ {
		name = id + strconv.Itoa(n)
	}
	b.ids[name] = true
	return name
}

// camel makes one word of the letters and digits in s.
func camel(s string) string {
	var word strings.Builder
	up := true
	for _, r := range s {
		switch letter := unicode.IsLetter(r) || unicode.IsDigit(r); {
		case !letter || r >= unicode.MaxASCII:
			up = true
		case up:
			word.WriteRune(unicode.ToUpper(r))
			up = false
		default:
			word.WriteRune(r)
		}
	}
	return word.String()
}
