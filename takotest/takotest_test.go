package takotest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/takotest"
)

var errBoom = errors.New("boom")

// starts are the ways to put an app under test.
var starts = map[string]func(testing.TB, tako.App) *takotest.Server{
	"New":   takotest.New,
	"Serve": takotest.Serve,
	"Run": func(t testing.TB, app tako.App) *takotest.Server {
		return takotest.Run(t, std.New(app, std.Config{Addr: "127.0.0.1:0"}))
	},
}

func each(t *testing.T, app func() *tako.Router, f func(t *testing.T, s *takotest.Server)) {
	t.Helper()
	for name, start := range starts {
		t.Run(name, func(t *testing.T) { t.Parallel(); f(t, start(t, app())) })
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	each(t, func() *tako.Router {
		r := tako.New()
		r.Any("/echo", func(c *tako.Context) error {
			body, err := c.ReadBody()
			if err != nil {
				return err
			}
			cookie, _ := c.Cookie("c")
			return c.Text(200, fmt.Sprintf("%s %s host=%s type=%s auth=%s x=%s cookie=%s length=%d body=%s", c.Method(), c.Target(), c.Host(),
				c.RequestHeader("Content-Type"), c.RequestHeader("Authorization"), c.RequestHeader("X-X"), cookie, c.ContentLength(), body))
		})
		return r
	}, func(t *testing.T, s *takotest.Server) {
		own := s.URL[len("http://"):]
		for want, resp := range map[string]*takotest.Response{
			"GET /echo host=" + own + " type= auth= x= cookie= length=0 body=":                                       s.Get("/echo"),
			"GET /echo?a=b%20c host=" + own + " type= auth= x=y cookie= length=0 body=":                              s.Get("/echo?a=b%20c", takotest.Header("X-X", "y")),
			"DELETE /echo host=a.test:81 type= auth= x= cookie= length=0 body=":                                      s.Delete("/echo", takotest.Host("a.test:81")),
			"POST /echo host=" + own + " type=application/json auth= x= cookie= length=7 body={\"a\":1}":             s.Post("/echo", takotest.JSON(map[string]int{"a": 1})),
			"PUT /echo host=" + own + " type=application/x-www-form-urlencoded auth= x= cookie= length=5 body=a=%26": s.Put("/echo", takotest.Form(url.Values{"a": {"&"}})),
			"PATCH /echo host=" + own + " type=a/b auth=Bearer t x= cookie=v length=-1 body=flow":                    s.Patch("/echo", takotest.Reader("a/b", strings.NewReader("flow")), takotest.Bearer("t"), takotest.Cookie("c", "v")),
			"PROPFIND /echo host=" + own + " type=a/b auth= x= cookie= length=4 body=text":                           s.Do("PROPFIND", "/echo", takotest.Body("a/b", "text")),
		} {
			resp.Expect(200).ExpectText(want)
		}
	})
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	each(t, func() *tako.Router {
		r := tako.New()
		r.Get("/", func(c *tako.Context) error {
			_ = c.SetCookie(&http.Cookie{Name: "a", Value: "b"})
			return c.Redirect(302, "/there")
		})
		r.Get("/there", func(c *tako.Context) error {
			if _, err := c.Cookie("a"); err == nil {
				t.Error("a cookie was kept")
			}
			return nil
		})
		return r
	}, func(t *testing.T, s *takotest.Server) {
		s.Get("/").Expect(302).ExpectHeader("Location", "/there")
		s.Get("/there").Expect(200)
	})
}

func TestStreams(t *testing.T) {
	t.Parallel()
	each(t, func() *tako.Router {
		r := tako.New()
		gone := make(chan struct{})
		r.Get("/ticks", func(c *tako.Context) error {
			defer close(gone)
			for i := 0; ; i++ {
				if _, err := fmt.Fprintln(c, i); err != nil {
					return err
				}
				if err := c.Flush(); err != nil {
					return err
				}
				if c.Context().Err() != nil {
					return tako.ErrClientGone
				}
			}
		})
		r.Get("/gone", func(c *tako.Context) error { <-gone; return c.Text(200, "gone") })
		r.Get("/trailer", func(c *tako.Context) error {
			_, err := c.WriteString("x")
			c.Trailer().Set("X-Sum", "1")
			return errors.Join(err, c.Flush())
		})
		r.Get("/cut", func(c *tako.Context) error {
			_, err := c.WriteString("half")
			return errors.Join(err, c.Flush(), errBoom)
		})
		r.Get("/short", func(c *tako.Context) error {
			c.Header().Set("Content-Length", "9")
			_, err := c.WriteString("half")
			return errors.Join(err, c.Flush())
		})
		r.Get("/head", func(c *tako.Context) error { return errors.Join(c.Flush(), context.Cause(c.Context())) })
		return r
	}, func(t *testing.T, s *takotest.Server) {
		resp := s.Open("GET", "/ticks")
		lines := bufio.NewScanner(resp.Body)
		for i := range 3 {
			if !lines.Scan() || lines.Text() != fmt.Sprint(i) {
				t.Fatalf("got %q, want %d", lines.Text(), i)
			}
		}
		_ = resp.Body.Close()
		s.Get("/gone").Expect(200).ExpectText("gone")
		trailer := s.Get("/trailer").Expect(200).ExpectText("x")
		assert.Equal(t, trailer.Trailer.Get("X-Sum"), "1")
		assert.Equal(t, trailer.Header.Get("X-Sum"), "")
		for _, path := range []string{"/cut", "/short"} {
			cut := s.Get(path)
			if cut.StatusCode != 200 || cut.Broken == nil || cut.Text != "half" {
				t.Errorf("%s: got %d %q, broken %v, want a broken half", path, cut.StatusCode, cut.Text, cut.Broken)
			}
		}
		s.Get("/head").Expect(200).ExpectText("")
	})
}

func TestBrokenBeforeTheHead(t *testing.T) {
	t.Parallel()
	each(t, func() *tako.Router {
		r := tako.New()
		r.Get("/", func(*tako.Context) error { panic(http.ErrAbortHandler) })
		return r
	}, func(t *testing.T, s *takotest.Server) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/", nil)
		assert.NoError(t, err)
		if resp, err := s.RoundTrip(req); err == nil {
			_ = resp.Body.Close()
			t.Errorf("got status %d, want an error", resp.StatusCode)
		}
	})
}

