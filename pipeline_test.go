package tako_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

var errBoom = errors.New("boom")

// overBoth runs f against the app in memory and on a socket.
func overBoth(t *testing.T, app func() *tako.Router, f func(t *testing.T, s *takotest.Server)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { t.Parallel(); f(t, takotest.New(t, app())) })
	t.Run("socket", func(t *testing.T) { t.Parallel(); f(t, takotest.Serve(t, app())) })
}

// journal collects lines from several goroutines.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, " ")
}

func (j *journal) count(line string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, l := range j.lines {
		if l == line {
			n++
		}
	}
	return n
}

// stage is a BodyWriter that notes what passes.
type stage struct {
	tako.BodyWriter
	name string
	j    *journal
}

func (s *stage) Write(p []byte) (int, error) {
	s.j.add(s.name + ":write")
	return s.BodyWriter.Write(p)
}

func (s *stage) Flush() error {
	s.j.add(s.name + ":flush")
	return s.BodyWriter.Flush()
}

func (s *stage) Close(err error) error {
	if err == nil {
		s.j.add(s.name + ":close")
	} else {
		s.j.add(s.name + ":break")
	}
	return s.BodyWriter.Close(err)
}

func staged(c *tako.Context, name string, j *journal) {
	c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter { return &stage{next, name, j} })
}

// records is the default logger of the tests: it keeps lines by request path.
type records struct {
	mu     sync.Mutex
	byPath map[string][]string
}

var (
	recorded    = &records{byPath: map[string][]string{}}
	recordsOnce sync.Once
)

func (r *records) Enabled(context.Context, slog.Level) bool { return true }
func (r *records) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *records) WithGroup(string) slog.Handler            { return r }

func (r *records) Handle(_ context.Context, rec slog.Record) error {
	path, line := "", rec.Level.String()+" "+rec.Message
	rec.Attrs(func(a slog.Attr) bool {
		if a.Key == "path" {
			path = a.Value.String()
		}
		line += " " + a.Key + "=" + a.Value.String()
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byPath[path] = append(r.byPath[path], line)
	return nil
}

// recordLogs makes logsOf work; it is called before the request.
func recordLogs() { recordsOnce.Do(func() { slog.SetDefault(slog.New(recorded)) }) }

// logsOf returns what the framework has logged about requests for path since the
// last call.
func logsOf(path string) []string {
	recorded.mu.Lock()
	defer recorded.mu.Unlock()
	defer delete(recorded.byPath, path)
	return recorded.byPath[path]
}

// outcomes is middleware that tells the end of each request.
func outcomes(to chan<- tako.Outcome) tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.OnDone(func(o tako.Outcome) { to <- o })
			return next(c)
		}
	}
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

func text(s string) tako.Handler {
	return func(c *tako.Context) error { return c.Text(200, s) }
}

func TestHooksRunInnermostFirst(t *testing.T) {
	t.Parallel()
	var j journal
	hook := func(name string) tako.Middleware {
		return around(func(c *tako.Context) {
			staged(c, name+"-early", &j)
			c.BeforeHead(func(h *tako.Head) {
				j.add(name)
				h.Header.Add("X-Order", name)
				staged(c, name+"-late", &j)
			})
		})
	}
	r := tako.New()
	r.Use(hook("a"), hook("b"))
	r.Get("/", func(c *tako.Context) error {
		if err := c.WriteHead(200); err != nil {
			return err
		}
		_, err := c.WriteString("x")
		return errors.Join(err, c.Flush())
	})
	s := takotest.New(t, r)
	s.Get("/").Expect(200).ExpectText("x").ExpectHeader("X-Order", "b, a")
	want := "b a b-late:write b-early:write a-late:write a-early:write" +
		" b-late:flush b-early:flush a-late:flush a-early:flush" +
		" b-late:close b-early:close a-late:close a-early:close"
	assert.Equal(t, j.String(), want)
}

func TestHookChangesHead(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Use(around(func(c *tako.Context) {
		c.BeforeHead(func(h *tako.Head) {
			if h.Status != 200 || h.Length != 5 || h.Header.Has("Content-Length") {
				t.Errorf("got status %d, length %d, fields %v, want 200 and 5 without Content-Length", h.Status, h.Length, h.Header)
			}
			h.Status, h.Length = 203, -1
			h.Header.Set("Content-Type", "text/x")
		})
	}))
	r.Get("/", text("hello"))
	s := takotest.Serve(t, r)
	resp := s.Get("/").Expect(203).ExpectText("hello").ExpectHeader("Content-Type", "text/x")
	if resp.ContentLength != 5 && resp.ContentLength != -1 {
		t.Errorf("got length %d, want 5 or -1", resp.ContentLength)
	}
}

