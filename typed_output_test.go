package tako_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type fielded struct {
	Total int           `header:"x-total"`
	Next  string        `header:"X-Next"`
	Tags  []string      `header:"X-Tag"`
	Zero  *int          `header:"X-Zero"`
	At    time.Time     `header:"X-At"`
	Wait  time.Duration `header:"X-Wait"`
	Body  []int
}

type headersOnly struct {
	Etag string `header:"Etag"`
}

// valueResponder and pointerResponder write themselves.
type valueResponder struct{ text string }

func (v valueResponder) Respond(c *tako.Context) error { return c.Text(203, v.text) }

type pointerResponder struct{ text string }

func (p *pointerResponder) Respond(c *tako.Context) error { return c.Text(203, p.text) }

// result registers a handler that returns v, err.
func result[O any](v O, err error) func(r *tako.Router) {
	return func(r *tako.Router) {
		tako.Get(r, "/", func(context.Context, struct{}) (O, error) { return v, err })
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	recordLogs()
	zero := 0
	for _, tt := range []struct {
		name     string
		register func(r *tako.Router)
		status   int
		kind     string
		text     string
		fields   map[string]string
	}{
		{"struct", result(account{"a", 1}, nil), 200, "application/json", `{"name":"a","age":1}`, nil},
		{"pointer", result(&account{"a", 1}, nil), 200, "application/json", `{"name":"a","age":1}`, nil},
		{"nil pointer", result((*account)(nil), nil), 200, "application/json", `null`, nil},
		{"nil slice", result([]int(nil), nil), 200, "application/json", `[]`, nil},
		{"any", result[any](nil, nil), 200, "application/json", `null`, nil},
		{"string", result("<a>", nil), 200, "application/json", `"<a>"`, nil},
		{"empty struct", result(struct{}{}, nil), 204, "", "", nil},
		{"created", result(tako.Created[account]{Location: "/a/é", Body: account{"a", 1}}, nil), 201, "application/json", `{"name":"a","age":1}`, map[string]string{"Location": "/a/%C3%A9"}},
		{"created, no location", result(tako.Created[int]{Body: 1}, nil), 201, "application/json", `1`, map[string]string{"Location": ""}},
		{"created, bad location", result(tako.Created[int]{Location: "javascript:x", Body: 1}, nil), 500, "application/problem+json", "", map[string]string{"Location": ""}},
		{"created, line end", result(tako.Created[int]{Location: "/a\r\nX-Evil: 1", Body: 1}, nil), 500, "application/problem+json", "", map[string]string{"Location": "", "X-Evil": ""}},
		{"created by pointer", result(&tako.Created[int]{Location: "/a", Body: 1}, nil), 201, "application/json", `1`, map[string]string{"Location": "/a"}},
		{"accepted", result(tako.Accepted[int]{Location: "/a", Body: 1}, nil), 202, "application/json", `1`, map[string]string{"Location": "/a"}},
		{"accepted elsewhere", result(tako.Accepted[int]{Location: "/a é", Body: 1}, nil), 202, "application/json", `1`, map[string]string{"Location": "/a%20%C3%A9"}},
		{"no content", result(tako.NoContent{}, nil), 204, "", "", nil},
		{"redirect", result(tako.Redirect{Location: "/x"}, nil), 303, "", "", map[string]string{"Location": "/x"}},
		{"redirect 307", result(tako.Redirect{Status: 307, Location: "/x"}, nil), 307, "", "", map[string]string{"Location": "/x"}},
		{"redirect to script", result(tako.Redirect{Location: "javascript:x"}, nil), 400, "application/problem+json", "", map[string]string{"Location": ""}},
		{"redirect nowhere", result(tako.Redirect{}, nil), 500, "application/problem+json", "", map[string]string{"Location": ""}},
		{"redirect by pointer", result(&tako.Redirect{Location: "/x"}, nil), 303, "", "", map[string]string{"Location": "/x"}},
		{"stream", result(tako.Stream{Body: strings.NewReader("abc")}, nil), 200, "application/octet-stream", "abc", nil},
		{"sized stream", result(tako.Stream{ContentType: "a/b", Size: 3, Body: strings.NewReader("abc")}, nil), 200, "a/b", "abc", map[string]string{"Content-Length": "3"}},
		{"long stream", result(tako.Stream{ContentType: "a/b", Size: 2, Body: io.LimitReader(strings.NewReader("abc"), 2)}, nil), 200, "a/b", "ab", map[string]string{"Content-Length": "2"}},
		{"value responder", result(valueResponder{"v"}, nil), 203, "text/plain; charset=utf-8", "v", nil},
		{"pointer to value responder", result(&valueResponder{"v"}, nil), 203, "text/plain; charset=utf-8", "v", nil},
		{"pointer responder", result(pointerResponder{"p"}, nil), 203, "text/plain; charset=utf-8", "p", nil},
		{"pointer to pointer responder", result(&pointerResponder{"p"}, nil), 203, "text/plain; charset=utf-8", "p", nil},
		{"responder interface", result[tako.Responder](valueResponder{"v"}, nil), 203, "text/plain; charset=utf-8", "v", nil},
		{"fields", result(fielded{Total: 7, Next: "n", Tags: []string{"a", "b"}, Zero: &zero, At: time.Unix(0, 0).UTC(), Wait: time.Second, Body: []int{1}}, nil),
			200, "application/json", "[1]", map[string]string{"X-Total": "7", "X-Next": "n", "X-Tag": "a, b", "X-Zero": "0", "X-At": "1970-01-01T00:00:00Z", "X-Wait": "1s"}},
		{"zero fields", result(fielded{}, nil), 200, "application/json", "[]", map[string]string{"X-Next": "", "X-Tag": "", "X-Zero": "", "X-At": ""}},
		{"fields alone", result(headersOnly{`"x"`}, nil), 204, "", "", map[string]string{"Etag": `"x"`}},
		{"field with line end", result(headersOnly{"a\r\nX-Evil: 1"}, nil), 500, "application/problem+json", "", map[string]string{"X-Evil": "", "Etag": ""}},
		{"error", result(account{"a", 1}, tako.Conflict("no")), 409, "application/problem+json", `{"detail":"no","status":409,"title":"Conflict"}`, nil},
		{"error with fields", result(fielded{Total: 1}, tako.Conflict("no")), 409, "application/problem+json", "", map[string]string{"X-Total": ""}},
		{"unencodable", result[any](func() {}, nil), 500, "application/problem+json", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tako.New()
			tt.register(r)
			resp := takotest.Serve(t, r).Get("/")
			if got := resp.Header.Get("Content-Type"); resp.StatusCode != tt.status || got != tt.kind || resp.StatusCode < 400 && resp.Text != tt.text {
				t.Errorf("got %d %q %q, want %d %q %q", resp.StatusCode, got, resp.Text, tt.status, tt.kind, tt.text)
			}
			for name, value := range tt.fields {
				resp.ExpectHeader(name, value)
			}
		})
	}
}

