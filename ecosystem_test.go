package tako_test

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	chi "github.com/go-chi/chi/v5/middleware"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

func gunzip(t *testing.T, s string) string {
	t.Helper()
	zr, err := gzip.NewReader(strings.NewReader(s))
	assert.NoError(t, err)
	plain, err := io.ReadAll(zr)
	assert.NoError(t, err)
	return string(plain)
}

var acceptGzip = takotest.Header("Accept-Encoding", "gzip")

func TestStdWithChiCompress(t *testing.T) {
	t.Parallel()
	recordLogs()
	long := strings.Repeat("hello ", 10_000)
	overBoth(t, func() *tako.Router {
		r := tako.New()
		r.Use(tako.Std(chi.Compress(5)), middleware.SecurityHeaders())
		r.Get("/short", text("hello"))
		r.Get("/long", text(long))
		r.Get("/image", func(c *tako.Context) error { return c.Bytes(200, "image/png", []byte(long)) })
		r.Get("/error", func(c *tako.Context) error { return tako.NotFound("x") })
		r.Get("/json", func(c *tako.Context) error { return c.JSON(200, long) })
		r.Get("/none", (*tako.Context).NoContent)
		r.Get("/stream", func(c *tako.Context) error {
			c.Header().Set("Content-Type", "text/plain")
			if err := errors.Join(writes("one")(c), c.Flush()); err != nil {
				return err
			}
			<-c.Context().Done()
			return nil
		})
		r.Get("/cut", func(c *tako.Context) error {
			c.Header().Set("Content-Type", "text/plain")
			return errors.Join(writes("one")(c), c.Flush(), errBoom)
		})
		return r
	}, func(t *testing.T, s *takotest.Server) {
		for path, want := range map[string]string{"/short": "hello", "/long": long, "/json": `"` + long + `"`} {
			resp := s.Get(path, acceptGzip).Expect(200).ExpectHeader("Content-Encoding", "gzip").ExpectHeader("Vary", "Accept-Encoding").ExpectHeader("X-Frame-Options", "DENY")
			if gunzip(t, resp.Text) != want {
				t.Errorf("%s: got another body", path)
			}
			s.Get(path).Expect(200).ExpectText(want).ExpectHeader("Content-Encoding", "")
		}
		s.Get("/image", acceptGzip).Expect(200).ExpectText(long).ExpectHeader("Content-Encoding", "")
		s.Get("/error", acceptGzip).Problem(404)
		s.Get("/none", acceptGzip).Expect(204).ExpectText("")
		if resp := s.Get("/cut", acceptGzip); resp.Broken == nil {
			t.Errorf("got a whole response %q, want it cut", resp.Text)
		}
		stream := s.Open("GET", "/stream", acceptGzip)
		zr, err := gzip.NewReader(stream.Body)
		assert.NoError(t, err)
		got := make([]byte, 3)
		_, err = io.ReadFull(zr, got)
		assert.NoError(t, err)
		assert.Equal(t, string(got), "one")
		_ = stream.Body.Close()
	})
}

func TestStdTellsWhatTheHandlerWrote(t *testing.T) {
	t.Parallel()
	done := make(chan tako.Outcome, 1)
	r := tako.New()
	r.Use(outcomes(done), tako.Std(chi.Compress(5)))
	r.Get("/", text(strings.Repeat("x", 10_000)))
	takotest.New(t, r).Get("/", acceptGzip).Expect(200)
	if o := <-done; o.Written != 10_000 || o.Sent >= 1000 {
		t.Errorf("got %d written, %d sent, want 10000 and less than 1000", o.Written, o.Sent)
	}
}

func TestStdWithTimeoutHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done, inside, late := make(chan tako.Outcome, 3), make(chan tako.Outcome, 1), make(chan error, 1)
		r := tako.New()
		r.Use(outcomes(done), middleware.RequestIDWith(middleware.RequestIDConfig{New: func() string { return "7" }}), tako.Std(func(next http.Handler) http.Handler {
			return http.TimeoutHandler(next, time.Second, "too slow")
		}))
		r.Get("/fast", text("fast"))
		r.Get("/error", func(*tako.Context) error { return tako.Conflict("x") })
		r.Post("/slow", func(c *tako.Context) error {
			c.OnDone(func(o tako.Outcome) { inside <- o })
			<-c.Context().Done()
			synctest.Wait()
			_, err := io.WriteString(c, strings.Repeat("late", 10_000))
			body, _ := io.ReadAll(c.Body())
			if c.Path() != "/slow" || c.RequestHeader("X-A") != "b" || string(body) != "body" {
				t.Errorf("got %s %s %q, want the request unharmed", c.Path(), c.RequestHeader("X-A"), body)
			}
			late <- err
			return err
		})
		s := takotest.New(t, r)
		s.Get("/fast").Expect(200).ExpectText("fast").ExpectHeader("X-Request-Id", "7")
		s.Get("/error").Problem(409)
		assert.Equal(t, (<-done).Status, 200)
		assert.Equal(t, (<-done).Status, 409)
		s.Post("/slow", takotest.Body("a/b", "body"), takotest.Header("X-A", "b")).Expect(503).ExpectText("too slow").ExpectHeader("X-Request-Id", "7")
		assert.Equal(t, (<-done).Status, 503)
		assert.ErrorIs(t, <-late, http.ErrHandlerTimeout)
		if o := <-inside; o.Status == 200 && !o.Aborted {
			t.Errorf("got outcome %+v inside, want no whole 200: nobody got it", o)
		}
	})
}

func TestStdWithOpenTelemetry(t *testing.T) {
	t.Parallel()
	recordLogs()
	recorder := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))
	r := tako.New()
	r.Use(tako.Std(otelhttp.NewMiddleware("app", otelhttp.WithTracerProvider(provider))))
	r.Get("/ok", func(c *tako.Context) error {
		_, span := provider.Tracer("t").Start(c.Context(), "inner")
		span.End()
		return c.Text(200, "ok")
	})
	r.Get("/conflict", func(*tako.Context) error { return tako.Conflict("x") })
	r.Get("/fails", func(*tako.Context) error { return errBoom })
	r.Get("/panics", func(*tako.Context) error { panic(errBoom) }, tako.With(middleware.Recover()))
	s := takotest.New(t, r)
	for path, status := range map[string]int{"/ok": 200, "/conflict": 409, "/fails": 500, "/panics": 500, "/none": 404} {
		recorder.Reset()
		s.Get(path).Expect(status)
		spans := recorder.Ended()
		want := 1
		if path == "/ok" {
			want = 2
			if len(spans) == 2 && spans[0].Parent().SpanID() != spans[1].SpanContext().SpanID() {
				t.Error("the span of the handler has another parent")
			}
		}
		if len(spans) != want {
			t.Errorf("%s: got %d spans, want %d", path, len(spans), want)
			continue
		}
		var got int64
		for _, a := range spans[want-1].Attributes() {
			if a.Key == attribute.Key("http.response.status_code") {
				got = a.Value.AsInt64()
			}
		}
		assert.Equal(t, got, int64(status), path)
	}
}

func TestStdWithRecoverer(t *testing.T) {
	t.Parallel()
	recordLogs()
	quiet := tako.Std(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					if v == http.ErrAbortHandler {
						panic(v)
					}
					w.WriteHeader(500)
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
	for _, tt := range []struct {
		name string
		mw   tako.Middleware
	}{{"recoverer", quiet}, {"chi", tako.Std(chi.Recoverer)}, {"none", tako.Std(func(next http.Handler) http.Handler { return next })}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			outside, inside := make(chan tako.Outcome, 1), make(chan tako.Outcome, 1)
			r := tako.New()
			r.Use(outcomes(outside), tt.mw, outcomes(inside))
			path := "/recoverer-" + tt.name
			r.Get(path, func(*tako.Context) error { panic(errBoom) })
			r.Get("/late", func(c *tako.Context) error { return errors.Join(writes("x")(c), c.Flush(), errBoom) })
			s := takotest.Serve(t, r)
			s.Get(path).Expect(500)
			assert.Equal(t, (<-outside).Status, 500)
			select {
			case o := <-inside:
				assert.Equal(t, o.Status, 500, "inside")
			default:
				t.Error("the hook inside was never told")
			}
			if resp := s.Get("/late"); resp.Broken == nil {
				t.Errorf("got a whole response %q, want it cut", resp.Text)
			}
			for name, o := range map[string]tako.Outcome{"inside": <-inside, "outside": <-outside} {
				if !o.Aborted || !errors.Is(o.Err, errBoom) {
					t.Errorf("%s: got outcome %+v, want it aborted by the handler's error", name, o)
				}
			}
		})
	}
}

