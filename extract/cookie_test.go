package extract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// textOf is a typed handler that takes an extractor and answers nothing of it.
func textOf[T any](context.Context, T) (tako.NoContent, error) { return tako.NoContent{}, nil }

// jarServer serves one raw handler with a plain jar, behind a trusted proxy.
func jarServer(t *testing.T, fn func(c *tako.Context, jar CookieJar) error) *takotest.Server {
	t.Helper()
	r := tako.New()
	r.TrustedProxies("192.0.2.0/24")
	r.Get("/", func(c *tako.Context) error {
		jar, err := tako.Extract[CookieJar](c)
		if err != nil {
			return err
		}
		return fn(c, jar)
	})
	return takotest.New(t, r)
}

var overTLS = takotest.Header("X-Forwarded-Proto", "https")

func TestCA01Defaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		cookie Cookie
		plain  string // "" is an error
		tls    string
	}{
		{"defaults", Cookie{Name: "a", Value: "1"}, "a=1; Path=/; HttpOnly; SameSite=Lax", "a=1; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"all", Cookie{Name: "a", Path: "/x", Domain: "example.com", MaxAge: 1500 * time.Millisecond, SameSite: http.SameSiteStrictMode, Scripts: true, Insecure: true},
			"a=; Path=/x; Domain=example.com; Max-Age=2; SameSite=Strict", "a=; Path=/x; Domain=example.com; Max-Age=2; SameSite=Strict"},
		{"default mode", Cookie{Name: "a", SameSite: http.SameSiteDefaultMode}, "a=; Path=/; HttpOnly; SameSite=Lax", "a=; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"secure by hand", Cookie{Name: "a", Secure: true}, "a=; Path=/; HttpOnly; Secure; SameSite=Lax", "a=; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"none", Cookie{Name: "a", SameSite: http.SameSiteNoneMode}, "", "a=; Path=/; HttpOnly; Secure; SameSite=None"},
		{"none, insecure", Cookie{Name: "a", SameSite: http.SameSiteNoneMode, Insecure: true}, "", ""},
		{"partitioned", Cookie{Name: "a", Partitioned: true, SameSite: http.SameSiteNoneMode}, "", "a=; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},
		{"partitioned, insecure", Cookie{Name: "a", Partitioned: true, Insecure: true}, "", ""},
		{"host", Cookie{Name: "__Host-a"}, "", "__Host-a=; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"host with domain", Cookie{Name: "__Host-a", Domain: "example.com"}, "", ""},
		{"host with path", Cookie{Name: "__Host-a", Path: "/x"}, "", ""},
		{"host in another case", Cookie{Name: "__hOSt-a", Path: "/x"}, "", ""},
		{"host, insecure", Cookie{Name: "__Host-a", Insecure: true}, "", ""},
		{"secure prefix", Cookie{Name: "__Secure-a", Path: "/x"}, "", "__Secure-a=; Path=/x; HttpOnly; Secure; SameSite=Lax"},
		{"secure prefix, insecure", Cookie{Name: "__Secure-a", Insecure: true}, "", ""},
		{"both", Cookie{Name: "a", Secure: true, Insecure: true}, "", ""},
		{"negative", Cookie{Name: "a", MaxAge: -1}, "", ""},
		{"unknown SameSite", Cookie{Name: "a", SameSite: 9}, "", ""},
	}
	for _, tt := range tests {
		srv := jarServer(t, func(c *tako.Context, jar CookieJar) error {
			if err := jar.Set(tt.cookie); err != nil {
				return c.Text(200, fmt.Sprint(errors.Is(err, ErrCookie)))
			}
			return c.Text(200, "")
		})
		for want, edits := range map[string][]takotest.Edit{"plain " + tt.plain: nil, "tls " + tt.tls: {overTLS}} {
			_, want, _ := strings.Cut(want, " ")
			got := srv.Get("/", edits...).Expect(200).ExpectHeader("Set-Cookie", want)
			assert.Equal(t, got.Text, map[bool]string{true: "true", false: ""}[want == ""], tt.name)
		}
	}
}

func TestCA02WhatCannotBeSentIsAnError(t *testing.T) {
	t.Parallel()
	var cookies []Cookie
	for c := range 256 {
		s := string([]byte{byte(c)})
		if c <= ' ' || c >= 0x7f || strings.Contains(`",;\`, s) {
			cookies = append(cookies, Cookie{Name: "a", Value: "x" + s}, Cookie{Name: "a" + s})
		}
		if c < ' ' || c >= 0x7f || c == ';' {
			cookies = append(cookies, Cookie{Name: "a", Path: "/" + s}, Cookie{Name: "a", Domain: "a" + s})
		}
	}
	cookies = append(cookies, Cookie{}, Cookie{Name: "a=b"}, Cookie{Name: "a", Path: "x"}, Cookie{Name: "a", Path: "/ "},
		Cookie{Name: "a", Domain: ".example.com"}, Cookie{Name: "a", Domain: "a..b"}, Cookie{Name: "a", Domain: "a b"},
		Cookie{Name: "a", Domain: "-a"}, Cookie{Name: "a", Value: strings.Repeat("v", MaxCookieSize)},
		Cookie{Name: "a", Path: "/" + strings.Repeat("v", 1024)})
	srv := jarServer(t, func(c *tako.Context, jar CookieJar) error {
		for _, k := range cookies {
			if err := jar.Set(k); !errors.Is(err, ErrCookie) {
				t.Errorf("set %+v: got %v", k, err)
			}
		}
		return c.NoContent()
	})
	srv.Get("/").Expect(204).ExpectHeader("Set-Cookie", "")
}

func TestCA03ChangesAreSentOnce(t *testing.T) {
	t.Parallel()
	change := func(jar CookieJar) {
		for _, k := range []Cookie{{Name: "a", Value: "1"}, {Name: "b", Value: "1"}, {Name: "a", Value: "2"}, {Name: "a", Value: "3", Path: "/x"}} {
			assert.NoError(t, jar.Set(k))
		}
		assert.NoError(t, jar.Remove(Cookie{Name: "c"}))
	}
	const attributes = "; HttpOnly; SameSite=Lax"
	want := []string{"b=1; Path=/" + attributes, "a=2; Path=/" + attributes, "a=3; Path=/x" + attributes,
		"c=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" + attributes}
	ends := map[string]func(c *tako.Context) error{
		"success": func(c *tako.Context) error { return c.Text(200, "fine") },
		"empty":   func(c *tako.Context) error { return c.NoContent() },
		"stream":  func(c *tako.Context) error { return c.Stream(200, "text/plain", strings.NewReader("x")) },
		"error":   func(*tako.Context) error { return tako.NotFound("gone") },
		"fault":   func(*tako.Context) error { return errors.New("private") },
		"panic":   func(*tako.Context) error { panic("private") },
		"encode":  func(c *tako.Context) error { return c.JSON(200, func() {}) },
		"invalid": func(c *tako.Context) error { c.Header().Set("X-A", "\n"); return c.Text(200, "") },
	}
	for name, end := range ends {
		for around, wrap := range surroundings() {
			t.Run(name+"/"+around, func(t *testing.T) {
				t.Parallel()
				r := tako.New()
				r.Log(quiet())
				wrap(r)
				r.Get("/", func(c *tako.Context) error {
					jar, err := tako.Extract[CookieJar](c)
					assert.NoError(t, err)
					change(jar)
					return end(c)
				})
				got := takotest.New(t, r).Get("/")
				assert.Equal(t, got.Header.Values("Set-Cookie"), want)
			})
		}
	}
}

// One jar, however often and by whom it is extracted.
func TestCA03OneJarPerRequest(t *testing.T) {
	t.Parallel()
	for around, wrap := range surroundings() {
		t.Run(around, func(t *testing.T) {
			t.Parallel()
			r := tako.New()
			tako.Supply(r, newRing(t, "k"))
			r.Use(func(next tako.Handler) tako.Handler {
				return func(c *tako.Context) error {
					jar, err := tako.Extract[CookieJar](c)
					assert.NoError(t, err)
					assert.NoError(t, jar.Set(Cookie{Name: "outer", Value: "1"}))
					assert.NoError(t, jar.Set(Cookie{Name: "both", Value: "outer"}))
					return next(c)
				}
			})
			wrap(r)
			tako.Get(r, "/", func(_ context.Context, in struct {
				One, Two CookieJar
				Signed   SignedCookies
				C        *tako.Context
			}) (tako.NoContent, error) {
				value, ok := in.One.Get("both")
				assert.Equal(t, value, "outer")
				assert.Equal(t, ok, true)
				assert.NoError(t, in.Two.Set(Cookie{Name: "both", Value: "inner"}))
				assert.NoError(t, in.C.SetCookie(&http.Cookie{Name: "own", Value: "1"}))
				assert.NoError(t, in.Signed.Set(Cookie{Name: "signed", Value: "s"}))
				assert.NoError(t, in.One.Set(Cookie{Name: "signed", Value: "plain"}))
				_, ok = in.Signed.Get("signed")
				assert.Equal(t, ok, false, "a plain value is not a signed one")
				return tako.NoContent{}, nil
			})
			got := takotest.New(t, r).Get("/").Expect(204)
			const rest = "; Path=/; HttpOnly; SameSite=Lax"
			assert.Equal(t, got.Header.Values("Set-Cookie"), []string{"own=1", "outer=1" + rest, "both=inner" + rest, "signed=plain" + rest})
		})
	}
}

func TestCA03TooLate(t *testing.T) {
	t.Parallel()
	srv := jarServer(t, func(c *tako.Context, jar CookieJar) error {
		assert.NoError(t, jar.Set(Cookie{Name: "a", Value: "1"}))
		assert.NoError(t, c.Text(200, "sent"))
		assert.ErrorIs(t, jar.Set(Cookie{Name: "b"}), tako.ErrHeadSent)
		assert.ErrorIs(t, jar.Remove(Cookie{Name: "a"}), tako.ErrHeadSent)
		return nil
	})
	srv.Get("/").ExpectHeader("Set-Cookie", "a=1; Path=/; HttpOnly; SameSite=Lax")
	if (CookieJar{}).Set(Cookie{Name: "a"}) == nil {
		t.Error("a jar of no request took a cookie")
	}
	if _, ok := (CookieJar{}).Get("a"); ok {
		t.Error("a jar of no request has a cookie")
	}
}

func TestCA04AllLinesAreRead(t *testing.T) {
	t.Parallel()
	pairs := func(n int) string { return strings.Repeat("x=1; ", n) + "a=9" }
	tests := []struct {
		name   string
		lines  []string
		want   string
		status int
	}{
		{"none", nil, "", 200},
		{"several lines", []string{"a=1; b=2", "c=3"}, "a=1 b=2 c=3", 200},
		{"bad pair", []string{"a=1; b d=2; =3; e=\x01; f=4"}, "a=1 f=4", 200},
		{"first counts", []string{"a=1; a=2", "a=3; b=1"}, "a=1 b=1", 200},
		{"quoted", []string{`a="x y"`}, "a=x y", 200},
		{"as many as may be", []string{pairs(MaxCookies - 1)}, "x=1 a=9", 200},
		{"one more", []string{pairs(MaxCookies)}, "", 431},
		{"over lines", []string{pairs(MaxCookies / 2), pairs(MaxCookies / 2)}, "", 431},
		{"5000", []string{pairs(5000)}, "", 431},
	}
	srv := jarServer(t, func(c *tako.Context, jar CookieJar) error {
		var all []string
		for name, value := range jar.All() {
			got, ok := jar.Get(name)
			assert.Equal(t, got, value)
			assert.Equal(t, ok, true)
			all = append(all, name+"="+value)
		}
		return c.Text(200, strings.Join(all, " "))
	})
	for _, tt := range tests {
		got := srv.Get("/", func(req *http.Request) { req.Header["Cookie"] = tt.lines }).Expect(tt.status)
		if tt.status == 200 {
			assert.Equal(t, got.Text, tt.want, tt.name)
		}
	}
}

func TestCA05Remove(t *testing.T) {
	t.Parallel()
	k := Cookie{Name: "__Secure-a", Value: "x", Path: "/p", Domain: "example.com", MaxAge: time.Hour, SameSite: http.SameSiteNoneMode, Partitioned: true}
	srv := jarServer(t, func(c *tako.Context, jar CookieJar) error {
		value, ok := jar.Get(k.Name)
		assert.Equal(t, value, "given")
		assert.Equal(t, ok, true)
		assert.NoError(t, jar.Set(k))
		assert.NoError(t, jar.Remove(k))
		_, ok = jar.Get(k.Name)
		assert.Equal(t, ok, false)
		for name := range jar.All() {
			t.Errorf("%s is still there", name)
		}
		return c.NoContent()
	})
	srv.Get("/", overTLS, takotest.Cookie(k.Name, "given")).Expect(204).ExpectHeader("Set-Cookie",
		"__Secure-a=; Path=/p; Domain=example.com; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=None; Partitioned")
}

func TestJarInTypedCalls(t *testing.T) {
	t.Parallel()
	ring := newRing(t, "k")
	type input struct {
		Plain   CookieJar
		Signed  SignedCookies
		Private tako.Optional[PrivateCookies]
	}
	r := tako.New()
	tako.Supply(r, ring)
	route := tako.Get(r, "/", func(_ context.Context, in input) (string, error) {
		a, _ := in.Plain.Get("a")
		b, _ := in.Signed.Get("b")
		c, _ := in.Private.Value.Get("c")
		return a + b + c, nil
	})
	srv := takotest.New(t, r)
	in := input{NewCookieJar(), NewSignedCookies(ring), tako.Optional[PrivateCookies]{Value: NewPrivateCookies(ring), Present: true}}
	assert.NoError(t, in.Plain.Set(Cookie{Name: "a", Value: "A"}))
	assert.NoError(t, in.Plain.Set(Cookie{Name: "gone", Value: "A"}))
	assert.NoError(t, in.Plain.Remove(Cookie{Name: "gone"}))
	assert.NoError(t, in.Signed.Set(Cookie{Name: "b", Value: "é; "}))
	assert.NoError(t, in.Private.Value.Set(Cookie{Name: "c", Value: "C\x00"}))
	got, err := route.Do(t.Context(), srv, in)
	assert.NoError(t, err)
	assert.Equal(t, got, "Aé; C\x00")
	got, err = route.Do(t.Context(), srv, input{})
	assert.NoError(t, err)
	assert.Equal(t, got, "")
}