func TestRequestIsCancelled(t *testing.T) {
	t.Parallel()
	each(t, func() *tako.Router {
		r := tako.New()
		started, gone := make(chan struct{}), make(chan struct{})
		r.Get("/", func(c *tako.Context) error {
			close(started)
			<-c.Context().Done()
			close(gone)
			return nil
		})
		r.Get("/started", func(*tako.Context) error { <-started; return nil })
		r.Get("/gone", func(*tako.Context) error { <-gone; return nil })
		return r
	}, func(t *testing.T, s *takotest.Server) {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/", nil)
		assert.NoError(t, err)
		ended := make(chan error, 1)
		go func() {
			resp, err := s.RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			ended <- err
		}()
		s.Get("/started").Expect(200)
		cancel()
		assert.ErrorIs(t, <-ended, context.Canceled)
		s.Get("/gone").Expect(200)
	})
}

// tracked is a request body that tells when it was closed.
type tracked struct {
	io.Reader
	closed chan struct{}
}

func (b *tracked) Close() error { close(b.closed); return nil }

func TestRoundTripClosesTheBody(t *testing.T) {
	t.Parallel()
	each(t, func() *tako.Router {
		r := tako.New()
		r.Post("/read", func(c *tako.Context) error { _, err := c.ReadBody(); return err })
		r.Post("/leave", func(*tako.Context) error { return nil })
		return r
	}, func(t *testing.T, s *takotest.Server) {
		for _, path := range []string{"/read", "/leave"} {
			body := &tracked{strings.NewReader("body"), make(chan struct{})}
			req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+path, body)
			assert.NoError(t, err)
			resp, err := s.RoundTrip(req)
			assert.NoError(t, err)
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			closed := func() bool {
				select {
				case <-body.closed:
					return true
				default:
					return false
				}
			}
			assert.Eventually(t, 20*time.Second, path+": the request body is closed, as http.RoundTripper demands", closed)
		}
	})
}

type user struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type principal struct{ name string }

func TestTypedCallsAndProvide(t *testing.T) {
	t.Parallel()
	type in struct {
		ID  int `path:"id"`
		Who principal
	}
	for name, start := range starts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := tako.New()
			tako.Provide(r, func(context.Context, struct{}) (principal, error) {
				return principal{}, tako.Unauthorized("Bearer", "who?")
			})
			get := tako.Get(r, "/users/{id}", func(_ context.Context, in in) (user, error) {
				if in.ID == 0 {
					return user{}, tako.NotFound("no user 0")
				}
				return user{in.ID, in.Who.name}, nil
			})
			takotest.Provide(r, principal{"ann"})
			s := start(t, r)
			got, err := get.Do(t.Context(), s, in{ID: 7})
			assert.NoError(t, err)
			assert.Equal(t, got, user{7, "ann"})
			_, err = get.Do(t.Context(), s, in{})
			if e, ok := errors.AsType[*tako.Error](err); !ok || e.Status != 404 || e.Detail != "no user 0" {
				t.Errorf("got %v, want the 404 of the handler", err)
			}
			var decoded user
			s.Get("/users/3").Expect(200).JSON(&decoded)
			assert.Equal(t, decoded, user{3, "ann"})
			assert.Equal(t, s.Get("/users/0").Problem(404).Detail, "no user 0")
		})
	}
}

func TestParallelUse(t *testing.T) {
	t.Parallel()
	each(t, func() *tako.Router {
		r := tako.New()
		r.Get("/{n}", func(c *tako.Context) error { return c.Text(200, c.Param("n")) })
		return r
	}, func(t *testing.T, s *takotest.Server) {
		errs := make(chan error, 16)
		for i := range 16 {
			go func() {
				resp, err := s.Client.Get(fmt.Sprint(s.URL, "/", i))
				if err == nil {
					var body []byte
					if body, err = io.ReadAll(resp.Body); string(body) != fmt.Sprint(i) {
						err = fmt.Errorf("got %q, want %d", body, i)
					}
				}
				errs <- err
			}()
		}
		for range 16 {
			assert.NoError(t, <-errs)
		}
	})
}

