package tako_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// full has a field of every source that a client can send.
type full struct {
	ID     int64         `path:"id"`
	Name   string        `path:"name"`
	Rest   string        `path:"rest"`
	S      string        `query:"s"`
	N      int           `query:"n" default:"7"`
	Strs   []string      `query:"strs"`
	Ints   []int         `query:"ints"`
	P      *bool         `query:"p"`
	At     time.Time     `query:"at"`
	Wait   time.Duration `query:"wait"`
	H      string        `header:"X-H"`
	List   []string      `header:"X-List"`
	C      string        `cookie:"c"`
	Must   string        `query:"must" required:"true"`
	Page   tako.Query[queryPart]
	K      token
	Absent tako.Optional[token2]
	Body   account
}

type queryPart struct {
	Cursor string  `query:"cursor"`
	Score  float64 `query:"score"`
}

// token2 is an extractor of another field than token.
type token2 struct{ Value string }

func (k *token2) Extract(c *tako.Context) error {
	if k.Value = c.RequestHeader("X-Token2"); k.Value == "" {
		return tako.Errorf(401, "no token: %w", tako.ErrAbsent)
	}
	return nil
}

func (k *token2) EncodeRequest(req *http.Request) error {
	req.Header.Set("X-Token2", k.Value)
	return nil
}

// trip calls a route with in and checks that the handler saw the same.
func trip[I any](t *testing.T, pattern string, in I, options ...tako.Option) {
	t.Helper()
	for _, serve := range []func(testing.TB, tako.App) *takotest.Server{takotest.New, takotest.Serve} {
		var saw I
		r := tako.New()
		route := tako.Post(r.Group("/g"), pattern, func(_ context.Context, in I) (tako.NoContent, error) { saw = in; return tako.NoContent{}, nil }, options...)
		s := serve(t, r)
		if _, err := route.Do(t.Context(), s, in); err != nil {
			t.Errorf("%T: %v", in, err)
		} else if !reflect.DeepEqual(saw, in) {
			t.Errorf("got %+v, want %+v", saw, in)
		}
	}
}

type formed struct {
	A string  `form:"a"`
	B []int   `form:"b"`
	C *string `form:"c"`
	D float32 `form:"d" default:"2"`
}

func TestRouteSendsWhatTheHandlerReads(t *testing.T) {
	t.Parallel()
	yes := true
	empty := ""
	trip(t, "/{id}/{name}/{rest...}", full{ID: -1, Name: "a/b ü%?#", Rest: "x/y z/%", S: "&=+ %\"\x00", N: 0, Strs: []string{"", "a,b"}, Ints: []int{1, -2},
		P: &yes, At: changedAt, Wait: time.Second, H: "ü h", List: []string{"a", `"b,c"`}, C: "c", Must: "",
		Page: tako.Query[queryPart]{Value: queryPart{"next", 1.5}}, K: token{"k"}, Absent: tako.Optional[token2]{Value: token2{"o"}, Present: true}, Body: account{"a", 1}})
	trip(t, "/{id}/{name}/{rest...}", full{ID: 1, Name: "n", N: 7, K: token{"k"}, Rest: "r"})
	trip(t, "/", tako.JSON[account]{Value: account{"<a>", 1}})
	trip(t, "/", struct {
		B tako.Optional[tako.JSON[account]]
	}{tako.Optional[tako.JSON[account]]{Value: tako.JSON[account]{Value: account{"a", 1}}, Present: true}})
	trip(t, "/", struct {
		B tako.Optional[tako.JSON[account]]
	}{})
	trip(t, "/", tako.Form[formed]{Value: formed{A: "&=+ ü", B: []int{1, 2}, C: &empty, D: 0}})
	trip(t, "/", tako.Form[formed]{Value: formed{D: 2}})
	trip(t, "/", tako.Query[queryPart]{Value: queryPart{"a&b", -0.25}})
	trip(t, "/{n}", tako.Path[uint8]{Value: 255})
	trip(t, "/{n}", struct {
		P tako.Optional[tako.Path[uint8]]
	}{tako.Optional[tako.Path[uint8]]{Value: tako.Path[uint8]{Value: 7}, Present: true}})
	trip(t, "/{cursor}/{score}", tako.Path[struct {
		Score  float64 `path:"score"`
		Cursor string  `path:"cursor"`
	}]{Value: struct {
		Score  float64 `path:"score"`
		Cursor string  `path:"cursor"`
	}{-0.5, "a b"}})
	trip(t, "/", struct{ Body []byte }{[]byte("raw\x00")})
	trip(t, "/", struct{ Body *account }{&account{"a", 1}})
	trip(t, "/", struct{ Body *account }{})
	trip(t, "/", struct{ Body xmlPoint }{xmlPoint{X: 1, Y: 2}}, tako.WithCodec(xmlCodec{}))
}

