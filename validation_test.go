package tako_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type reef struct {
	Name string   `json:"name" required:"true" minLength:"2" maxLength:"8"`
	PIN  string   `json:"pin" pattern:"^[0-9]{4}$" secret:"true"`
	Tags []string `json:"tags" maxItems:"2" items.minLength:"1"`
	Code string   `json:"code" format:"reefcode"`
}

type foundReef struct {
	Ocean string   `path:"ocean" maxLength:"5"`
	Depth int      `query:"depth" minimum:"1" default:"3"`
	Near  []string `query:"near" items.pattern:"^[a-z]+$"`
	Token string   `header:"X-Token" required:"true" minLength:"3"`
	Body  reef
}

func validatedApp() *tako.Router {
	r := tako.New()
	r.Format("reefcode", func(s string) error {
		if s != "" && !strings.HasPrefix(s, "R-") {
			return errors.New("must begin with R-")
		}
		return nil
	})
	tako.Post(r, "/{ocean}", func(_ context.Context, in foundReef) (tako.NoContent, error) { return tako.NoContent{}, nil })
	tako.Post(r, "/json", func(_ context.Context, in tako.JSON[reef]) (tako.NoContent, error) { return tako.NoContent{}, nil })
	return r
}

func failuresOf(t *testing.T, resp *takotest.Response) map[string]tako.FieldError {
	t.Helper()
	var e tako.Error
	resp.JSON(&e)
	got := map[string]tako.FieldError{}
	for _, f := range e.Fields {
		got[f.In+" "+f.Name] = f
	}
	assert.Equal(t, len(got), len(e.Fields))
	return got
}

// TestRulesAllAtOnce has parameters and body wrong, and gets one answer.
func TestRulesAllAtOnce(t *testing.T) {
	t.Parallel()
	overBoth(t, validatedApp, func(t *testing.T, s *takotest.Server) {
		ok := takotest.Header("X-Token", "abc")
		s.Post("/south?near=x", ok, takotest.Body("application/json", `{"name":"Kiwi","pin":"1234","tags":null,"code":"R-1"}`)).Expect(204)
		got := failuresOf(t, s.Post("/northern?depth=0&near=a&near=B", takotest.Header("X-Token", "a"),
			takotest.Body("application/json", `{"pin":"secret","tags":["a","","c"],"code":"x"}`)).Expect(422))
		assert.Equal(t, len(got), 9)
		assert.Equal(t, got["path ocean"].Rule, "maxLength")
		assert.Equal(t, got["query depth"].Value, any(0.0))
		assert.Contains(t, got["query near"].Detail, "item 1")
		assert.Equal(t, got["header X-Token"].Rule, "minLength")
		assert.Equal(t, got["header X-Token"].Value, nil)
		assert.Equal(t, got["body /name"].Rule, "required")
		assert.Equal(t, got["body /pin"].Value, nil)
		assert.Equal(t, got["body /tags"].Rule, "maxItems")
		assert.Equal(t, got["body /tags/1"].Rule, "minLength")
		assert.Equal(t, got["body /code"].Rule, "format")
	})
}

// TestUnreadableGoesFirst: what cannot be read is 400, with what is missing beside it.
func TestUnreadableGoesFirst(t *testing.T) {
	t.Parallel()
	s := takotest.New(t, validatedApp())
	got := failuresOf(t, s.Post("/south?depth=x").Expect(400))
	assert.Equal(t, len(got), 2)
	assert.Equal(t, got["header X-Token"].Rule, "required")
	// The body's own failure is more telling than the rules that parameters break.
	s.Post("/northern", takotest.Header("X-Token", "abc"), takotest.Body("application/json", `{`)).Expect(400)
	s.Post("/northern", takotest.Header("X-Token", "abc"), takotest.Body("text/plain", `{`)).Expect(415)
}

func TestTooManyFailures(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Get(r, "/", func(_ context.Context, in struct {
		IDs []int `header:"X-Ids"`
	}) (tako.NoContent, error) {
		return tako.NoContent{}, nil
	})
	s := takotest.New(t, r)
	var e tako.Error
	s.Get("/", takotest.Header("X-Ids", strings.Repeat("a,", 5000))).Expect(400).JSON(&e)
	assert.Equal(t, len(e.Fields), 100)
	s.Get("/", takotest.Header("X-Ids", "\xff")).Expect(400)
}

