package tako_test

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func TestHold(t *testing.T) {
	t.Parallel()
	recordLogs()
	const limit = 8
	for _, tt := range []struct {
		name    string
		handler tako.Handler
		held    string // what f gets, "-" if it is not called
		status  int
		text    string
		length  int64
	}{
		{"whole", text("12345678"), "200 8 12345678", 200, "12345678", 8},
		{"pieces", writes("12", "34"), "200 4 1234", 200, "1234", 4},
		{"nothing", func(*tako.Context) error { return nil }, "200 0 ", 200, "", 0},
		{"no content", (*tako.Context).NoContent, "204 -1 ", 204, "", 0},
		{"body on 204", func(c *tako.Context) error { return c.Text(204, "x") }, "204 1 x", 204, "", 0},
		{"one too many", text("123456789"), "-", 200, "123456789", 9},
		{"grows", writes("12345678", "9"), "-", 200, "123456789", 9},
		{"flushed", func(c *tako.Context) error {
			_, err := c.WriteString("12")
			return errors.Join(err, c.Flush())
		}, "-", 200, "12", -1},
		{"flushed at once", func(c *tako.Context) error {
			err := c.Flush()
			_, err2 := c.WriteString("12")
			return errors.Join(err, err2)
		}, "-", 200, "12", -1},
		{"error", func(*tako.Context) error { return tako.Conflict("no") }, "409", 409, "", -2},
		{"declared too long", func(c *tako.Context) error {
			c.Header().Set("Content-Length", "4")
			return errors.Join(c.WriteHead(200), ignore(c.WriteString("12")))
		}, "-", 500, "", -2},
		{"reader", func(c *tako.Context) error { return c.Stream(200, "a/b", strings.NewReader("abc")) }, "200 3 abc", 200, "abc", 3},
		{"buffers", func(c *tako.Context) error {
			return ignore(c.WriteBuffers([][]byte{[]byte("ab"), []byte("c")}))
		}, "200 3 abc", 200, "abc", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			held := "-"
			r := tako.New()
			r.Use(around(func(c *tako.Context) {
				c.Hold(limit, func(h *tako.Head, body []byte) error {
					held = strconv.Itoa(h.Status) + " " + strconv.FormatInt(h.Length, 10) + " " + string(body)
					return nil
				})
			}))
			r.Get("/", tt.handler)
			resp := takotest.Serve(t, r).Get("/").Expect(tt.status)
			if tt.length == -2 { // rendered errors are larger than the limit
				return
			}
			resp.ExpectText(tt.text)
			assert.Equal(t, held, tt.held)
			assert.Equal(t, resp.ContentLength, tt.length, "length")
		})
	}
}

// ignore drops the count of a write.
func ignore[N any](_ N, err error) error { return err }

func writes(pieces ...string) tako.Handler {
	return func(c *tako.Context) error {
		for _, p := range pieces {
			if _, err := c.WriteString(p); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestHoldChangesHead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		f      func(*tako.Head, []byte) error
		status int
		text   string
	}{
		{"same", func(*tako.Head, []byte) error { return nil }, 200, "hello"},
		{"304", func(h *tako.Head, _ []byte) error { h.Status = 304; return nil }, 304, ""},
		{"204", func(h *tako.Head, _ []byte) error { h.Status = 204; return nil }, 204, ""},
		{"201", func(h *tako.Head, _ []byte) error { h.Status = 201; return nil }, 201, "hello"},
		{"error", func(*tako.Head, []byte) error { return tako.Conflict("no") }, 409, `{"detail":"no","status":409,"title":"Conflict"}`},
	} {
		overBoth(t, func() *tako.Router {
			r := tako.New()
			r.Use(around(func(c *tako.Context) {
				c.BeforeHead(func(h *tako.Head) { h.Header.Set("X-Seen", strconv.Itoa(h.Status)) })
				calls := 0
				c.Hold(1000, func(h *tako.Head, body []byte) error {
					if calls++; calls > 1 {
						return nil // the error's own response
					}
					return tt.f(h, body)
				})
			}))
			r.Get("/", text("hello"))
			return r
		}, func(t *testing.T, s *takotest.Server) {
			s.Get("/").Expect(tt.status).ExpectText(tt.text).ExpectHeader("X-Seen", strconv.Itoa(tt.status))
			head := s.Do("HEAD", "/").Expect(tt.status).ExpectText("")
			if tt.status == 200 || tt.status == 201 {
				assert.Equal(t, head.ContentLength, int64(5), "length of HEAD")
			}
		})
	}
}

func TestHoldsNest(t *testing.T) {
	t.Parallel()
	var j journal
	r := tako.New()
	for _, name := range []string{"outer", "inner"} {
		r.Use(around(func(c *tako.Context) {
			c.BeforeHead(func(h *tako.Head) { j.add(name + "-hook") })
			c.Hold(100, func(h *tako.Head, body []byte) error { j.add(name + "=" + string(body)); return nil })
			c.BeforeHead(func(h *tako.Head) {
				h.Length = -1
				c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter { return &twice{next} })
			})
		}))
	}
	r.Get("/", writes("a", "b"))
	takotest.Serve(t, r).Get("/").Expect(200).ExpectText("aaaabbbb")
	assert.Equal(t, j.String(), "inner=aabb inner-hook outer=aaaabbbb outer-hook")
}