// xmlPoint is a body that the XML codec of the tests reads.
type xmlPoint struct{ X, Y int }

func TestRouteSendsAReader(t *testing.T) {
	t.Parallel()
	r := tako.New()
	route := tako.Post(r, "/", func(_ context.Context, in struct{ Body io.Reader }) (string, error) {
		text, err := io.ReadAll(in.Body)
		return string(text), err
	})
	got, err := route.Do(t.Context(), takotest.Serve(t, r), struct{ Body io.Reader }{strings.NewReader("flow")})
	assert.NoError(t, err)
	assert.Equal(t, got, "flow")
}

// unwritable can be read from text only.
type unwritable struct{ v string }

func (u *unwritable) UnmarshalText(b []byte) error { u.v = string(b); return nil }

func TestRouteRefusesWhatWouldArriveAsSomethingElse(t *testing.T) {
	t.Parallel()
	type in struct {
		ID   string     `path:"id"`
		H    string     `header:"X-H"`
		List []string   `header:"X-List"`
		C    []string   `cookie:"c"`
		U    unwritable `query:"u"`
	}
	route := tako.Get(tako.New(), "/{id}", handlerOf[in])
	for _, tt := range []struct {
		in   in
		want string
	}{
		{in{}, `needs a value for "id"`},
		{in{ID: ".."}, `".." cannot be a path segment`},
		{in{ID: "1", H: "a\r\nX-Evil: 1"}, "header parameter X-H: "},
		{in{ID: "1", H: " a"}, "cannot be the value of a header field"},
		{in{ID: "1", List: []string{"a,b"}}, `"a,b" cannot be a member`},
		{in{ID: "1", List: []string{""}}, "cannot be a member"},
		{in{ID: "1", C: []string{"a", "b"}}, "a cookie has one value"},
		{in{ID: "1", C: []string{"a;b"}}, "cookie parameter c: "},
		{in{ID: "1", U: unwritable{"x"}}, "give it MarshalText"},
	} {
		if _, err := route.Do(t.Context(), nil, tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want an error with %q", tt.in, err, tt.want)
		}
	}
	if u, err := tako.Get(tako.New(), "/{a}/{b}", handlerOf[struct {
		B string `path:"b"`
		A int    `path:"a"`
	}]).URL(struct {
		B string `path:"b"`
		A int    `path:"a"`
	}{"x y", 3}); err != nil || u != "/3/x%20y" {
		t.Errorf("got %s, %v, want /3/x%%20y", u, err)
	}
}

// back calls a route that returns want and compares what comes back.
func back[O any](t *testing.T, want O, options ...tako.Option) {
	t.Helper()
	backAs(t, want, want, options...)
}

// backAs is back for results that come back as another value than was returned.
func backAs[O any](t *testing.T, answer, want O, options ...tako.Option) {
	t.Helper()
	r := tako.New()
	route := tako.Get(r, "/", func(context.Context, struct{}) (O, error) { return answer, nil }, options...)
	got, err := route.Do(t.Context(), takotest.New(t, r), struct{}{})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%T: got %+v, %v, want %+v", answer, got, err, want)
	}
}

