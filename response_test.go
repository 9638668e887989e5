package tako_test

import (
	"context"
	"errors"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

func TestResponses(t *testing.T) {
	t.Parallel()
	recordLogs()
	page := template.Must(template.New("p").Parse(`<p>{{.}}</p>`))
	bad := template.Must(template.New("b").Parse(`<p>{{.Missing.Field}}</p>`))
	for _, tt := range []struct {
		name    string
		handler tako.Handler
		status  int
		kind    string
		text    string
	}{
		{"text", text("héllo"), 200, "text/plain; charset=utf-8", "héllo"},
		{"empty text", text(""), 200, "text/plain; charset=utf-8", ""},
		{"json", func(c *tako.Context) error { return c.JSON(201, map[string]string{"a": "<&>"}) }, 201, "application/json", `{"a":"<&>"}`},
		{"json null", func(c *tako.Context) error { return c.JSON(200, nil) }, 200, "application/json", "null"},
		{"json that cannot be", func(c *tako.Context) error { return c.JSON(200, func() {}) }, 500, "application/problem+json", `{"status":500,"title":"Internal Server Error"}`},
		{"html", func(c *tako.Context) error { return c.HTML(200, page, "<x>") }, 200, "text/html; charset=utf-8", "<p>&lt;x&gt;</p>"},
		{"html that fails", func(c *tako.Context) error { return c.HTML(200, bad, 1) }, 500, "application/problem+json", `{"status":500,"title":"Internal Server Error"}`},
		{"bytes", func(c *tako.Context) error { return c.Bytes(200, "a/b", []byte{1, 2}) }, 200, "a/b", "\x01\x02"},
		{"own type", func(c *tako.Context) error {
			c.Header().Set("content-type", "c/d")
			return c.Bytes(200, "a/b", []byte{1})
		}, 200, "c/d", "\x01"},
		{"encode", func(c *tako.Context) error { return c.Encode(202, []int{1}) }, 202, "application/json", "[1]"},
		{"redirect", func(c *tako.Context) error { return c.Redirect(307, "https://a.test/x?y#z") }, 307, "", ""},
		{"redirect with 200", func(c *tako.Context) error { return c.Redirect(200, "/") }, 500, "application/problem+json", `{"status":500,"title":"Internal Server Error"}`},
		{"no content", (*tako.Context).NoContent, 204, "", ""},
		{"nothing", func(*tako.Context) error { return nil }, 200, "", ""},
		{"status 99", func(c *tako.Context) error { return c.Text(99, "x") }, 500, "application/problem+json", `{"status":500,"title":"Internal Server Error"}`},
		{"status 100", func(c *tako.Context) error { return c.Text(100, "x") }, 500, "application/problem+json", `{"status":500,"title":"Internal Server Error"}`},
		{"status 599", func(c *tako.Context) error { return c.Text(599, "x") }, 599, "text/plain; charset=utf-8", "x"},
		{"stream", func(c *tako.Context) error { return c.Stream(200, "a/b", strings.NewReader("xyz")) }, 200, "a/b", "xyz"},
		{"error of another kind", func(*tako.Context) error { return errBoom }, 500, "application/problem+json", `{"status":500,"title":"Internal Server Error"}`},
		{"error 700", func(*tako.Context) error { return &tako.Error{Status: 700} }, 500, "application/problem+json", `{"status":500,"title":"Internal Server Error"}`},
		{"deadline", func(*tako.Context) error { return context.DeadlineExceeded }, 503, "application/problem+json", `{"status":503,"title":"Service Unavailable"}`},
	} {
		overBoth(t, func() *tako.Router {
			r := tako.New()
			r.Get("/", tt.handler)
			return r
		}, func(t *testing.T, s *takotest.Server) {
			resp := s.Get("/")
			if got := resp.Header.Get("Content-Type"); resp.StatusCode != tt.status || got != tt.kind || resp.Text != tt.text {
				t.Errorf("%s: got %d %q %q, want %d %q %q", tt.name, resp.StatusCode, got, resp.Text, tt.status, tt.kind, tt.text)
			}
		})
	}
}

func TestRedirectTargets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		target string
		local  bool
		want   string // "" if refused
	}{
		{"/a", false, "/a"}, {"/a b", false, "/a%20b"}, {"/é", false, "/%C3%A9"}, {"b?c=d", false, "b?c=d"},
		{"https://a.test", false, "https://a.test"}, {"//a.test/x", false, "//a.test/x"},
		{"javascript:alert(1)", false, ""}, {"JavaScript:alert(1)", false, ""}, {"data:text/html,x", false, ""}, {" javascript:alert(1)", false, ""},
		{"java\nscript:alert(1)", false, ""}, {"/a\x00", false, ""}, {"/a\r\nX: y", false, ""}, {"\x01javascript:alert(1)", false, ""},
		{"/a", true, "/a"}, {"//evil", true, ""}, {`/\evil`, true, ""}, {`\/evil`, true, ""}, {"https://evil", true, ""}, {"", true, ""},
		{"/\t/evil", true, ""}, {"/a\r\nb", true, ""}, {"/x//evil", true, "/x//evil"}, {"/%2F/evil", true, "/%2F/evil"},
	} {
		r := tako.New()
		r.Get("/", func(c *tako.Context) error {
			if tt.local {
				return c.LocalRedirect(302, tt.target)
			}
			return c.Redirect(302, tt.target)
		})
		resp := takotest.New(t, r).Get("/")
		status := 302
		if tt.want == "" {
			status = 400
		}
		if got := resp.Header.Get("Location"); resp.StatusCode != status || got != tt.want {
			t.Errorf("%q, local %v: got %d %q, want %d %q", tt.target, tt.local, resp.StatusCode, got, status, tt.want)
		}
	}
}

