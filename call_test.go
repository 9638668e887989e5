package tako_test

import (
	"context"
	"errors"
	"io"
	"math/big"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// callIn is an input whose fields must survive the way through a request.
type callIn struct {
	ID     int64         `path:"id"`
	Name   string        `path:"name"`
	S      string        `query:"s"`
	Must   int           `query:"must" required:"true"`
	Def    int           `query:"def" default:"5"`
	DefS   string        `query:"defs" default:"x"`
	B      bool          `query:"b" default:"true"`
	D      time.Duration `query:"d"`
	T      time.Time     `query:"t"`
	F      float64       `query:"f"`
	F32    float32       `query:"f32"`
	Color  color         `query:"color" default:"red"`
	Big    big.Int       `query:"big"`
	P      *int          `query:"p"`
	PS     *string       `query:"ps"`
	Strs   []string      `query:"strs"`
	Ints   []int         `query:"ints"`
	H      string        `header:"X-H"`
	HI     int           `header:"X-Int" default:"3"`
	HMust  string        `header:"X-Must" required:"true"`
	HL     []int         `header:"X-List"`
	Cookie string        `cookie:"c"`
	CP     *int          `cookie:"cp"`
}

func TestDoRoundTrip(t *testing.T) {
	t.Parallel()
	zero, empty := 0, ""
	overBoth(t, func() *tako.Router {
		r := tako.New()
		return r
	}, func(t *testing.T, _ *takotest.Server) {
		var got callIn
		r := tako.New()
		route := tako.Get(r.Group("/api"), "/{id}/{name}", func(_ context.Context, in callIn) (struct{}, error) { got = in; return struct{}{}, nil })
		s := takotest.New(t, r)
		if strings.HasSuffix(t.Name(), "socket") {
			s = takotest.Serve(t, r)
		}
		for name, in := range map[string]callIn{
			"zero": {Name: "n", HMust: "m", Color: 1},
			"full": {ID: -1, Name: "a/b c%2F?#é", S: "&=+ ;%\x00é", Must: 7, Def: 1, DefS: "y", B: true, D: 90 * time.Second, T: time.Date(2020, 1, 2, 3, 4, 5, 6, time.UTC),
				F: 1e300, F32: 0.1, Color: 2, Big: *big.NewInt(12345), P: &zero, PS: &empty, Strs: []string{"", "a,b", "c"}, Ints: []int{0, -1}, H: "a, b;c", HI: 1, HMust: "x", HL: []int{1, 2}, Cookie: "c0okie", CP: &zero},
			"zeros with defaults": {Name: "n", HMust: "m", Color: 1, Must: 0, Def: 0, DefS: "", B: false, HI: 0},
			"cookie with space":   {Name: "n", Must: 1, HMust: "m", Color: 1, Cookie: "a b,c"},
		} {
			got = callIn{}
			if _, err := route.Do(t.Context(), s, in); err != nil {
				t.Errorf("%s: got %v, want no error", name, err)
				continue
			}
			want := reflect.ValueOf(in)
			for i := range want.NumField() {
				g, w := reflect.ValueOf(got).Field(i).Interface(), want.Field(i).Interface()
				if n, ok := w.(big.Int); ok {
					g, w = new(big.Int).Set(ptr(g.(big.Int))).String(), n.String()
				}
				if !reflect.DeepEqual(g, w) {
					t.Errorf("%s: field %s: got %#v, want %#v", name, want.Type().Field(i).Name, g, w)
				}
			}
		}
		for name, in := range map[string]callIn{
			"cookie that ends":      {Name: "n", Must: 1, HMust: "m", Color: 1, Cookie: "a;b"},
			"cookie in quotes":      {Name: "n", Must: 1, HMust: "m", Color: 1, Cookie: `"q"`},
			"cookie with backslash": {Name: "n", Must: 1, HMust: "m", Color: 1, Cookie: `a\b`},
			"field with line end":   {Name: "n", Must: 1, HMust: "m\nX: y", Color: 1},
		} {
			got = callIn{}
			if _, err := route.Do(t.Context(), s, in); err == nil && (got.Cookie != in.Cookie || got.HMust != in.HMust) {
				t.Errorf("%s: got cookie %q, field %q without an error, want %q and %q or an error", name, got.Cookie, got.HMust, in.Cookie, in.HMust)
			}
		}
	})
}

func ptr[T any](v T) *T { return &v }

type bigBody struct {
	N    big.Int
	Name string
}

type sentForm struct {
	S string   `form:"s"`
	P *int     `form:"p"`
	L []string `form:"l"`
	N int      `form:"n" default:"4"`
}

// calls registers a handler that answers with its input, and compares.
func calls[I any](t *testing.T, name string, in I) {
	t.Helper()
	var got I
	r := tako.New()
	route := tako.Post(r, "/", func(_ context.Context, in I) (struct{}, error) { got = in; return struct{}{}, nil })
	if _, err := route.Do(t.Context(), takotest.New(t, r), in); err != nil {
		t.Errorf("%s: got %v, want no error", name, err)
	} else if !reflect.DeepEqual(got, in) {
		t.Errorf("%s: got %+v, want %+v", name, got, in)
	}
}

func TestDoBodies(t *testing.T) {
	t.Parallel()
	calls(t, "body", struct{ Body account }{account{"a<>é", 1}})
	calls(t, "pointer", struct{ Body *account }{&account{"a", 1}})
	calls(t, "no body", struct{ Body *account }{})
	calls(t, "big", struct{ Body bigBody }{bigBody{*big.NewInt(77), "n"}})
	calls(t, "json", tako.JSON[account]{Value: account{"a", 1}})
	calls(t, "json field", struct{ J tako.JSON[bigBody] }{tako.JSON[bigBody]{Value: bigBody{*big.NewInt(77), "n"}}})
	calls(t, "optional json", struct{ J tako.Optional[tako.JSON[int]] }{tako.Optional[tako.JSON[int]]{Present: true, Value: tako.JSON[int]{Value: 3}}})
	calls(t, "absent json", struct{ J tako.Optional[tako.JSON[int]] }{})
	calls(t, "bytes", struct{ Body []byte }{[]byte("\x00\xff")})
	calls(t, "map", struct{ Body map[string]any }{map[string]any{"a": "b"}})
	one := 1
	calls(t, "form", tako.Form[sentForm]{Value: sentForm{S: "&=+é ", P: &one, L: []string{"", "a"}, N: 9}})
	calls(t, "form with zeros", tako.Form[sentForm]{Value: sentForm{}})
	type page struct {
		Limit int      `query:"limit" default:"20"`
		Must  int      `query:"must" required:"true"`
		Tags  []string `query:"tag"`
		P     *int     `query:"p"`
	}
	calls(t, "query", tako.Query[page]{Value: page{Limit: 0, Must: 1, Tags: []string{"a&b", ""}, P: &one}})
	calls(t, "zero query", tako.Query[page]{})
	calls(t, "query field", struct{ Q tako.Query[page] }{tako.Query[page]{Value: page{Limit: 3, Must: 1}}})
}

func TestDoReaderBody(t *testing.T) {
	t.Parallel()
	r := tako.New()
	route := tako.Put(r, "/", func(_ context.Context, in struct{ Body io.Reader }) (tako.Stream, error) {
		body, err := io.ReadAll(in.Body)
		return tako.Stream{ContentType: "a/b", Size: int64(len(body)), Body: strings.NewReader(string(body))}, err
	})
	s := takotest.Serve(t, r)
	out, err := route.Do(t.Context(), s, struct{ Body io.Reader }{strings.NewReader("flow")})
	assert.NoError(t, err)
	body, err := io.ReadAll(out.Body)
	assert.NoError(t, err)
	assert.Equal(t, string(body)+out.ContentType, "flowa/b")
	assert.NoError(t, out.Body.(io.Closer).Close())
	assert.Equal(t, out.Size, int64(4))
	_, err = route.Do(t.Context(), s, struct{ Body io.Reader }{})
	assert.NoError(t, err)
}

// answers calls a handler that returns v through Do.
func answers[O any](t *testing.T, name string, v O, options ...func(*tako.Router)) {
	t.Helper()
	r := tako.New()
	for _, option := range options {
		option(r)
	}
	route := tako.Get(r, "/", func(context.Context, struct{}) (O, error) { return v, nil })
	got, err := route.Do(t.Context(), takotest.New(t, r), struct{}{})
	if err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("%s: got %+v, %v, want %+v", name, got, err, v)
	}
}