func TestStdMiddlewareThatAnswersItself(t *testing.T) {
	t.Parallel()
	recordLogs()
	for name, tt := range map[string]struct {
		mw     func(http.Handler) http.Handler
		status int
		text   string
	}{
		"denies": {func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "denied", 403) })
		}, 403, "denied\n"},
		"head only": {func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Mw", "a\r\nb")
				next.ServeHTTP(w, r)
			})
		}, 200, "7x"},
		"another request": {func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.Clone(r.Context()))
			})
		}, 200, "7x"},
		"lost context": {func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, httptest.NewRequest("GET", "/7", nil))
			})
		}, 500, ""},
		"tiny body": {func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Body = http.MaxBytesReader(w, r.Body, 3)
				next.ServeHTTP(w, r)
			})
		}, 413, ""},
	} {
		overBoth(t, func() *tako.Router {
			r := tako.New()
			r.Use(tako.Std(tt.mw))
			r.Post("/{id}", func(c *tako.Context) error {
				if _, err := c.ReadBody(); err != nil {
					return err
				}
				return c.Text(200, c.Param("id")+"x")
			})
			return r
		}, func(t *testing.T, s *takotest.Server) {
			if resp := s.Post("/7", takotest.Body("a/b", "body")); resp.StatusCode != tt.status || tt.text != "" && resp.Text != tt.text {
				t.Errorf("%s: got %d %q, want %d %q", name, resp.StatusCode, resp.Text, tt.status, tt.text)
			}
		})
	}
}

func TestBodyLimitInsideStd(t *testing.T) {
	t.Parallel()
	pass := tako.Std(func(next http.Handler) http.Handler { return next })
	r := tako.New()
	read := func(c *tako.Context) error {
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		return c.JSON(200, len(body))
	}
	r.Post("/small", read, tako.With(pass, middleware.BodyLimit(5)))
	r.Post("/large", read, tako.With(pass, middleware.BodyLimit(3<<20)))
	r.Post("/route", read, tako.With(pass), tako.BodyLimit(5))
	s := takotest.New(t, r)
	large := strings.Repeat("x", 2<<20)
	s.Post("/small", takotest.Body("a/b", "12345")).Expect(200).ExpectText("5")
	s.Post("/small", takotest.Body("a/b", "123456")).Expect(413)
	s.Post("/small", takotest.Reader("a/b", strings.NewReader("123456"))).Expect(413)
	s.Post("/large", takotest.Body("a/b", large)).Expect(200).ExpectText("2097152")
	s.Post("/route", takotest.Reader("a/b", strings.NewReader("12345"))).Expect(200).ExpectText("5")
	s.Post("/route", takotest.Reader("a/b", strings.NewReader("123456"))).Expect(413)
}

func TestReverseProxy(t *testing.T) {
	t.Parallel()
	back := tako.New()
	back.Post("/echo/{x}", func(c *tako.Context) error {
		body, err := c.ReadBody()
		c.Trailer().Set("X-Sum", "sum")
		_ = c.EarlyHints("</a>")
		return errors.Join(err, c.Flush(), ignore(c.Write(body)), ignore(c.WriteString(c.Param("x")+c.RequestHeader("X-Forwarded-For"))))
	})
	back.Get("/ws", func(c *tako.Context) error {
		conn, rw, err := c.Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, err = io.Copy(conn, rw)
		return err
	})
	target, err := url.Parse(takotest.Serve(t, back).URL)
	assert.NoError(t, err)
	for _, way := range passes {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			done := make(chan tako.Outcome, 2)
			front := tako.New()
			front.Use(outcomes(done), middleware.SecurityHeaders(), middleware.ETag(), way.mw())
			front.Any("/p/{rest...}", tako.HTTP(http.StripPrefix("/p", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.SetXForwarded()
			}})))
			s := takotest.Serve(t, front)
			resp := s.Post("/p/echo/a%2Fb", takotest.Reader("a/b", strings.NewReader("body"))).Expect(200).ExpectText("bodya/b127.0.0.1").ExpectHeader("X-Frame-Options", "DENY")
			assert.Equal(t, resp.Trailer.Get("X-Sum"), "sum")
			<-done
			conn := s.Dial()
			_, _ = io.WriteString(conn, "GET /p/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			assert.NoError(t, err)
			assert.Equal(t, answer.StatusCode, 101)
			for _, word := range []string{"one", "two"} {
				_, _ = io.WriteString(conn, word)
				got := make([]byte, 3)
				_, err = io.ReadFull(conn, got)
				assert.NoError(t, err)
				assert.Equal(t, string(got), word)
			}
			_ = conn.Close()
			if o := <-done; !o.Upgraded {
				t.Errorf("got outcome %+v, want it upgraded", o)
			}
		})
	}
}