func TestErrorKeepsFields(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Use(around(func(c *tako.Context) {
		c.Header().Set("X-Request-Id", "7")
		c.Header().Set("Access-Control-Allow-Origin", "https://a.test")
		c.Header().AddVary("Origin")
		_ = c.SetCookie(&http.Cookie{Name: "a", Value: "b"})
	}))
	r.Get("/", func(c *tako.Context) error {
		for name, value := range map[string]string{"Content-Type": "image/png", "Content-Encoding": "gzip", "Etag": `"x"`, "Cache-Control": "max-age=9",
			"Last-Modified": "x", "Content-Disposition": "attachment", "Content-Range": "x", "Content-Length": "99", "Content-Language": "de", "Accept-Ranges": "bytes"} {
			c.Header().Set(name, value)
		}
		e := tako.Unauthorized(`Bearer realm="a"`, "no token")
		e.Header.Add("WWW-Authenticate", `Basic realm="b"`)
		return e.With("Retry-After", "3")
	})
	overBoth(t, func() *tako.Router { return r }, func(t *testing.T, s *takotest.Server) {
		resp := s.Get("/").Expect(401)
		assert.Equal(t, resp.Header.Values("Www-Authenticate"), []string{`Bearer realm="a"`, `Basic realm="b"`})
		for name, want := range map[string]string{"X-Request-Id": "7", "Access-Control-Allow-Origin": "https://a.test", "Vary": "Origin, Accept", "Set-Cookie": "a=b",
			"Retry-After": "3", "Content-Type": "application/problem+json", "Content-Encoding": "", "Etag": "", "Cache-Control": "", "Last-Modified": "",
			"Content-Disposition": "", "Content-Range": "", "Content-Language": "", "Accept-Ranges": ""} {
			resp.ExpectHeader(name, want)
		}
		plain := s.Get("/", takotest.Header("Accept", "text/plain"))
		assert.Equal(t, plain.Text, "401 Unauthorized\n\nno token\n")
	})
}

