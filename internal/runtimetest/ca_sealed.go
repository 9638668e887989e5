package runtimetest

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

func sealedCookieCases() []testCase {
	present := replies("counts", "absent", "value=")
	return []testCase{
		{id: "CA-06/altered", run: sealedAltered, faults: []fault{present, planted("other-ring")}},
		{id: "CA-06/moved", run: sealedMoved, faults: []fault{present}},
		{id: "CA-06/expired", run: sealedExpired, faults: []fault{planted("for-ever"), present}},
		{id: "CA-06/nonces", run: sealedNonces, faults: []fault{around("repeated", repeatedCookie)}},
		{id: "CA-07/rotated", run: ringRotated, faults: []fault{planted("not-rotated"), bodies("unread", "value=v", "absent")}},
		{id: "CA-07/revoked", run: ringRevoked, faults: []fault{planted("not-revoked"), present}},
		{id: "CA-07/purposes", run: ringPurposes, faults: []fault{present}},
		{id: "CA-07/refused-at-start", run: ringMistakes, faults: []fault{planted("ring"), serverFault("error-swallowed", swallowListen)}},
	}
}

// repeatedCookie sends the same value to everybody.
func repeatedCookie(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		c.BeforeHead(func(h *tako.Head) {
			if h.Header.Get("Set-Cookie") != "" {
				h.Header.Set("Set-Cookie", "a=k1.same; Path=/; HttpOnly; SameSite=Lax")
			}
		})
		return next(c)
	}
}

// secret returns a secret of its own for each id.
func secret(id string) []byte { return []byte(strings.Repeat("secret of "+id+" ", 4)) }

// ring returns a key ring; the first key is the active one.
func (x *T) ring(ids ...string) *extract.KeyRing {
	x.Helper()
	var keys []extract.Key
	for _, id := range ids {
		keys = append(keys, extract.Key{ID: id, Secret: secret(id)})
	}
	ring, err := extract.NewKeyRing(keys...)
	if err != nil {
		x.Fatal(err)
	}
	return ring
}

// sealedJar is what signed and encrypted jars have in common.
type sealedJar interface {
	Get(name string) (string, bool)
	Set(extract.Cookie) error
	Reissue(extract.Cookie) (bool, error)
}

// sealedJars are the two kinds, by a path for each.
func sealedJars() map[string]func(*tako.Context) (sealedJar, error) {
	return map[string]func(*tako.Context) (sealedJar, error){
		"/signed":  func(c *tako.Context) (sealedJar, error) { return tako.Extract[extract.SignedCookies](c) },
		"/private": func(c *tako.Context) (sealedJar, error) { return tako.Extract[extract.PrivateCookies](c) },
	}
}

// sealedRoutes set the cookie that the query names, show it, and bring it over to the
// active key.
func sealedRoutes(ring *extract.KeyRing, maxAge time.Duration) func(app *tako.Router) {
	return func(app *tako.Router) {
		tako.Supply(app, ring)
		for path, open := range sealedJars() {
			serve := func(at string, f func(c *tako.Context, jar sealedJar, k extract.Cookie) error) {
				app.Get(path+at, func(c *tako.Context) error {
					jar, err := open(c)
					if err != nil {
						return err
					}
					return f(c, jar, extract.Cookie{Name: c.Query("name"), Value: "v", MaxAge: maxAge})
				})
			}
			serve("/set", func(c *tako.Context, jar sealedJar, k extract.Cookie) error {
				if err := jar.Set(k); err != nil {
					return tako.Wrap(503, err)
				}
				return c.NoContent()
			})
			serve("/get", func(c *tako.Context, jar sealedJar, k extract.Cookie) error {
				value, ok := jar.Get(k.Name)
				if !ok {
					return c.Text(200, "absent")
				}
				return c.Text(200, "value="+value)
			})
			serve("/reissue", func(c *tako.Context, jar sealedJar, k extract.Cookie) error {
				_, err := jar.Reissue(k)
				return errors.Join(err, c.NoContent())
			})
		}
	}
}

// sealedSet has a cookie set and returns it as a client sends it back.
func (s *server) sealedSet(path, name string) string {
	s.x.Helper()
	pair := pairOf(s.get(path+"/set?name="+name, 204).get("Set-Cookie"))
	if !strings.HasPrefix(pair, name+"=") {
		s.x.Fatalf("%s: got the cookie %q", path, pair)
	}
	return pair
}

// sealedGet shows what the server makes of a cookie.
func (s *server) sealedGet(path, name, pair, want string) {
	s.x.Helper()
	if got := s.get(path+"/get?name="+name, 200, "Cookie: "+pair).body; got != want {
		s.x.Errorf("%s, %.100q: got %q, want %q", path, pair, got, want)
	}
}

func sealedAltered(x *T) {
	s := x.serve(tako.Limits{}, sealedRoutes(x.ring("k1"), 0))
	other := s
	if x.planted("other-ring") {
		other = x.serve(tako.Limits{}, sealedRoutes(x.ring("k2"), 0))
	}
	for path := range sealedJars() {
		pair := s.sealedSet(path, "a")
		other.sealedGet(path, "a", pair, "value=v")
		id, text, _ := strings.Cut(strings.TrimPrefix(pair, "a="), ".")
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			x.Fatalf("%s: the value %q is not base64url: %v", path, text, err)
		}
		var bad []string
		for _, i := range []int{0, len(raw) / 2, len(raw) - 1} {
			flipped := append([]byte(nil), raw...)
			flipped[i] ^= 1
			bad = append(bad, id+"."+base64.RawURLEncoding.EncodeToString(flipped))
		}
		bad = append(bad, "", "v", ".", id, id+".", "."+text, text, "k2."+text, "K1."+text, id+"."+text+"=", id+"."+text+"A",
			id+"."+text[:len(text)-2], id+"."+text[2:], id+"."+base64.RawURLEncoding.EncodeToString(raw[:8]), id+"."+strings.Repeat("A", 5000))
		for _, value := range bad {
			s.sealedGet(path, "a", "a="+value, "absent")
		}
	}
}