func TestDoResults(t *testing.T) {
	t.Parallel()
	answers(t, "struct", account{"a", 1})
	answers(t, "pointer", &account{"a", 1})
	answers(t, "nil", (*account)(nil))
	answers(t, "slice", []int{1})
	answers(t, "string", "x")
	answers(t, "bytes", []byte("\xff"))
	answers(t, "empty", struct{}{})
	answers(t, "no content", tako.NoContent{})
	answers(t, "created", tako.Created[account]{Location: "/a", Body: account{"a", 1}})
	answers(t, "accepted", tako.Accepted[account]{Location: "/a", Body: account{"a", 1}})
	answers(t, "redirect", tako.Redirect{Status: 307, Location: "/x"})
	zero := 0
	answers(t, "fields", fielded{Total: 3, Next: "n", Tags: []string{"a", "b"}, Zero: &zero, At: time.Unix(1, 0).UTC(), Wait: time.Second, Body: []int{1}})
	answers(t, "fields alone", headersOnly{`"x"`})
	answers(t, "with another codec", account{"a", 1}, func(r *tako.Router) { r.Codec(xmlCodec{}) })
	answers(t, "created with another codec", tako.Created[account]{Body: account{"a", 1}}, func(r *tako.Router) { r.Codec(xmlCodec{}) })
}

