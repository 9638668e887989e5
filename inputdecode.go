package tako

import (
	"io"
	"net/http"
	"reflect"
	"unsafe"
)

// decode fills the input at base, which is blank; self is a pointer to it.
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
	if in.queries > 0 && c.query != "" {
		if err := in.decodeQuery(c, base, &bad); err != nil {
			return err
		}
	}
	missing := false
	for i := range in.fields {
		f := &in.fields[i]
		p := unsafe.Add(base, f.offset)
		switch f.source {
		case fromPath:
			value, ok := unescapeSegment(c.params[f.index])
			f.set(p, value, ok, &bad)
		case fromQuery:
			if f.required && !c.hasQuery(f.name) {
				bad, missing = append(bad, f.absent()), true
			}
		case fromHeader, fromCookie:
			if !f.decodeHeader(c, p, &bad) && f.required {
				bad, missing = append(bad, f.absent()), true
			}
		}
	}
	if len(bad) > 0 {
		return badInput(bad, missing)
	}
	for i := range in.fields {
		f := &in.fields[i]
		if f.source >= fromBody {
			if err := f.fill(c, unsafe.Add(base, f.offset)); err != nil {
				return err
			}
		}
	}
	return in.validate(c, self)
}

// badInput is 400 for values that do not parse; 422 if all that is wrong is that
// something is missing.
func badInput(bad []FieldError, missing bool) error {
	status := http.StatusBadRequest
	if missing && !hasParseError(bad) {
		status = http.StatusUnprocessableEntity
	}
	detail := bad[0].In + " parameter " + bad[0].Name + " " + bad[0].Detail
	return &Error{Status: status, Detail: detail, Fields: bad}
}

const isRequired = "is required"

func hasParseError(bad []FieldError) bool {
	for _, f := range bad {
		if f.Detail != isRequired {
			return true
		}
	}
	return false
}

func (f *inputField) absent() FieldError {
	return FieldError{In: f.in, Name: f.name, Detail: isRequired}
}

// set parses value into the field at p and notes a failure.
func (f *inputField) set(p unsafe.Pointer, value string, valid bool, bad *[]FieldError) {
	detail := "has a broken escape"
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
func (in *input) decodeQuery(c *Context, base unsafe.Pointer, bad *[]FieldError) error {
	if tooManyPairs(c.query) {
		return errTooManyPairs("query")
	}
	var seen [4]uint64 // fields that have their value; enough for 256
	for k, v := range queryPairs(c.query) {
		key, err := decodePair(k, "query")
		if err != nil {
			return err
		}
		value, err := decodePair(v, "query")
		if err != nil {
			return err
		}
		for i := range in.fields {
			f := &in.fields[i]
			if f.source != fromQuery || f.name != key {
				continue
			}
			bit := uint64(1) << (i & 63)
			if !f.list && seen[i>>6&3]&bit != 0 {
				break
			}
			seen[i>>6&3] |= bit
			f.put(unsafe.Add(base, f.offset), value, true, bad)
			break
		}
	}
	return nil
}

func (c *Context) hasQuery(name string) bool {
	for k := range queryPairs(c.query) {
		if key, _ := unescapeQuery(k); key == name {
			return true
		}
	}
	return false
}

// decodeHeader reads a header or cookie field and reports whether it is there.
func (f *inputField) decodeHeader(c *Context, p unsafe.Pointer, bad *[]FieldError) bool {
	if f.source == fromCookie {
		value, ok := findCookie(c.ex, f.name)
		if ok {
			f.put(p, value, true, bad)
		}
		return ok
	}
	if f.list {
		found := false
		for _, line := range headerValues(c.ex, f.name) {
			for value := range listItems(line) {
				f.put(p, value, true, bad)
				found = true
			}
		}
		return found
	}
	value := c.ex.RequestHeader(f.name)
	if value != "" {
		f.set(p, value, true, bad)
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
