package tako_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// token is an extractor of an application.
type token struct{ value string }

func (k *token) Extract(c *tako.Context) error {
	switch k.value = c.RequestHeader("X-Token"); k.value {
	case "":
		return tako.Errorf(401, "no token: %w", tako.ErrAbsent)
	case "bad":
		return tako.Forbidden("bad token")
	case "broken":
		return errBoom
	}
	return nil
}

func (k *token) EncodeRequest(req *http.Request) error {
	if k.value == "bad" {
		return errBoom
	}
	req.Header.Set("X-Token", k.value)
	return nil
}

func (k *token) Describe(op *tako.Operation, field string) {
	op.AddParam(tako.Param{In: "header", Name: "X-Token", Doc: field})
}

func TestExtractor(t *testing.T) {
	t.Parallel()
	recordLogs()
	r := tako.New()
	field := tako.Get(r, "/field", func(_ context.Context, in struct{ K token }) (string, error) { return in.K.value, nil })
	tako.Get(r, "/whole", func(_ context.Context, in token) (string, error) { return in.value, nil })
	tako.Get(r, "/embedded", func(_ context.Context, in struct{ token }) (string, error) { return in.value, nil })
	tako.Get(r, "/optional", func(_ context.Context, in struct{ K tako.Optional[token] }) (string, error) {
		if in.K.Present != (in.K.Value.value != "") {
			t.Errorf("got %+v, want present where there is a value", in.K)
		}
		return in.K.Value.value, nil
	})
	r.Get("/raw", func(c *tako.Context) error {
		k, err := tako.Extract[token](c)
		if err != nil {
			return err
		}
		return c.JSON(200, k.value)
	})
	s := takotest.New(t, r)
	for _, path := range []string{"/field", "/whole", "/embedded", "/optional", "/raw"} {
		s.Get(path, takotest.Header("X-Token", "k")).Expect(200).ExpectText(`"k"`)
		s.Get(path, takotest.Header("X-Token", "bad")).Problem(403)
		s.Get(path, takotest.Header("X-Token", "broken")).Problem(500)
		if path == "/optional" {
			s.Get(path).Expect(200).ExpectText(`""`)
			continue
		}
		s.Get(path).Problem(401)
	}
	op := field.Operation()
	if len(op.Inputs) != 1 || op.Inputs[0].Name != "X-Token" || op.Inputs[0].Doc != "K" {
		t.Errorf("got inputs %+v, want the described one", op.Inputs)
	}
	got, err := field.Do(t.Context(), s, struct{ K token }{token{"sent"}})
	if err != nil || got != "sent" {
		t.Errorf("got %q, %v, want sent", got, err)
	}
	if _, err = field.Do(t.Context(), s, struct{ K token }{token{"bad"}}); !errors.Is(err, errBoom) {
		t.Errorf("got %v, want the encoder's error", err)
	}
}

