package tako

import (
	"bytes"
	"encoding"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// encodeExtractor writes an extractor into req if it can be.
func encodeExtractor(req *http.Request, v any, params map[string]string) error {
	switch e := v.(type) {
	case pathEncoder:
		return e.encodePath(params)
	case RequestEncoder:
		return e.EncodeRequest(req)
	}
	return nil
}

// pathEncoder is implemented by [Path].
type pathEncoder interface {
	encodePath(params map[string]string) error
}

// encode writes one field of an input into req, path parameters into params.
func (f *inputField) encode(req *http.Request, v reflect.Value, params map[string]string) error {
	switch f.source {
	case fromPath:
		params[f.name] = formatValue(v)
	case fromQuery, fromHeader, fromCookie:
		if f.list {
			for i := range v.Len() {
				if err := f.encodeOne(req, formatValue(v.Index(i))); err != nil {
					return err
				}
			}
		} else if !v.IsZero() || f.def != "" || f.required {
			return f.encodeOne(req, formatValue(v))
		}
	case fromBody:
		if f.body.optional && v.IsNil() {
			return nil
		}
		body, err := encodeJSON(v.Addr().Interface())
		setBody(req, "application/json", body)
		return err
	case fromRawBody:
		setBody(req, "application/octet-stream", v.Bytes())
	case fromBodyFlow:
		if r, ok := v.Interface().(io.Reader); ok && r != nil {
			req.Body, req.ContentLength = io.NopCloser(r), -1
		}
	case fromExtractor:
		return encodeExtractor(req, v.Addr().Interface(), params)
	}
	return nil
}

func (f *inputField) encodeOne(req *http.Request, value string) error {
	switch f.source {
	case fromQuery:
		addQuery(req, f.name, value)
	case fromHeader:
		req.Header.Add(f.name, value)
	case fromCookie:
		return addCookie(req, f.name, value)
	}
	return nil
}

// addCookie refuses what http.Request.AddCookie would change.
func addCookie(req *http.Request, name, value string) error {
	cookie := http.Cookie{Name: name, Value: value}
	if err := cookie.Valid(); err != nil {
		return err
	}
	req.AddCookie(&cookie)
	return nil
}

func addQuery(req *http.Request, name, value string) {
	if req.URL.RawQuery != "" {
		req.URL.RawQuery += "&"
	}
	req.URL.RawQuery += url.QueryEscape(name) + "=" + url.QueryEscape(value)
}

func setBody(req *http.Request, contentType string, body []byte) {
	req.Header.Set("Content-Type", contentType)
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
}

func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	err := JSONCodec{}.Encode(&buf, v)
	return buf.Bytes(), err
}

// soleParam stands for the only parameter of a pattern, whatever its name.
const soleParam = "*"

// fillPattern puts values into a pattern; those of a {rest...} keep their slashes.
func fillPattern(pattern string, params map[string]string) (string, error) {
	parts, err := parsePattern(pattern)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range parts {
		value, ok := params[p.param]
		if !ok {
			value, ok = params[soleParam]
		}
		switch {
		case p.param == "":
			b.WriteString(p.literal)
		case !ok || value == "" && !p.rest:
			return "", fmt.Errorf("tako: pattern %q needs a value for %q", pattern, p.param)
		case p.rest:
			segments := strings.Split(value, "/")
			for i, s := range segments {
				if s == "." || s == ".." || s == "" && i < len(segments)-1 {
					return "", fmt.Errorf("tako: %q cannot be the rest of a path", value)
				}
				segments[i] = escapeSegment(s)
			}
			b.WriteString(strings.Join(segments, "/"))
		case value == "." || value == "..":
			return "", fmt.Errorf("tako: %q cannot be a path segment", value)
		default:
			b.WriteString(escapeSegment(value))
		}
	}
	return b.String(), nil
}

var marshalerType = reflect.TypeFor[encoding.TextMarshaler]()

// formatterFor returns what turns a value of type t into text, nil if nothing does.
func formatterFor(t reflect.Type) func(reflect.Value) string {
	switch {
	case t == durationType:
		return func(v reflect.Value) string { return time.Duration(v.Int()).String() }
	case t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(marshalerType):
		return func(v reflect.Value) string {
			p := reflect.New(t) // the method may be on the pointer, and v may have no address
			p.Elem().Set(v)
			text, _ := p.Interface().(encoding.TextMarshaler).MarshalText()
			return string(text)
		}
	}
	switch t.Kind() {
	case reflect.String:
		return reflect.Value.String
	case reflect.Bool:
		return func(v reflect.Value) string { return strconv.FormatBool(v.Bool()) }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(v reflect.Value) string { return strconv.FormatInt(v.Int(), 10) }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return func(v reflect.Value) string { return strconv.FormatUint(v.Uint(), 10) }
	case reflect.Float32, reflect.Float64:
		return func(v reflect.Value) string { return strconv.FormatFloat(v.Float(), 'g', -1, t.Bits()) }
	case reflect.Pointer:
		elem := formatterFor(t.Elem())
		if elem == nil {
			return nil
		}
		return func(v reflect.Value) string {
			if v.IsNil() {
				return ""
			}
			return elem(v.Elem())
		}
	}
	return nil
}

func formatValue(v reflect.Value) string {
	if format := formatterFor(v.Type()); format != nil {
		return format(v)
	}
	return ""
}
