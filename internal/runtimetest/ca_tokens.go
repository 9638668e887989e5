package runtimetest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/auth/jwt"
	"github.com/tako-go/tako/extract"
)

func tokenCases() []testCase {
	t401 := turned("401")
	refused := replies("refused", "HTTP/1.1 200 ", "HTTP/1.1 401 ")
	return []testCase{
		{id: "CA-09/none", run: tokensRefused(noneTokens), faults: []fault{t401, refused}},
		{id: "CA-09/public-key-as-secret", run: tokensRefused(confusedTokens), faults: []fault{t401, refused}},
		{id: "CA-09/not-pinned", run: tokensRefused(otherAlgorithms), faults: []fault{t401, refused}},
		{id: "CA-10/times", run: judges(tokenTimes, clockOf(now)), faults: []fault{t401, refused, planted("later")}},
		{id: "CA-10/leeway", run: judges(leewayTimes, clockOf(now), func(c *jwt.Config) { c.Leeway = 10 * time.Second }), faults: []fault{t401, refused}},
		{id: "CA-10/issuer-and-audience", run: judges(tokenParties, clockOf(now), parties), faults: []fault{t401, refused}},
		{id: "CA-10/before-1970", run: judges(earlyTimes, clockOf(-1000)), faults: []fault{t401, refused}},
		{id: "CA-11/key-ids", run: tokensRefused(strangeHeads), faults: []fault{t401, refused}},
		{id: "CA-11/fetches-nothing", run: fetchesNothing, faults: []fault{t401, planted("fetched")}},
		{id: "CA-11/shape", run: tokensRefused(misshapen), faults: []fault{t401, refused}},
		{id: "CA-13/verifier-missing", run: verifierMissing, faults: []fault{planted("verifier"), serverFault("error-swallowed", swallowListen)}},
		{id: "CA-13/fails-closed", run: verifierNil, faults: []fault{replies("let-in", "HTTP/1.1 500 ", "HTTP/1.1 200 ")}},
		{id: "CA-13/unverified", run: unverifiedIsNobody, faults: []fault{t401, refused}},
	}
}

// Keys of the suite.
var (
	suiteRSA = sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err) // the system has no randomness
		}
		return key
	})
	suiteECDSA = sync.OnceValue(func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	})
)

// tokenKeys are those that the verifier knows.
func tokenKeys() []jwt.Key {
	return []jwt.Key{
		{ID: "hs", Algorithm: jwt.HS256, Key: secret("hs")},
		{ID: "rs", Algorithm: jwt.RS256, Key: suiteRSA()},
		{ID: "es", Algorithm: jwt.ES256, Key: suiteECDSA()},
	}
}

// now is the time of the verifiers that have a clock of their own.
const now = 1_700_000_000

func clockOf(at int64) func(*jwt.Config) {
	return func(c *jwt.Config) { c.Clock = func() time.Time { return time.Unix(at, 0) } }
}

type tokenClaims = jwt.Claims[map[string]any]

// supplyVerifier gives a router what claims need.
func supplyVerifier(x *T, app *tako.Router, rules ...func(*jwt.Config)) {
	x.Helper()
	config := jwt.Config{Keys: tokenKeys()}
	for _, rule := range rules {
		rule(&config)
	}
	if x.planted("later") {
		config.Clock = func() time.Time { return time.Unix(now+1, 0) }
	}
	verifier, err := jwt.New(config)
	if err != nil {
		x.Fatal(err)
	}
	tako.Supply(app, verifier)
}

// guarded serves a route that needs a token.
func (x *T) guarded(limits tako.Limits, rules ...func(*jwt.Config)) *server {
	x.Helper()
	return x.serve(limits, func(app *tako.Router) {
		supplyVerifier(x, app, rules...)
		tako.Get(app, "/", fine[tokenClaims])
		tako.Get(app, "/field", fine[struct{ Who tokenClaims }])
		tako.Get(app, "/optional", fine[tako.Optional[tokenClaims]])
	})
}

// judge sends a token to all of them.
func (s *server) judge(name, token string, status int) {
	s.x.Helper()
	for _, path := range []string{"/", "/field", "/optional"} {
		c := s.dial()
		c.send(request("GET", path, "", "Authorization: Bearer "+token))
		r := c.read("GET")
		_ = c.Close()
		if r.status != status {
			s.x.Errorf("%s, %s: got status %d with %s, want %d", path, name, r.status, r.body, status)
		}
		if status == 401 && !contains(r.get("WWW-Authenticate"), `error="invalid_token"`) {
			s.x.Errorf("%s, %s: got the challenge %q", path, name, r.get("WWW-Authenticate"))
		}
	}
}