// verdict records what a helper makes of a test.
type verdict struct {
	testing.TB
	errs  []string
	fatal bool
}

func (v *verdict) Helper() {}
func (v *verdict) Errorf(format string, args ...any) {
	v.errs = append(v.errs, fmt.Sprintf(format, args...))
}

func (v *verdict) Fatal(args ...any) { v.Fatalf("%s", fmt.Sprint(args...)) }

func (v *verdict) Fatalf(format string, args ...any) {
	v.Errorf(format, args...)
	v.fatal = true
	panic(v)
}

// judge runs f on a server whose verdicts are recorded.
func judge(t *testing.T, f func(s *takotest.Server)) (v *verdict) {
	t.Helper()
	v = &verdict{TB: t}
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { c.Header().Set("X-A", "a"); return c.Text(200, "text") })
	r.Get("/conflict", func(*tako.Context) error { return tako.Conflict("no") })
	r.Get("/cut", func(c *tako.Context) error {
		_, err := c.WriteString("half")
		return errors.Join(err, c.Flush(), errBoom)
	})
	defer func() {
		if p := recover(); p != nil && p != any(v) {
			panic(p)
		}
	}()
	f(takotest.New(v, r))
	return v
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		f     func(s *takotest.Server)
		fails string
	}{
		"status":          {func(s *takotest.Server) { s.Get("/").Expect(200) }, ""},
		"other status":    {func(s *takotest.Server) { s.Get("/").Expect(201) }, "want 201"},
		"broken":          {func(s *takotest.Server) { s.Get("/cut").Expect(200) }, "broken"},
		"broken, unasked": {func(s *takotest.Server) { s.Get("/cut") }, ""},
		"text":            {func(s *takotest.Server) { s.Get("/").ExpectText("text") }, ""},
		"other text":      {func(s *takotest.Server) { s.Get("/").ExpectText("test") }, `want "test"`},
		"field":           {func(s *takotest.Server) { s.Get("/").ExpectHeader("x-a", "a") }, ""},
		"other field":     {func(s *takotest.Server) { s.Get("/").ExpectHeader("X-A", "b") }, `want "b"`},
		"absent field":    {func(s *takotest.Server) { s.Get("/").ExpectHeader("X-B", "") }, ""},
		"no json":         {func(s *takotest.Server) { s.Get("/").JSON(new(int)) }, "text"},
		"problem":         {func(s *takotest.Server) { s.Get("/conflict").Problem(409) }, ""},
		"other problem":   {func(s *takotest.Server) { s.Get("/conflict").Problem(404) }, "want 404"},
		"no problem":      {func(s *takotest.Server) { s.Get("/").Problem(200) }, "application/problem+json"},
		"no socket":       {func(s *takotest.Server) { s.Dial() }, "no socket"},
		"bad target":      {func(s *takotest.Server) { s.Get("/%zz") }, "invalid URL escape"},
	} {
		v := judge(t, tt.f)
		if got := strings.Join(v.errs, "\n"); (tt.fails == "") != (got == "") || !strings.Contains(got, tt.fails) {
			t.Errorf("%s: got verdict %q, want %q", name, got, tt.fails)
		}
	}
}

func TestMistakesFailTheTest(t *testing.T) {
	t.Parallel()
	for name, start := range starts {
		v := &verdict{TB: t}
		r := tako.New()
		r.Get("nope", nil)
		func() {
			defer func() { _ = recover() }()
			start(v, r)
		}()
		if !v.fatal || !strings.Contains(strings.Join(v.errs, ""), "nope") {
			t.Errorf("%s: got %q, want the mistake", name, v.errs)
		}
	}
}

func TestMemoryAsAServerWould(t *testing.T) {
	t.Parallel()
	each(t, func() *tako.Router {
		r := tako.New()
		r.Get("/text", func(c *tako.Context) error { return c.Text(200, "hello") })
		r.Get("/long", func(c *tako.Context) error { return c.Text(200, strings.Repeat("x", 5000)) })
		r.Get("/none", (*tako.Context).NoContent)
		r.Get("/flow", func(c *tako.Context) error { return errors.Join(c.Flush(), ignore(c.WriteString("x"))) })
		return r
	}, func(t *testing.T, s *takotest.Server) {
		for path, want := range map[string]int64{"/text": 5, "/long": 5000, "/none": 0, "/flow": -1} {
			resp := s.Get(path)
			assert.Equal(t, resp.ContentLength, want, path)
			assert.Equal(t, resp.Proto, "HTTP/1.1")
		}
		head := s.Do("HEAD", "/text").Expect(200).ExpectText("")
		assert.Equal(t, head.ContentLength, int64(5))
	})
}

func ignore[N any](_ N, err error) error { return err }
