package tako_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// color is a text type with a value of its own.
type color int

func (c *color) UnmarshalText(b []byte) error {
	i := slices.Index([]string{"red", "green"}, string(b))
	if i < 0 {
		return errors.New("tako_test.color: internals")
	}
	*c = color(i + 1)
	return nil
}

func (c color) MarshalText() ([]byte, error) { return []byte([]string{"", "red", "green"}[c]), nil }

type named string

type paging struct {
	Limit int `query:"limit" default:"20"`
	Deep
}

// Deep is embedded twice over.
type Deep struct {
	Cursor string `query:"cursor"`
}

// everything reads from every source.
type everything struct {
	ID      int64         `path:"id"`
	Name    named         `path:"name"`
	S       string        `query:"s"`
	B       bool          `query:"b"`
	I8      int8          `query:"i8"`
	U16     uint16        `query:"u16"`
	F32     float32       `query:"f32"`
	F64     float64       `query:"f64"`
	D       time.Duration `query:"d"`
	T       time.Time     `query:"t"`
	Addr    netip.Addr    `query:"addr"`
	Color   color         `query:"color" default:"green"`
	Strs    []string      `query:"strs"`
	Ints    []int         `query:"ints"`
	Colors  []color       `query:"colors"`
	P       *int          `query:"p"`
	PS      *string       `query:"ps"`
	PC      *color        `query:"pc"`
	Big     big.Int       `query:"big" default:"123456789012345678901234567890"`
	H       string        `header:"x-h"`
	HI      int           `header:"X-Int" default:"-7"`
	HL      []string      `header:"X-List"`
	Cookie  string        `cookie:"c"`
	CookieI *uint         `cookie:"ci"`
	paging
}

func (e everything) String() string {
	show := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	return strings.Join([]string{show(e.ID), show(e.Name), show(e.S), show(e.B), show(e.I8), show(e.U16), show(e.F32), show(e.F64), e.D.String(), e.T.Format(time.RFC3339),
		e.Addr.String(), show(e.Color), show(e.Strs), show(e.Ints), show(e.Colors), show(e.P), show(e.PS), show(e.PC), e.Big.String(), show(e.H), show(e.HI), show(e.HL),
		show(e.Cookie), show(e.CookieI), show(e.Limit), show(e.Cursor)}, " ")
}

func everythingApp() (*tako.Router, tako.Route[everything, string]) {
	r := tako.New()
	return r, tako.Get(r, "/e/{id}/{name}", func(_ context.Context, in everything) (string, error) { return in.String(), nil })
}

const nothingGiven = `1 "n" "" false 0 0 0 0 0s 0001-01-01T00:00:00Z invalid IP "green" null null null null null null 123456789012345678901234567890 "" -7 null "" null 20 ""`

func TestTypedSources(t *testing.T) {
	t.Parallel()
	overBoth(t, func() *tako.Router { r, _ := everythingApp(); return r }, func(t *testing.T, s *takotest.Server) {
		for _, tt := range []struct {
			path  string
			edits []takotest.Edit
			want  string
		}{
			{"/e/1/n", nil, nothingGiven},
			{"/e/-9223372036854775808/a%2Fb%20c?s=%20+%2B&b=true&i8=-128&u16=65535&f32=1.5&f64=-1e300&d=1m30s&t=2020-01-02T03:04:05Z&addr=::1&color=red" +
				"&strs=a&strs=&strs=b,c&ints=1&ints=-2&colors=red&colors=green&p=0&ps=&pc=red&big=7&limit=3&cursor=x",
				[]takotest.Edit{takotest.Header("X-H", "h"), takotest.Header("X-Int", "5"), takotest.Header("X-List", `a, "b,c" ,,d`), takotest.Header("Cookie", "c=1; ci=2; c=3")},
				`-9223372036854775808 "a/b c" "  +" true -128 65535 1.5 -1e+300 1m30s 2020-01-02T03:04:05Z ::1 "red" ["a","","b,c"] [1,-2] ["red","green"] 0 "" "red" 7 "h" 5 ["a","\"b,c\"","d"] "1" 2 3 "x"`},
			{"/e/1/n", nil, nothingGiven},
			{"/e/1/n?s=first&s=second&limit=1&limit=x&%73=third&b=1&unknown=%zz", nil,
				`1 "n" "first" true 0 0 0 0 0s 0001-01-01T00:00:00Z invalid IP "green" null null null null null null 123456789012345678901234567890 "" -7 null "" null 1 ""`},
			{"/e/1/n?&&s", nil, nothingGiven},
		} {
			resp := s.Get(tt.path, tt.edits...)
			if strings.Contains(tt.path, "%zz") {
				resp.Problem(400) // broken escapes are refused wherever they are
				continue
			}
			var got string
			resp.Expect(200).JSON(&got)
			assert.Equal(t, got, tt.want, tt.path)
		}
		s.Get("/e/1/n?s=first&s=second&limit=1&limit=x").Expect(200)
	})
}