func TestRouteReadsWhatTheHandlerReturned(t *testing.T) {
	t.Parallel()
	recordLogs()
	back(t, account{"a", 1})
	back(t, &account{"a", 1})
	back(t, (*account)(nil))
	back(t, []string{"a"})
	back(t, "text")
	back[any](t, "text")
	back(t, struct{}{})
	back(t, tako.NoContent{})
	back(t, tako.Created[account]{Location: "/a", Body: account{"a", 1}})
	back(t, &tako.Created[account]{Location: "/a", Body: account{"a", 1}})
	back(t, tako.Accepted[int]{Location: "/a", Body: 1})
	back(t, tako.Redirect{Status: 307, Location: "/x"})
	backAs(t, tako.Redirect{Location: "/x"}, tako.Redirect{Status: 303, Location: "/x"})
	back(t, tako.Conditional[account]{Validators: tako.Validators{ETag: `"v"`, LastModified: changedAt.Truncate(time.Second)}, CacheControl: "no-cache", Body: account{"a", 1}})
	backAs(t, tako.HTML{Template: template.Must(template.New("").Parse("<p>{{.}}")), Data: "<"}, tako.HTML{Status: 200, Text: "<p>&lt;"})
	back(t, emptyBody{Total: 1})
	back(t, headersOnly{`"x"`})
	back(t, statusOnly{205})
	back(t, statusOfAny{201, "x"})
	back(t, struct {
		Status int `status:"404"`
		Body   account
	}{404, account{"a", 1}})
	zero := 0
	back(t, fielded{Total: 7, Next: "n", Tags: []string{"a", "b"}, Zero: &zero, At: changedAt, Wait: time.Second, Body: []int{1}})
	at := changedAt.Truncate(time.Second)
	back(t, signedIn{Status: 202, Total: 3, Expires: &at, Session: "s", Body: account{"a", 1}})
	back(t, tagged{`"v"`, at, account{"a", 1}})
	back(t, xmlPoint{1, 2}, tako.WithCodec(xmlCodec{}))
	back(t, tako.Created[xmlPoint]{Body: xmlPoint{1, 2}}, tako.WithCodec(xmlCodec{}))
}

func TestRouteReadsStreams(t *testing.T) {
	t.Parallel()
	r := tako.New()
	stream := tako.Get(r, "/stream", func(context.Context, struct{}) (tako.Stream, error) {
		return tako.Stream{ContentType: "a/b", Size: 3, Body: strings.NewReader("abc")}, nil
	})
	file := tako.Get(r, "/file", func(context.Context, struct{}) (tako.File, error) {
		return tako.File{Name: "a.txt", Download: true, Validators: tako.Validators{ETag: `"v"`}, Body: bytes.NewReader([]byte("abc"))}, nil
	})
	cookie := tako.Get(r, "/cookie", func(context.Context, struct{}) (cookieOnly, error) {
		return cookieOnly{A: http.Cookie{Value: "1", MaxAge: 5}}, nil
	})
	none := tako.Get(r, "/none", func(context.Context, struct{}) (tako.Stream, error) { return tako.Stream{}, tako.NotFound("gone") })
	for _, s := range []*takotest.Server{takotest.New(t, r), takotest.Serve(t, r)} {
		got, err := stream.Do(t.Context(), s, struct{}{})
		assert.NoError(t, err)
		text, err := io.ReadAll(got.Body)
		assert.NoError(t, err)
		assert.NoError(t, got.Close())
		assert.Equal(t, fmt.Sprint(string(text), got.ContentType, got.Size), "abca/b3")
		f, err := file.Do(t.Context(), s, struct{}{})
		assert.NoError(t, err)
		text, err = io.ReadAll(f.Body)
		assert.NoError(t, err)
		assert.NoError(t, f.Close())
		assert.Equal(t, fmt.Sprint(string(text), f.Name, f.Download, f.Validators.ETag, f.ContentType), `abca.txttrue"v"text/plain; charset=utf-8`)
		f, err = file.Do(t.Context(), s, struct{}{}, func(req *http.Request) { req.Header.Set("If-None-Match", `"v"`) })
		assert.NoError(t, err)
		assert.Equal(t, f.NotModified, true)
		assert.NoError(t, f.Close())
		c, err := cookie.Do(t.Context(), s, struct{}{})
		assert.NoError(t, err)
		assert.Equal(t, fmt.Sprint(c.A.Value, c.A.MaxAge, c.A.HttpOnly, c.B), "15 true")
		_, err = none.Do(t.Context(), s, struct{}{})
		assert.Equal(t, tako.AsError(err).Status, 404)
	}
}