func base64URL(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// forgedToken is a token with this head, signed by HMAC with a secret.
func forgedToken(head, payload string, secret []byte) string {
	text := base64URL(head) + "." + base64URL(payload)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// signedToken is a token of the first key.
func signedToken(x *T, claims map[string]any) string {
	token, err := jwt.Sign(tokenKeys()[0], claims)
	if err != nil {
		x.Fatal(err)
	}
	return token
}

// lasting is a payload that all rules accept.
const lasting = `{"sub":"octo","exp":4000000000}`

// tokensRefused sends tokens that must not count, and one that must.
func tokensRefused(tokens func() map[string]string) func(x *T) {
	return func(x *T) {
		s := x.guarded(tako.Limits{HeaderBytes: 4 << 20})
		for _, key := range tokenKeys() {
			good, err := jwt.Sign(key, json.RawMessage(lasting))
			if err != nil {
				x.Fatal(err)
			}
			s.judge("good "+key.ID, good, 200)
		}
		for name, token := range tokens() {
			s.judge(name, token, 401)
		}
	}
}

func noneTokens() map[string]string {
	all := map[string]string{}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS0"} {
		for _, kid := range []string{"", `,"kid":"hs"`, `,"kid":"rs"`} {
			head := base64URL(`{"alg":"` + alg + `"` + kid + `}`)
			all["no signature, "+alg+kid] = head + "." + base64URL(lasting) + "."
			all["signed, "+alg+kid] = forgedToken(`{"alg":"`+alg+`"`+kid+`}`, lasting, secret("hs"))
		}
	}
	all["no alg"] = forgedToken(`{"kid":"hs"}`, lasting, secret("hs"))
	all["alg null"] = forgedToken(`{"alg":null,"kid":"hs"}`, lasting, secret("hs"))
	return all
}

// confusedTokens take the public key of RSA or ECDSA, which everybody has, for a secret.
func confusedTokens() map[string]string {
	all := map[string]string{}
	for kid, public := range map[string]crypto.PublicKey{"rs": &suiteRSA().PublicKey, "es": &suiteECDSA().PublicKey} {
		der, _ := x509.MarshalPKIXPublicKey(public)
		forms := map[string][]byte{"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}
		if kid == "rs" {
			forms["PKCS #1"] = x509.MarshalPKCS1PublicKey(&suiteRSA().PublicKey)
			forms["modulus"] = suiteRSA().N.Bytes()
		}
		for form, key := range forms {
			all[kid+" as "+form] = forgedToken(`{"alg":"HS256","kid":"`+kid+`"}`, lasting, key)
			all[kid+" as "+form+", without kid"] = forgedToken(`{"alg":"HS256"}`, lasting, key)
		}
	}
	return all
}

// otherAlgorithms sign with a key that the verifier has, in another way than it is for.
func otherAlgorithms() map[string]string {
	all := map[string]string{}
	sign := func(name string, key jwt.Key) {
		if token, err := jwt.Sign(key, json.RawMessage(lasting)); err == nil {
			all[name] = token
		}
	}
	sign("RS512 of the key for RS256", jwt.Key{ID: "rs", Algorithm: jwt.RS512, Key: suiteRSA()})
	sign("PS256 of the key for RS256", jwt.Key{ID: "rs", Algorithm: jwt.PS256, Key: suiteRSA()})
	sign("HS384 of the key for HS256", jwt.Key{ID: "hs", Algorithm: jwt.HS384, Key: secret("hs")})
	sign("RS256 under the id of HS256", jwt.Key{ID: "hs", Algorithm: jwt.RS256, Key: suiteRSA()})
	sign("HS256 under the id of RS256", jwt.Key{ID: "rs", Algorithm: jwt.HS256, Key: secret("hs")})
	sign("ES256 under the id of RS256", jwt.Key{ID: "rs", Algorithm: jwt.ES256, Key: suiteECDSA()})
	sign("another secret", jwt.Key{ID: "hs", Algorithm: jwt.HS256, Key: secret("other")})
	all["another alg in the head"] = forgedToken(`{"alg":"RS256","kid":"hs"}`, lasting, secret("hs"))
	return all
}

// judges sends payloads with the status each has to get, well signed.
func judges(payloads map[string]int, rules ...func(*jwt.Config)) func(x *T) {
	return func(x *T) {
		s := x.guarded(tako.Limits{}, rules...)
		for payload, status := range payloads {
			s.judge(payload, forgedToken(`{"alg":"HS256","kid":"hs"}`, payload, secret("hs")), status)
		}
	}
}

var tokenTimes = map[string]int{
	`{"exp":1700000001}`: 200, `{"exp":1700000000}`: 401, `{"exp":1699999999}`: 401, `{"exp":1700000000.5}`: 200, `{"exp":1.8e9}`: 200,
	`{"exp":1700000001,"nbf":1700000000}`: 200, `{"exp":1700000009,"nbf":1700000001}`: 401, `{"exp":1700000001,"nbf":-5}`: 200, `{"exp":1700000009,"nbf":"0"}`: 401,
	`{"exp":1700000009,"nbf":1e30}`: 401, `{"exp":1700000001,"iat":1.25}`: 200, `{"exp":1700000009,"iat":"x"}`: 401,
	`{}`: 401, `{"exp":0}`: 401, `{"exp":-1}`: 401, `{"exp":-1e30}`: 401, `{"exp":1e30}`: 401, `{"exp":1e400}`: 401, `{"exp":"1700000009"}`: 401, `{"exp":null}`: 401,
	`{"exp":true}`: 401, `{"exp":[1700000009]}`: 401, `{"exp":{}}`: 401, `{"exp":9223372036854775807}`: 401, `{"exp":-9223372036854775808}`: 401, `{"exp":NaN}`: 401,
	`{"EXP":1700000009}`: 401, `{"exp":1700000009,"exp":1}`: 401, `{"exp":1,"Exp":1700000009}`: 401, `{"exp":1700000001,"aud":"others"}`: 401,
}

var leewayTimes = map[string]int{
	`{"exp":1699999991}`: 200, `{"exp":1699999990}`: 401, `{"exp":1699999989}`: 401, `{"exp":1700000099,"nbf":1700000009}`: 200, `{"exp":1700000099,"nbf":1700000010}`: 200, `{"exp":1700000099,"nbf":1700000011}`: 401,
}

var earlyTimes = map[string]int{`{"exp":1}`: 200, `{"exp":-999}`: 200, `{"exp":-1000}`: 401, `{"exp":1,"nbf":0}`: 401, `{"exp":1,"nbf":-1000}`: 200}

func parties(c *jwt.Config) {
	c.Issuer, c.Audience, c.Required = "https://id.example", []string{"reefs", "oceans"}, []string{"sub"}
}

var tokenParties = func() map[string]int {
	all := map[string]int{}
	for members, status := range map[string]int{
		`"iss":"https://id.example","aud":"reefs","sub":"a"`: 200, `"iss":"https://id.example","aud":["x","oceans"],"sub":"a"`: 200,
		`"aud":"reefs","sub":"a"`: 401, `"iss":"https://ID.example","aud":"reefs","sub":"a"`: 401, `"iss":"https://id.example/","aud":"reefs","sub":"a"`: 401,
		`"iss":["https://id.example"],"aud":"reefs","sub":"a"`: 401, `"iss":null,"aud":"reefs","sub":"a"`: 401,
		`"iss":"https://id.example","sub":"a"`: 401, `"iss":"https://id.example","aud":"reef","sub":"a"`: 401, `"iss":"https://id.example","aud":[],"sub":"a"`: 401,
		`"iss":"https://id.example","aud":["x","y"],"sub":"a"`: 401, `"iss":"https://id.example","aud":["reefs",7],"sub":"a"`: 401, `"iss":"https://id.example","aud":7,"sub":"a"`: 401,
		`"iss":"https://id.example","aud":"reefs"`: 401, `"iss":"https://id.example","aud":"reefs","sub":null`: 401, `"iss":"https://id.example","aud":"reefs","sub":7`: 401,
	} {
		all[`{"exp":1700000009,`+members+`}`] = status
	}
	return all
}()

func strangeHeads() map[string]string {
	all := map[string]string{}
	for _, members := range []string{
		`"kid":"unknown"`, `"kid":"../hs"`, `"kid":"hs\u0000"`, `"kid":""`, `"kid":1`, `"kid":["hs"]`, `"kid":null`, `"kid":"HS"`, `"kid":"hs","kid":"hs"`,
		`"kid":"hs","crit":["exp"]`, `"kid":"hs","crit":["b64"],"b64":false`, `"kid":"hs","crit":[]`, `"kid":"hs","jwk":{"kty":"oct","k":"AAAA"}`, `"kid":"hs","typ":7`, `"typ":"JWT"`,
	} {
		all[members] = forgedToken(`{"alg":"HS256",`+members+`}`, lasting, secret("hs"))
	}
	return all
}

// fetchesNothing has tokens name a place where keys are to be had, which nobody may ask.
func fetchesNothing(x *T) {
	ln := x.listenTCP()
	var asked atomic.Int64
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			_ = conn.Close()
		}
	}()
	if x.planted("fetched") {
		if conn, err := net.Dial("tcp", ln.Addr().String()); err == nil {
			_ = conn.Close()
			x.until("the connection has arrived", func() bool { return asked.Load() > 0 })
		}
	}
	s := x.guarded(tako.Limits{})
	for _, member := range []string{"jku", "x5u", "jwks_uri"} {
		for _, kid := range []string{"hs", "new"} {
			if member == "jwks_uri" && kid == "hs" {
				continue // a member like any other
			}
			s.judge(member+", "+kid, forgedToken(`{"alg":"HS256","kid":"`+kid+`","`+member+`":"http://`+ln.Addr().String()+`/keys"}`, lasting, secret("hs")), 401)
		}
	}
	if n := asked.Load(); n > 0 {
		x.Errorf("the place that a token names was asked %d times", n)
	}
}

