package middleware_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

func etagApp(cfg middleware.ETagConfig) *tako.Router {
	r := tako.New()
	r.Use(middleware.ETagWith(cfg))
	r.Get("/text", func(c *tako.Context) error {
		c.Header().Set("Cache-Control", "max-age=5")
		c.Header().AddVary("Accept")
		c.Header().Set("Content-Language", "en")
		return c.Text(200, "hello")
	})
	r.Get("/same", text("hello"))
	r.Get("/other", text("hullo"))
	r.Get("/pieces", func(c *tako.Context) error {
		_, err := c.WriteString("he")
		_, err2 := c.WriteString("llo")
		return errors.Join(err, err2)
	})
	r.Get("/empty", func(*tako.Context) error { return nil })
	r.Get("/own", func(c *tako.Context) error { c.Header().Set("ETag", `"own, x"`); return c.Text(200, "x") })
	r.Get("/weak", func(c *tako.Context) error { c.Header().Set("ETag", `W/"own"`); return c.Text(200, "x") })
	r.Get("/created", func(c *tako.Context) error { return c.Text(201, "x") })
	r.Get("/error", func(*tako.Context) error { return tako.NotFound("x") })
	r.Get("/flush", func(c *tako.Context) error { return errors.Join(c.Flush(), c.Text(200, "x")) })
	r.Get("/stream", func(c *tako.Context) error {
		_, err := c.WriteString("x")
		return errors.Join(err, c.Flush())
	})
	r.Get("/big", text(strings.Repeat("x", 2000)))
	r.Post("/text", text("hello"))
	return r
}

func TestETag(t *testing.T) {
	t.Parallel()
	for _, serve := range []func(testing.TB, tako.App) *takotest.Server{takotest.New, takotest.Serve} {
		s := serve(t, etagApp(middleware.ETagConfig{MaxBytes: 1999}))
		tag := s.Get("/text").Expect(200).ExpectText("hello").Header.Get("Etag")
		if len(tag) < 10 || tag[0] != '"' || tag[len(tag)-1] != '"' {
			t.Fatalf("got tag %s, want a strong one", tag)
		}
		for path, want := range map[string]string{"/same": tag, "/pieces": tag, "/own": `"own, x"`, "/weak": `W/"own"`, "/created": "", "/error": "", "/stream": "", "/big": ""} {
			s.Get(path).ExpectHeader("Etag", want)
		}
		if other := s.Get("/other").Header.Get("Etag"); other == tag || other == "" {
			t.Errorf("got tag %s for another body, want another", other)
		}
		s.Post("/text").Expect(200).ExpectHeader("Etag", "")
		s.Post("/text", takotest.Header("If-None-Match", tag)).Expect(200).ExpectText("hello")
		s.Do("HEAD", "/text").Expect(200).ExpectHeader("Etag", tag)
		s.Do("HEAD", "/text", takotest.Header("If-None-Match", tag)).Expect(304)
		gone := s.Get("/text", takotest.Header("If-None-Match", tag)).Expect(304).ExpectText("")
		for name, value := range map[string]string{"Etag": tag, "Cache-Control": "max-age=5", "Vary": "Accept", "Content-Type": "", "Content-Language": "", "Content-Length": ""} {
			gone.ExpectHeader(name, value)
		}
		if empty := s.Get("/empty").Header.Get("Etag"); empty != "" {
			s.Get("/empty", takotest.Header("If-None-Match", empty)).Expect(304)
		}
		s.Get("/error", takotest.Header("If-None-Match", "*")).Expect(404)
		s.Get("/created", takotest.Header("If-None-Match", "*")).Expect(201)
	}
}

func TestETagMatches(t *testing.T) {
	t.Parallel()
	s := takotest.New(t, etagApp(middleware.ETagConfig{}))
	tag := s.Get("/text").Header.Get("Etag")
	for list, want := range map[string]int{
		tag: 304, "W/" + tag: 304, "*": 304, `"a", ` + tag: 304, `"a",` + tag + `,"b"`: 304, `W/"a" , W/` + tag: 304, " , ," + tag: 304, `"a,b", ` + tag: 304,
		"": 200, `"a"`: 200, strings.Trim(tag, `"`): 200, tag[:len(tag)-1]: 200, `"x` + tag[1:]: 200, "w/" + tag: 200, `"` + strings.Trim(tag, `"`) + `x"`: 200, `"*"`: 200, "a" + tag: 200,
	} {
		if got := s.Get("/text", takotest.Header("If-None-Match", list)).StatusCode; got != want {
			t.Errorf("%s: got %d, want %d", list, got, want)
		}
	}
	s.Get("/own", takotest.Header("If-None-Match", `"own, x"`)).Expect(304)
	s.Get("/own", takotest.Header("If-None-Match", `"own`)).Expect(200)
	s.Get("/own", takotest.Header("If-None-Match", `W/"own, x"`)).Expect(304)
	s.Get("/weak", takotest.Header("If-None-Match", `"own"`)).Expect(304)
	two := func(r *http.Request) { r.Header["If-None-Match"] = []string{`"a"`, tag} }
	s.Get("/text", two).Expect(304)
}

func TestETagOptions(t *testing.T) {
	t.Parallel()
	weak := takotest.New(t, etagApp(middleware.ETagConfig{Weak: true}))
	tag := weak.Get("/text").Header.Get("Etag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Errorf("got tag %s, want a weak one", tag)
	}
	weak.Get("/text", takotest.Header("If-None-Match", tag)).Expect(304)
	weak.Get("/text", takotest.Header("If-None-Match", tag[2:])).Expect(304)
	for limit, tagged := range map[int]bool{4: false, 5: true, 0: true, -1: true} {
		got := takotest.New(t, etagApp(middleware.ETagConfig{MaxBytes: limit})).Get("/pieces").Expect(200).ExpectText("hello").Header.Get("Etag")
		assert.Equal(t, got != "", tagged, limit)
	}
	s := takotest.New(t, etagApp(middleware.ETagConfig{}))
	s.Get("/flush").ExpectHeader("Etag", "")
	assert.Equal(t, s.Get("/big").Expect(200).Header.Get("Etag") != "", true)
}