func TestRouteReadsNotModified(t *testing.T) {
	t.Parallel()
	r := tako.New()
	route := tako.Get(r, "/", func(context.Context, struct{}) (tako.Conditional[account], error) {
		return tako.Conditional[account]{Validators: tako.Validators{ETag: `"v"`}, Body: account{"a", 1}}, nil
	})
	tag := func(name, value string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set(name, value) }
	}
	got, err := route.Do(t.Context(), takotest.New(t, r), struct{}{}, tag("If-None-Match", `"v"`))
	assert.NoError(t, err)
	assert.Equal(t, got, tako.Conditional[account]{Validators: tako.Validators{ETag: `"v"`}, NotModified: true})
	_, err = route.Do(t.Context(), takotest.New(t, r), struct{}{}, tag("If-Match", `"w"`))
	assert.Equal(t, tako.AsError(err).Status, 412)
}

// answers is a round tripper that gives one response.
type answers struct {
	status int
	header http.Header
	body   string
}

func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: -1, Request: req}, nil
}

var (
	errTaken = &tako.Error{Status: 409, Type: "https://reefs.example/taken", Title: "Taken"}
	errFull  = tako.Conflict("the reef is full")
	errOdd   = errors.New("odd")
)

func TestRouteReadsErrors(t *testing.T) {
	t.Parallel()
	recordLogs()
	var answer error
	r := tako.New()
	route := tako.Get(r, "/", func(context.Context, struct{}) (account, error) { return account{}, answer }, tako.Throws(nil, errTaken, errFull, errOdd))
	s := takotest.New(t, r)
	full := &tako.Error{Status: 409, Type: errTaken.Type, Title: "Taken", Detail: "by reef 7", Instance: "/reefs/7", Extra: map[string]any{"by": 7.0},
		Fields: []tako.FieldError{{In: "body", Name: "/name", Detail: "is taken", Rule: "unique", Value: "x"}}}
	for _, tt := range []struct {
		answer error
		is     error
		status int
	}{
		{full, errTaken, 409},
		{fmt.Errorf("found: %w", errTaken), errTaken, 409},
		{fmt.Errorf("found: %w", errFull), errFull, 409},
		{tako.Conflict("something else"), nil, 409},
		{&tako.Error{Status: 410, Type: errTaken.Type}, nil, 410},
		{&tako.Error{Status: 409, Type: errTaken.Type + "/else", Title: "Taken"}, nil, 409},
		{&tako.Error{Status: 409, Type: errTaken.Type, Detail: "the reef is full"}, errTaken, 409},
		{errOdd, nil, 500},
		{&tako.Error{Status: 409, Type: "about:blank", Detail: "the reef is full"}, errFull, 409},
		{tako.Unauthorized("Basic", "who"), nil, 401},
	} {
		answer = tt.answer
		_, err := route.Do(t.Context(), s, struct{}{})
		e, ok := errors.AsType[*tako.Error](err)
		if !ok || e.Status != tt.status {
			t.Errorf("%v: got %v, want status %d", tt.answer, err, tt.status)
			continue
		}
		for _, declared := range []error{errTaken, errFull, errOdd} {
			if errors.Is(err, declared) != (declared == tt.is) {
				t.Errorf("%v: got Is(%v) %v", tt.answer, declared, errors.Is(err, declared))
			}
		}
		if tt.status == 401 {
			from, ok := errors.AsType[*tako.ResponseError](err)
			if !ok || from.Status != 401 || from.Header.Get("WWW-Authenticate") != "Basic" {
				t.Errorf("got %+v, want the response", from)
			}
		}
		if tt.answer == error(full) {
			e.Header, e.Err = tako.Header{}, nil
			assert.Equal(t, e, full)
		}
	}
}