func TestHooksRunAgainForAnError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		handler tako.Handler
	}{
		{"error", func(c *tako.Context) error { return errors.Join(c.Text(200, "held"), tako.Conflict("no")) }},
		{"panic", func(c *tako.Context) error { _ = c.Text(200, "held"); panic(tako.Conflict("no")) }},
		{"hold", func(c *tako.Context) error { return c.Text(200, "refuse") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var j journal
			r := tako.New()
			r.Use(around(func(c *tako.Context) {
				c.BeforeHead(func(h *tako.Head) { j.add("outer"); h.Header.Set("X-Outer", "1") })
				c.Hold(100, func(_ *tako.Head, body []byte) error {
					if string(body) == "refuse" {
						return tako.Conflict("no")
					}
					return nil
				})
				c.BeforeHead(func(h *tako.Head) { j.add("inner"); h.Header.Set("X-Status", string(rune('0'+h.Status/100))) })
			}))
			r.Get("/", tt.handler)
			resp := takotest.New(t, r).Get("/")
			if tt.name == "panic" {
				resp.Expect(409)
			}
			assert.Equal(t, resp.Problem(409).Detail, "no")
			resp.ExpectHeader("X-Outer", "1").ExpectHeader("X-Status", "4")
			assert.Equal(t, j.String(), "inner inner outer")
		})
	}
}

// closeCase ends a response in one way or another.
type closeCase struct {
	name    string
	handler tako.Handler
	inside  string // the stage inside the hold
	outside string // the stage outside it
}

func TestStageIsClosedOnce(t *testing.T) {
	t.Parallel()
	recordLogs()
	for _, tt := range []closeCase{
		{"complete", text("fine"), "close", "close"},
		{"error after bytes", func(c *tako.Context) error { return errors.Join(c.Text(200, "fine"), errBoom) }, "break", "close"},
		{"error after flush", func(c *tako.Context) error {
			_, _ = c.WriteString("x")
			return errors.Join(c.Flush(), errBoom)
		}, "break", "break"},
		{"too short", func(c *tako.Context) error {
			c.Header().Set("Content-Length", "9")
			_, _ = c.WriteString("x")
			return c.Flush()
		}, "close", "close"},
		{"refused by the hold", text("refuse"), "close", "close"},
		{"panic after flush", func(c *tako.Context) error {
			_, _ = c.WriteString("x")
			_ = c.Flush()
			panic("late")
		}, "break", "break"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var j journal
			done := make(chan tako.Outcome, 1)
			r := tako.New()
			r.Use(outcomes(done), around(func(c *tako.Context) {
				made := 0
				c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter { return &stage{next, "outside", &j} })
				c.Hold(100, func(_ *tako.Head, body []byte) error {
					if string(body) == "refuse" {
						return tako.Conflict("no")
					}
					return nil
				})
				c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter {
					if made++; made > 1 {
						return next // the error's own response
					}
					return &stage{next, "inside", &j}
				})
			}))
			r.Get("/close-once", tt.handler)
			_ = takotest.Serve(t, r).Get("/close-once")
			<-done
			for _, want := range []string{"inside:" + tt.inside, "outside:" + tt.outside} {
				name, _, _ := strings.Cut(want, ":")
				if ends := j.count(name+":close") + j.count(name+":break"); ends != 1 || j.count(want) != 1 {
					t.Errorf("got %d ends of %s, want one, %s, in: %s", ends, name, want, &j)
				}
			}
		})
	}
}