func TestPathExtractor(t *testing.T) {
	t.Parallel()
	recordLogs()
	type two struct {
		A int    `path:"a"`
		B string `path:"b"`
	}
	r := tako.New()
	one := tako.Get(r, "/one/{n}", func(_ context.Context, in tako.Path[int8]) (int8, error) { return in.Value, nil })
	both := tako.Get(r, "/two/{b}/{a}", func(_ context.Context, in struct{ P tako.Path[two] }) (two, error) { return in.P.Value, nil })
	r.Get("/raw/{b}/{a}", func(c *tako.Context) error {
		p, err := tako.Extract[tako.Path[two]](c)
		if err != nil {
			return err
		}
		return c.JSON(200, p.Value)
	})
	r.Get("/wrong/{b}/{a}", func(c *tako.Context) error {
		_, err := tako.Extract[tako.Path[int]](c)
		return err
	})
	rest := tako.Get(r, "/rest/{p...}", func(_ context.Context, in tako.Path[string]) (string, error) { return in.Value, nil })
	s := takotest.New(t, r)
	s.Get("/one/-128").Expect(200).ExpectText("-128")
	assert.Equal(t, s.Get("/one/128").Problem(400).Fields, []tako.FieldError{{In: "path", Name: "n", Detail: "is out of range"}})
	for _, prefix := range []string{"/two", "/raw"} {
		s.Get(prefix + "/x%2Fy%20/7").Expect(200).ExpectText(`{"A":7,"B":"x/y "}`)
		assert.Equal(t, s.Get(prefix+"/x/y").Problem(400).Fields, []tako.FieldError{{In: "path", Name: "a", Detail: "is not an integer"}})
	}
	s.Get("/wrong/1/2").Problem(500)
	s.Get("/rest/a/b%2Fc").Expect(200).ExpectText(`"a/b/c"`)
	for want, url := range map[string]func() (string, error){
		"/one/-7": func() (string, error) { return one.URL(tako.Path[int8]{Value: -7}) },
		"/two/x%2Fy/1": func() (string, error) {
			return both.URL(struct{ P tako.Path[two] }{tako.Path[two]{Value: two{1, "x/y"}}})
		},
		"/rest/a/b": func() (string, error) { return rest.URL(tako.Path[string]{Value: "a/b"}) },
	} {
		got, err := url()
		if err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	for _, bad := range []string{"../x", "a/../b", "a//b", "./a", "a/.", "/a"} {
		if got, err := rest.URL(tako.Path[string]{Value: bad}); err == nil {
			if text := s.Get(got).Text; text != `"`+bad+`"` {
				t.Errorf("%q: got %s without an error, which arrives as %s", bad, got, text)
			}
		}
	}
}

func TestQueryExtractor(t *testing.T) {
	t.Parallel()
	type page struct {
		Limit int      `query:"limit" default:"20"`
		Must  string   `query:"must" required:"true"`
		Tags  []string `query:"tag"`
	}
	r := tako.New()
	typed := tako.Get(r, "/typed", func(_ context.Context, in struct {
		Q tako.Query[page]
		X string `query:"x"`
	}) (page, error) {
		return in.Q.Value, nil
	})
	r.Get("/raw", func(c *tako.Context) error {
		q, err := tako.Extract[tako.Query[page]](c)
		if err != nil {
			return err
		}
		return c.JSON(200, q.Value)
	})
	s := takotest.New(t, r)
	for _, path := range []string{"/typed", "/raw"} {
		s.Get(path + "?must=1").Expect(200).ExpectText(`{"Limit":20,"Must":"1","Tags":null}`)
		s.Get(path + "?must=&limit=0&tag=a&tag=b").Expect(200).ExpectText(`{"Limit":0,"Must":"","Tags":["a","b"]}`)
		assert.Equal(t, s.Get(path).Problem(422).Fields[0].Name, "must")
		s.Get(path + "?must=1&limit=x").Problem(400)
		s.Get(path + "?must=%zz").Problem(400)
		s.Get(path + "?must=1" + strings.Repeat("&a", 1000)).Problem(400)
	}
	if op := typed.Operation(); len(op.Inputs) != 4 {
		t.Errorf("got inputs %+v, want four", op.Inputs)
	}
}

func TestStateExtractor(t *testing.T) {
	t.Parallel()
	recordLogs()
	r := tako.New()
	tako.Supply[io.Reader](r, strings.NewReader("outer"))
	tako.Supply(r, 1)
	g := r.Group("/g")
	tako.Supply(g, 2)
	type in struct {
		N tako.State[int]
		R tako.State[io.Reader]
	}
	h := func(_ context.Context, in in) (int, error) {
		if in.R.Value == nil {
			t.Error("got no reader")
		}
		return in.N.Value, nil
	}
	tako.Get(r, "/", h)
	tako.Get(g, "/", h)
	r.Get("/none", func(c *tako.Context) error { _, err := tako.Extract[tako.State[string]](c); return err })
	s := takotest.New(t, r)
	s.Get("/").Expect(200).ExpectText("1")
	s.Get("/g").Expect(200).ExpectText("2")
	s.Get("/none").Problem(500)
}