// A handler that returns what another service answered does not speak in its name.
func TestErrorsOfOthersKeepTheirHeaders(t *testing.T) {
	t.Parallel()
	up := tako.Get(tako.New(), "/up", resultOf[account])
	header := http.Header{"Content-Type": {"text/plain"}, "Retry-After": {"7"}}
	for _, name := range []string{"Access-Control-Allow-Origin", "Content-Security-Policy", "Cache-Control", "Www-Authenticate", "Set-Cookie", "Etag", "X-Internal", "Location"} {
		header[name] = []string{"up"}
	}
	r := tako.New()
	tako.Get(r, "/", func(ctx context.Context, _ struct{}) (account, error) {
		return up.Do(ctx, answers{429, header, "slowly"}, struct{}{})
	})
	resp := takotest.New(t, r).Get("/").Expect(429).ExpectHeader("Retry-After", "7")
	for name, values := range resp.Header {
		if slices.Contains(values, "up") {
			t.Errorf("got %s of the other service", name)
		}
	}
	if strings.Contains(resp.Text, "slowly") {
		t.Errorf("got %s, want nothing that was written for others", resp.Text)
	}
	_, err := up.Do(t.Context(), answers{429, header, "slowly"}, struct{}{})
	from, ok := errors.AsType[*tako.ResponseError](err)
	if !ok || from.Status != 429 || from.Header.Get("X-Internal") != "up" || from.Text != "slowly" || from.Error() != `GET /up answered 429: "slowly"` {
		t.Errorf("got %+v, want the response", from)
	}
}

func TestRouteOfAHost(t *testing.T) {
	t.Parallel()
	type tenant struct {
		Name string `path:"tenant"`
		ID   int    `path:"id"`
	}
	r := tako.New()
	echo := func(_ context.Context, in tenant) (string, error) { return fmt.Sprint(in.Name, in.ID), nil }
	one := tako.Get(r.Host("{tenant}.example.com"), "/{id}", echo)
	other := tako.Get(r.Host("api.example"), "/", resultOf[string])
	s := takotest.New(t, r)
	got, err := one.Do(t.Context(), s, tenant{"reef", 7})
	assert.NoError(t, err)
	assert.Equal(t, got, "reef7")
	_, err = other.Do(t.Context(), s, struct{}{})
	assert.NoError(t, err)
	for _, name := range []string{"", "a.b", "evil.example/", "a@b", "a:1", "a b"} {
		if req, err := one.Request(t.Context(), tenant{name, 7}); err == nil {
			t.Errorf("%q: got %s, want an error", name, req.URL)
		}
	}
}

// What would arrive as something else is an error.
func TestRouteKeepsZeroValues(t *testing.T) {
	t.Parallel()
	type params struct {
		Query  string  `query:"q" default:"q"`
		Count  int     `query:"n" default:"3"`
		On     bool    `header:"X-On" default:"true"`
		Cookie string  `cookie:"c" default:"c"`
		Header string  `header:"X-H" default:"h"`
		Maybe  *string `header:"X-Maybe"`
	}
	r := tako.New()
	var got params
	route := tako.Get(r, "/", func(_ context.Context, in params) (tako.NoContent, error) { got = in; return tako.NoContent{}, nil })
	s := takotest.New(t, r)
	empty := ""
	for _, tt := range []struct {
		in params
		ok bool
	}{{params{Header: "x"}, true}, {params{Header: "h", Query: "q", Count: 3, On: true, Cookie: "c"}, true}, {params{}, false}, {params{Header: "x", Maybe: &empty}, false}} {
		_, err := route.Do(t.Context(), s, tt.in)
		if (err == nil) != tt.ok || tt.ok && got != tt.in {
			t.Errorf("%+v: got %+v, %v", tt.in, got, err)
		}
	}
}

