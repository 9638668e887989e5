package tako_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type statusError int

func (e statusError) Error() string   { return "private text" }
func (e statusError) HTTPStatus() int { return int(e) }

func TestAsError(t *testing.T) {
	t.Parallel()
	own := tako.Conflict("taken")
	tests := []struct {
		name   string
		err    error
		status int
		detail string
	}{
		{"own", own, 409, "taken"},
		{"wrapped", fmt.Errorf("save: %w", own), 409, "taken"},
		{"joined", errors.Join(io.EOF, own), 409, "taken"},
		{"plain", errors.New("private"), 500, ""},
		{"status method", statusError(418), 418, ""},
		{"wrapped status method", fmt.Errorf("x: %w", statusError(429)), 429, ""},
		{"status method 200", statusError(200), 500, ""},
		{"status method 0", statusError(0), 500, ""},
		{"status method 600", statusError(600), 500, ""},
		{"status 0", &tako.Error{Detail: "private"}, 500, ""},
		{"status 200", &tako.Error{Status: 200, Detail: "private"}, 500, ""},
		{"status 302", &tako.Error{Status: 302, Detail: "private"}, 500, ""},
		{"status 600", &tako.Error{Status: 600, Detail: "private"}, 500, ""},
		{"body limit", fmt.Errorf("read: %w", tako.ErrBodyTooLarge), 413, ""},
		{"body limit of net/http", fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 1}), 413, ""},
		{"timeout", fmt.Errorf("x: %w", tako.ErrTimeout), 503, ""},
		{"deadline", fmt.Errorf("query: %w", context.DeadlineExceeded), 503, ""},
		{"client gone", fmt.Errorf("x: %w", tako.ErrClientGone), 499, ""},
		{"nil", nil, 500, ""},
		{"typed nil", (*tako.Error)(nil), 500, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("got panic %v, want status %d", v, tt.status)
				}
			}()
			got := tako.AsError(tt.err)
			assert.Equal(t, got.Status, tt.status)
			assert.Equal(t, got.Detail, tt.detail)
			if tt.err != nil && tt.name != "typed nil" && !errors.Is(got, tt.err) && !errors.Is(tt.err, got) {
				t.Errorf("got %v, which has nothing to do with %v", got, tt.err)
			}
		})
	}
	assert.Equal(t, tako.AsError(own), own)
}

func TestErrorConstructors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err            *tako.Error
		status         int
		detail, header string
		text           string
	}{
		{tako.BadRequest("no %d", 1), 400, "no 1", "", "400 Bad Request: no 1"},
		{tako.Unauthorized(`Bearer realm="a"`, "who"), 401, "who", `Www-Authenticate: Bearer realm="a"`, "401 Unauthorized: who"},
		{tako.Forbidden("no"), 403, "no", "", "403 Forbidden: no"},
		{tako.NotFound("no %s", "x"), 404, "no x", "", "404 Not Found: no x"},
		{tako.Conflict("no"), 409, "no", "", "409 Conflict: no"},
		{tako.Unprocessable("no"), 422, "no", "", "422 Unprocessable Entity: no"},
		{tako.Errorf(429, "slow").With("retry-after", "1"), 429, "slow", "Retry-After: 1", "429 Too Many Requests: slow"},
		{tako.Errorf(400, "bad: %w", io.EOF), 400, "bad: EOF", "", "400 Bad Request: bad: EOF: EOF"},
		{tako.Errorf(500, "secret: %w", io.EOF), 500, "", "", "500 Internal Server Error: secret: EOF"},
		{tako.Errorf(503, "secret"), 503, "", "", "503 Service Unavailable: secret"},
		{tako.Wrap(404, io.EOF), 404, "", "", "404 Not Found: EOF"},
		{&tako.Error{Status: 599}, 599, "", "", "599 Error"},
		{&tako.Error{Status: 400, Title: "T", Detail: "D", Err: io.EOF}, 400, "D", "", "400 T: D: EOF"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.err.Status, tt.status, tt.text)
		assert.Equal(t, tt.err.HTTPStatus(), tt.status, tt.text)
		assert.Equal(t, tt.err.Detail, tt.detail, tt.text)
		assert.Equal(t, linesOf(&tt.err.Header), tt.header, tt.text)
		assert.Equal(t, tt.err.Error(), tt.text)
	}
	assert.ErrorIs(t, tako.Errorf(400, "x: %w", io.EOF), io.EOF)
	assert.ErrorIs(t, tako.Errorf(500, "x: %w", io.EOF), io.EOF)
	assert.ErrorIs(t, tako.Wrap(500, io.EOF), io.EOF)
	assert.ErrorIs(t, tako.Errorf(400, "x: %w, %w", io.EOF, io.ErrClosedPipe), io.ErrClosedPipe)
}