// closing tells that it was closed.
type closing struct {
	io.Reader
	closed *bool
}

func (c closing) Close() error { *c.closed = true; return nil }

func TestStreamResults(t *testing.T) {
	t.Parallel()
	recordLogs()
	for _, tt := range []struct {
		name   string
		size   int64
		body   func(string) io.Reader
		broken bool
	}{
		{"whole", 3, reads, false},
		{"unknown", 0, reads, false},
		{"short", 4, reads, true},
		{"failing", 0, failing, true},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			overBoth(t, func() *tako.Router {
				closed := false
				r := tako.New()
				tako.Get(r, "/", func(context.Context, struct{}) (tako.Stream, error) {
					return tako.Stream{Size: tt.size, Body: closing{tt.body("abc"), &closed}}, nil
				}, tako.With(around(func(c *tako.Context) {
					c.OnDone(func(tako.Outcome) { assert.Equal(t, closed, true, tt.name+" closed") })
				})))
				return r
			}, func(t *testing.T, s *takotest.Server) {
				req, _ := http.NewRequestWithContext(t.Context(), method, s.URL+"/", nil)
				resp, err := s.Client.Do(req)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
					_ = resp.Body.Close()
				}
				if method == "GET" && tt.name != "whole" && tt.name != "unknown" && (err != nil) != tt.broken {
					t.Errorf("%s: got %v, want broken %v", tt.name, err, tt.broken)
				}
			})
		}
	}
}

func TestTypedHandlerWritesItself(t *testing.T) {
	t.Parallel()
	type in struct {
		C    *tako.Context
		Mode string `query:"mode"`
	}
	r := tako.New()
	tako.Get(r, "/", func(_ context.Context, in in) (account, error) {
		switch in.Mode {
		case "text":
			return account{}, in.C.Text(418, "own")
		case "stream":
			return account{}, errors.Join(writes("own")(in.C), in.C.Flush())
		case "field":
			in.C.Header().Set("X-Own", "1")
		case "cookie":
			return account{}, in.C.SetCookie(&http.Cookie{Name: "a", Value: "b"})
		}
		return account{Name: "x"}, nil
	})
	s := takotest.New(t, r)
	s.Get("/?mode=text").Expect(418).ExpectText("own")
	s.Get("/?mode=stream").Expect(200).ExpectText("own")
	s.Get("/?mode=field").Expect(200).ExpectText(`{"name":"x","age":0}`).ExpectHeader("X-Own", "1")
	s.Get("/?mode=cookie").Expect(200).ExpectHeader("Set-Cookie", "a=b")
}

// An error response does not have the Location of the result that could not be
// written.
func TestLocationGoesWithItsBody(t *testing.T) {
	t.Parallel()
	recordLogs()
	bad := map[string]any{"x": func() {}}
	r := tako.New()
	hook := func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.Header().Set("X-Own", "kept")
			c.BeforeHead(func(*tako.Head) {})
			return next(c)
		}
	}
	r.Use(hook)
	tako.Post(r, "/created", func(context.Context, struct{}) (tako.Created[map[string]any], error) {
		return tako.Created[map[string]any]{Location: "/x", Body: bad}, nil
	})
	tako.Post(r, "/accepted", func(context.Context, struct{}) (tako.Accepted[map[string]any], error) {
		return tako.Accepted[map[string]any]{Location: "/x", Body: bad}, nil
	})
	s := takotest.New(t, r)
	for _, path := range []string{"/created", "/accepted"} {
		s.Do("POST", path).Expect(500).ExpectHeader("Location", "").ExpectHeader("X-Own", "kept")
	}
}
