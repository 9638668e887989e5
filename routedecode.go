package tako

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/tako-go/tako/internal/ascii"
)

// takes reports whether a status from 300 on is a result and no error.
func (out *output) takes(v any, status int) bool {
	if out.parts != nil {
		return slices.Contains(out.parts.statuses, status)
	}
	taker, ok := v.(statusTaker)
	return ok && taker.takesStatus(status)
}

// read fills v, a pointer to a zero result, from resp.
func (out *output) read(resp *http.Response, v any, codecs []Codec) error {
	decode := func(v any) error { return decodeBody(resp, v, codecs) }
	if out.parts != nil {
		return out.parts.read(resp, reflect.ValueOf(v).Elem(), decode)
	}
	return out.whole.read(resp, v, decode)
}

func (a answer) read(resp *http.Response, v any, decode func(any) error) error {
	if a.kind == dynamic && a.typ.Kind() == reflect.Pointer { // to a Responder
		target := reflect.New(a.typ.Elem())
		reflect.ValueOf(v).Elem().Set(target)
		v = target.Interface()
	}
	if d, ok := v.(ResponseDecoder); ok {
		return d.DecodeResponse(resp, decode)
	}
	if a.kind == empty {
		return nil
	}
	return decode(v)
}

// decodeBody reads the body by the codec of its media type. Where there cannot be one
// v stays as it is.
func decodeBody(resp *http.Response, v any, codecs []Codec) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil || len(body) == 0 && mayBeEmpty(resp, v) {
		return err
	}
	media := ascii.MediaType(resp.Header.Get("Content-Type"))
	if len(body) == 0 && media == "" {
		return errors.New("the body is missing")
	}
	for _, codec := range codecs {
		if handles(codec, media) {
			return privately(codec.Decode(body, v))
		}
	}
	return fmt.Errorf("the body has media type %q, %s is expected", resp.Header.Get("Content-Type"), acceptOf(codecs))
}

// mayBeEmpty reports a response that has no body, or a result of any type, which may be
// one without.
func mayBeEmpty(resp *http.Response, v any) bool {
	switch resp.StatusCode {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return true
	}
	return resp.Request != nil && resp.Request.Method == http.MethodHead ||
		reflect.TypeOf(v).Elem().Kind() == reflect.Interface
}

// privately keeps what a codec says about a response from being taken for a fault
// of the request that this service is answering.
func privately(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return errors.New(e.Error())
	}
	return err
}

// read fills the fields of the result from the parts of the response.
func (p *outputParts) read(resp *http.Response, v reflect.Value, decode func(any) error) error {
	for i := range p.fields {
		f := &p.fields[i]
		if err := f.read(resp.Header[f.name], fieldAt(v, f.offset, f.typ)); err != nil {
			return fmt.Errorf("header field %s %w", f.name, err)
		}
	}
	if len(p.cookies) > 0 {
		p.readCookies(resp.Cookies(), v)
	}
	if p.status != nil {
		if !slices.Contains(p.statuses, resp.StatusCode) {
			return fmt.Errorf("the result has one of the statuses %v", p.statuses)
		}
		fieldAt(v, p.status.offset, p.status.typ).SetInt(int64(resp.StatusCode))
	}
	if p.body == nil {
		return nil
	}
	return p.answer.read(resp, fieldAt(v, p.body.offset, p.body.typ).Addr().Interface(), decode)
}

func (f *outputField) read(values []string, v reflect.Value) error {
	if len(values) > 0 && slices.Contains(dated, f.name) {
		if t, err := http.ParseTime(values[0]); err == nil && setTime(v, t) {
			return nil
		}
	}
	target := inputField{in: "header", name: f.name, typ: f.typ, parse: parserFor(f.typ)}
	if f.typ.Kind() == reflect.Slice && target.parse == nil {
		target.list, target.parse = true, parserFor(f.typ.Elem())
	}
	if target.parse == nil {
		return fmt.Errorf("cannot be read into a %v: give it UnmarshalText", f.typ)
	}
	var bad []FieldError
	for _, value := range values {
		if target.put(v.Addr().UnsafePointer(), value, true, &bad); len(bad) > 0 {
			return errors.New(bad[0].Detail)
		}
	}
	return nil
}

// setTime sets v if it is a time, or a pointer to one.
func setTime(v reflect.Value, t time.Time) bool {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = t
	case **time.Time:
		*p = &t
	default:
		return false
	}
	return true
}

func (p *outputParts) readCookies(cookies []*http.Cookie, v reflect.Value) {
	for i := range p.cookies {
		f := &p.cookies[i]
		for _, cookie := range cookies {
			if cookie.Name != f.name {
				continue
			}
			switch field := fieldAt(v, f.offset, f.typ); to := field.Addr().Interface().(type) {
			case *http.Cookie:
				*to = *cookie
			case **http.Cookie:
				*to = cookie
			default:
				field.SetString(cookie.Value)
			}
		}
	}
}

// maxProblem is the most that is read of an error response, in bytes.
const maxProblem = 1 << 20

// A ResponseError is in the chain of each [Error] that [Route.Do] makes of a
// response: it is what [errors.As] finds for a caller that asks for more than the
// problem. Its fields are not among those of the Error, so that a handler that
// returns the Error does not answer in the name of another service, but for
// Retry-After.
type ResponseError struct {
	// Status is the status of the response.
	Status int
	// Header holds the header fields of the response.
	Header http.Header
	// Text is the body of a response that is no problem document, its first 1 MiB.
	// It is not in the Error either: nobody wrote it for the clients of this service.
	Text string

	route string
	err   error // that was declared
}

// Error tells which operation answered with which status, and how Text begins.
func (e *ResponseError) Error() string {
	text := fmt.Sprintf("%s answered %d", e.route, e.Status)
	if e.Text != "" {
		text += fmt.Sprintf(": %.200q", e.Text)
	}
	return text
}

// Unwrap returns the error that [Throws] declared, nil if it is none of those.
func (e *ResponseError) Unwrap() error { return e.err }

// readError reads an error response, a problem document or not.
func (r Route[I, O]) readError(resp *http.Response) error {
	from := &ResponseError{Status: resp.StatusCode, Header: resp.Header, route: r.op.String()}
	e := new(Error)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil {
		return fmt.Errorf("%w: %w", from, err)
	}
	if ascii.MediaType(resp.Header.Get("Content-Type")) != "application/problem+json" || e.UnmarshalJSON(body) != nil {
		e, from.Text = new(Error), string(body)
	}
	e.Status = resp.StatusCode
	for _, v := range resp.Header["Retry-After"] {
		e.Header.Add("Retry-After", v)
	}
	from.err = declared(e, r.op.Errors)
	e.Err = from
	return e
}

// declared returns the error among errs that e is: it has the same status and type
// URI. "about:blank" says nothing, so title and detail must be the same then.
func declared(e *Error, errs []error) error {
	for _, err := range errs {
		if err == nil {
			continue
		}
		d := AsError(err)
		if d.Status != e.Status || kindOf(d) != kindOf(e) {
			continue
		}
		same := d.title() == e.title() && d.Detail == e.Detail
		if kindOf(e) != "" || same && (d.Status < 500 || d.Detail != "") {
			return err
		}
	}
	return nil
}

// kindOf returns the type URI, "" for "about:blank".
func kindOf(e *Error) string {
	if e.Type == "about:blank" {
		return ""
	}
	return e.Type
}