func TestErrorJSON(t *testing.T) {
	t.Parallel()
	e := &tako.Error{Status: 422, Type: "https://e.example/t", Title: "T", Detail: "D <b>", Instance: "/i",
		Fields: []tako.FieldError{{In: "body", Name: "/a/0", Detail: "bad"}}, Err: errors.New("private"),
		Extra: map[string]any{"code": 7.0, "status": 200, "title": "no", "errors": "no"}}
	e.Header.Set("X", "private")
	data, err := json.Marshal(e)
	assert.NoError(t, err)
	assert.Equal(t, strings.Contains(string(data), "private"), false)
	var doc map[string]any
	assert.NoError(t, json.Unmarshal(data, &doc))
	assert.Equal(t, doc, map[string]any{"status": 422.0, "type": "https://e.example/t", "title": "T", "detail": "D <b>", "instance": "/i",
		"code": 7.0, "errors": []any{map[string]any{"in": "body", "name": "/a/0", "detail": "bad"}}})
	var back tako.Error
	assert.NoError(t, json.Unmarshal(data, &back))
	want := tako.Error{Status: 422, Type: e.Type, Title: "T", Detail: e.Detail, Instance: "/i", Fields: e.Fields, Extra: map[string]any{"code": 7.0}}
	assert.Equal(t, back, want)
	for _, bad := range []string{"", "[]", `"x"`, "{", "7"} {
		if err := json.Unmarshal([]byte(bad), new(tako.Error)); err == nil {
			t.Errorf("%s: got no error", bad)
		}
	}
}

// A member of another type is passed over (RFC 9457, section 3.1), and the others stay.
func TestErrorJSONOfOthers(t *testing.T) {
	t.Parallel()
	some := []tako.FieldError{{In: "body", Name: "/a", Detail: "x", Value: 1.0}}
	for doc, want := range map[string]tako.Error{
		`"detail":"d","errors":{"name":["too short"]}`: {Detail: "d", Extra: map[string]any{"errors": map[string]any{"name": []any{"too short"}}}},
		`"detail":"d","errors":["x"]`:                  {Detail: "d", Extra: map[string]any{"errors": []any{"x"}}},
		`"errors":[{"detail":"bad","pointer":"#/a"}]`:  {Extra: map[string]any{"errors": []any{map[string]any{"detail": "bad", "pointer": "#/a"}}}},
		`"errors":[null]`:                              {Extra: map[string]any{"errors": []any{nil}}},
		`"errors":null`:                                {},
		`"errors":[{"in":"body","name":"/a","detail":"x","value":1,"more":true}]`: {Fields: some},
		`"detail":null,"status":"410"`:                                            {},
		`"status":410.5,"detail":{"a":1},"instance":5,"code":7`:                   {Extra: map[string]any{"code": 7.0}},
		`"status":410,"instance":"/i","Title":"another"`:                          {Status: 410, Instance: "/i", Extra: map[string]any{"Title": "another"}},
	} {
		want.Type, want.Title = "/gone", "Gone"
		var got tako.Error
		assert.NoError(t, json.Unmarshal([]byte(`{"type":"/gone","title":"Gone",`+doc+`}`), &got), doc)
		assert.Equal(t, got, want, doc)
	}
}

// 499 is a status like others if nobody has left.
func TestRenderedErrorOfAnyStatus(t *testing.T) {
	t.Parallel()
	var answer error
	r := tako.New()
	r.Get("/", func(*tako.Context) error { return answer })
	srv := takotest.New(t, r)
	for _, answer = range []error{&tako.Error{Status: 499, Detail: "as another says"}, statusError(499), tako.Wrap(499, io.EOF)} {
		resp, err := srv.Client.Get(srv.URL + "/")
		assert.NoError(t, err)
		assert.NoError(t, resp.Body.Close())
		assert.Equal(t, fmt.Sprint(resp.StatusCode, resp.Header["Content-Type"]), "499 [application/problem+json]", answer)
	}
}

