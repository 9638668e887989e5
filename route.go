package tako

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unsafe"
)

// Route is what registering a typed handler returns. It builds URLs of the
// operation and calls it, by the same rules that decode its input.
type Route[I, O any] struct {
	op     *Operation
	router *Router
	in     *input
}

// Operation returns the record of the route.
func (r Route[I, O]) Operation() *Operation { return r.op }

// Pattern returns the path pattern with the prefixes of the groups around it.
func (r Route[I, O]) Pattern() string {
	prefix := ""
	for at := r.router; at != nil; at = at.parent {
		prefix = at.prefix + prefix
	}
	if prefix != "" && r.op.Pattern == "/" {
		return prefix
	}
	return prefix + r.op.Pattern
}

// URL returns path and query for an input.
func (r Route[I, O]) URL(in I) (string, error) {
	req, err := r.Request(context.Background(), in)
	if err != nil {
		return "", err
	}
	return req.URL.RequestURI(), nil
}

// A RequestEncoder is an Extractor that can also be written into a request, so
// that [Route.Do] can call operations that read it.
type RequestEncoder interface {
	// EncodeRequest adds the value to req.
	EncodeRequest(req *http.Request) error
}

// Request returns the request for an input, to a URL without a host of its own.
// Provided values and extractors that are no [RequestEncoder] are left out.
func (r Route[I, O]) Request(ctx context.Context, in I) (*http.Request, error) {
	method := r.op.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://tako.invalid/", nil)
	if err != nil {
		return nil, err
	}
	if _, streams := any(new(O)).(*Stream); !streams {
		req.Header.Set("Accept", "application/json")
	}
	params := map[string]string{}
	v := reflect.ValueOf(&in).Elem()
	if r.in.whole {
		err = encodeExtractor(req, v.Addr().Interface(), params)
	}
	for i := range r.in.fields {
		if err == nil {
			err = r.in.fields[i].encode(req, fieldAt(v, r.in.fields[i].offset, r.in.fields[i].typ), params)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("encode input of %s: %w", r.op, err)
	}
	path, err := fillPattern(r.Pattern(), params)
	if err != nil {
		return nil, err
	}
	decoded, _ := unescapeSegment(path)
	req.URL.Path, req.URL.RawPath = decoded, path
	return req, nil
}

// Do calls the operation through rt and decodes the result. An answer with a
// status of 400 or more is returned as an [Error]. A result that streams must be
// closed by the caller.
func (r Route[I, O]) Do(ctx context.Context, rt http.RoundTripper, in I, edit ...func(*http.Request)) (O, error) {
	var out O
	req, err := r.Request(ctx, in)
	if err != nil {
		return out, err
	}
	for _, f := range edit {
		f(req)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return out, err
	}
	_, streams := any(&out).(*Stream)
	if !streams || resp.StatusCode >= 400 {
		defer resp.Body.Close()
	}
	if resp.StatusCode >= 400 {
		return out, readError(resp)
	}
	if _, redirects := any(&out).(*Redirect); resp.StatusCode >= 300 && !redirects {
		return out, fmt.Errorf("%s answered %d, to %q", r.op, resp.StatusCode, resp.Header.Get("Location"))
	}
	return out, decodeResponse(resp, &out)
}

// readError reads an error response, a problem document or not.
func readError(resp *http.Response) error {
	e := new(Error)
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if mediaType(resp.Header.Get("Content-Type")) != "application/problem+json" || e.UnmarshalJSON(body) != nil {
		e.Detail = strings.TrimSpace(string(body))
	}
	e.Status = resp.StatusCode
	for name, values := range resp.Header {
		for _, v := range values {
			e.Header.Add(name, v)
		}
	}
	return e
}

func decodeResponse(resp *http.Response, out any) error {
	decode := func(v any) error {
		body, err := io.ReadAll(resp.Body)
		if err != nil || len(body) == 0 {
			return err
		}
		if media := mediaType(resp.Header.Get("Content-Type")); !handles(JSONCodec{}, media) {
			return fmt.Errorf("response has media type %q, JSON is expected", media)
		}
		return JSONCodec{}.Decode(body, v)
	}
	if r, ok := out.(fromResponse); ok {
		return r.fromResponse(resp, decode)
	}
	t := reflect.TypeOf(out).Elem()
	plan := compileOutput(new(Operation), new(mistakes), t)
	if plan.empty {
		return nil
	}
	if len(plan.fields) == 0 {
		return decode(out)
	}
	v := reflect.ValueOf(out).Elem()
	for _, f := range plan.fields {
		target := inputField{in: "header", name: f.name, typ: f.typ, parse: parserFor(f.typ)}
		if f.typ.Kind() == reflect.Slice && target.parse == nil {
			target.list, target.parse = true, parserFor(f.typ.Elem())
		}
		var bad []FieldError
		for _, value := range resp.Header[f.name] {
			target.put(fieldAt(v, f.offset, f.typ).Addr().UnsafePointer(), value, true, &bad)
		}
		if len(bad) > 0 {
			return fmt.Errorf("response header %s %s", f.name, bad[0].Detail)
		}
	}
	if plan.body == nil {
		return nil
	}
	return decode(fieldAt(v, plan.body.offset, plan.body.typ).Addr().Interface())
}

// fieldAt returns the field of v at an offset, of embedded structs too.
func fieldAt(v reflect.Value, offset uintptr, t reflect.Type) reflect.Value {
	return reflect.NewAt(t, unsafe.Add(v.Addr().UnsafePointer(), offset)).Elem()
}
