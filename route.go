package tako

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
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

// Pattern returns the path pattern with the prefixes of the groups around it, but
// not of the router that theirs is mounted in.
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

// URL returns path and query for an input. A parameter of the pattern that would
// be empty is an error.
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

// Request returns the request for an input. Its URL has the host of the route's host
// pattern, and one that does not exist without a pattern.
// The body is encoded by the first codec of the route or its groups, and as JSON
// without one. Provided values and extractors that are neither [RequestEncoder] nor
// [PathEncoder] are left out: what these read is the caller's to add.
func (r Route[I, O]) Request(ctx context.Context, in I) (*http.Request, error) {
	method := r.op.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://tako.invalid/", nil)
	if err != nil {
		return nil, err
	}
	codecs := r.codecs()
	switch any(new(O)).(type) {
	case *Stream, *File, *HTML: // of whatever type they are
	default:
		req.Header.Set("Accept", acceptOf(codecs))
	}
	to := requestEncoding{req: req, params: map[string]string{}, codec: codecs[0]}
	v := reflect.ValueOf(&in).Elem()
	if r.in.whole {
		err = to.extractor(v.Addr().Interface())
	}
	for i := range r.in.fields {
		if err == nil {
			f := &r.in.fields[i]
			err = to.field(f, fieldAt(v, f.offset, f.typ))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("encode input of %s: %w", r.op, err)
	}
	path, err := fillPattern(r.Pattern(), to.params)
	if err != nil {
		return nil, err
	}
	decoded, _ := unescapeSegment(path)
	req.URL.Path, req.URL.RawPath = decoded, path
	if host := r.hostPattern(); host != "" {
		if req.Host, err = fillHost(host, to.params); err != nil {
			return nil, err
		}
		req.URL.Host = req.Host
	}
	return req, nil
}

// hostPattern returns that of the route or the groups around it.
func (r Route[I, O]) hostPattern() string {
	if r.op.Host != "" {
		return r.op.Host
	}
	return r.router.hostPattern()
}

// Do calls the operation through rt and decodes the result. An answer with a
// status of 400 or more is returned as an [Error] with what the problem document
// says, and a [ResponseError] with the header fields in its chain; if it is one that
// [Throws] declared, [errors.Is] finds that. Redirections are not followed: one is an error, unless the result is a [Redirect]. A result
// that streams, such as [Stream] and [File], must be closed by the caller. How
// long a call and how large a response may be is up to ctx and rt; package client
// has a round tripper that bounds both.
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
		return out, fmt.Errorf("call %s: %w", r.op, err)
	}
	defer func() { _ = resp.Body.Close() }() // whatever it is by then
	if resp.Request == nil {
		resp.Request = req // which tells that of HEAD has no body
	}
	plan := r.output()
	switch status := resp.StatusCode; {
	case status < 200:
		err = errors.New("this is no answer to the request")
	case status < 300, plan.takes(&out, status):
		err = plan.read(resp, &out, r.codecs())
	case status >= 400:
		return out, r.readError(resp)
	default:
		err = fmt.Errorf("redirected to %q", resp.Header.Get("Location"))
	}
	if err != nil {
		var zero O
		return zero, fmt.Errorf("%s answered %d: %w", r.op, resp.StatusCode, err)
	}
	return out, nil
}

// output returns the plan of the result.
func (r Route[I, O]) output() *output {
	if h, ok := r.op.typed.(*typed[I, O]); ok {
		return h.out
	}
	return compileOutput(new(Operation), new(mistakes), reflect.TypeFor[O]())
}

// codecs lists those of the route and of the groups around it, the preferred one
// first, and JSON.
func (r Route[I, O]) codecs() []Codec {
	list := slices.Clone(r.op.codecs)
	for at := r.router; at != nil; at = at.parent {
		list = append(list, at.codecs...)
	}
	return append(list, JSONCodec{})
}

// fieldAt returns the field of v at an offset, of embedded structs too.
func fieldAt(v reflect.Value, offset uintptr, t reflect.Type) reflect.Value {
	return reflect.NewAt(t, unsafe.Add(v.Addr().UnsafePointer(), offset)).Elem()
}
