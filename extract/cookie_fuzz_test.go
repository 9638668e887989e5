package extract

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
)

// FuzzCookieLine reads whatever stands in Cookie fields: no more cookies than the cap, each
// with a name, and the same as root's reader finds.
func FuzzCookieLine(f *testing.F) {
	for _, s := range []string{"", "a=1; b=2", `a="x y"; a=2`, "a; =x; b d=2; c=\x01", ";;;", "a=" + strings.Repeat("x", 5000), strings.Repeat("x=1;", 201)} {
		f.Add(s, s)
	}
	r := tako.New()
	r.Log(quiet())
	r.Get("/", func(c *tako.Context) error {
		jar, err := tako.Extract[CookieJar](c)
		if err != nil {
			return err
		}
		n := 0
		for name, value := range jar.All() {
			if first, err := c.Cookie(name); name == "" || err != nil || first != value {
				return fmt.Errorf("%q is %q, but first %q (%v)", name, value, first, err)
			}
			n++
		}
		if n > MaxCookies {
			return fmt.Errorf("%d cookies", n)
		}
		return nil
	})
	f.Fuzz(func(t *testing.T, one, two string) {
		req := httptest.NewRequest("GET", "/", nil)
		req.Header["Cookie"] = []string{one, two}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		if w.Code != http.StatusOK && w.Code != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}

// FuzzSetCookie holds that a cookie is refused, or read by net/http as what it was meant
// to be, without anything more.
func FuzzSetCookie(f *testing.F) {
	f.Add("a", "1", "/", "", int64(0), 0, true)
	f.Add("__Host-a", "x y", "/x; Domain=evil", "example.com", int64(time.Hour), 4, false)
	f.Add("a\r\nSet-Cookie: b", "é;,\\\"", "", ".a", int64(-1), 2, true)
	f.Fuzz(func(t *testing.T, name, value, path, domain string, age int64, sameSite int, tls bool) {
		k, err := Cookie{Name: name, Value: value, Path: path, Domain: domain, MaxAge: time.Duration(age), SameSite: http.SameSite(sameSite)}.withDefaults(tls)
		if err != nil || checkValue(k.Name, k.Value) != nil {
			return
		}
		line := k.line(k.Value, false)
		got, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got.Name != name || got.Value != value || got.Path != k.Path || got.Domain != domain || !got.HttpOnly ||
			got.Secure != tls || got.SameSite != k.SameSite || len(got.Unparsed) > 0 || got.MaxAge != int(wholeSeconds(k.MaxAge)) {
			t.Errorf("%q is read as %+v", line, got)
		}
	})
}

// FuzzSealedCookie holds that nothing is read but what was made, in its one spelling.
func FuzzSealedCookie(f *testing.F) {
	ring := newRing(f, "k", "old")
	now := time.Unix(1_000_000, 0)
	for _, s := range sealers {
		text, err := encodeSealed(s, ring, "id", sealedValue{"value", now.Unix() + 9})
		if err != nil {
			f.Fatal(err)
		}
		f.Add("id", text)
		f.Add("id", strings.Replace(text, "k.", "old.", 1))
	}
	f.Add("", "k.")
	f.Add("id", "k.AAAA.AAAA")
	signed, _ := encodeSealed(signer{}, ring, "id", sealedValue{"value", now.Unix() + 9})
	f.Fuzz(func(t *testing.T, name, text string) {
		if v, _, ok := decodeSealed(signer{}, ring, name, text, now); ok && (text != signed || name != "id" || v.value != "value") {
			again, _ := encodeSealed(signer{}, ring, name, v)
			if again != text && !strings.HasPrefix(text, "old.") {
				t.Errorf("%q is read as %+v of %q, which is spelt %q", text, v, name, again)
			}
		}
		// A ciphertext that nobody made has a chance of 2^-128.
		if v, _, ok := decodeSealed(encrypter{}, ring, name, text, now); ok && (name != "id" || v.value != "value") {
			t.Errorf("%q is read as %+v of %q", text, v, name)
		}
	})
}
