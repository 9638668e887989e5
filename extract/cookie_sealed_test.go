package extract

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

var sealers = map[string]sealer{"signed": signer{}, "private": encrypter{}}

func TestCA06AlteredIsAbsent(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	for kind, s := range sealers {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			ring := newRing(t, "new", "old")
			want := sealedValue{"user=7; \x00é", now.Unix() + 10}
			text, err := encodeSealed(s, ring, "id", want)
			assert.NoError(t, err)
			assert.NoError(t, checkValue("id", text))
			is := func(name, text string, at time.Time) bool {
				got, key, ok := decodeSealed(s, ring, name, text, at)
				if ok {
					assert.Equal(t, got, want)
					assert.Equal(t, key, "new")
				} else {
					assert.Equal(t, got, sealedValue{})
					assert.Equal(t, key, "")
				}
				return ok
			}
			assert.Equal(t, is("id", text, now), true)
			for _, name := range []string{"", "i", "ids", "Id", "id\x00", "other"} {
				assert.Equal(t, is(name, text, now), false, name)
			}
			for i := range len(text) {
				assert.Equal(t, is("id", text[:i], now), false, "cut at ", i)
				assert.Equal(t, is("id", text[i+1:], now), false, "begins at ", i+1)
				for bit := range 8 {
					b := []byte(text)
					b[i] ^= 1 << bit
					assert.Equal(t, is("id", string(b), now), false, "altered at ", i)
				}
			}
			for _, more := range []string{"A", "=", "\r\n", " ", ".", "AAAA"} {
				assert.Equal(t, is("id", text+more, now), false, "with ", more)
			}
			assert.Equal(t, is("id", strings.Replace(text, "new.", "old.", 1), now), false, "another key")
			assert.Equal(t, is("id", text, now.Add(9*time.Second)), true)
			assert.Equal(t, is("id", text, now.Add(10*time.Second)), false, "expired")
			assert.Equal(t, is("id", text, time.Unix(-5, 0)), true, "clock before 1970")
			for other, o := range sealers {
				if _, _, ok := decodeSealed(o, ring, "id", text, now); ok != (other == kind) {
					t.Errorf("a %s value read as %s: %v", kind, other, ok)
				}
			}
			assert.NoError(t, ring.Revoke("new"))
			assert.Equal(t, is("id", text, now), false, "revoked")
		})
	}
}

// The end of a name and the begin of a value must not be exchangeable.
func TestCA06NameIsApartFromTheValue(t *testing.T) {
	t.Parallel()
	ring := newRing(t, "k")
	a := signature(ring.find("k"), "ab", []byte("c"))
	b := signature(ring.find("k"), "a", []byte("bc"))
	if string(a) == string(b) {
		t.Error("two cookies have one signature")
	}
}

func TestCA06NoncesDiffer(t *testing.T) {
	t.Parallel()
	ring := newRing(t, "k")
	seen := map[string]bool{}
	for range 2000 {
		sealed := encrypter{}.seal(ring.find("k"), "id", []byte("value"))
		if nonce := string(sealed[:12]); seen[nonce] {
			t.Fatal("a nonce came twice")
		} else {
			seen[nonce] = true
		}
	}
}

func TestPrivateCookiesHideTheirValue(t *testing.T) {
	t.Parallel()
	ring := newRing(t, "k")
	sealed := encrypter{}.seal(ring.find("k"), "id", []byte("attack at dawn"))
	if strings.Contains(string(sealed), "attack") {
		t.Error("the value can be read")
	}
}

// sealedServer serves one raw handler with both jars.
func sealedServer(t *testing.T, ring *KeyRing, fn func(c *tako.Context, signed SignedCookies, private PrivateCookies) error) *takotest.Server {
	t.Helper()
	r := tako.New()
	tako.Supply(r, ring)
	r.Get("/", func(c *tako.Context) error {
		signed, err := tako.Extract[SignedCookies](c)
		if err != nil {
			return err
		}
		private, err := tako.Extract[PrivateCookies](c)
		if err != nil {
			return err
		}
		return fn(c, signed, private)
	})
	return takotest.New(t, r)
}

// cookies returns what the response set, for the next request.
func cookies(resp *takotest.Response) takotest.Edit {
	return func(req *http.Request) {
		for _, k := range resp.Cookies() {
			req.AddCookie(k)
		}
	}
}