func TestRenderedError(t *testing.T) {
	t.Parallel()
	r := tako.New()
	var fail error
	r.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			h := c.Header()
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("X-Request-Id", "7")
			h.Add("Set-Cookie", "mw=1")
			h.AddVary("Origin")
			return next(c)
		}
	})
	r.Get("/", func(c *tako.Context) error {
		h := c.Header()
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Length", "Content-Range", "Content-Disposition",
			"Content-Language", "Content-Location", "Content-Digest", "Repr-Digest", "Accept-Ranges", "Etag", "Last-Modified",
			"Cache-Control", "Expires"} {
			h.Set(name, "of another body")
		}
		h.Set("X-Handler", "kept")
		return fail
	})
	srv := takotest.New(t, r)
	many := tako.Unauthorized("Basic", "who")
	many.Header.Add("WWW-Authenticate", "Bearer")
	many.Header.Add("Set-Cookie", "err=1")
	upstream := tako.Conflict("upstream")
	for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Length", "Transfer-Encoding"} {
		upstream.Header.Set(name, "gzip")
	}
	tests := []struct {
		err    error
		status int
		body   string
		header map[string]string
	}{
		{errors.New("private"), 500, `{"status":500,"title":"Internal Server Error"}`, nil},
		{tako.Errorf(503, "private").With("Retry-After", "5"), 503, `{"status":503,"title":"Service Unavailable"}`, map[string]string{"Retry-After": "5"}},
		{&tako.Error{Status: 500, Detail: "public", Err: errors.New("private")}, 500, `{"detail":"public","status":500,"title":"Internal Server Error"}`, nil},
		{tako.NotFound("no %q", "<x>"), 404, `{"detail":"no \"\u003cx\u003e\"","status":404,"title":"Not Found"}`, nil},
		{many, 401, `{"detail":"who","status":401,"title":"Unauthorized"}`,
			map[string]string{"Www-Authenticate": "Basic|Bearer", "Set-Cookie": "mw=1|err=1"}},
		{upstream, 409, `{"detail":"upstream","status":409,"title":"Conflict"}`, map[string]string{"Transfer-Encoding": ""}},
	}
	for _, tt := range tests {
		fail = tt.err
		got := srv.Get("/")
		about := tt.err.Error()
		assert.Equal(t, got.StatusCode, tt.status, about)
		assert.Equal(t, got.Text, tt.body, about)
		want := map[string]string{"Access-Control-Allow-Origin": "*", "X-Request-Id": "7", "Set-Cookie": "mw=1", "X-Handler": "kept",
			"Content-Type": "application/problem+json"}
		for _, name := range []string{"Content-Encoding", "Content-Range", "Content-Disposition", "Content-Language", "Content-Location",
			"Content-Digest", "Repr-Digest", "Accept-Ranges", "Etag", "Last-Modified", "Cache-Control", "Expires"} {
			want[name] = ""
		}
		for name, value := range tt.header {
			want[name] = value
		}
		for name, value := range want {
			assert.Equal(t, strings.Join(got.Header.Values(name), "|"), value, about, ": ", name)
		}
		assert.Contains(t, strings.Join(got.Header.Values("Vary"), ","), "Origin", about)
	}
}

// An error whose members cannot be encoded keeps what middleware has set.
func TestRenderedErrorThatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Use(tag("kept"))
	r.Get("/", func(c *tako.Context) error {
		return &tako.Error{Status: 400, Detail: "public", Extra: map[string]any{"bad": make(chan int)}}
	})
	got := takotest.New(t, r).Get("/")
	assert.Equal(t, got.StatusCode == 400 || got.StatusCode == 500, true, got.StatusCode)
	assert.Equal(t, got.Header.Get("Content-Type"), "application/problem+json")
	assert.Equal(t, traceOf(got), "kept")
}

// A value that JSON cannot tell is left out, and nothing else.
func TestRenderedErrorWithValuesThatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		return &tako.Error{Status: 422, Detail: "bad", Extra: map[string]any{"code": 7}, Fields: []tako.FieldError{
			{In: "body", Name: "/a", Detail: "is wrong", Value: math.NaN()}, {In: "body", Name: "/b", Detail: "is wrong", Value: float32(math.Inf(-1))},
			{In: "body", Name: "/c", Detail: "is wrong", Value: 7}, {In: "body", Name: "/d", Detail: "is wrong", Value: make(chan int)}}}
	})
	tako.Get(r, "/answer", func(context.Context, struct{}) (float64, error) { return math.NaN(), nil })
	srv := takotest.New(t, r)
	got := srv.Get("/").Expect(422).ExpectHeader("Content-Type", "application/problem+json")
	assert.Equal(t, strings.TrimSpace(got.Text), `{"code":7,"detail":"bad","errors":[{"in":"body","name":"/a","detail":"is wrong"},`+
		`{"in":"body","name":"/b","detail":"is wrong"},{"in":"body","name":"/c","detail":"is wrong","value":7},`+
		`{"in":"body","name":"/d","detail":"is wrong"}],"status":422,"title":"Unprocessable Entity"}`)
	srv.Get("/answer").Expect(500).ExpectHeader("Content-Type", "application/problem+json")
}

