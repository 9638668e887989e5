package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

var errBoom = errors.New("boom")

func text(s string) tako.Handler {
	return func(c *tako.Context) error { return c.Text(200, s) }
}

// around is middleware that calls f before the handlers further in.
func around(f func(c *tako.Context)) tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			f(c)
			return next(c)
		}
	}
}

// logBuffer is where a logger writes; lines come out as maps.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) lines(t *testing.T) (all []map[string]any) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.buf.String()) {
		m := map[string]any{}
		assert.NoError(t, json.Unmarshal([]byte(line), &m))
		all = append(all, m)
	}
	b.buf.Reset()
	return all
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	var buf logBuffer
	r := tako.New()
	r.Use(middleware.AccessLogWith(middleware.AccessLogConfig{
		Log:  slog.New(slog.NewJSONHandler(&buf, nil)),
		Skip: func(c *tako.Context) bool { return c.Path() == "/health" },
		Attrs: func(c *tako.Context) []slog.Attr {
			return []slog.Attr{slog.String("agent", c.RequestHeader("User-Agent"))}
		},
	}), middleware.RequestIDWith(middleware.RequestIDConfig{New: func() string { return "id7" }}))
	r.Get("/u/{id}", text("hello"))
	r.Get("/health", text("ok"))
	r.Get("/fails", func(*tako.Context) error { return tako.Wrap(502, errBoom) })
	r.Get("/taken", func(*tako.Context) error { return tako.Conflict("taken") })
	r.Get("/panics", func(*tako.Context) error { panic(errBoom) })
	r.Get("/late", func(c *tako.Context) error { <-c.Context().Done(); return nil }, tako.Timeout(time.Millisecond))
	s := takotest.New(t, r)
	s.Get("/health")
	assert.Equal(t, len(buf.lines(t)), 0, "lines of a skipped request")
	for _, tt := range []struct {
		method, path, route, level, err string
		status, bytes                   float64
	}{
		{"GET", "/u/7", "/u/{id}", "INFO", "", 200, 5},
		{"HEAD", "/u/7", "/u/{id}", "INFO", "", 200, 0},
		{"GET", "/none", "", "INFO", "404 Not Found", 404, 34},
		{"POST", "/u/7", "", "INFO", "405 Method Not Allowed", 405, 43},
		{"GET", "/taken", "/taken", "INFO", "409 Conflict: taken", 409, 50},
		{"GET", "/fails", "/fails", "ERROR", "502 Bad Gateway: boom", 502, 36},
		{"GET", "/panics", "/panics", "ERROR", "panic: boom", 500, 46},
		{"GET", "/late", "/late", "ERROR", "503 Service Unavailable: tako: request timed out", 503, 44},
	} {
		s.Do(tt.method, tt.path, takotest.Header("User-Agent", "test"))
		lines := buf.lines(t)
		if len(lines) != 1 {
			t.Errorf("%s: got %d lines, want one", tt.path, len(lines))
			continue
		}
		got := lines[0]
		want := map[string]any{"level": tt.level, "msg": "request", "method": tt.method, "path": tt.path, "route": tt.route, "status": tt.status, "bytes": tt.bytes,
			"proto": "HTTP/1.1", "client": "192.0.2.1", "id": "id7", "agent": "test"}
		if tt.err != "" {
			want["err"] = tt.err
		}
		if d, ok := got["duration"].(float64); !ok || d < 0 || d > float64(time.Minute) {
			t.Errorf("%s: got duration %v", tt.path, got["duration"])
		}
		delete(got, "duration")
		delete(got, "time")
		assert.Equal(t, got, want, tt.path)
	}
}

func TestAccessLogOfBrokenAndUpgraded(t *testing.T) {
	t.Parallel()
	var buf logBuffer
	told := make(chan struct{}, 1)
	r := tako.New()
	r.Use(around(func(c *tako.Context) { c.OnDone(func(tako.Outcome) { told <- struct{}{} }) }),
		middleware.AccessLogWith(middleware.AccessLogConfig{Log: slog.New(slog.NewJSONHandler(&buf, nil))}))
	r.Get("/cut", func(c *tako.Context) error {
		_, _ = c.WriteString("x")
		return errors.Join(c.Flush(), errBoom)
	})
	r.Get("/up", func(c *tako.Context) error {
		conn, _, err := c.Hijack()
		if err != nil {
			return err
		}
		return conn.Close()
	})
	s := takotest.Serve(t, r)
	s.Get("/cut")
	<-told
	line := buf.lines(t)[0]
	if line["aborted"] != true || line["status"] != 200.0 || line["err"] != "boom" {
		t.Errorf("got %v, want an aborted 200 with its error", line)
	}
	_, _ = s.Dial().Write([]byte("GET /up HTTP/1.1\r\nHost: x\r\n\r\n"))
	<-told
	if line = buf.lines(t)[0]; line["upgraded"] != true || line["aborted"] != nil {
		t.Errorf("got %v, want it upgraded", line)
	}
}

// disabled is a logger that takes nothing below errors.
type disabled struct{ slog.Handler }