func TestTypedFailures(t *testing.T) {
	t.Parallel()
	type in struct {
		ID    int8          `path:"id"`
		N     uint          `query:"n" required:"true"`
		Token string        `header:"X-Token" required:"true"`
		C     bool          `cookie:"c" required:"true"`
		D     time.Duration `query:"d"`
		Color color         `query:"color"`
		F     float32       `query:"f"`
		L     []int         `query:"l"`
		P     *int          `query:"p"`
	}
	r := tako.New()
	tako.Get(r, "/{id}", func(context.Context, in) (struct{}, error) { return struct{}{}, nil })
	s := takotest.New(t, r)
	all := []takotest.Edit{takotest.Header("X-Token", "t"), takotest.Cookie("c", "true")}
	for _, tt := range []struct {
		path   string
		edits  []takotest.Edit
		status int
		fields string
	}{
		{"/1?n=1", all, 204, ""},
		{"/1?n=0", all, 204, ""},
		{"/1", nil, 422, "query n is required, header X-Token is required, cookie c is required"},
		{"/x", nil, 400, "path id is not an integer, query n is required, header X-Token is required, cookie c is required"},
		{"/128?n=1", all, 400, "path id is out of range"},
		{"/1?n=-1", all, 400, "query n is not a non-negative integer"},
		{"/1?n=99999999999999999999", all, 400, "query n is out of range"},
		{"/1?n=", all, 400, "query n is not a non-negative integer"},
		{"/1?n=+1", all, 400, "query n is not a non-negative integer"},
		{"/1?n=0x1", all, 400, "query n is not a non-negative integer"},
		{"/1?n=1_0", all, 400, "query n is not a non-negative integer"},
		{"/1?n=1&d=5&color=blue&f=NaN&l=1&l=x&p=y", all, 400,
			"query d is not a duration such as 1m30s, query color is malformed, query f is not a number, query l is not an integer, query p is not an integer"},
		{"/1?n=1&f=1e999", all, 400, "query f is out of range"},
		{"/1?n=1&f=1e39", all, 400, "query f is out of range"},
		{"/1?n=1&f=Inf", all, 400, "query f is not a number"},
		{"/1?n=1&f=0x1p4", all, 400, "query f is not a number"},
		{"/1?n=1", []takotest.Edit{takotest.Header("X-Token", "t"), takotest.Cookie("c", "yes")}, 400, "cookie c is not true or false"},
		{"/1?n=%", all, 400, ""},
		{"/1?n=1&d=%zz", all, 400, ""},
		{"/1?n=1&%zz=1", all, 400, ""},
		{"/1?n=1&color=%ff", all, 400, ""},
		{"/1?n=1" + strings.Repeat("&a=", 1000), all, 400, ""},
		{"/1?n=1" + strings.Repeat("&a=", 999), all, 204, ""},
	} {
		resp := s.Get(tt.path, tt.edits...)
		if resp.StatusCode != tt.status {
			t.Errorf("%.40s: got %d %s, want %d", tt.path, resp.StatusCode, resp.Text, tt.status)
			continue
		}
		if tt.status == 204 {
			continue
		}
		e := resp.Problem(tt.status)
		var got []string
		for _, f := range e.Fields {
			got = append(got, f.In+" "+f.Name+" "+f.Detail)
		}
		slices.Sort(got)
		want := strings.Split(tt.fields, ", ")
		slices.Sort(want)
		if tt.fields != "" {
			assert.Equal(t, got, want, tt.path)
		}
		if e.Detail == "" || strings.Contains(resp.Text, "tako_test") || strings.Contains(resp.Text, "strconv") || strings.Contains(resp.Text, "int8") {
			t.Errorf("%.40s: got %s, want a detail that names no Go type", tt.path, resp.Text)
		}
	}
}

