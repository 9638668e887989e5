package tako

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// outputParts is the plan for a result struct whose fields are parts of the
// response: header fields, cookies, the status and the body.
type outputParts struct {
	typ       reflect.Type
	fields    []outputField
	cookies   []cookieField
	status    *outputField
	statuses  []int // those the status field may have, the default first
	body      *outputField
	answer    answer // how body is written
	validates bool   // an entity tag or a modification date is among the fields
}

type outputField struct {
	name   string
	field  string // Go name
	doc    string
	offset uintptr
	typ    reflect.Type
}

func (f *outputField) at(base unsafe.Pointer) reflect.Value {
	return reflect.NewAt(f.typ, unsafe.Add(base, f.offset)).Elem()
}

// compileParts returns nil for a struct without such fields, which is the body
// itself.
func compileParts(op *Operation, log *mistakes, t reflect.Type) *outputParts {
	p := &outputParts{typ: t}
	stray := p.scan(op, log, t, 0)
	if len(p.fields) == 0 && len(p.cookies) == 0 && p.status == nil {
		return nil
	}
	if stray != "" {
		log.add(op.Location, "%s: field %v.%s of the result is neither a header field nor Body: give it a header, cookie or status tag, or move it into Body", op, t, stray)
	}
	p.answer = answerOf(reflect.TypeFor[struct{}]())
	if p.body != nil {
		p.answer = answerOf(p.body.typ)
		if p.answer.kind == encoded && !encodable(p.body.typ) {
			log.add(op.Location, "%s: field %v.Body of the result has type %v, which cannot be encoded", op, t, p.body.typ)
		}
		if p.status != nil && p.answer.kind == responds {
			log.add(op.Location, "%s: field %v.%s has no effect: Body is a %v, which chooses the status itself", op, t, p.status.field, p.body.typ)
		}
	}
	return p
}

// scan goes through the fields of t and of embedded structs, and returns the name
// of one that is no part of the response.
func (p *outputParts) scan(op *Operation, log *mistakes, t reflect.Type, base uintptr) (stray string) {
	for f := range t.Fields() {
		part := outputField{field: f.Name, doc: f.Tag.Get("doc"), offset: base + f.Offset, typ: f.Type}
		header, isHeader := f.Tag.Lookup("header")
		cookie, isCookie := f.Tag.Lookup("cookie")
		status, isStatus := f.Tag.Lookup("status")
		mistake := func(format string, args ...any) {
			log.add(op.Location, "%s: field %v.%s of the result %s", op, t, f.Name, fmt.Sprintf(format, args...))
		}
		switch {
		case isHeader && isCookie, isHeader && isStatus, isCookie && isStatus:
			mistake("has more than one of the tags header, cookie and status")
		case (isHeader || isCookie || isStatus) && !f.IsExported():
			mistake("cannot be sent as a header field, cookie or status: it is unexported")
		case isHeader:
			p.addHeader(part, header, mistake)
		case isCookie:
			p.addCookie(part, cookie, mistake)
		case isStatus:
			p.addStatus(part, status, mistake)
		case f.Name == "Body":
			part.name = "Body"
			p.body = &part
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			if s := p.scan(op, log, f.Type, base+f.Offset); s != "" {
				stray = s
			}
		case f.Name != "_":
			stray = f.Name
		}
	}
	return stray
}

func (p *outputParts) addHeader(part outputField, name string, mistake func(string, ...any)) {
	part.name = canonical(name)
	var h Header
	h.Add(name, "")
	switch {
	case h.Err() != nil:
		mistake("cannot be sent as a header field: %q is no name of one", name)
		return
	case !formats(part.typ):
		mistake("cannot be sent as a header field: its type %v is no text; use a string, number, bool, time, or a type with MarshalText", part.typ)
		return
	case part.name == "Set-Cookie":
		mistake("sets a cookie: use the tag cookie:\"name\"")
		return
	case slices.ContainsFunc(p.fields, func(f outputField) bool { return f.name == part.name }):
		mistake("sets the header field %s, which another field sets already", part.name)
		return
	}
	p.validates = p.validates || part.name == "Etag" || part.name == "Last-Modified"
	p.fields = append(p.fields, part)
}

// addStatus reads a tag such as status:"200,202".
func (p *outputParts) addStatus(part outputField, tag string, mistake func(string, ...any)) {
	if part.typ.Kind() != reflect.Int {
		mistake("holds the status and has type %v: make it an int", part.typ)
		return
	}
	if p.status != nil {
		mistake("holds the status, which field %s holds already", p.status.field)
		return
	}
	for text := range strings.SplitSeq(tag, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 200 || n > 599 || n == http.StatusNotModified {
			mistake("has the status tag %q: list the statuses it may have, from 200 to 599 but 304, such as status:\"200,202\"", tag)
			return
		}
		p.statuses = append(p.statuses, n)
	}
	p.status = &part
}