func TestPanics(t *testing.T) {
	t.Parallel()
	recordLogs()
	secret := errors.New("secret")
	for _, tt := range []struct {
		name    string
		mws     []tako.Middleware
		handler tako.Handler
		onError tako.ErrorHandler
		status  int // 0 if the response is broken off
		stacks  int
	}{
		{"before the head", nil, func(*tako.Context) error { panic(secret) }, nil, 500, 1},
		{"with a status", nil, func(*tako.Context) error { panic(tako.NotFound("x")) }, nil, 404, 0},
		{"with text", nil, func(*tako.Context) error { panic("secret") }, nil, 500, 1},
		{"nil map", nil, func(*tako.Context) error { var m map[string]int; m["x"]++; return nil }, nil, 500, 1},
		{"nil", nil, func(*tako.Context) error { panic(nil) }, nil, 500, 1},
		{"after the head", nil, func(c *tako.Context) error { _ = c.WriteHead(200); panic(secret) }, nil, 0, 1},
		{"in a stream", nil, func(c *tako.Context) error { _ = writes("a")(c); _ = c.Flush(); panic(secret) }, nil, 0, 1},
		{"in middleware", []tako.Middleware{around(func(*tako.Context) { panic(secret) })}, text("x"), nil, 500, 1},
		{"through recover", []tako.Middleware{middleware.Recover()}, func(*tako.Context) error { panic(secret) }, nil, 500, 1},
		{"through recover twice", []tako.Middleware{middleware.Recover(), middleware.Recover()}, func(c *tako.Context) error { _ = writes("a")(c); panic(secret) }, nil, 0, 1},
		{"in a hook", []tako.Middleware{around(func(c *tako.Context) { c.BeforeHead(func(*tako.Head) { panic(secret) }) })}, text("x"), nil, 500, 1},
		{"in a wrapper", []tako.Middleware{around(func(c *tako.Context) {
			c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter { return panicky{next} })
		})}, text("x"), nil, 0, 1},
		{"making a wrapper", []tako.Middleware{around(func(c *tako.Context) {
			c.WrapBody(func(tako.BodyWriter) tako.BodyWriter { panic(secret) })
		})}, text("x"), nil, -1, 1},
		{"in the error handler", nil, func(*tako.Context) error { return tako.Conflict("x") }, func(*tako.Context, error) error { panic(secret) }, 500, 1},
		{"on done", []tako.Middleware{around(func(c *tako.Context) { c.OnDone(func(tako.Outcome) { panic(secret) }) })}, text("x"), nil, 200, 1},
		{"abort", nil, func(*tako.Context) error { panic(http.ErrAbortHandler) }, nil, 0, 0},
		{"abort through recover", []tako.Middleware{middleware.Recover()}, func(*tako.Context) error { panic(http.ErrAbortHandler) }, nil, 0, 0},
		{"after hijack", nil, func(c *tako.Context) error {
			conn, _, err := c.Hijack()
			if err != nil {
				return err
			}
			defer conn.Close()
			panic(secret)
		}, nil, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := "/panics/" + strings.ReplaceAll(tt.name, " ", "-")
			done := make(chan tako.Outcome, 3)
			r := tako.New()
			if tt.onError != nil {
				r.OnError(tt.onError)
			}
			r.Use(outcomes(done))
			r.Get(path, tt.handler, tako.With(tt.mws...))
			r.Get("/sibling", text("fine"))
			s := takotest.Serve(t, r)
			resp, err := s.Client.Get(s.URL + path)
			if err == nil {
				var body []byte
				body, err = io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if strings.Contains(string(body), "secret") || strings.Contains(string(body), "goroutine") {
					t.Errorf("got body %q, want nothing of the panic in it", body)
				}
			}
			o := <-done
			switch {
			case tt.status == 0 && err == nil:
				t.Errorf("got a complete response %d, want a broken one", resp.StatusCode)
			case tt.status > 0 && (err != nil || resp.StatusCode != tt.status):
				t.Errorf("got %v, %v, want status %d", resp, err, tt.status)
			case tt.status > 0 && (o.Status != tt.status || o.Aborted):
				t.Errorf("got outcome %+v, want status %d", o, tt.status)
			case tt.status == 0 && !o.Aborted:
				t.Errorf("got outcome %+v, want it aborted", o)
			}
			if n := stacks(path); n != tt.stacks {
				t.Errorf("got %d stacks logged, want %d", n, tt.stacks)
			}
			s.Get("/sibling").Expect(200).ExpectText("fine")
			<-done
			if len(done) > 0 {
				t.Errorf("got a second outcome of one request: %+v", <-done)
			}
		})
	}
}

type panicky struct{ tako.BodyWriter }

func (panicky) Write([]byte) (int, error) { panic("secret") }