// What one request parses must not become the default of the next.
func TestTypedDefaultsStay(t *testing.T) {
	t.Parallel()
	type in struct {
		N  big.Int    `query:"n" default:"123456789012345678901234567890"`
		At netip.Addr `query:"at" default:"192.0.2.1"`
		M  mutable    `query:"m" default:"abc"`
	}
	r := tako.New()
	tako.Get(r, "/", func(_ context.Context, in in) (string, error) {
		out := fmt.Sprint(in.N.String(), in.At, string(in.M))
		in.N.SetInt64(1)
		in.M[0] = 'X'
		return out, nil
	})
	s := takotest.New(t, r)
	want := `"123456789012345678901234567890192.0.2.1abc"`
	for range 3 {
		s.Get("/").Expect(200).ExpectText(want)
		s.Get("/?n=987654321098765432109876543210&m=xyz").Expect(200).ExpectText(`"987654321098765432109876543210192.0.2.1xyz"`)
	}
	s.Get("/").Expect(200).ExpectText(want)
}

// mutable is a text type that writes into what it has.
type mutable []byte

func (m *mutable) UnmarshalText(b []byte) error { *m = append((*m)[:0], b...); return nil }

type ranged struct {
	From int `query:"from"`
	To   int `query:"to"`
}

func (r ranged) Validate(context.Context) error {
	if r.To < r.From {
		return errors.New("to is before from")
	}
	return nil
}

type pointerRanged struct{ ranged }

type checkedQuery struct {
	From int `query:"from"`
}

func (q *checkedQuery) Validate(context.Context) error {
	switch q.From {
	case 1:
		return errors.New("one is too few")
	case 2:
		return tako.Conflict("two is taken")
	case 3:
		return &tako.Error{Status: 422, Fields: []tako.FieldError{{In: "query", Name: "from", Detail: "is three"}}}
	case 4:
		return context.DeadlineExceeded
	}
	return nil
}

func TestTypedValidate(t *testing.T) {
	t.Parallel()
	recordLogs()
	r := tako.New()
	calls := 0
	tako.Get(r, "/value", func(context.Context, ranged) (struct{}, error) { calls++; return struct{}{}, nil })
	tako.Get(r, "/embedded", func(context.Context, pointerRanged) (struct{}, error) { calls++; return struct{}{}, nil })
	tako.Get(r, "/pointer", func(context.Context, checkedQuery) (struct{}, error) { calls++; return struct{}{}, nil })
	tako.Get(r, "/query", func(context.Context, struct{ Q tako.Query[checkedQuery] }) (struct{}, error) {
		calls++
		return struct{}{}, nil
	})
	tako.Get(r, "/whole", func(context.Context, tako.Query[checkedQuery]) (struct{}, error) { calls++; return struct{}{}, nil })
	tako.Get(r, "/optional", func(context.Context, struct {
		Q tako.Optional[tako.Query[checkedQuery]]
	}) (struct{}, error) {
		calls++
		return struct{}{}, nil
	})
	s := takotest.New(t, r)
	assert.Equal(t, s.Get("/value?from=2&to=1").Problem(422).Detail, "to is before from")
	assert.Equal(t, s.Get("/embedded?from=2&to=1").Problem(422).Detail, "to is before from")
	for _, path := range []string{"/pointer", "/query", "/whole", "/optional"} {
		assert.Equal(t, s.Get(path+"?from=1").Problem(422).Detail, "one is too few", path)
		assert.Equal(t, s.Get(path+"?from=2").Problem(409).Detail, "two is taken", path)
		assert.Equal(t, s.Get(path + "?from=3").Problem(422).Fields[0].Name, "from", path)
		s.Get(path + "?from=4").Problem(503)
		s.Get(path + "?from=x").Problem(400)
	}
	assert.Equal(t, calls, 0, "handlers called")
	s.Get("/value?from=1&to=2").Expect(204)
	s.Get("/whole?from=5").Expect(204)
	assert.Equal(t, calls, 2, "handlers called")
}