func (disabled) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func TestAccessLogAsksTheLevel(t *testing.T) {
	t.Parallel()
	var buf logBuffer
	r := tako.New()
	r.Use(middleware.AccessLogWith(middleware.AccessLogConfig{Log: slog.New(disabled{slog.NewJSONHandler(&buf, nil)})}))
	r.Get("/", text("x"))
	s := takotest.New(t, r)
	s.Get("/")
	s.Get("/none")
	assert.Equal(t, len(buf.lines(t)), 0)
}

func TestRecover(t *testing.T) {
	t.Parallel()
	for _, value := range []any{errBoom, "boom", 7, tako.Conflict("boom")} {
		var got error
		r := tako.New()
		r.Use(func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				got = next(c)
				return tako.NotFound("seen")
			}
		}, middleware.Recover())
		r.Get("/", func(*tako.Context) error { panic(value) })
		takotest.New(t, r).Get("/").Problem(404)
		if got == nil || tako.PanicStack(got) == nil || !strings.Contains(string(tako.PanicStack(got)), "TestRecover") {
			t.Errorf("%v: got %v, want an error with the stack of the panic", value, got)
		}
		if err, ok := value.(error); ok && !errors.Is(got, err) {
			t.Errorf("%v: got %v, want it to match", value, got)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	called := 0
	read := func(c *tako.Context) error {
		called++
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		return c.JSON(200, len(body))
	}
	r := tako.New()
	r.Post("/five", read, tako.With(middleware.BodyLimit(5)))
	r.Post("/none", read, tako.With(middleware.BodyLimit(tako.NoLimit)), tako.BodyLimit(1))
	r.Post("/func", read, tako.With(middleware.BodyLimitFunc(func(c *tako.Context) int64 { return int64(len(c.Query("n"))) })))
	s := takotest.New(t, r)
	for _, tt := range []struct {
		path      string
		n, status int
	}{
		{"/five", 5, 200}, {"/five", 6, 413}, {"/none", 3 << 20, 200}, {"/func?n=xx", 2, 200}, {"/func?n=xx", 3, 413}, {"/func", 1, 413}, {"/func", 0, 200},
	} {
		body := strings.Repeat("x", tt.n)
		called = 0
		declared := s.Post(tt.path, takotest.Body("a/b", body))
		if declared.StatusCode != tt.status || (called == 0) != (tt.status == 413) {
			t.Errorf("%s declared %d: got %d after %d calls, want %d", tt.path, tt.n, declared.StatusCode, called, tt.status)
		}
		if chunked := s.Post(tt.path, takotest.Reader("a/b", strings.NewReader(body))); chunked.StatusCode != tt.status {
			t.Errorf("%s chunked %d: got %d, want %d", tt.path, tt.n, chunked.StatusCode, tt.status)
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cfg  middleware.RequestIDConfig
		sent string
		want string // "" for a new one
	}{
		"default":    {middleware.RequestIDConfig{}, "good", ""},
		"trusted":    {middleware.RequestIDConfig{Trust: true}, "good-ID_1.~!", "good-ID_1.~!"},
		"absent":     {middleware.RequestIDConfig{Trust: true}, "", ""},
		"space":      {middleware.RequestIDConfig{Trust: true}, "a b", ""},
		"escape":     {middleware.RequestIDConfig{Trust: true}, "a\x1b[31m", ""},
		"line end":   {middleware.RequestIDConfig{Trust: true}, "a\r\nX-Evil: 1", ""},
		"high byte":  {middleware.RequestIDConfig{Trust: true}, "\xff", ""},
		"longest":    {middleware.RequestIDConfig{Trust: true}, strings.Repeat("x", 128), strings.Repeat("x", 128)},
		"too long":   {middleware.RequestIDConfig{Trust: true}, strings.Repeat("x", 129), ""},
		"huge":       {middleware.RequestIDConfig{Trust: true}, strings.Repeat("x", 10<<10), ""},
		"upper case": {middleware.RequestIDConfig{Trust: true, Header: "X-REQUEST-ID"}, "good", "good"},
		"lower case": {middleware.RequestIDConfig{Trust: true, Header: "x-request-id"}, "good", "good"},
		"own maker":  {middleware.RequestIDConfig{New: func() string { return "made" }}, "good", "made"},
	} {
		r := tako.New()
		r.Use(middleware.RequestIDWith(tt.cfg))
		r.Get("/", func(c *tako.Context) error { return c.Text(200, middleware.RequestIDOf(c)) })
		r.Get("/error", func(*tako.Context) error { return errBoom })
		s := takotest.New(t, r)
		got := s.Get("/", takotest.Header("X-Request-Id", tt.sent)).Expect(200)
		if got.Text == "" || got.Header.Get("X-Request-Id") != got.Text || tt.want != "" && got.Text != tt.want || tt.want == "" && got.Text == tt.sent {
			t.Errorf("%s: got %q and field %q, want %q", name, got.Text, got.Header.Get("X-Request-Id"), tt.want)
		}
		if again := s.Get("/error").Header.Get("X-Request-Id"); again == "" || tt.cfg.New == nil && again == got.Text {
			t.Errorf("%s: got %q on an error, want another id", name, again)
		}
	}
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Text(200, middleware.RequestIDOf(c)) })
	takotest.New(t, r).Get("/").ExpectText("")
	r = tako.New()
	r.Use(middleware.RequestIDWith(middleware.RequestIDConfig{Header: "Traced-By"}))
	r.Get("/", text("x"))
	if got := takotest.New(t, r).Get("/"); len(got.Header.Get("Traced-By")) != 26 || got.Header.Get("X-Request-Id") != "" {
		t.Errorf("got %v, want 26 characters in Traced-By alone", got.Header)
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	base := map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "strict-origin-when-cross-origin",
		"Content-Security-Policy": "", "Content-Security-Policy-Report-Only": "", "Cross-Origin-Opener-Policy": "", "Cross-Origin-Embedder-Policy": "",
		"Cross-Origin-Resource-Policy": "", "Permissions-Policy": "", "Strict-Transport-Security": ""}
	https := takotest.Header("X-Forwarded-Proto", "https")
	for name, tt := range map[string]struct {
		cfg   middleware.SecurityConfig
		edits []takotest.Edit
		want  map[string]string
	}{
		"default":         {middleware.SecurityConfig{}, nil, nil},
		"frame":           {middleware.SecurityConfig{FrameOptions: "SAMEORIGIN"}, nil, map[string]string{"X-Frame-Options": "SAMEORIGIN"}},
		"no frame":        {middleware.SecurityConfig{FrameOptions: "-"}, nil, map[string]string{"X-Frame-Options": ""}},
		"referrer":        {middleware.SecurityConfig{ReferrerPolicy: "no-referrer"}, nil, map[string]string{"Referrer-Policy": "no-referrer"}},
		"no referrer":     {middleware.SecurityConfig{ReferrerPolicy: "-"}, nil, map[string]string{"Referrer-Policy": ""}},
		"csp":             {middleware.SecurityConfig{ContentSecurityPolicy: "default-src 'self'"}, nil, map[string]string{"Content-Security-Policy": "default-src 'self'"}},
		"csp report":      {middleware.SecurityConfig{ContentSecurityPolicyReportOnly: "x"}, nil, map[string]string{"Content-Security-Policy-Report-Only": "x"}},
		"opener":          {middleware.SecurityConfig{OpenerPolicy: "same-origin"}, nil, map[string]string{"Cross-Origin-Opener-Policy": "same-origin"}},
		"embedder":        {middleware.SecurityConfig{EmbedderPolicy: "require-corp"}, nil, map[string]string{"Cross-Origin-Embedder-Policy": "require-corp"}},
		"resource":        {middleware.SecurityConfig{ResourcePolicy: "same-site"}, nil, map[string]string{"Cross-Origin-Resource-Policy": "same-site"}},
		"permissions":     {middleware.SecurityConfig{PermissionsPolicy: "camera=()"}, nil, map[string]string{"Permissions-Policy": "camera=()"}},
		"hsts on http":    {middleware.SecurityConfig{HSTS: time.Hour}, nil, nil},
		"hsts":            {middleware.SecurityConfig{HSTS: time.Hour}, []takotest.Edit{https}, map[string]string{"Strict-Transport-Security": "max-age=3600"}},
		"hsts subdomains": {middleware.SecurityConfig{HSTS: time.Hour, HSTSSubdomains: true}, []takotest.Edit{https}, map[string]string{"Strict-Transport-Security": "max-age=3600; includeSubDomains"}},
		"no hsts":         {middleware.SecurityConfig{HSTSSubdomains: true}, []takotest.Edit{https}, nil},
	} {
		r := tako.New()
		r.TrustedProxies("192.0.2.1")
		r.Use(middleware.SecurityHeadersWith(tt.cfg))
		r.Get("/", text("x"))
		r.Get("/error", func(*tako.Context) error { return errBoom })
		r.Get("/panic", func(*tako.Context) error { panic(errBoom) })
		r.Get("/own", func(c *tako.Context) error {
			for field := range base {
				c.Header().Set(field, "own")
			}
			return c.Text(200, "x")
		})
		s := takotest.New(t, r)
		for _, path := range []string{"/", "/error", "/panic", "/none"} {
			resp := s.Get(path, tt.edits...)
			for field, value := range base {
				if changed, ok := tt.want[field]; ok {
					value = changed
				}
				if got := strings.Join(resp.Header.Values(field), ", "); got != value {
					t.Errorf("%s %s: got %s %q, want %q", name, path, field, got, value)
				}
			}
		}
		own := s.Get("/own", tt.edits...)
		for field := range base {
			own.ExpectHeader(field, "own")
		}
	}
	r := tako.New()
	r.Use(middleware.SecurityHeadersWith(middleware.SecurityConfig{HSTS: time.Hour}))
	r.Get("/", text("x"))
	takotest.New(t, r).Get("/", https).ExpectHeader("Strict-Transport-Security", "")
}