// describe records one response for each status, and what the body tells of
// itself, all with the header fields.
func (p *outputParts) describe(op *Operation) {
	var alone Operation
	alone.Method = op.Method
	if p.status == nil {
		p.answer.describe(&alone)
	}
	for _, status := range p.statuses {
		r := Response{Status: status}
		if p.answer.kind != empty && !withoutContent(status) {
			r.Type = p.body.typ
		}
		alone.AddResponse(r)
	}
	for _, r := range alone.Responses {
		for _, f := range p.fields {
			r.Header = append(r.Header, Param{In: "header", Name: f.name, Type: f.typ, Doc: f.doc})
		}
		if len(p.cookies) > 0 {
			r.Header = append(r.Header, Param{In: "header", Name: "Set-Cookie", Type: reflect.TypeFor[string](), Doc: cookieDoc(p.cookies)})
		}
		op.AddResponse(r)
	}
	for _, f := range alone.failures {
		op.AddFailure(f.Status, f.When)
	}
	if p.conditional(op.Method, http.StatusOK) && slices.ContainsFunc(alone.Responses, func(r Response) bool { return r.Status == http.StatusOK }) {
		describeConditional(op)
	}
}

// withoutContent reports whether a response of this status has no body.
func withoutContent(status int) bool { return bodyless(status) || status == http.StatusResetContent }

// conditional reports whether such an answer depends on what the client has.
func (p *outputParts) conditional(method string, status int) bool {
	return p.validates && status == http.StatusOK && (method == http.MethodGet || method == http.MethodHead)
}

// write answers with the result at base.
func (p *outputParts) write(c *Context, base unsafe.Pointer) error {
	status := http.StatusOK
	if p.status != nil {
		status = int(p.status.at(base).Int())
		if status == 0 {
			status = p.statuses[0]
		}
		if !slices.Contains(p.statuses, status) {
			return &Error{Status: http.StatusInternalServerError,
				Err: fmt.Errorf("result %v has status %d, and its tag allows %v", p.typ, status, p.statuses)}
		}
	}
	// An error response shall not have the fields and cookies of the result.
	saved := Header{fields: slices.Clone(c.header.fields)}
	err := p.writeBody(c, status, base)
	if err != nil && !c.sent {
		c.header.assign(&saved)
		if c.saved != nil {
			c.saved.assign(&saved)
		}
	}
	return err
}

func (p *outputParts) writeBody(c *Context, status int, base unsafe.Pointer) error {
	if err := p.setCookies(c, base); err != nil {
		return err
	}
	p.setFields(&c.header, base)
	if err := c.header.Err(); err != nil {
		return err
	}
	if p.conditional(c.method, status) {
		v := Validators{ETag: c.header.Get("Etag")}
		v.LastModified, _ = http.ParseTime(c.header.Get("Last-Modified"))
		if p.answer.kind == encoded && c.negotiates() {
			c.header.AddVary("Accept")
		}
		if done, err := c.CheckConditions(v); done || err != nil {
			return err
		}
	}
	switch {
	case p.answer.kind != empty && !withoutContent(status):
		return p.answer.write(c, status, p.body.at(base).Addr().Interface())
	case p.status == nil:
		return c.NoContent()
	}
	return c.respond(status, "", nil)
}

func (p *outputParts) setFields(h *Header, base unsafe.Pointer) {
	for i := range p.fields {
		f := &p.fields[i]
		v := f.at(base)
		switch {
		case v.Kind() == reflect.Slice && formatterFor(f.typ) == nil:
			for i := range v.Len() {
				h.Add(f.name, formatField(f.name, v.Index(i)))
			}
		case present(v):
			h.Set(f.name, formatField(f.name, v))
		}
	}
}

// formats reports whether a value of type t, or a list of such, can be a field value.
func formats(t reflect.Type) bool {
	return formatterFor(t) != nil || t.Kind() == reflect.Slice && t != bytesType && formatterFor(t.Elem()) != nil
}

// present reports whether a result's field is to be sent: not an empty string, a
// nil pointer or a zero time, but zero and false are values.
func present(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Pointer, reflect.Struct, reflect.Slice:
		return !v.IsZero()
	}
	return true
}

// dated are the fields whose value is an HTTP-date (RFC 9110, section 5.6.7).
var dated = []string{"Date", "Expires", "Last-Modified", "Retry-After", "Sunset"}

// formatField returns the field value for v.
func formatField(name string, v reflect.Value) string {
	if slices.Contains(dated, name) {
		if p, ok := v.Interface().(*time.Time); ok && p != nil {
			v = reflect.ValueOf(p).Elem()
		}
		if t, ok := v.Interface().(time.Time); ok {
			return t.UTC().Format(http.TimeFormat)
		}
	}
	return formatValue(v)
}