// TestExtractorsJoinIn: what extractors of parameters refuse comes with the rest.
func TestExtractorsJoinIn(t *testing.T) {
	t.Parallel()
	type at struct {
		Ocean string `path:"ocean" maxLength:"5"`
	}
	type page struct {
		Limit int `query:"limit" maximum:"9"`
	}
	r := tako.New()
	tako.Post(r, "/{ocean}", func(context.Context, struct {
		At    tako.Path[at]
		Page  tako.Query[page]
		Depth int `query:"depth" minimum:"1"`
		Body  struct {
			Name string `json:"name" minLength:"2"`
		}
	}) (tako.NoContent, error) {
		return tako.NoContent{}, nil
	})
	s := takotest.New(t, r)
	body := takotest.Body("application/json", `{"name":"a"}`)
	got := failuresOf(t, s.Post("/northern?limit=10&depth=0", body).Expect(422))
	assert.Equal(t, len(got), 4)
	s.Post("/northern?limit=x", body).Expect(400)
}

type credentials struct{ ID string }

func (c *credentials) Extract(ctx *tako.Context) error {
	if c.ID = ctx.RequestHeader("X-Id"); c.ID == "" {
		return tako.Unauthorized("Id", "who are you?")
	}
	return nil
}

type Signed struct{ ID string }

func (c *Signed) Extract(ctx *tako.Context) error { return (*credentials)(c).Extract(ctx) }

func TestEmbeddedExtractorIsAField(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Get(r, "/", func(_ context.Context, in struct {
		Signed
		Limit int `query:"limit" maximum:"9"`
	}) (string, error) {
		return in.ID + fmt.Sprint(in.Limit), nil
	})
	s := takotest.New(t, r)
	s.Get("/?limit=10").Expect(401)
	s.Get("/?limit=10", takotest.Header("X-Id", "ada")).Expect(422)
	assert.Equal(t, s.Get("/?limit=9", takotest.Header("X-Id", "ada")).Expect(200).Text, `"ada9"`)
}

type guarded struct{ Signed }

func (guarded) Extract(*tako.Context) error { return tako.Forbidden("nobody may") }

type guardedByPointer struct{ Signed }

func (*guardedByPointer) Extract(*tako.Context) error { return tako.Forbidden("nobody may") }

// TestOwnExtractorOverEmbedded: one that is written counts, whatever is embedded.
func TestOwnExtractorOverEmbedded(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Get(r, "/value", func(context.Context, guarded) (tako.NoContent, error) { return tako.NoContent{}, nil })
	tako.Get(r, "/pointer", func(context.Context, guardedByPointer) (tako.NoContent, error) { return tako.NoContent{}, nil })
	tako.Get(r, "/field", func(context.Context, struct{ Who guarded }) (tako.NoContent, error) { return tako.NoContent{}, nil })
	tako.Get(r, "/pfield", func(context.Context, struct{ Who guardedByPointer }) (tako.NoContent, error) {
		return tako.NoContent{}, nil
	})
	s := takotest.New(t, r)
	for _, path := range []string{"/value", "/pointer", "/field", "/pfield"} {
		s.Get(path, takotest.Header("X-Id", "ada")).Expect(403)
	}
}

// TestBodyIsReadOnce: a second reader is told so, and gets no empty body.
func TestBodyIsReadOnce(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Post("/", func(c *tako.Context) error {
		first, err := c.ReadBody()
		if err != nil {
			return err
		}
		second, err := c.ReadBody()
		if len(first) > 0 && (!errors.Is(err, tako.ErrBodyRead) || len(second) > 0) {
			t.Errorf("the second time: %q %v", second, err)
		}
		if len(first) == 0 && err != nil {
			t.Errorf("nothing at all, twice: %v", err)
		}
		_, err = tako.Extract[tako.JSON[map[string]any]](c)
		return err
	})
	s := takotest.New(t, r)
	s.Post("/", takotest.Body("application/json", `{}`)).Expect(500)
	s.Post("/").Expect(400)
}

type asksElsewhere struct {
	Ask string `json:"ask"`
}