func TestCA06ExpiryIsInTheValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring := newRing(t, "k")
		srv := sealedServer(t, ring, func(c *tako.Context, signed SignedCookies, private PrivateCookies) error {
			if c.Query("set") != "" {
				age, err := time.ParseDuration(c.Query("set"))
				assert.NoError(t, err)
				assert.NoError(t, signed.Set(Cookie{Name: "s", Value: "1", MaxAge: age}))
				assert.NoError(t, private.Set(Cookie{Name: "p", Value: "2", MaxAge: age}))
			}
			s, sok := signed.Get("s")
			p, pok := private.Get("p")
			return c.Text(200, fmt.Sprintf("%s %v %s %v", s, sok, p, pok))
		})
		const there, gone = "1 true 2 true", " false  false"
		for age, lifetime := range map[string]time.Duration{"90s": 90 * time.Second, "1500ms": 2 * time.Second, "0s": SessionLifetime} {
			set := srv.Get("/?set=" + age).ExpectText(there)
			time.Sleep(lifetime - time.Second)
			srv.Get("/", cookies(set)).ExpectText(there)
			time.Sleep(time.Second)
			srv.Get("/", cookies(set)).ExpectText(gone)
		}
	})
}

func TestCA07OldKeysReadAndReissue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring := newRing(t, "first")
		k := Cookie{Name: "id", MaxAge: time.Hour}
		srv := sealedServer(t, ring, func(c *tako.Context, signed SignedCookies, private PrivateCookies) error {
			switch c.Query("do") {
			case "set":
				assert.NoError(t, signed.Set(k.With("seven")))
				return c.NoContent()
			case "reissue":
				again, err := signed.Reissue(k)
				if err != nil {
					return c.Text(200, "error")
				}
				if again {
					again, err = signed.Reissue(k)
					assert.NoError(t, err)
					assert.Equal(t, again, false, "reissued twice")
				}
			}
			value, key, ok := signed.GetWithKey("id")
			_, private1 := private.Get("id")
			assert.Equal(t, private1, false)
			return c.Text(200, fmt.Sprintf("%s %s %v", value, key, ok))
		})
		first := srv.Get("/?do=set")
		srv.Get("/?do=reissue", cookies(first)).ExpectText("seven first true").ExpectHeader("Set-Cookie", "")
		time.Sleep(10 * time.Minute)
		assert.NoError(t, ring.Rotate(Key{"second", secret(99)}))
		srv.Get("/", cookies(first)).ExpectText("seven first true").ExpectHeader("Set-Cookie", "")
		second := srv.Get("/?do=reissue", cookies(first)).ExpectText("seven second true")
		assert.Contains(t, second.Header.Get("Set-Cookie"), "; Max-Age=3000;")
		assert.NoError(t, ring.Revoke("first"))
		srv.Get("/", cookies(first)).ExpectText("  false")
		srv.Get("/", cookies(second)).ExpectText("seven second true")
		time.Sleep(50 * time.Minute)
		srv.Get("/", cookies(second)).ExpectText("  false")
		assert.NoError(t, ring.Revoke("second"))
		srv.Get("/?do=reissue", cookies(second)).ExpectText("  false")
	})
}

func TestSealedJarsWithoutAKey(t *testing.T) {
	t.Parallel()
	ring := newRing(t, "k")
	assert.NoError(t, ring.Revoke("k"))
	for _, jar := range []sealedJar{NewSignedCookies(ring).sealedJar, NewPrivateCookies(ring).sealedJar} {
		assert.ErrorIs(t, jar.Set(Cookie{Name: "a"}), ErrNoActiveKey)
	}
	if (SignedCookies{}).Set(Cookie{Name: "a"}) == nil {
		t.Error("a jar of no request took a cookie")
	}
	if _, ok := (PrivateCookies{}).Get("a"); ok {
		t.Error("a jar of no request has a cookie")
	}
	r := tako.New()
	r.Log(quiet())
	r.Get("/", func(c *tako.Context) error {
		_, err := tako.Extract[SignedCookies](c)
		return err
	})
	takotest.New(t, r).Get("/").Expect(500)
	r = tako.New()
	r.Log(quiet())
	tako.Supply[*KeyRing](r, nil)
	tako.Get(r, "/", textOf[PrivateCookies])
	takotest.New(t, r).Get("/").Expect(500)
}

func TestSealedValuesHaveABound(t *testing.T) {
	t.Parallel()
	jar := NewPrivateCookies(newRing(t, "k"))
	assert.NoError(t, jar.Set(Cookie{Name: "a", Value: strings.Repeat("v", 3000)}))
	assert.ErrorIs(t, jar.Set(Cookie{Name: "a", Value: strings.Repeat("v", MaxCookieSize)}), ErrCookie)
	assert.Equal(t, expiry(time.Unix(math.MaxInt64-1, 0), time.Hour), int64(math.MaxInt64))
	assert.NoError(t, jar.Remove(Cookie{Name: "a"}))
	if _, ok := jar.Get("a"); ok {
		t.Error("a removed cookie is there")
	}
}