func TestTypedMistakes(t *testing.T) {
	t.Parallel()
	in := func(v any) string { return fmt.Sprintf("%T", v) }
	_ = in
	for name, tt := range map[string]struct {
		register func(r *tako.Router)
		want     string
	}{
		"untagged": {func(r *tako.Router) { tako.Get(r, "/", handlerOf[struct{ X int }]) }, "no source"},
		"two sources": {func(r *tako.Router) {
			tako.Get(r, "/", handlerOf[struct {
				X int `query:"x" header:"x"`
			}])
		}, "more than one source"},
		"unexported": {func(r *tako.Router) {
			tako.Get(r, "/", handlerOf[struct {
				x int `query:"x"`
			}])
		}, "unexported"},
		"map": {func(r *tako.Router) {
			tako.Get(r, "/", handlerOf[struct {
				X map[string]int `query:"x"`
			}])
		}, "cannot be read"},
		"interface": {func(r *tako.Router) {
			tako.Get(r, "/", handlerOf[struct {
				X any `query:"x"`
			}])
		}, "cannot be read"},
		"empty name": {func(r *tako.Router) {
			tako.Get(r, "/", handlerOf[struct {
				X int `query:""`
			}])
		}, "empty name"},
		"default": {func(r *tako.Router) {
			tako.Get(r, "/", handlerOf[struct {
				X int `query:"x" default:"y"`
			}])
		}, "default"},
		"list default": {func(r *tako.Router) {
			tako.Get(r, "/", handlerOf[struct {
				X []int `query:"x" default:"1"`
			}])
		}, "default"},
		"missing path": {func(r *tako.Router) { tako.Get(r, "/{id}", handlerOf[struct{}]) }, "does not declare"},
		"unknown path": {func(r *tako.Router) {
			tako.Get(r, "/", handlerOf[struct {
				X int `path:"id"`
			}])
		}, "does not have"},
		"no struct": {func(r *tako.Router) { tako.Get(r, "/", handlerOf[int]) }, "must be a struct"},
		"two bodies": {func(r *tako.Router) {
			tako.Get(r, "/", handlerOf[struct {
				Body int
				J    tako.JSON[int]
			}])
		}, "only one can"},
		"bare query": {func(r *tako.Router) { tako.Get(r, "/", handlerOf[tako.Query[struct{ X int }]]) }, "tag"},
		"no state":   {func(r *tako.Router) { tako.Get(r, "/", handlerOf[struct{ S tako.State[int] }]) }, "Supply"},
		"form tag": {func(r *tako.Router) {
			tako.Get(r, "/", handlerOf[struct {
				X int `form:"x"`
			}])
		}, "tako.Form"},
		"nil":     {func(r *tako.Router) { tako.Get[struct{}, struct{}](r, "/", nil) }, "nil"},
		"channel": {func(r *tako.Router) { tako.Get(r, "/", resultOf[chan int]) }, "cannot be encoded"},
		"two of a name": {func(r *tako.Router) {
			tako.Get(r, "/", handlerOf[struct {
				X, Y int `query:"x"`
			}])
		}, "x"},
		"stray result field": {func(r *tako.Router) {
			tako.Get(r, "/", resultOf[struct {
				Stray string
				H     string `header:"X-H"`
				Body  int
			}])
		}, "Stray"},
	} {
		r := tako.New()
		tt.register(r)
		err := r.Build()
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "typed_test.go:") {
			t.Errorf("%s: got %v, want a mistake with %q and the place", name, err, tt.want)
		}
	}
}

func handlerOf[I any](context.Context, I) (struct{}, error) { return struct{}{}, nil }

func resultOf[O any](context.Context, struct{}) (o O, err error) { return o, nil }

func TestTypedURL(t *testing.T) {
	t.Parallel()
	_, route := everythingApp()
	u, err := route.URL(everything{ID: 1, Name: "a/b ü", S: "&=+ %", Strs: []string{"", "x"}, paging: paging{Limit: 20}})
	assert.NoError(t, err)
	parsed, err := url.Parse(u)
	assert.NoError(t, err)
	assert.Equal(t, parsed.EscapedPath(), "/e/1/a%2Fb%20%C3%BC")
	assert.Equal(t, parsed.Query()["strs"], []string{"", "x"})
	assert.Equal(t, parsed.Query().Get("s"), "&=+ %")
	for _, bad := range []named{"", ".", ".."} {
		if u, err := route.URL(everything{Name: bad}); err == nil {
			t.Errorf("%q: got %s, want an error", bad, u)
		}
	}
}