// twice doubles every byte.
type twice struct{ tako.BodyWriter }

func (w *twice) Write(p []byte) (int, error) {
	double := make([]byte, 0, 2*len(p))
	for _, b := range p {
		double = append(double, b, b)
	}
	_, err := w.BodyWriter.Write(double)
	return len(p), err
}

func TestStageThatHoldsBytesBack(t *testing.T) {
	t.Parallel()
	overBoth(t, func() *tako.Router {
		r := tako.New()
		r.Use(around(func(c *tako.Context) {
			c.BeforeHead(func(h *tako.Head) {
				h.Length = -1
				c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter { return &late{BodyWriter: next} })
			})
		}))
		r.Get("/", writes("a", "b"))
		r.Get("/short", func(c *tako.Context) error { return c.Text(200, "ab") })
		return r
	}, func(t *testing.T, s *takotest.Server) {
		s.Get("/").Expect(200).ExpectText("ab!")
		s.Get("/short").Expect(200).ExpectText("ab!")
		s.Do("HEAD", "/short").Expect(200).ExpectText("")
	})
}

// late keeps all until the end and adds a byte then.
type late struct {
	tako.BodyWriter
	held []byte
}

func (w *late) Write(p []byte) (int, error) { w.held = append(w.held, p...); return len(p), nil }
func (w *late) Flush() error                { return w.BodyWriter.Flush() }

func (w *late) Close(err error) error {
	if err == nil {
		_, err = w.BodyWriter.Write(append(w.held, '!'))
	}
	return w.BodyWriter.Close(err)
}

func TestHoldPanics(t *testing.T) {
	t.Parallel()
	recordLogs()
	r := tako.New()
	done := make(chan tako.Outcome, 1)
	r.Use(outcomes(done), around(func(c *tako.Context) {
		first := true
		c.Hold(1000, func(*tako.Head, []byte) error {
			if first {
				first = false
				panic(errBoom)
			}
			return nil
		})
	}))
	r.Get("/hold-panics", text("hello"))
	resp := takotest.New(t, r).Get("/hold-panics").Expect(500)
	if strings.Contains(resp.Text, "boom") || strings.Contains(resp.Text, "hello") {
		t.Errorf("got %q, want neither the panic nor the held body", resp.Text)
	}
	o := <-done
	assert.ErrorIs(t, o.Err, errBoom)
	assert.Equal(t, o.Status, 500)
	assert.Equal(t, stacks("/hold-panics"), 1, "stacks logged")
}

// stacks counts the log lines with a stack for a path.
func stacks(path string) (n int) {
	for _, line := range logsOf(path) {
		n += strings.Count(line, " stack=")
	}
	return n
}

// A cache that needs nothing but Hold, BeforeHead and Key.
type cached struct {
	status int
	header *tako.Header
	body   string
}

func cache(entries map[string]cached) tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if e, ok := entries[c.Path()]; ok {
				for name, value := range e.header.All() {
					c.Header().Add(name, value)
				}
				c.Header().Set("X-Cache", "hit")
				return c.Bytes(e.status, "", []byte(e.body))
			}
			path := c.Path()
			c.Hold(1<<10, func(h *tako.Head, body []byte) error {
				if h.Status == 200 && c.Method() == http.MethodGet {
					entries[path] = cached{h.Status, h.Header.Clone(), string(body)}
				}
				h.Header.Set("X-Cache", "miss")
				return nil
			})
			return next(c)
		}
	}
}

func TestHoldIsEnoughForACache(t *testing.T) {
	t.Parallel()
	calls := 0
	r := tako.New()
	r.Use(cache(map[string]cached{}))
	r.Get("/a", func(c *tako.Context) error {
		calls++
		c.Header().Set("X-Calls", strconv.Itoa(calls))
		return c.JSON(200, calls)
	})
	r.Get("/stream", func(c *tako.Context) error {
		calls++
		return errors.Join(c.Flush(), ignore(io.WriteString(c, "s")))
	})
	s := takotest.Serve(t, r)
	s.Get("/a").Expect(200).ExpectText("1").ExpectHeader("X-Cache", "miss")
	s.Get("/a").Expect(200).ExpectText("1").ExpectHeader("X-Cache", "hit").ExpectHeader("X-Calls", "1").ExpectHeader("Content-Type", "application/json")
	head := s.Do("HEAD", "/a").Expect(200).ExpectHeader("X-Cache", "hit")
	assert.Equal(t, head.ContentLength, int64(1))
	s.Get("/stream").Expect(200).ExpectText("s").ExpectHeader("X-Cache", "")
	s.Get("/stream").Expect(200).ExpectText("s").ExpectHeader("X-Cache", "")
	assert.Equal(t, calls, 3)
}