func TestRenderedErrorByAccept(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		return &tako.Error{Status: 422, Detail: "bad <b>", Fields: []tako.FieldError{{In: "query", Name: "x", Detail: "is not a number"}}}
	})
	r.Get("/private", func(c *tako.Context) error { return errors.New("private") })
	srv := takotest.New(t, r)
	tests := []struct{ accept, contentType string }{
		{"", "application/problem+json"},
		{"*/*", "application/problem+json"},
		{"application/json", "application/problem+json"},
		{"application/problem+json", "application/problem+json"},
		{"text/html,*/*;q=0.8", "application/problem+json"},
		{"text/plain", "text/plain; charset=utf-8"},
		{"text/*", "text/plain; charset=utf-8"},
		{"text/plain;q=0.5, application/problem+json;q=0.4", "text/plain; charset=utf-8"},
		{"application/problem+json;q=0", "application/problem+json"},
		{"image/png", "application/problem+json"},
		{"garbage", "application/problem+json"},
	}
	for _, tt := range tests {
		got := srv.Get("/", takotest.Header("Accept", tt.accept)).Expect(422)
		assert.Equal(t, got.Header.Get("Content-Type"), tt.contentType, tt.accept)
	}
	srv.Get("/", takotest.Header("Accept", "text/plain")).ExpectText("422 Unprocessable Entity\n\nbad <b>\nquery x: is not a number\n")
	srv.Get("/private", takotest.Header("Accept", "text/plain")).Expect(500).ExpectText("500 Internal Server Error\n")
	head := srv.Do("HEAD", "/").Expect(422).ExpectHeader("Content-Type", "application/problem+json")
	assert.Equal(t, head.Text, "")
}

// RenderError called by hand drops what described another body too: JSON must not
// go out as the HTML that the handler had in mind.
func TestRenderErrorByHand(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if err := next(c); err != nil {
				return tako.RenderError(c, err)
			}
			return nil
		}
	})
	r.Get("/", func(c *tako.Context) error {
		c.Header().Set("Content-Type", "text/html")
		c.Header().Set("Content-Encoding", "gzip")
		c.Header().Set("Etag", `"page"`)
		c.Header().Set("X-Kept", "yes")
		return tako.BadRequest("<script>")
	})
	got := takotest.New(t, r).Get("/").Expect(400)
	got.ExpectHeader("Content-Type", "application/problem+json").ExpectHeader("Content-Encoding", "")
	got.ExpectHeader("Etag", "").ExpectHeader("X-Kept", "yes")
}

// Whatever an error handler does, an error never becomes a success, what nobody
// may see is not sent, and a broken response is not ended as a whole one.
func TestErrorHandlersThatFail(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		handle tako.ErrorHandler
		status int // 0 for a broken one
		text   string
	}{
		{"declines", func(c *tako.Context, err error) error { return err }, 404, "gone"},
		{"another error", func(c *tako.Context, err error) error { return errors.New("private") }, 500, ""},
		{"panics", func(c *tako.Context, err error) error { panic("private") }, 500, ""},
		{"panics with an error", func(c *tako.Context, err error) error { panic(io.EOF) }, 500, ""},
		{"writes nothing", func(c *tako.Context, err error) error { return nil }, 404, "gone"},
		{"invalid field", func(c *tako.Context, err error) error {
			c.Header().Set("X", "a\nb")
			return c.Text(400, "private")
		}, 500, ""},
		{"invalid status", func(c *tako.Context, err error) error { return c.Text(42, "private") }, 500, ""},
		{"cannot be encoded", func(c *tako.Context, err error) error { return c.JSON(400, make(chan int)) }, 500, ""},
		{"panics half-way", func(c *tako.Context, err error) error {
			_, _ = c.WriteString("half")
			_ = c.Flush()
			panic("private")
		}, 0, "half"},
		{"fails half-way", func(c *tako.Context, err error) error {
			_, _ = c.WriteString("half")
			_ = c.Flush()
			return errors.New("private")
		}, 0, "half"},
		{"abort", func(c *tako.Context, err error) error { panic(http.ErrAbortHandler) }, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := tako.New()
			r.OnError(tt.handle)
			r.Get("/", func(c *tako.Context) error { return tako.NotFound("gone") })
			srv := takotest.Serve(t, r)
			resp, err := srv.Client.Get(srv.URL + "/")
			if err != nil {
				if tt.status != 0 {
					t.Errorf("got error %v, want status %d", err, tt.status)
				}
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if tt.status == 0 {
				if err == nil {
					t.Errorf("got a whole response %d %q, want a broken one", resp.StatusCode, body)
				}
				return
			}
			assert.Equal(t, resp.StatusCode, tt.status)
			assert.Contains(t, string(body), tt.text)
			assert.Equal(t, strings.Contains(string(body), "private"), false, string(body))
		})
	}
}