func TestDoErrors(t *testing.T) {
	t.Parallel()
	recordLogs()
	r := tako.New()
	route := tako.Get(r, "/{id}", func(_ context.Context, in struct {
		ID   string `path:"id"`
		N    int    `query:"n"`
		Mode string `query:"mode"`
		C    *tako.Context
	}) (account, error) {
		switch in.Mode {
		case "error":
			return account{}, (&tako.Error{Status: 409, Type: "urn:t", Title: "T", Detail: "d", Instance: "/i", Fields: []tako.FieldError{{In: "body", Name: "/a", Detail: "x"}},
				Extra: map[string]any{"k": "v"}}).With("Retry-After", "3")
		case "text":
			return account{}, in.C.Text(418, "short and stout\n")
		case "redirect":
			return account{}, in.C.Redirect(302, "/login")
		case "other type":
			return account{}, in.C.Text(200, "x")
		case "cut":
			return account{}, errors.Join(writes(`{"name"`)(in.C), in.C.Flush(), errBoom)
		case "broken json":
			return account{}, in.C.Bytes(200, "application/json", []byte(`{"name"`))
		}
		return account{}, errBoom
	})
	s := takotest.New(t, r)
	type in = struct {
		ID   string `path:"id"`
		N    int    `query:"n"`
		Mode string `query:"mode"`
		C    *tako.Context
	}
	do := func(mode string, edit ...func(*http.Request)) error {
		_, err := route.Do(t.Context(), s, in{ID: "1", Mode: mode}, edit...)
		return err
	}
	e, ok := errors.AsType[*tako.Error](do("error"))
	if !ok {
		t.Fatal("got no *tako.Error")
	}
	assert.Equal(t, e.Header.Get("Retry-After"), "3")
	e.Header = tako.Header{}
	assert.Equal(t, e, &tako.Error{Status: 409, Type: "urn:t", Title: "T", Detail: "d", Instance: "/i", Fields: []tako.FieldError{{In: "body", Name: "/a", Detail: "x"}}, Extra: map[string]any{"k": "v"}})
	e, _ = errors.AsType[*tako.Error](do("text"))
	assert.Equal(t, e.Status, 418)
	assert.Equal(t, e.Detail, "short and stout")
	e, _ = errors.AsType[*tako.Error](do("", func(r *http.Request) { r.URL.RawQuery = "n=x" }))
	assert.Equal(t, e.Fields, []tako.FieldError{{In: "query", Name: "n", Detail: "is not an integer"}})
	e, _ = errors.AsType[*tako.Error](do(""))
	assert.Equal(t, e.Status, 500)
	for _, mode := range []string{"redirect", "other type", "cut", "broken json"} {
		if err := do(mode); err == nil {
			t.Errorf("%s: got a zero result and no error, want an error", mode)
		}
	}
	if _, err := route.Do(t.Context(), s, in{}); err == nil {
		t.Error("got no error of an empty path parameter")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := route.Do(ctx, s, in{ID: "1"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}