func misshapen() map[string]string {
	good := forgedToken(`{"alg":"HS256","kid":"hs"}`, lasting, secret("hs"))
	parts := strings.Split(good, ".")
	all := map[string]string{
		"one part": parts[0], "two parts": parts[0] + "." + parts[1], "no signature": parts[0] + "." + parts[1] + ".", "four parts": good + ".AAAA", "a dot more": good + ".",
		"no head": "." + parts[1] + "." + parts[2], "no payload": parts[0] + ".." + parts[2], "dots": "..", "padded": good + "=", "longer": good + "A", "cut": good[:len(good)-1],
		"1 MB": strings.Repeat("A", 1<<20), "1 MB of dots": strings.Repeat(".", 1<<20), "encoded dot": strings.Replace(good, ".", "%2e", 1),
	}
	for _, payload := range []string{"", "null", "[]", `"x"`, "{", lasting + "{}", "{\"exp\":4000000000,\"a\":\"\xff\"}", `{"exp":4000000000,"a":1,"a":2}`,
		`{"exp":4000000000,"a":"` + strings.Repeat("x", jwt.DefaultMaxSize) + `"}`} {
		all["payload "+payload[:min(len(payload), 50)]] = forgedToken(`{"alg":"HS256","kid":"hs"}`, payload, secret("hs"))
	}
	return all
}

