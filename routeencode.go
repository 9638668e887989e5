package tako

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tako-go/tako/internal/ascii"
)

// requestEncoding is a request under way, with the path parameters it will have.
type requestEncoding struct {
	req    *http.Request
	params map[string]string
	codec  Codec
}

// A PathEncoder is an Extractor of path parameters that can also be run backwards, so
// that [Route.URL] and [Route.Do] know what to put into the pattern.
type PathEncoder interface {
	// EncodePath sets the parameters it knows, by their names.
	EncodePath(params map[string]string) error
}

// extractor writes an extractor if it can be.
func (to *requestEncoding) extractor(v any) error {
	if e, ok := v.(PathEncoder); ok {
		if err := e.EncodePath(to.params); err != nil {
			return err
		}
	}
	if e, ok := v.(RequestEncoder); ok {
		return e.EncodeRequest(to.req)
	}
	return nil
}

// field writes one field of an input.
func (to *requestEncoding) field(f *inputField, v reflect.Value) error {
	switch f.source {
	case fromPath, fromQuery, fromHeader, fromCookie:
		if err := to.param(f, v); err != nil {
			return fmt.Errorf("%s parameter %s: %w", f.in, f.name, err)
		}
	case fromBody:
		if f.optional && v.IsNil() {
			return nil
		}
		var buf bytes.Buffer
		if err := to.codec.Encode(&buf, v.Addr().Interface()); err != nil {
			return err
		}
		setBody(to.req, to.codec.MediaTypes()[0], buf.Bytes())
	case fromRawBody:
		setBody(to.req, "application/octet-stream", v.Bytes())
	case fromBodyFlow:
		if r, ok := v.Interface().(io.Reader); ok && r != nil {
			to.req.Body, to.req.ContentLength = io.NopCloser(r), -1
			to.req.Header.Set("Content-Type", "application/octet-stream")
		}
	case fromExtractor:
		return to.extractor(v.Addr().Interface())
	}
	return nil
}

func (to *requestEncoding) param(f *inputField, v reflect.Value) error {
	switch {
	case f.source == fromPath:
		text, err := formatParam(v)
		to.params[f.name] = text
		return err
	case f.list && f.source == fromCookie && v.Len() > 1:
		return errors.New("a cookie has one value")
	case f.list:
		for i := range v.Len() {
			if err := to.one(f, v.Index(i)); err != nil {
				return err
			}
		}
	case !v.IsZero() || f.def != "" || f.required:
		return to.one(f, v)
	}
	return nil
}

func (to *requestEncoding) one(f *inputField, v reflect.Value) error {
	text, err := formatParam(v)
	switch {
	case err != nil:
		return err
	case f.source == fromQuery:
		addQuery(to.req, f.name, text)
	case f.source == fromCookie:
		return addCookie(to.req, f.name, text)
	case f.source == fromHeader:
		return addHeader(to.req, f, text)
	}
	return nil
}

// addHeader refuses what the other side would read as something else.
func addHeader(req *http.Request, f *inputField, text string) error {
	if text == "" && !f.list {
		return errors.New("an empty header field counts as absent")
	}
	if !ascii.IsFieldValue(text) || text != ascii.Trim(text) {
		return fmt.Errorf("%q cannot be the value of a header field", text)
	}
	if f.list {
		if items := slices.Collect(ascii.ListItems(text)); len(items) != 1 || items[0] != text {
			return fmt.Errorf("%q cannot be a member of a header field", text)
		}
	}
	req.Header.Add(f.name, text)
	return nil
}

// formatParam returns the text for v; a type that can be read but not written is
// an error.
func formatParam(v reflect.Value) (string, error) {
	format := formatterFor(v.Type())
	if format == nil {
		return "", fmt.Errorf("a %v cannot be written as text: give it MarshalText", v.Type())
	}
	return format(v), nil
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

// acceptOf lists what codecs can decode, and problem documents.
func acceptOf(codecs []Codec) string {
	var list []string
	for _, codec := range codecs {
		if media := codec.MediaTypes()[0]; !slices.Contains(list, media) {
			list = append(list, media)
		}
	}
	return strings.Join(append(list, "application/problem+json"), ", ")
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

// fillHost puts values into a host pattern; one is a label.
func fillHost(pattern string, params map[string]string) (string, error) {
	h, problem := parseHost(pattern)
	if problem != "" {
		return "", fmt.Errorf("tako: host %q %s", pattern, problem)
	}
	filled := h.pattern()
	for _, name := range h.names {
		value := params[name]
		if !isHostLabel(value) || strings.Contains(value, ".") {
			return "", fmt.Errorf("tako: %q cannot be the %s of host %q", value, name, pattern)
		}
		filled = strings.Replace(filled, "{"+name+"}", value, 1)
	}
	return filled, nil
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
