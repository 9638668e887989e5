package tako

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"unsafe"
)

// source says where a field of an input comes from.
type source uint8

const (
	fromPath source = iota
	fromQuery
	fromHeader
	fromCookie
	fromBody      // decoded by its Content-Type
	fromRawBody   // []byte
	fromBodyFlow  // io.Reader
	fromExtractor // Extract on the field
	fromProvider
	fromContext
)

// input is the compiled plan to fill one input type.
type input struct {
	typ       reflect.Type
	fields    []inputField
	whole     bool // the input is an Extractor itself
	validates bool
	queries   int  // number of query fields
	fresh     bool // a default is to be made for each request
	op        *Operation
}

type inputField struct {
	source   source
	field    string // Go name, for mistakes
	name     string // on the wire
	in       string
	offset   uintptr
	typ      reflect.Type
	parse    parser
	list     bool
	required bool
	def      string
	fresh    bool // the default is a value that may hold memory of its own
	index    int  // of a path parameter
	provided *provided
	body     bodyPlan
}

// bodyPlan is how a Body field is decoded.
type bodyPlan struct {
	optional  bool // a pointer: nil without a body
	validates bool
}

// validator is implemented by inputs that check themselves.
type validator interface {
	Validate(context.Context) error
}

var (
	validatorType = reflect.TypeFor[validator]()
	extractorType = reflect.TypeFor[Extractor]()
	contextType   = reflect.TypeFor[*Context]()
	readerType    = reflect.TypeFor[io.Reader]()
	bytesType     = reflect.TypeFor[[]byte]()
)

// compileInput makes the plan for t and describes it in op.
func compileInput(op *Operation, log *mistakes, t reflect.Type) *input {
	in := &input{typ: t, op: op}
	ptr := reflect.PointerTo(t)
	in.validates = ptr.Implements(validatorType)
	switch {
	case ptr.Implements(extractorType):
		in.whole = true
		describe(op, t, "the input")
	case t.Kind() != reflect.Struct:
		log.add(op.Location, "%s: the input is %v, but must be a struct or an Extractor", op, t)
	default:
		in.addStruct(op, log, t, 0)
	}
	return in
}

func describe(op *Operation, t reflect.Type, field string) {
	if d, ok := reflect.New(t).Interface().(Describer); ok {
		d.Describe(op, field)
	}
}

func (in *input) addStruct(op *Operation, log *mistakes, t reflect.Type, base uintptr) {
	for f := range t.Fields() {
		if f.Name == "_" {
			continue
		}
		in.addField(op, log, t, f, base)
	}
}

var sources = []struct {
	tag    string
	source source
}{{"path", fromPath}, {"query", fromQuery}, {"header", fromHeader}, {"cookie", fromCookie}}

func (in *input) addField(op *Operation, log *mistakes, t reflect.Type, f reflect.StructField, base uintptr) {
	p := inputField{field: f.Name, offset: base + f.Offset, typ: f.Type}
	tagged := 0
	for _, s := range sources {
		if name, ok := f.Tag.Lookup(s.tag); ok {
			p.in, p.name, p.source = s.tag, name, s.source
			tagged++
		}
	}
	mistake := func(format string, args ...any) {
		log.add(op.Location, "%s: field %v.%s %s", op, t, f.Name, fmt.Sprintf(format, args...))
	}
	switch isExtractor := reflect.PointerTo(f.Type).Implements(extractorType); {
	case tagged > 1:
		mistake("names more than one source")
	case !f.IsExported() && !(f.Anonymous && f.Type.Kind() == reflect.Struct && tagged == 0):
		mistake("is unexported and can never be filled")
	case tagged == 1:
		in.addParam(op, &p, f, mistake)
	case f.Type == contextType:
		p.source = fromContext
		in.fields = append(in.fields, p)
	case isExtractor:
		p.source = fromExtractor
		describe(op, f.Type, f.Name)
		in.fields = append(in.fields, p)
	case f.Name == "Body":
		in.addBody(op, p)
	case f.Anonymous && f.Type.Kind() == reflect.Struct:
		in.addStruct(op, log, f.Type, base+f.Offset)
	case f.Tag.Get("form") != "" || f.Tag.Get("file") != "":
		mistake("reads a form: use a field of type tako.Form[T] with a struct whose fields have form tags")
	default:
		p.source = fromProvider
		in.fields = append(in.fields, p)
	}
}