// verifierMissing is found before anybody is served.
func verifierMissing(x *T) {
	for name, register := range map[string]func(app *tako.Router){
		"whole":    func(app *tako.Router) { tako.Get(app, "/", fine[tokenClaims]) },
		"field":    func(app *tako.Router) { tako.Get(app, "/", fine[struct{ Who tokenClaims }]) },
		"optional": func(app *tako.Router) { tako.Get(app, "/", fine[tako.Optional[tokenClaims]]) },
	} {
		s := x.prepare(setup{}, func(app *tako.Router) {
			if x.planted("verifier") {
				supplyVerifier(x, app)
			}
			register(app)
		})
		var all tako.RegistrationErrors
		if err := s.Listen(context.Background()); !errors.As(err, &all) {
			x.Errorf("%s: Listen accepted claims without a verifier: %v", name, err)
		}
	}
}

// verifierNil lets nobody in where nothing can be verified.
func verifierNil(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Supply[*jwt.Verifier](app, nil)
		tako.Get(app, "/", fine[tokenClaims])
		app.Get("/hand", func(c *tako.Context) error {
			if _, err := tako.Extract[tokenClaims](c); err != nil {
				return err
			}
			return c.Text(200, "in")
		})
	})
	for _, path := range []string{"/", "/hand"} {
		for _, lines := range [][]string{nil, {"Authorization: Bearer " + signedToken(x, map[string]any{"exp": 4000000000})}} {
			s.get(path, 500, lines...)
		}
	}
}

// unverifiedIsNobody reads what anybody can write; whoever needs to know asks for claims.
func unverifiedIsNobody(x *T) {
	type anyClaims = jwt.DangerouslyUnverified[struct {
		Subject string `json:"sub"`
	}]
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		supplyVerifier(x, app)
		tako.Get(app, "/said", func(_ context.Context, in anyClaims) (string, error) { return in.Value.Subject, nil })
		tako.Get(app, "/both", fine[struct {
			Said anyClaims
			Who  tokenClaims
		}])
		tako.Get(app, "/none", fine[extract.Method])
	})
	token := forgedToken(`{"alg":"HS256","kid":"hs"}`, `{"sub":"octo","exp":1}`, []byte("guessed"))
	if got := s.get("/said", 200, "Authorization: Bearer "+token).body; got != `"octo"` {
		x.Errorf("got %s", got)
	}
	s.get("/both", 401, "Authorization: Bearer "+token)
	s.get("/said", 401, "Authorization: Bearer abc")
	s.get("/said", 401)
}
