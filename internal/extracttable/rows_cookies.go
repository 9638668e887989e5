package extracttable

import (
	"net/http"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

// keyRing returns a ring that is the same each time.
func keyRing() *extract.KeyRing {
	ring, err := extract.NewKeyRing(extract.Key{ID: "k1", Secret: []byte(strings.Repeat("secret-of-the-table-", 2))})
	if err != nil {
		return nil
	}
	return ring
}

// sealedField is the Cookie field that a jar would send.
func sealedField(jar interface {
	tako.RequestEncoder
	Set(extract.Cookie) error
}) []string {
	req := &http.Request{Header: http.Header{}}
	if jar.Set(extract.Cookie{Name: "name", Value: "octopus"}) != nil || jar.EncodeRequest(req) != nil {
		return nil
	}
	return []string{"Cookie: " + req.Header.Get("Cookie")}
}

func cookieRows() []Row {
	tooMany := Failure{431, "more than 200 cookies", Case{Fields: []string{"Cookie: " + strings.Repeat("a=1; ", 201)}, Want: "too many cookies"}, false}
	noRing := Failure{500, "no key ring is supplied; in typed handlers the router does not build", Case{Target: "/no-ring/x"}, false}
	signed := extract.NewSignedCookies(keyRing())
	private := extract.NewPrivateCookies(keyRing())
	ringOptions := "`KeyRing`, supplied; rotation and revocation"
	return []Row{
		row("extract.CookieJar", plain(func(v extract.CookieJar) string {
			name, _ := v.Get("name")
			return name
		}), Row{
			Source:   "the cookies; changes go out with the response, be it a success or an error",
			Good:     []Case{{Fields: []string{"Cookie: a=1", `Cookie: name="octopus"; name=squid`}, Want: "octopus"}, {Want: ""}},
			Failures: []Failure{tooMany},
		}),
		row("extract.SignedCookies", plain(func(v extract.SignedCookies) string {
			name, ok := v.Get("name")
			if !ok {
				return "absent"
			}
			return name
		}), Row{
			Source:   "cookies with a signature; one that was altered is absent",
			Options:  ringOptions,
			Good:     []Case{{Fields: sealedField(&signed), Want: "octopus"}, {Fields: []string{"Cookie: name=k1.b2N0b3B1cw"}, Want: "absent"}},
			Failures: []Failure{tooMany, noRing},
			extra: func(r *tako.Router) {
				none := r.Group("/no-ring")
				tako.Supply[*extract.KeyRing](none, nil)
				none.Get("/x", func(c *tako.Context) error {
					_, err := tako.Extract[extract.SignedCookies](c)
					return err
				})
			},
		}),
		row("extract.PrivateCookies", plain(func(v extract.PrivateCookies) string {
			name, ok := v.Get("name")
			if !ok {
				return "absent"
			}
			return name
		}), Row{
			Source:   "encrypted cookies; one that was altered is absent",
			Options:  ringOptions,
			Good:     []Case{{Fields: sealedField(&private), Want: "octopus"}, {Fields: []string{"Cookie: name=k1.b2N0b3B1cw"}, Want: "absent"}},
			Failures: []Failure{tooMany, noRing},
		}),
	}
}