func (in *input) addParam(op *Operation, p *inputField, f reflect.StructField, mistake func(string, ...any)) {
	if p.name == "" {
		mistake("has an empty name in its tag")
		return
	}
	if p.source == fromHeader {
		p.name = canonical(p.name)
	}
	for _, other := range op.Inputs {
		if other.In == p.in && other.Name == p.name {
			mistake("reads %s parameter %q, which another field reads already", p.in, p.name)
			return
		}
	}
	elem := f.Type
	if p.source != fromPath && elem.Kind() == reflect.Slice && !implementsText(elem) && elem != bytesType {
		p.list, elem = true, elem.Elem()
	}
	p.parse = parserFor(elem)
	if p.parse == nil {
		mistake("has type %v, which cannot be read from a %s", f.Type, p.in)
		return
	}
	p.def = f.Tag.Get("default")
	p.required = f.Tag.Get("required") == "true" || p.source == fromPath
	if p.def != "" && (p.list || elem.Kind() == reflect.Pointer) {
		mistake("is a list or a pointer, which can have no default")
		return
	}
	if p.def != "" {
		if err := p.parse(reflect.New(elem).UnsafePointer(), p.def); err != nil {
			mistake("has default %q, which %v", p.def, err)
			return
		}
	}
	p.fresh = p.def != "" && implementsText(elem)
	in.fresh = in.fresh || p.fresh
	if p.source == fromQuery {
		in.queries++
	}
	op.AddParam(Param{In: p.in, Name: p.name, Type: f.Type, Doc: f.Tag.Get("doc"), Default: p.def, Required: p.required})
	in.fields = append(in.fields, *p)
}

func (in *input) addBody(op *Operation, p inputField) {
	p.in, p.source = "body", fromBody
	switch {
	case p.typ == bytesType:
		p.source = fromRawBody
	case p.typ == readerType:
		p.source = fromBodyFlow
	default:
		p.body.optional = p.typ.Kind() == reflect.Pointer
		p.body.validates = p.typ.Implements(validatorType) || reflect.PointerTo(p.typ).Implements(validatorType)
	}
	op.AddBody("Body", p.typ)
	in.fields = append(in.fields, p)
}

// bind returns the plan for one place of the router: parameters by position,
// provided values by who provides them there. Nil if that cannot be.
func (in *input) bind(t *table, r *route) *input {
	bound := *in
	bound.fields = append([]inputField(nil), in.fields...)
	for i := range bound.fields {
		f := &bound.fields[i]
		switch f.source {
		case fromPath:
			f.index = -1
			for k, name := range r.params {
				if name == f.name {
					f.index = k
				}
			}
			if f.index < 0 {
				return nil // checkParams has reported it
			}
		case fromProvider:
			if f.provided = r.scope.provider(f.typ); f.provided == nil {
				t.mistake(in.op.Location, "%s: field %v.%s has no source: give it a tag (path, query, header, cookie), call it Body, make it an Extractor, or call tako.Provide for %v on a group around the route",
					in.op, in.typ, f.field, f.typ)
				return nil
			}
		}
	}
	return &bound
}

// setDefaults fills a blank input with the defaults of its fields. Those that
// could share memory are left to each request.
func (in *input) setDefaults(base unsafe.Pointer) {
	for i := range in.fields {
		if f := &in.fields[i]; f.def != "" && !f.fresh {
			_ = f.parse(unsafe.Add(base, f.offset), f.def) // checked when compiled
		}
	}
}

// setFresh fills the defaults that setDefaults left.
func (in *input) setFresh(base unsafe.Pointer) {
	for i := range in.fields {
		if f := &in.fields[i]; f.fresh {
			_ = f.parse(unsafe.Add(base, f.offset), f.def)
		}
	}
}