func TestOutcome(t *testing.T) {
	t.Parallel()
	recordLogs()
	public := tako.Conflict("taken")
	for _, tt := range []struct {
		name, method, path string
		status             int
		written, sent      int64
		pattern            string
		err                error
		aborted            bool
	}{
		{"text", "GET", "/x/7", 200, 5, 5, "/x/{id}", nil, false},
		{"head", "HEAD", "/x/7", 200, 5, 0, "/x/{id}", nil, false},
		{"error", "GET", "/error", 409, 50, 50, "/error", public, false},
		{"miss", "GET", "/nothing", 404, 34, 34, "", nil, false},
		{"method", "POST", "/x/7", 405, 43, 43, "", nil, false},
		{"options", "OPTIONS", "/x/7", 204, 0, 0, "/x/{id}", nil, false},
		{"cut", "GET", "/cut", 200, 2, 2, "/cut", errBoom, true},
		{"gone", "GET", "/gone", 499, 0, 0, "/gone", tako.ErrClientGone, true},
		{"abort", "GET", "/abort", 500, 0, 0, "/abort", http.ErrAbortHandler, true},
		{"nothing", "GET", "/none", 200, 0, 0, "/none", nil, false},
		{"failed error", "GET", "/v/1", 500, 26, 26, "/v/{n}", errBoom, false},
	} {
		overBoth(t, func() *tako.Router {
			r := tako.New()
			done := make(chan tako.Outcome, 1)
			r.Use(outcomes(done), around(func(c *tako.Context) {
				c.OnDone(func(tako.Outcome) {
					if len(done) > 0 {
						t.Errorf("%s: the hook registered first ran first", tt.name)
					}
				})
			}))
			r.Get("/x/{id}", text("hello"))
			r.Get("/error", func(*tako.Context) error { return public })
			r.Get("/cut", func(c *tako.Context) error { return errors.Join(writes("ab")(c), c.Flush(), errBoom) })
			r.Get("/gone", func(*tako.Context) error { return tako.ErrClientGone })
			r.Get("/abort", func(*tako.Context) error { return http.ErrAbortHandler })
			r.Get("/none", func(*tako.Context) error { return nil })
			g := r.Group("/v")
			g.OnError(func(c *tako.Context, err error) error { panic(err) })
			g.Get("/{n}", func(*tako.Context) error { return errBoom })
			r.Get("/outcome", func(c *tako.Context) error { return c.JSON(200, outcomeText(<-done)) })
			return r
		}, func(t *testing.T, s *takotest.Server) {
			req, _ := http.NewRequestWithContext(t.Context(), tt.method, s.URL+tt.path, nil)
			if resp, err := s.Client.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			var got string
			s.Get("/outcome").Expect(200).JSON(&got)
			want := outcomeText(tako.Outcome{Status: tt.status, Written: tt.written, Sent: tt.sent, Pattern: tt.pattern, Err: tt.err, Aborted: tt.aborted})
			if tt.err == nil && (tt.status == 404 || tt.status == 405) {
				want += " err"
			}
			assert.Equal(t, got, want, tt.name)
		})
	}
}

func outcomeText(o tako.Outcome) string {
	parts := []string{http.StatusText(o.Status), o.Pattern}
	for _, n := range []int64{int64(o.Status), o.Written, o.Sent} {
		parts = append(parts, strings.TrimSpace(string(appendInt(n))))
	}
	if o.Aborted {
		parts = append(parts, "aborted")
	}
	if o.Err != nil {
		parts = append(parts, "err")
	}
	if o.Duration < 0 || o.Route != nil && o.Pattern != o.Route.Pattern && !strings.HasSuffix(o.Pattern, o.Route.Pattern) {
		parts = append(parts, "bad duration or route")
	}
	return strings.Join(parts, " ")
}

func appendInt(n int64) []byte {
	if n == 0 {
		return []byte{'0'}
	}
	var out []byte
	for ; n > 0; n /= 10 {
		out = append(out, byte('0'+n%10))
	}
	slices.Reverse(out)
	return out
}

// A handler that gives up because its client went away is no failure of the server.
func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	recordLogs()
	for name, give := range map[string]func(ctx context.Context) error{
		"err":     func(ctx context.Context) error { return ctx.Err() },
		"wrapped": func(ctx context.Context) error { return errors.Join(errors.New("query"), ctx.Err()) },
		"cause":   context.Cause,
	} {
		overBoth(t, func() *tako.Router {
			done, started := make(chan tako.Outcome, 1), make(chan struct{})
			r := tako.New()
			r.Get("/gone-"+name, func(c *tako.Context) error {
				close(started)
				<-c.Context().Done()
				return give(c.Context())
			}, tako.With(outcomes(done)))
			r.Get("/started", func(*tako.Context) error { <-started; return nil })
			r.Get("/outcome", func(c *tako.Context) error { return c.JSON(200, (<-done).Status) })
			return r
		}, func(t *testing.T, s *takotest.Server) {
			ctx, cancel := context.WithCancel(t.Context())
			req, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/gone-"+name, nil)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if resp, err := s.Client.Do(req); err == nil {
					_ = resp.Body.Close()
				}
			}()
			s.Get("/started")
			cancel()
			<-ended
			s.Get("/outcome").Expect(200).ExpectText("499")
			for _, line := range logsOf("/gone-" + name) {
				t.Errorf("%s: got logged %q, want nothing", name, line)
			}
		})
	}
}