// sealedMoved shows a cookie under the name of another, and to the other jar.
func sealedMoved(x *T) {
	s := x.serve(tako.Limits{}, sealedRoutes(x.ring("k1"), 0))
	for path := range sealedJars() {
		value := strings.TrimPrefix(s.sealedSet(path, "a"), "a=")
		for _, name := range []string{"b", "A", "aa", "a-"} {
			s.sealedGet(path, name, name+"="+value, "absent")
		}
	}
}

// sealedExpired sends a cookie for longer than it counts.
func sealedExpired(x *T) {
	age := time.Second
	if x.planted("for-ever") {
		age = time.Hour
	}
	s := x.serve(tako.Limits{}, sealedRoutes(x.ring("k1"), age))
	pairs := map[string]string{}
	for path := range sealedJars() {
		pairs[path] = s.sealedSet(path, "a")
	}
	for path, pair := range pairs {
		c := s.dial()
		x.until("the cookie of "+path+" has expired", func() bool {
			c.quietly(short / 4)
			c.send(request("GET", path+"/get?name=a", "", "Cookie: "+pair))
			return c.expect(200).body == "absent"
		})
		_ = c.Close()
	}
}

func sealedNonces(x *T) {
	s := x.serve(tako.Limits{}, sealedRoutes(x.ring("k1"), 0))
	seen := map[string]bool{}
	c := s.dial()
	for range 50 {
		c.send(request("GET", "/private/set?name=a", ""))
		value := pairOf(c.expect(204).get("Set-Cookie"))
		if value == "" || seen[value] {
			x.Fatalf("the encrypted value %q was sent twice", value)
		}
		seen[value] = true
	}
}

// ringRotated reads old values and makes new ones, and brings clients over.
func ringRotated(x *T) {
	ring := x.ring("k1")
	s := x.serve(tako.Limits{}, sealedRoutes(ring, 0))
	old := map[string]string{}
	for path := range sealedJars() {
		old[path] = s.sealedSet(path, "a")
	}
	if !x.planted("not-rotated") {
		if err := ring.Rotate(extract.Key{ID: "k2", Secret: secret("k2")}); err != nil {
			x.Fatal(err)
		}
	}
	for path, pair := range old {
		if !strings.HasPrefix(pair, "a=k1.") {
			x.Errorf("%s: made by another key: %q", path, pair)
		}
		s.sealedGet(path, "a", pair, "value=v")
		if fresh := s.sealedSet(path, "a"); !strings.HasPrefix(fresh, "a=k2.") {
			x.Errorf("%s: after the rotation got %q", path, fresh)
		}
		again := pairOf(s.get(path+"/reissue?name=a", 204, "Cookie: "+pair).get("Set-Cookie"))
		if !strings.HasPrefix(again, "a=k2.") {
			x.Errorf("%s: an old value is replaced by %q", path, again)
		}
		s.sealedGet(path, "a", again, "value=v")
	}
}

// ringRevoked counts at once, also for connections that are there.
func ringRevoked(x *T) {
	ring := x.ring("k2", "k1")
	s := x.serve(tako.Limits{}, sealedRoutes(ring, 0))
	pairs := map[string]string{}
	for path := range sealedJars() {
		pairs[path] = s.sealedSet(path, "a")
	}
	c := s.dial()
	c.get(alivePath)
	if !x.planted("not-revoked") {
		if err := ring.Revoke("k2"); err != nil {
			x.Fatal(err)
		}
	}
	for path, pair := range pairs {
		c.send(request("GET", path+"/get?name=a", "", "Cookie: "+pair))
		if got := c.expect(200).body; got != "absent" {
			x.Errorf("%s: a value of a revoked key: %s", path, got)
		}
		s.get(path+"/set?name=a", 503) // there is no active key
	}
	if err := ring.Rotate(extract.Key{ID: "k2", Secret: secret("other")}); err == nil && !x.planted("not-revoked") {
		x.Error("the id of a revoked key is taken again")
	}
}

// ringPurposes has the value of one kind of jar mean nothing to the other.
func ringPurposes(x *T) {
	s := x.serve(tako.Limits{}, sealedRoutes(x.ring("k1"), 0))
	s.sealedGet("/private", "a", s.sealedSet("/signed", "a"), "absent")
	s.sealedGet("/signed", "a", s.sealedSet("/private", "a"), "absent")
}

// ringMistakes are found before anybody is served.
func ringMistakes(x *T) {
	for _, keys := range [][]extract.Key{nil, {{ID: "k", Secret: make([]byte, 31)}}, {{ID: "k", Secret: make([]byte, 32)}}, {{Secret: secret("k")}},
		{{ID: "a.b", Secret: secret("k")}}, {{ID: "k", Secret: secret("a")}, {ID: "k", Secret: secret("b")}}} {
		if _, err := extract.NewKeyRing(keys...); err == nil {
			x.Errorf("a ring of %v is accepted", keys)
		}
	}
	s := x.prepare(setup{}, func(app *tako.Router) {
		if x.planted("ring") {
			tako.Supply(app, x.ring("k1"))
		}
		tako.Get(app, "/", func(context.Context, extract.PrivateCookies) (string, error) { return "", nil })
	})
	var all tako.RegistrationErrors
	if err := s.Listen(context.Background()); !errors.As(err, &all) {
		x.Errorf("Listen accepted cookies without a key ring: %v", err)
	}
}
