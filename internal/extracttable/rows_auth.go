package extracttable

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/auth/jwt"
	"github.com/tako-go/tako/extract"
)

// inQuery and inCookie are places of API keys.
type (
	inQuery  struct{}
	inCookie struct{}
)

func (inQuery) KeyPlace() (in, name string)  { return "query", "api_key" }
func (inCookie) KeyPlace() (in, name string) { return "cookie", "key" }

const refused = "the credentials are missing or wrong"

// challenged is a 401.
func challenged(cause string, c Case) Failure {
	c.Want = refused
	return Failure{401, cause, c, false}
}

// nobody is a 401 that Optional accepts.
func nobody(cause string, c Case) Failure {
	c.Want = refused
	return Failure{401, cause, c, true}
}

func authorization(value string) []string { return []string{"Authorization: " + value} }

func basic(text string) []string {
	return authorization("Basic " + base64.StdEncoding.EncodeToString([]byte(text)))
}

func authRows() []Row {
	rows := []Row{
		row("extract.Basic", plain(func(v extract.Basic) string { return v.User + " " + v.Password }), Row{
			Source:  "user and password of `Authorization`, not checked",
			Options: "`BasicFor[R]`: `R` tells the realm",
			Good:    []Case{{Fields: basic("octopus:ink:well"), Want: "octopus ink:well"}, {Fields: authorization("bAsIc b2N0b3B1czo="), Want: "octopus "}},
			Failures: []Failure{
				nobody("missing, or of another scheme", Case{Fields: authorization("Bearer abc")}),
				challenged("malformed", Case{Fields: basic("octopus")}),
				challenged("given twice", Case{Fields: append(basic("a:b"), basic("c:d")...)}),
			},
		}),
		row("extract.Bearer", plain(func(v extract.Bearer) string { return v.Token }), Row{
			Source:  "the bearer token of `Authorization`, not checked",
			Options: "`BearerFor[R]`: `R` tells the realm",
			Good:    []Case{{Fields: authorization("Bearer a.b-c_d~e+f/g=="), Want: "a.b-c_d~e+f/g=="}},
			Failures: []Failure{
				nobody("missing, or of another scheme", Case{Fields: basic("a:b")}),
				challenged("malformed", Case{Fields: authorization("Bearer a b")}),
				challenged("given twice", Case{Fields: append(authorization("Bearer a"), authorization("Bearer b")...)}),
			},
		}),
		row("extract.APIKey", plain(func(v extract.APIKey) string { return v.Key }), Row{
			Source: "the key in `X-API-Key`, not checked",
			Good:   []Case{{Fields: []string{"X-API-Key: k1"}, Want: "k1"}},
			Failures: []Failure{
				nobody("missing or empty", Case{}),
				challenged("given twice", Case{Fields: []string{"X-API-Key: k1", "X-API-Key: k2"}}),
			},
		}),
		row("extract.APIKeyFrom[P] of the query", plain(func(v extract.APIKeyFrom[inQuery]) string { return v.Key }), Row{
			Source:  "a key in the query, not checked",
			Options: "`P` tells the place",
			Good:    []Case{{Path: "?api_key=k%201", Want: "k 1"}},
			Failures: []Failure{
				nobody("missing or empty", Case{Path: "?api_key="}),
				challenged("given twice", Case{Path: "?api_key=a&api_key=b"}),
				{400, "an escape of the query is broken", Case{Path: "?api_key=%zz", Want: "escape"}, false},
			},
		}),
		row("extract.APIKeyFrom[P] of a cookie", plain(func(v extract.APIKeyFrom[inCookie]) string { return v.Key }), Row{
			Source:  "a key in a cookie, or in any header field, not checked",
			Options: "`P` tells the place",
			Good:    []Case{{Fields: []string{"Cookie: a=1; key=k1"}, Want: "k1"}},
			Failures: []Failure{
				nobody("missing or empty", Case{Fields: []string{"Cookie: a=1"}}),
			},
		}),
	}
	return append(rows, tokenRows()...)
}

// Two keys of tokens, of which the app knows the first.
func tokenKey() jwt.Key {
	return jwt.Key{ID: "1", Algorithm: jwt.HS256, Key: []byte(strings.Repeat("known-", 8))}
}

func strangeKey() jwt.Key {
	return jwt.Key{ID: "1", Algorithm: jwt.HS256, Key: []byte(strings.Repeat("other-", 8))}
}

// bearerOf is the field with a token that ends after a time.
func bearerOf(key jwt.Key, after time.Duration) []string {
	token, _ := jwt.Sign(key, map[string]any{"sub": "octopus", "arms": 8, "exp": time.Now().Add(after).Unix()})
	return authorization("Bearer " + token)
}

// arms is what tokens say beside the registered claims.
type arms struct {
	Arms int `json:"arms"`
}

func tokenRows() []Row {
	return []Row{
		row("jwt.Claims[T]", plain(func(v jwt.Claims[arms]) string { return v.Registered.Subject + " " + string(rune('0'+v.Value.Arms)) }), Row{
			Source:  "the claims of a bearer token, verified by the `jwt.Verifier` that is supplied",
			Options: "`jwt.Config`",
			Good:    []Case{{Fields: bearerOf(tokenKey(), time.Hour), Want: "octopus 8"}},
			Failures: []Failure{
				nobody("missing, or of another scheme", Case{}),
				challenged("malformed", Case{Fields: authorization("Bearer a.b.c")}),
				challenged("of an unknown key", Case{Fields: bearerOf(strangeKey(), time.Hour)}),
				challenged("expired, or another rule is broken", Case{Fields: bearerOf(tokenKey(), -time.Hour)}),
				{500, "no verifier is supplied; in typed handlers the router does not build", Case{Target: "/no-verifier/x"}, false},
				{503, "the keys cannot be fetched", Case{Target: "/no-keys/x", Fields: bearerOf(tokenKey(), time.Hour)}, false},
			},
			extra: serveTokens,
		}),
		row("jwt.DangerouslyUnverified[T]", plain(func(v jwt.DangerouslyUnverified[arms]) string { return string(rune('0' + v.Value.Arms)) }), Row{
			Source: "what a bearer token claims, with no check of who says so",
			Good:   []Case{{Fields: bearerOf(strangeKey(), -time.Hour), Want: "8"}},
			Failures: []Failure{
				nobody("missing, or of another scheme", Case{}),
				challenged("malformed", Case{Fields: authorization("Bearer abc")}),
			},
		}),
	}
}

func serveTokens(r *tako.Router) {
	claims := func(c *tako.Context) error {
		_, err := tako.Extract[jwt.Claims[arms]](c)
		return err
	}
	none := r.Group("/no-verifier")
	tako.Supply[*jwt.Verifier](none, nil)
	none.Get("/x", claims)

	keys, err := jwt.NewKeySet("https://127.0.0.1:1/keys", jwt.KeySetConfig{})
	if err != nil {
		return
	}
	if verifier, err := jwt.New(jwt.Config{KeySet: keys}); err == nil {
		fetching := r.Group("/no-keys")
		tako.Supply(fetching, verifier)
		fetching.Get("/x", claims)
	}
}

// supplyTokens gives the app its verifier.
func supplyTokens(r *tako.Router) {
	if verifier, err := jwt.New(jwt.Config{Keys: []jwt.Key{tokenKey()}}); err == nil {
		tako.Supply(r, verifier)
	}
}
