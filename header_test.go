package tako_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func linesOf(h *tako.Header) string {
	var lines []string
	for name, value := range h.All() {
		lines = append(lines, name+": "+value)
	}
	return strings.Join(lines, " | ")
}

func TestHeader(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		do   func(h *tako.Header)
		want string
	}{
		{"zero", func(h *tako.Header) {}, ""},
		{"set", func(h *tako.Header) { h.Set("content-type", "a") }, "Content-Type: a"},
		{"set twice", func(h *tako.Header) { h.Set("A", "1"); h.Set("a", "2") }, "A: 2"},
		{"order", func(h *tako.Header) { h.Set("B", "1"); h.Set("A", "2"); h.Add("b", "3") }, "B: 1 | A: 2 | B: 3"},
		{"set replaces all", func(h *tako.Header) {
			h.Add("A", "1")
			h.Add("B", "2")
			h.Add("A", "3")
			h.Add("C", "4")
			h.Add("A", "5")
			h.Set("A", "6")
		}, "A: 6 | B: 2 | C: 4"},
		{"del", func(h *tako.Header) {
			h.Add("A", "1")
			h.Add("B", "2")
			h.Add("A", "3")
			h.Del("a")
		}, "B: 2"},
		{"del of nothing", func(h *tako.Header) { h.Del("A"); h.Add("A", "1"); h.Del("B") }, "A: 1"},
		{"empty value", func(h *tako.Header) { h.Set("A", "") }, "A: "},
		{"bytes above ASCII", func(h *tako.Header) { h.Set("A", "é\xff") }, "A: é\xff"},
		{"tab inside", func(h *tako.Header) { h.Set("A", "a\tb") }, "A: a\tb"},
		{"vary", func(h *tako.Header) { h.AddVary("Accept"); h.AddVary("accept"); h.AddVary("Origin") }, "Vary: Accept | Vary: Origin"},
		{"vary in a list", func(h *tako.Header) { h.Set("Vary", "Origin, ACCEPT"); h.AddVary("Accept") }, "Vary: Origin, ACCEPT"},
		{"vary of part of a name", func(h *tako.Header) { h.Set("Vary", "Accept-Encoding"); h.AddVary("Accept") }, "Vary: Accept-Encoding | Vary: Accept"},
		{"vary star", func(h *tako.Header) { h.Set("Vary", "*"); h.AddVary("Accept") }, "Vary: *"},
	}
	for _, tt := range tests {
		var h tako.Header
		tt.do(&h)
		assert.Equal(t, linesOf(&h), tt.want, tt.name)
		assert.NoError(t, h.Err(), tt.name)
	}
}

func TestHeaderReads(t *testing.T) {
	t.Parallel()
	var h tako.Header
	assert.Equal(t, fmt.Sprint(h.Has("A"), h.Values("A") == nil, h.Len()), "false true 0")
	h.Add("x-a", "1")
	h.Add("X-B", "")
	h.Add("X-A", "2")
	assert.Equal(t, h.Get("X-a"), "1")
	assert.Equal(t, h.Values("x-A"), []string{"1", "2"})
	assert.Equal(t, fmt.Sprint(h.Has("x-b"), h.Has("x-c"), h.Len()), "true false 3")
	clone := h.Clone()
	clone.Set("X-A", "3")
	clone.Add("X-C", "4")
	h.Del("X-B")
	assert.Equal(t, linesOf(&h), "X-A: 1 | X-A: 2")
	assert.Equal(t, linesOf(clone), "X-A: 3 | X-B:  | X-C: 4")
	for range h.All() {
		break
	}
}

var badFields = []struct{ name, value string }{
	{"", "v"}, {" ", "v"}, {"A B", "v"}, {"A:", "v"}, {"A\r\nB", "v"}, {"A\x00", "v"}, {"é", "v"}, {"A(", "v"}, {" A", "v"},
	{"A", "a\r\nB: c"}, {"A", "a\nb"}, {"A", "a\rb"}, {"A", "a\x00b"}, {"A", "\x7f"}, {"A", "\x1b"}, {"A", "\x0b"}, {"A", "a\n"},
}

func TestHeaderRefusesInvalidFields(t *testing.T) {
	t.Parallel()
	for _, tt := range badFields {
		about := fmt.Sprintf("%q: %q", tt.name, tt.value)
		for i, refuse := range []func(h *tako.Header, name, value string){(*tako.Header).Set, (*tako.Header).Add} {
			var h tako.Header
			h.Set("A", "before")
			refuse(&h, tt.name, tt.value)
			h.Set("B", "after")
			assert.Equal(t, linesOf(&h), "A: before | B: after", about, i)
			assert.ErrorIs(t, h.Err(), tako.ErrInvalidField, about)
			assert.ErrorIs(t, h.Clone().Err(), tako.ErrInvalidField, about)
		}
	}
	var h tako.Header
	h.AddVary("a\nb")
	assert.ErrorIs(t, h.Err(), tako.ErrInvalidField)
}

// Outside text in a field ends in a 500, never in a split header, on any way to
// answer; the error itself can then be rendered.
func TestInvalidFieldFailsTheResponse(t *testing.T) {
	t.Parallel()
	answers := map[string]tako.Handler{
		"text":    func(c *tako.Context) error { return c.Text(200, "secret") },
		"json":    func(c *tako.Context) error { return c.JSON(200, "secret") },
		"none":    func(c *tako.Context) error { return c.NoContent() },
		"nothing": func(c *tako.Context) error { return nil },
		"stream":  func(c *tako.Context) error { return c.Stream(200, "text/plain", strings.NewReader("secret")) },
		"write": func(c *tako.Context) error {
			_, err := c.WriteString("secret")
			return err
		},
		"ignored": func(c *tako.Context) error {
			_ = c.Text(200, "secret")
			return nil
		},
		"type": func(c *tako.Context) error { return c.Bytes(200, "text/plain\r\nX: y", []byte("secret")) },
	}
	r := tako.New()
	r.Use(tag("kept"))
	for name, answer := range answers {
		r.Get("/"+name, func(c *tako.Context) error {
			if name != "type" {
				c.Header().Set("X-User", "a\r\nSet-Cookie: evil=1")
			}
			return answer(c)
		})
	}
	srv := takotest.New(t, r)
	for name := range answers {
		got := srv.Get("/" + name).Expect(500)
		assert.Equal(t, got.Header.Get("Set-Cookie"), "", name)
		assert.Equal(t, strings.Contains(got.Text, "secret"), false, name)
		assert.Equal(t, traceOf(got), "kept", name)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add("a", "b", "C", "d")
	f.Add("a-b", "", "A-B", "\r\n")
	f.Add("", "x", "é", "y")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string) {
		var h tako.Header
		h.Add(n1, v1)
		h.Set(n2, v2)
		h.Add(n1, v2)
		if h.Err() != nil && !errors.Is(h.Err(), tako.ErrInvalidField) {
			t.Fatalf("got error %v", h.Err())
		}
		for name, value := range h.All() {
			if name == "" || strings.ContainsAny(name, " \t\r\n\x00:\"(),/;<=>?@[\\]{}\x7f") || strings.ContainsAny(value, "\r\n\x00\x7f") {
				t.Fatalf("kept %q: %q", name, value)
			}
			if !h.Has(strings.ToLower(name)) || !h.Has(strings.ToUpper(name)) {
				t.Fatalf("%q is not found in another case", name)
			}
		}
		h.Del(n1)
		if h.Has(n1) {
			t.Fatalf("%q is still there", n1)
		}
	})
}
