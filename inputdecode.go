package tako

import (
	"io"
	"reflect"
	"unicode/utf8"
	"unsafe"

	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/schema"
)

// fieldSet holds indices of fields.
type fieldSet [maxFields / 64]uint64

func (s *fieldSet) add(i int)      { s[i>>6] |= 1 << (i & 63) }
func (s *fieldSet) has(i int) bool { return s[i>>6]&(1<<(i&63)) != 0 }

// decode fills the input at base, which is blank; self is a pointer to it.
// Extractors go first, since they tell who asks; values are provided only for
// parameters that can be read; and the body comes last of all.
func (in *input) decode(c *Context, base unsafe.Pointer, self any) error {
	if in.whole {
		if err := self.(Extractor).Extract(c); err != nil {
			return err
		}
		return in.validate(c, self)
	}
	if in.fresh {
		in.setFresh(base)
	}
	var bad []FieldError
	for i := in.params; i < in.early; i++ {
		f := &in.fields[i]
		if err := f.fill(c, unsafe.Add(base, f.offset)); err != nil {
			broken := rulesOnly(err)
			if broken == nil {
				return err
			}
			bad = append(bad, broken...)
		}
	}
	broken, err := in.decodeParams(c, base)
	if err != nil {
		return err
	}
	bad = append(bad, broken...)
	if err := in.fill(c, base, in.early, in.values); err != nil {
		return err
	}
	if err := in.fill(c, base, in.values, len(in.fields)); err != nil {
		return joinInvalid(bad, err)
	}
	if len(bad) > 0 {
		return invalid(bad)
	}
	return in.checkWhole(c, self)
}

// fill fills the fields from one index to another, which are no parameters.
func (in *input) fill(c *Context, base unsafe.Pointer, from, to int) error {
	for i := from; i < to; i++ {
		if err := in.fields[i].fill(c, unsafe.Add(base, in.fields[i].offset)); err != nil {
			return err
		}
	}
	return nil
}

// decodeParams fills the parameters and returns what rules they break; a value
// that cannot be read at all is an error.
func (in *input) decodeParams(c *Context, base unsafe.Pointer) ([]FieldError, error) {
	var present fieldSet
	var bad []FieldError
	if in.queries > 0 && c.query != "" {
		if err := in.decodeQuery(c, base, &present, &bad); err != nil {
			return nil, err
		}
	}
	for i := range in.params {
		f := &in.fields[i]
		p := unsafe.Add(base, f.offset)
		switch f.source {
		case fromPath:
			value, ok := unescapeSegment(c.params[f.index])
			f.set(p, value, ok, &bad)
			present.add(i)
		case fromHeader, fromCookie:
			if f.decodeHeader(c, p, &bad) {
				present.add(i)
			}
		}
	}
	if len(bad) > 0 {
		in.findAbsent(&present, &bad)
		return nil, badInput(bad)
	}
	err := in.checkParams(c, base, &present, &bad)
	return bad, err
}

// findAbsent notes the required parameters that are not there.
func (in *input) findAbsent(present *fieldSet, bad *[]FieldError) {
	for i := range in.params {
		if f := &in.fields[i]; f.required && !present.has(i) {
			*bad = append(*bad, f.absent())
		}
	}
}

// checkParams notes the rules that parameters break.
func (in *input) checkParams(c *Context, base unsafe.Pointer, present *fieldSet, bad *[]FieldError) error {
	for i := range in.params {
		f := &in.fields[i]
		switch {
		case !present.has(i):
			if f.required {
				*bad = append(*bad, f.absent())
			}
		case f.check != nil:
			if err := f.checkAt(c, unsafe.Add(base, f.offset), bad); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *inputField) absent() FieldError {
	return FieldError{In: f.in, Name: f.name, Detail: "is required", Rule: "required"}
}

// set parses value into the field at p and notes a failure.
func (f *inputField) set(p unsafe.Pointer, value string, valid bool, bad *[]FieldError) {
	if len(*bad) >= schema.MaxFailures {
		return
	}
	detail := "has a broken escape"
	if f.source == fromHeader || f.source == fromCookie {
		detail = "is not UTF-8"
	}
	if valid {
		err := f.parse(p, value)
		if err == nil {
			return
		}
		detail = err.Error()
	}
	*bad = append(*bad, FieldError{In: f.in, Name: f.name, Detail: detail})
}

// add parses value as one more element of the list at p.
func (f *inputField) add(p unsafe.Pointer, value string, valid bool, bad *[]FieldError) {
	elem := reflect.New(f.typ.Elem())
	before := len(*bad)
	if f.set(elem.UnsafePointer(), value, valid, bad); len(*bad) == before {
		list := reflect.NewAt(f.typ, p).Elem()
		list.Set(reflect.Append(list, elem.Elem()))
	}
}

// put parses value into the field at p, which may be a list.
func (f *inputField) put(p unsafe.Pointer, value string, valid bool, bad *[]FieldError) {
	switch {
	case !f.list:
		f.set(p, value, valid, bad)
	case f.typ == stringsType && valid:
		list := (*[]string)(p)
		*list = append(*list, value)
	default:
		f.add(p, value, valid, bad)
	}
}

var stringsType = reflect.TypeFor[[]string]()

// decodeQuery goes over the query once. The first value counts for a field that
// is no list.
func (in *input) decodeQuery(c *Context, base unsafe.Pointer, present *fieldSet, bad *[]FieldError) error {
	if tooManyPairs(c.query) {
		return errTooManyPairs("query")
	}
	for k, v := range queryPairs(c.query) {
		key, err := decodePair(k, "query")
		if err != nil {
			return err
		}
		value, err := decodePair(v, "query")
		if err != nil {
			return err
		}
		for i := range in.params {
			f := &in.fields[i]
			if f.source != fromQuery || f.name != key {
				continue
			}
			if !f.list && present.has(i) {
				break
			}
			present.add(i)
			f.put(unsafe.Add(base, f.offset), value, true, bad)
			break
		}
	}
	return nil
}

// decodeHeader reads a header or cookie field and reports whether it is there.
func (f *inputField) decodeHeader(c *Context, p unsafe.Pointer, bad *[]FieldError) bool {
	if f.source == fromCookie {
		value, ok := findCookie(c.ex, f.name)
		if ok {
			f.put(p, value, utf8.ValidString(value), bad)
		}
		return ok
	}
	if f.list {
		found := false
		for _, line := range headerValues(c.ex, f.name) {
			for value := range ascii.ListItems(line) {
				f.put(p, value, utf8.ValidString(value), bad)
				found = true
			}
		}
		return found
	}
	value := c.ex.RequestHeader(f.name)
	if value != "" {
		f.set(p, value, utf8.ValidString(value), bad)
	}
	return value != ""
}

// fill fills a field that is no parameter.
func (f *inputField) fill(c *Context, p unsafe.Pointer) error {
	switch f.source {
	case fromContext:
		*(**Context)(p) = c
	case fromExtractor:
		return reflect.NewAt(f.typ, p).Interface().(Extractor).Extract(c)
	case fromProvider:
		return f.provided.copyTo(c, p)
	case fromBodyFlow:
		*(*io.Reader)(p) = c.Body()
	case fromRawBody:
		body, err := c.ReadBody()
		*(*[]byte)(p) = body
		return err
	case fromBody:
		return f.decodeBody(c, p)
	}
	return nil
}