func TestErrorsOfHooks(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/head", func(c *tako.Context) error {
		c.BeforeHead(func(*tako.Head) { panic("private") })
		return c.Text(200, "x")
	})
	r.Get("/hold", func(c *tako.Context) error {
		c.Hold(100, func(*tako.Head, []byte) error { panic("private") })
		return c.Text(200, "x")
	})
	r.Get("/done", func(c *tako.Context) error {
		c.OnDone(func(tako.Outcome) { panic("private") })
		return c.Text(200, "x")
	})
	srv := takotest.New(t, r)
	for _, path := range []string{"/head", "/hold"} {
		got := srv.Get(path).Expect(500)
		assert.Equal(t, strings.Contains(got.Text, "private"), false, path)
	}
	srv.Get("/done").Expect(200).ExpectText("x")
}

type nilError struct{ text string }

func (e *nilError) Error() string   { return e.text }
func (e *nilError) HTTPStatus() int { return len(e.text) }

type panicking struct{}

func (panicking) Error() string { panic("private") }

// Errors that panic when they are looked at are a 500 like any other; nothing
// escapes into the server.
func TestErrorsThatPanic(t *testing.T) {
	t.Parallel()
	errs := map[string]error{"typed-nil": (*tako.Error)(nil), "nil-method": (*nilError)(nil), "text": panicking{}, "cause": tako.Wrap(500, panicking{})}
	r := tako.New()
	for name, err := range errs {
		r.Get("/"+name, func(c *tako.Context) error { return err })
	}
	built(t, r)
	for name := range errs {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("got panic %v, want status 500", v)
				}
			}()
			got := rawRequest(r, "GET", "/"+name)
			assert.Equal(t, got.Code, 500)
			assert.Equal(t, strings.Contains(got.Body.String(), "private"), false)
		})
	}
}

func TestPanicsBecomeErrors(t *testing.T) {
	t.Parallel()
	values := map[string]any{"text": "private", "error": io.EOF, "number": 7, "own": tako.NotFound("shown"), "abort": http.ErrAbortHandler}
	var seen error
	r := tako.New()
	r.OnError(func(c *tako.Context, err error) error {
		seen = err
		return err
	})
	for name, v := range values {
		r.Get("/"+name, func(c *tako.Context) error { panic(v) })
	}
	srv := takotest.New(t, r)
	for name, status := range map[string]int{"text": 500, "error": 500, "number": 500, "own": 404} {
		seen = nil
		got := srv.Get("/" + name).Expect(status)
		assert.Equal(t, strings.Contains(got.Text, "private"), false, name)
		assert.Contains(t, string(tako.PanicStack(seen)), "error_test.go", name)
	}
	assert.ErrorIs(t, tako.RecoverError(http.ErrAbortHandler), http.ErrAbortHandler)
	assert.Equal(t, tako.PanicStack(io.EOF), nil)
	assert.ErrorIs(t, tako.RecoverError(io.EOF), io.EOF)
}

// A client that went away is no error of the server.
func TestClientThatWentAwayIsNo500(t *testing.T) {
	t.Parallel()
	outcome := make(chan tako.Outcome, 1)
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		c.OnDone(func(o tako.Outcome) { outcome <- o })
		<-c.Context().Done()
		return fmt.Errorf("query: %w", c.Context().Err())
	})
	srv := takotest.New(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/", nil)
	assert.NoError(t, err)
	cancel()
	if resp, err := srv.Client.Do(req); err == nil {
		resp.Body.Close()
	}
	assert.Equal(t, (<-outcome).Status, 499)
}