func (a asksElsewhere) Validate(context.Context) error {
	switch a.Ask {
	case "network":
		return fmt.Errorf("load account: %w", &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused by 10.1.2.3")})
	case "parse":
		_, err := url.Parse("http://a b")
		return err
	case "absent":
		return fmt.Errorf("no such account: %w", tako.ErrAbsent)
	case "conflict":
		return tako.Conflict("taken: %w", tako.ErrAbsent)
	}
	return nil
}

// TestValidateFails has checks that fail for reasons of their own.
func TestValidateFails(t *testing.T) {
	t.Parallel()
	recordLogs()
	r := tako.New()
	tako.Post(r, "/", func(_ context.Context, in tako.Optional[tako.JSON[asksElsewhere]]) (bool, error) {
		return in.Present, nil
	})
	s := takotest.New(t, r)
	ask := func(what string) takotest.Edit { return takotest.Body("application/json", `{"ask":"`+what+`"}`) }
	resp := s.Post("/", ask("network")).Expect(500)
	assert.Equal(t, strings.Contains(resp.Text, "10.1.2.3"), false)
	s.Post("/", ask("absent")).Expect(422)
	s.Post("/", ask("parse")).Expect(422)
	s.Post("/", ask("conflict")).Expect(409)
	assert.Equal(t, s.Post("/", ask("")).Expect(200).Text, "true")
	assert.Equal(t, s.Post("/").Expect(200).Text, "false")
}

// TestCodingOverSeveralLines: a coding is seen behind a line that names none.
func TestCodingOverSeveralLines(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Post(r, "/", func(context.Context, tako.JSON[map[string]any]) (tako.NoContent, error) { return tako.NoContent{}, nil })
	s := takotest.New(t, r)
	coded := func(codings ...string) takotest.Edit {
		return func(req *http.Request) { req.Header["Content-Encoding"] = codings }
	}
	body := takotest.Body("application/json", `{}`)
	s.Post("/", body, coded("identity")).Expect(204)
	s.Post("/", body, coded("identity", "gzip")).Expect(415)
	s.Post("/", body, coded("identity, gzip")).Expect(415)
	s.Post("/", body, coded("", "gzip")).Expect(415)
	s.Post("/", body, coded("", "")).Expect(204)
}

// TestSeveralContentTypes: nobody knows what a body is that has two types. Lines without a value
// do not count.
func TestSeveralContentTypes(t *testing.T) {
	t.Parallel()
	r := tako.New()
	paths := map[string][]tako.Option{"/plain": nil, "/timeout": {tako.Timeout(time.Minute)}}
	for path, options := range paths {
		tako.Post(r, path, func(context.Context, tako.JSON[map[string]any]) (tako.NoContent, error) { return tako.NoContent{}, nil }, options...)
	}
	s := takotest.New(t, r)
	body := takotest.Body("application/json", `{}`)
	typed := func(types ...string) takotest.Edit {
		return func(req *http.Request) { req.Header["Content-Type"] = types }
	}
	for path := range paths {
		assert.Contains(t, s.Post(path, body, typed("application/json", "text/plain")).Problem(400).Detail, "Content-Type")
		s.Post(path, body, typed("application/json", "", "application/json")).Expect(400)
		s.Post(path, body, typed("text/plain", "application/json")).Expect(415)
		s.Post(path, body, typed("", "application/json")).Expect(204)
	}
}

// TestCheckParam is how extractors of parameters check.
func TestCheckParam(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		n := 7
		bad, err := tako.CheckParam(c, "form", "n", `maximum:"7"`, &n)
		assert.NoError(t, err)
		assert.Equal(t, len(bad), 0)
		bad, err = tako.CheckParam(c, "form", "n", `maximum:"6"`, &n)
		assert.NoError(t, err)
		assert.Equal(t, bad, []tako.FieldError{{In: "form", Name: "n", Detail: bad[0].Detail, Rule: "maximum", Value: bad[0].Value}})
		return c.NoContent()
	})
	takotest.New(t, r).Get("/").Expect(204)
}

func TestValidator(t *testing.T) {
	t.Parallel()
	r := tako.New()
	var seen []string
	r.Validator(func(_ context.Context, v any) error {
		seen = append(seen, fmt.Sprintf("%T", v))
		return nil
	})
	type in struct {
		Page int `query:"page"`
		Body asksElsewhere
	}
	tako.Post(r, "/a", func(context.Context, in) (tako.NoContent, error) { return tako.NoContent{}, nil })
	inner := r.Group("/in")
	inner.Validator(func(context.Context, any) error { return errors.New("the inner one says no") })
	tako.Post(inner, "/b", func(context.Context, tako.JSON[asksElsewhere]) (tako.NoContent, error) { return tako.NoContent{}, nil })
	s := takotest.New(t, r)
	s.Post("/a", takotest.Body("application/json", `{}`)).Expect(204)
	assert.Equal(t, strings.Join(seen, " "), "*tako_test.in")
	assert.Contains(t, s.Post("/in/b", takotest.Body("application/json", `{}`)).Expect(422).Text, "the inner one says no")
}