func TestRouteAnswersThatAreNoResult(t *testing.T) {
	t.Parallel()
	r := tako.New()
	route := tako.Get(r, "/", resultOf[account])
	status := tako.Get(r, "/status", resultOf[statusOnly])
	total := tako.Get(r, "/total", resultOf[emptyBody])
	json := http.Header{"Content-Type": {"application/json"}}
	call := func(do func(context.Context, http.RoundTripper, struct{}, ...func(*http.Request)) (account, error), a answers) error {
		_, err := do(t.Context(), a, struct{}{})
		return err
	}
	for want, a := range map[string]answers{
		`GET / answered 302: redirected to "/x"`:        {302, http.Header{"Location": {"/x"}}, ""},
		"GET / answered 304: redirected":                {304, nil, ""},
		`the body has media type "text/html"`:           {200, http.Header{"Content-Type": {"text/html"}}, "<p>"},
		"GET / answered 200: 400 Bad Request: the":      {200, json, "{"},
		`502 Bad Gateway: GET / answered 502: " <p>bad`: {502, http.Header{"Content-Type": {"text/html"}, "Set-Cookie": {"a=b"}}, " <p>bad \n"},
		`404 Not Found: GET / answered 404: "{"`:        {404, http.Header{"Content-Type": {"application/problem+json"}}, "{"},
		"403 Forbidden":                                 {403, nil, ""},
	} {
		err := call(route.Do, a)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
		if e, ok := errors.AsType[*tako.Error](err); ok != (a.status >= 400) || ok && e.Header.Has("Set-Cookie") {
			t.Errorf("got %#v for %d", e, a.status)
		}
	}
	_, err := status.Do(t.Context(), answers{200, nil, ""}, struct{}{})
	assert.Contains(t, fmt.Sprint(err), "GET /status answered 200: the result has one of the statuses [202 205]")
	_, err = total.Do(t.Context(), answers{204, http.Header{"X-Total": {"many"}}, ""}, struct{}{})
	assert.Contains(t, fmt.Sprint(err), "header field X-Total is not an integer")
	for want, a := range map[string]answers{
		"GET / answered 200: the body is missing":           {200, nil, ""},
		"GET / answered 200: 400 Bad Request":               {200, json, ""},
		"GET / answered 101: this is no answer":             {101, nil, ""},
		"GET / answered 201: the body has media type \"a/b": {201, http.Header{"Content-Type": {"a/b"}}, ""},
	} {
		_, err := route.Do(t.Context(), a, struct{}{})
		assert.Contains(t, fmt.Sprint(err), want)
	}
	head := tako.Handle(r, "HEAD", "/head", func(context.Context, struct{}) (account, error) { return account{}, nil })
	anything := tako.Get(r, "/any", func(context.Context, struct{}) (any, error) { return nil, nil })
	for _, err := range []error{
		errorOf(route.Do(t.Context(), answers{204, nil, ""}, struct{}{})),
		errorOf(route.Do(t.Context(), answers{205, nil, ""}, struct{}{})),
		errorOf(head.Do(t.Context(), answers{200, json, ""}, struct{}{})),
		errorOf(anything.Do(t.Context(), answers{202, nil, ""}, struct{}{})),
	} {
		assert.NoError(t, err)
	}
}

func errorOf[O any](_ O, err error) error { return err }

func TestRouteAcceptsItsCodecs(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Codec(refusing{})
	g := r.Group("/g")
	g.Codec(ownJSON{})
	for want, route := range map[string]interface {
		Request(context.Context, struct{}) (*http.Request, error)
	}{
		"application/xml, application/json, text/refuse, application/problem+json": tako.Get(g, "/a", resultOf[account], tako.WithCodec(xmlCodec{})),
		"text/refuse, application/json, application/problem+json":                  tako.Get(r, "/b", resultOf[account]),
		"": tako.Get(r, "/c", resultOf[tako.Stream]),
	} {
		req, err := route.Request(t.Context(), struct{}{})
		assert.NoError(t, err)
		assert.Equal(t, req.Header.Get("Accept"), want)
	}
}