func TestHookBreaksHead(t *testing.T) {
	t.Parallel()
	recordLogs()
	for _, tt := range []struct {
		name string
		hook func(*tako.Head)
	}{
		{"status 0", func(h *tako.Head) { h.Status = 0 }},
		{"status 42", func(h *tako.Head) { h.Status = 42 }},
		{"status 101", func(h *tako.Head) { h.Status = 101 }},
		{"status 1000", func(h *tako.Head) { h.Status = 1000 }},
		{"field", func(h *tako.Head) { h.Header.Set("X-Bad", "a\r\nSet-Cookie: x=y") }},
		{"field name", func(h *tako.Head) { h.Header.Set("X Bad", "a") }},
		{"panic", func(*tako.Head) { panic(errBoom) }},
	} {
		overBoth(t, func() *tako.Router {
			r := tako.New()
			r.Use(around(func(c *tako.Context) { c.BeforeHead(tt.hook) }))
			r.Get("/", text("hello"))
			return r
		}, func(t *testing.T, s *takotest.Server) {
			resp, err := s.Client.Get(s.URL + "/")
			if err != nil {
				t.Fatalf("%s: got %v, want a response", tt.name, err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != 500 || resp.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s: got status %d, fields %v, want 500 without Set-Cookie", tt.name, resp.StatusCode, resp.Header)
			}
		})
	}
}

func TestInvalidFieldsNeverReachTheWire(t *testing.T) {
	t.Parallel()
	recordLogs()
	for _, tt := range []struct {
		name    string
		handler tako.Handler
	}{
		{"value with line end", func(c *tako.Context) error { c.Header().Set("X-A", "a\r\nX-Evil: 1"); return c.Text(200, "x") }},
		{"value with NUL", func(c *tako.Context) error { c.Header().Add("X-A", "a\x00"); return c.Text(200, "x") }},
		{"name with space", func(c *tako.Context) error { c.Header().Set("X-Evil: 1\r\nX", "a"); return c.Text(200, "x") }},
		{"content type", func(c *tako.Context) error { return c.Bytes(200, "text/plain\r\nX-Evil: 1", []byte("x")) }},
		{"stream type", func(c *tako.Context) error { return c.Stream(200, "a/b\r\nX-Evil: 1", strings.NewReader("x")) }},
		{"before a stream", func(c *tako.Context) error {
			c.Header().Set("X-A", "a\nX-Evil: 1")
			_, err := c.WriteString("x")
			return err
		}},
		{"no content", func(c *tako.Context) error { c.Header().Set("X-A", "\r\nX-Evil: 1"); return c.NoContent() }},
		{"ignored", func(c *tako.Context) error { c.Header().Set("X-A", "\r\nX-Evil: 1"); _ = c.Text(200, "x"); return nil }},
		{"redirect", func(c *tako.Context) error { return c.Redirect(302, "/a\r\nX-Evil: 1") }},
	} {
		for _, layers := range []bool{false, true} {
			name := tt.name
			if layers {
				name += " with a hook"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := tako.New()
				if layers {
					r.Use(around(func(c *tako.Context) {
						c.BeforeHead(func(*tako.Head) {})
						staged(c, "s", new(journal))
					}))
				}
				r.Get("/", tt.handler)
				resp, err := takotest.Serve(t, r).Client.Get("http://x.test/")
				if err != nil {
					t.Fatalf("got %v, want an error response", err)
				}
				defer resp.Body.Close()
				if resp.StatusCode < 400 || resp.Header.Get("X-Evil") != "" {
					t.Errorf("got status %d, fields %v, want an error without X-Evil", resp.StatusCode, resp.Header)
				}
			})
		}
	}
}

func TestErrorsTellInvalidField(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		c.Header().Set("X-A", "\n")
		err := c.Text(200, "x")
		assert.ErrorIs(t, err, tako.ErrInvalidField)
		return tako.Conflict("seen")
	})
	s := takotest.New(t, r)
	assert.Equal(t, s.Get("/").Problem(409).Detail, "seen")
}

func TestSecondResponseIsRefused(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		assert.Equal(t, c.HeadSent(), false)
		assert.NoError(t, c.Text(200, "one"))
		assert.Equal(t, c.HeadSent(), true)
		for name, err := range map[string]error{
			"Text": c.Text(200, "two"), "JSON": c.JSON(200, 1), "Bytes": c.Bytes(200, "a/b", nil), "WriteHead": c.WriteHead(200),
			"NoContent": c.NoContent(), "Redirect": c.Redirect(302, "/"), "EarlyHints": c.EarlyHints("</a>"),
			"File": c.File("go.mod"), "Stream": c.Stream(200, "a/b", strings.NewReader("x")), "Encode": c.Encode(200, 1),
		} {
			assert.ErrorIs(t, err, tako.ErrHeadSent, name)
		}
		_, _, err := c.Hijack()
		assert.ErrorIs(t, err, tako.ErrHeadSent)
		return nil
	})
	resp := takotest.New(t, r).Get("/").Expect(200).ExpectText("one")
	resp.ExpectHeader("Location", "").ExpectHeader("Content-Type", "text/plain; charset=utf-8").ExpectHeader("Last-Modified", "")
}
