package tako_test

import (
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

func TestCookies(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		var all []string
		for name, value := range c.Cookies() {
			all = append(all, name+"="+value)
		}
		value, err := c.Cookie("a")
		if errors.Is(err, http.ErrNoCookie) {
			value = "none"
		}
		return c.Text(200, strings.Join(all, "|")+" a:"+value)
	})
	srv := takotest.New(t, r)
	many := strings.TrimSuffix(strings.Repeat("x=1; ", 5000), "; ")
	tests := []struct {
		lines []string
		want  string
	}{
		{nil, " a:none"},
		{[]string{""}, " a:none"},
		{[]string{"a=1"}, "a=1 a:1"},
		{[]string{"a="}, "a= a:"},
		{[]string{"a=1; a=2"}, "a=1|a=2 a:1"},
		{[]string{"b=2;a=1"}, "b=2|a=1 a:1"},
		{[]string{"b=2", "a=1", "a=3"}, "b=2|a=1|a=3 a:1"},
		{[]string{"", "a=1"}, "a=1 a:1"},
		{[]string{";", "a=1"}, "a=1 a:1"},
		{[]string{`a="quoted value"; b=2`}, "a=quoted value|b=2 a:quoted value"},
		{[]string{`a="`}, `a=" a:"`},
		{[]string{`a=""`}, "a= a:"},
		{[]string{`a="x`}, `a="x a:"x`},
		{[]string{"a=b=c"}, "a=b=c a:b=c"},
		{[]string{"a=x,y"}, "a=x,y a:x,y"},
		{[]string{"a=é"}, "a=é a:é"},
		{[]string{" a=1 ; \tb=2\t"}, "a=1|b=2 a:1"},
		{[]string{"a; =x; b=2; c d=3; (=4"}, "b=2 a:none"},
		{[]string{"a=x\x01; b=2"}, "b=2 a:none"},
		{[]string{"A=1"}, "A=1 a:none"},
		{[]string{"aa=1; ba=2"}, "aa=1|ba=2 a:none"},
		{[]string{many + "; a=9"}, strings.ReplaceAll(many, "; ", "|") + "|a=9 a:9"},
	}
	for _, tt := range tests {
		got := srv.Get("/", func(req *http.Request) { req.Header["Cookie"] = tt.lines })
		if got.Text != tt.want {
			t.Errorf("%.60q: got %.80q, want %.80q", tt.lines, got.Text, tt.want)
		}
	}
}

func TestCookiesEndEarly(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		for name := range c.Cookies() {
			return c.Text(200, name)
		}
		return nil
	})
	srv := takotest.New(t, r)
	srv.Get("/", func(req *http.Request) { req.Header["Cookie"] = []string{"a=1; b=2", "c=3"} }).ExpectText("a")
}

func TestSetCookie(t *testing.T) {
	t.Parallel()
	var cookie *http.Cookie
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		if err := c.SetCookie(cookie); err != nil {
			return c.Text(400, err.Error())
		}
		if err := c.SetCookie(&http.Cookie{Name: "second", Value: "2"}); err != nil {
			return err
		}
		return c.Text(200, "set")
	})
	srv := takotest.New(t, r)
	tests := []struct {
		cookie *http.Cookie
		want   string // "" if it is refused
	}{
		{&http.Cookie{Name: "a", Value: "1"}, "a=1"},
		{&http.Cookie{Name: "a"}, "a="},
		{&http.Cookie{Name: "a", Value: "x y"}, `a="x y"`},
		{&http.Cookie{Name: "a", Value: "x,y"}, `a="x,y"`},
		{&http.Cookie{Name: "a", Value: "1", Path: "/p", Domain: "example.com", Secure: true, HttpOnly: true,
			SameSite: http.SameSiteLaxMode, MaxAge: 60}, "a=1; Path=/p; Domain=example.com; Max-Age=60; HttpOnly; Secure; SameSite=Lax"},
		{&http.Cookie{Name: "a", Value: "1", MaxAge: -1}, "a=1; Max-Age=0"},
		{&http.Cookie{Name: "a", Value: "1", Partitioned: true, Secure: true}, "a=1; Secure; Partitioned"},
		{nil, ""},
		{&http.Cookie{}, ""},
		{&http.Cookie{Name: "a b", Value: "1"}, ""},
		{&http.Cookie{Name: "a=", Value: "1"}, ""},
		{&http.Cookie{Name: "é", Value: "1"}, ""},
		{&http.Cookie{Name: "a\n", Value: "1"}, ""},
		{&http.Cookie{Name: "a", Value: "1\r\nX: y"}, ""},
		{&http.Cookie{Name: "a", Value: "1;b"}, ""},
		{&http.Cookie{Name: "a", Value: `"`}, ""},
		{&http.Cookie{Name: "a", Value: `\`}, ""},
		{&http.Cookie{Name: "a", Value: "é"}, ""},
		{&http.Cookie{Name: "a", Value: "\x00"}, ""},
		{&http.Cookie{Name: "a", Value: "1", Path: "/p;x"}, ""},
		{&http.Cookie{Name: "a", Value: "1", Path: "/\n"}, ""},
		{&http.Cookie{Name: "a", Value: "1", Domain: "a b"}, ""},
		{&http.Cookie{Name: "a", Value: "1", Domain: "x;y"}, ""},
		{&http.Cookie{Name: "a", Value: "1", Expires: time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC)}, ""},
		{&http.Cookie{Name: "a", Value: "1", Partitioned: true}, ""},
	}
	for _, tt := range tests {
		cookie = tt.cookie
		got := srv.Get("/")
		about := "no cookie"
		if tt.cookie != nil {
			about = fmt.Sprintf("%q=%q path %q domain %q", tt.cookie.Name, tt.cookie.Value, tt.cookie.Path, tt.cookie.Domain)
		}
		if tt.want == "" {
			assert.Equal(t, got.StatusCode, 400, about)
			assert.Equal(t, got.Header.Values("Set-Cookie"), nil, about)
			continue
		}
		assert.Equal(t, got.Header.Values("Set-Cookie"), []string{tt.want, "second=2"}, about)
	}
}
