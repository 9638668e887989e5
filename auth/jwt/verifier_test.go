package jwt

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

func wantInvalid(t *testing.T, v *Verifier, token, about string) {
	t.Helper()
	var got map[string]any
	r, err := v.Verify(t.Context(), token, &got)
	if !errors.Is(err, ErrInvalid) {
		t.Errorf("%s: got %v, want it to be invalid", about, err)
	}
	assert.Equal(t, r, Registered{}, about)
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestCA09NoneIsNoAlgorithm(t *testing.T) {
	t.Parallel()
	v := verifier(t, nil)
	payload, err := json.Marshal(claims(nil))
	assert.NoError(t, err)
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "HS256 ", "hs256", "HS257", "null"} {
		for _, kid := range []string{"", `,"kid":"RS256-1"`, `,"kid":"HS256-1"`, `,"kid":"none"`} {
			head := `{"alg":"` + alg + `"` + kid + `}`
			for _, signature := range []string{"", b64("x"), b64(strings.Repeat("x", 32))} {
				wantInvalid(t, v, b64(head)+"."+b64(string(payload))+"."+signature, head)
			}
		}
	}
	for _, head := range []string{`{}`, `{"kid":"HS256-1"}`, `{"alg":null}`, `{"alg":7}`, `{"alg":["HS256"]}`, `[]`, `"HS256"`, `null`, ``, `{`} {
		wantInvalid(t, v, b64(head)+"."+b64(string(payload))+".", head)
	}
}

// The public key of an RSA pair is known to all; as a secret of HS256 it proves nothing.
func TestCA09PublicKeyIsNoSecret(t *testing.T) {
	t.Parallel()
	v := verifier(t, nil)
	public := &testKeys()[RS256].(*rsa.PrivateKey).PublicKey
	der, err := x509.MarshalPKIXPublicKey(public)
	assert.NoError(t, err)
	for _, secret := range [][]byte{der, x509.MarshalPKCS1PublicKey(public), public.N.Bytes(),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
		for _, kid := range []string{"RS256-1", "PS256-1", "HS256-1"} {
			token := forge(t, Key{"", HS256, secret}, map[string]any{"alg": "HS256", "kid": kid}, `{"exp":1700000060}`)
			wantInvalid(t, v, token, kid)
		}
	}
}

// Each key is for one algorithm, also for others of its family.
func TestCA09AlgorithmIsPinned(t *testing.T) {
	t.Parallel()
	v := verifier(t, nil)
	keys := testKeys()
	for algorithm := range keys {
		for other := range keys {
			key := Key{testKey(other).ID, algorithm, keys[algorithm]} // the kid of another key
			_, err := v.Verify(t.Context(), sign(t, key, claims(nil)), nil)
			if (err == nil) != (algorithm == other) {
				t.Errorf("%s by the kid of %s: %v", algorithm, other, err)
			}
		}
	}
	// The same pair under another algorithm, alone and without a kid.
	sole, err := New(Config{Clock: clock, Keys: []Key{{"", RS256, keys[RS256]}}})
	assert.NoError(t, err)
	for _, algorithm := range []string{RS256, RS384, RS512, PS256, PS384, PS512} {
		_, err := sole.Verify(t.Context(), sign(t, Key{"", algorithm, keys[RS256]}, claims(nil)), nil)
		if (err == nil) != (algorithm == RS256) {
			t.Errorf("%s with a key for RS256: %v", algorithm, err)
		}
	}
	// What the header says is not what the signature was made with.
	forged := forge(t, Key{"", HS256, keys[HS256]}, map[string]any{"alg": "RS256", "kid": "RS256-1"}, `{"exp":1700000060}`)
	wantInvalid(t, v, forged, "RS256 over an HMAC")
	for _, alg := range []string{"none", "PS256", "RS512", "HS256", "rs256"} {
		lie := forge(t, testKey(RS256), map[string]any{"alg": alg, "kid": "RS256-1"}, `{"exp":1700000060}`)
		wantInvalid(t, v, lie, alg+" over a signature by RS256")
	}
}

func TestCA10Times(t *testing.T) {
	t.Parallel()
	at := now.Unix()
	tests := []struct {
		name   string
		leeway time.Duration
		claims string
		fine   bool
	}{
		{"now", 0, fmt.Sprintf(`{"exp":%d}`, at), false},
		{"a second left", 0, fmt.Sprintf(`{"exp":%d}`, at+1), true},
		{"half a second left", 0, fmt.Sprintf(`{"exp":%d.5}`, at), true},
		{"past by half a second", 0, fmt.Sprintf(`{"exp":%d.5}`, at-1), false},
		{"leeway, inside", 10 * time.Second, fmt.Sprintf(`{"exp":%d}`, at-9), true},
		{"leeway, at", 10 * time.Second, fmt.Sprintf(`{"exp":%d}`, at-10), false},
		{"leeway, outside", 10 * time.Second, fmt.Sprintf(`{"exp":%d}`, at-11), false},
		{"nbf now", 0, fmt.Sprintf(`{"exp":%d,"nbf":%d}`, at+9, at), true},
		{"nbf ahead", 0, fmt.Sprintf(`{"exp":%d,"nbf":%d}`, at+9, at+1), false},
		{"nbf, leeway at", 10 * time.Second, fmt.Sprintf(`{"exp":%d,"nbf":%d}`, at+99, at+10), true},
		{"nbf, leeway outside", 10 * time.Second, fmt.Sprintf(`{"exp":%d,"nbf":%d}`, at+99, at+11), false},
		{"exponent", 0, `{"exp":1.80e9}`, true},
		{"past exponent", 0, `{"exp":1e9}`, false},
		{"no exp", 0, `{}`, false},
		{"zero", 0, `{"exp":0}`, false},
		{"negative", 0, `{"exp":-1}`, false},
		{"very negative", 0, `{"exp":-1e30}`, false},
		{"min int64", 0, `{"exp":-9223372036854775808}`, false},
		{"max int64", 0, `{"exp":9223372036854775807}`, false},
		{"2^53", 0, `{"exp":9007199254740992}`, true},
		{"1e30", 0, `{"exp":1e30}`, false},
		{"1e400", 0, `{"exp":1e400}`, false},
		{"1e-400", 0, `{"exp":1e-400}`, false},
		{"string", 0, fmt.Sprintf(`{"exp":"%d"}`, at+9), false},
		{"null", 0, `{"exp":null}`, false},
		{"boolean", 0, `{"exp":true}`, false},
		{"list", 0, fmt.Sprintf(`{"exp":[%d]}`, at+9), false},
		{"object", 0, `{"exp":{}}`, false},
		{"nbf string", 0, fmt.Sprintf(`{"exp":%d,"nbf":"0"}`, at+9), false},
		{"nbf null", 0, fmt.Sprintf(`{"exp":%d,"nbf":null}`, at+9), false},
		{"nbf negative", 0, fmt.Sprintf(`{"exp":%d,"nbf":-5}`, at+9), true},
		{"nbf 1e30", 0, fmt.Sprintf(`{"exp":%d,"nbf":1e30}`, at+9), false},
		{"iat string", 0, fmt.Sprintf(`{"exp":%d,"iat":"x"}`, at+9), false},
		{"iat fraction", 0, fmt.Sprintf(`{"exp":%d,"iat":1.25}`, at+9), true},
		{"other case", 0, fmt.Sprintf(`{"EXP":%d}`, at+9), false},
		{"twice", 0, fmt.Sprintf(`{"exp":%d,"exp":%d}`, at+9, at+9), false},
		{"twice in two cases", 0, fmt.Sprintf(`{"exp":%d,"Exp":%d}`, at+9, at+9), false},
		{"escaped name", 0, fmt.Sprintf(`{"e\u0078p":%d}`, at+9), true},
	}
	key := testKey(HS256)
	for _, tt := range tests {
		v := verifier(t, func(c *Config) { c.Leeway = tt.leeway })
		token := forge(t, key, map[string]any{"alg": HS256, "kid": key.ID}, tt.claims)
		var got struct{ Registered }
		_, err := v.Verify(t.Context(), token, &got)
		if (err == nil) != tt.fine || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %s: got error %v", tt.name, tt.claims, err)
		}
	}
}

func TestCA10ClockBefore1970(t *testing.T) {
	t.Parallel()
	key := testKey(HS256)
	v := verifier(t, func(c *Config) { c.Clock = func() time.Time { return time.Unix(-1000, 0) }; c.Leeway = time.Minute })
	for payload, fine := range map[string]bool{`{"exp":1}`: true, `{"exp":-999}`: true, `{"exp":-1061}`: false,
		`{"exp":1,"nbf":0}`: false, `{"exp":1,"nbf":-1000}`: true} {
		_, err := v.Verify(t.Context(), forge(t, key, map[string]any{"alg": HS256, "kid": key.ID}, payload), nil)
		if (err == nil) != fine {
			t.Errorf("%s: got error %v", payload, err)
		}
	}
	zero := verifier(t, func(c *Config) { c.Clock = func() time.Time { return time.Time{} }; c.Leeway = MaxLeeway })
	_, err := zero.Verify(t.Context(), sign(t, key, claims(nil)), nil)
	assert.NoError(t, err)
}

func TestCA10IssuerAudienceAndRequired(t *testing.T) {
	t.Parallel()
	rules := func(c *Config) {
		c.Issuer, c.Audience, c.Required = "https://id.example", []string{"reefs", "oceans"}, []string{"sub", "role"}
	}
	none := func(*Config) {}
	fine := map[string]any{"iss": "https://id.example", "aud": "reefs", "sub": "octo", "role": 7}
	tests := []struct {
		name  string
		rules func(*Config)
		over  map[string]any
		fine  bool
	}{
		{"all", rules, nil, true},
		{"no iss", rules, map[string]any{"iss": nil}, false},
		{"another iss", rules, map[string]any{"iss": "https://id.example/"}, false},
		{"iss of another case", rules, map[string]any{"iss": "https://ID.example"}, false},
		{"iss list", rules, map[string]any{"iss": []string{"https://id.example"}}, false},
		{"iss null", rules, map[string]any{"iss": json.RawMessage("null")}, false},
		{"no aud", rules, map[string]any{"aud": nil}, false},
		{"another aud", rules, map[string]any{"aud": "reef"}, false},
		{"second name", rules, map[string]any{"aud": "oceans"}, true},
		{"aud list", rules, map[string]any{"aud": []string{"x", "reefs"}}, true},
		{"aud list without us", rules, map[string]any{"aud": []string{"x", "y"}}, false},
		{"empty aud list", rules, map[string]any{"aud": []string{}}, false},
		{"empty aud", rules, map[string]any{"aud": ""}, false},
		{"mixed aud list", rules, map[string]any{"aud": []any{"reefs", 7}}, false},
		{"aud number", rules, map[string]any{"aud": 7}, false},
		{"aud null", rules, map[string]any{"aud": json.RawMessage("null")}, false},
		{"null in aud list", rules, map[string]any{"aud": []any{"reefs", nil}}, false},
		{"no sub", rules, map[string]any{"sub": nil}, false},
		{"sub number", rules, map[string]any{"sub": 7}, false},
		{"no role", rules, map[string]any{"role": nil}, false},
		{"role null", rules, map[string]any{"role": json.RawMessage("null")}, false},
		{"jti number", rules, map[string]any{"jti": 7}, false},
		{"no rules, aud of others", none, nil, false},
		{"no rules, no aud", none, map[string]any{"aud": nil}, true},
		{"any audience", func(c *Config) { c.AnyAudience = true }, nil, true},
		{"no exp", func(c *Config) { rules(c); c.AllowNoExpiry = true }, map[string]any{"exp": nil}, true},
		{"past exp", func(c *Config) { rules(c); c.AllowNoExpiry = true }, map[string]any{"exp": 5}, false},
	}
	for _, tt := range tests {
		all := claims(fine)
		for name, value := range tt.over {
			all[name] = value
			if value == nil {
				delete(all, name)
			}
		}
		_, err := verifier(t, tt.rules).Verify(t.Context(), sign(t, testKey(ES256), all), nil)
		if (err == nil) != tt.fine || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got error %v", tt.name, err)
		}
	}
}

func TestCA11Headers(t *testing.T) {
	t.Parallel()
	v := verifier(t, nil)
	key := testKey(HS256)
	const payload = `{"exp":1700000060}`
	_, err := v.Verify(t.Context(), forge(t, key, map[string]any{"alg": HS256, "kid": key.ID, "x5t": "a", "more": 1}, payload), nil)
	assert.NoError(t, err)
	for _, over := range []map[string]any{
		{"kid": "unknown"}, {"kid": "../x"}, {"kid": "HS256-1\x00"}, {"kid": ""}, {"kid": 1}, {"kid": []string{key.ID}}, {"kid": nil},
		{"kid": strings.Repeat("k", 5000)}, {"jku": "https://evil.example"}, {"x5u": "https://evil.example"},
		{"jwk": map[string]any{"kty": "oct", "k": "AAAA"}}, {"crit": []string{"exp"}}, {"crit": []string{"b64"}, "b64": false},
		{"crit": []string{}}, {"crit": nil}, {"typ": 7},
	} {
		head := map[string]any{"alg": HS256, "kid": key.ID}
		for name, value := range over {
			head[name] = value
		}
		wantInvalid(t, v, forge(t, key, head, payload), fmt.Sprintf("%.50v", over))
	}
	wantInvalid(t, v, forge(t, key, map[string]any{"alg": HS256}, payload), "no kid, several keys")
	twice, err := signParts(key, []byte(`{"alg":"HS256","kid":"HS256-1","kid":"HS256-1"}`), []byte(payload))
	assert.NoError(t, err)
	wantInvalid(t, v, twice, "kid twice")

	sole, err := New(Config{Clock: clock, Keys: []Key{key}})
	assert.NoError(t, err)
	_, err = sole.Verify(t.Context(), forge(t, key, map[string]any{"alg": HS256}, payload), nil)
	assert.NoError(t, err)
	wantInvalid(t, sole, forge(t, key, map[string]any{"alg": HS256, "kid": "x"}, payload), "another kid, one key")
}

func TestCA11Shape(t *testing.T) {
	t.Parallel()
	v := verifier(t, nil)
	key := testKey(HS256)
	good := sign(t, key, claims(nil))
	parts := strings.Split(good, ".")
	for _, token := range []string{"", ".", "..", "...", parts[0], parts[0] + "." + parts[1], parts[0] + "." + parts[1] + ".",
		good + ".", good + ".AAAA", "." + good, parts[0] + ".." + parts[2], "." + parts[1] + "." + parts[2], good + "=", good + "A",
		good + "\n", parts[0] + "\r\n." + parts[1] + "." + parts[2], " " + good, strings.Replace(good, ".", "%2e", 1),
		strings.Repeat("A", 1<<20), strings.Repeat(".", 1<<20), "é.é.é"} {
		wantInvalid(t, v, token, fmt.Sprintf("%.40q", token))
	}
	// 32 bytes leave two bits of the last letter unused: three other letters mean the same.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, good[len(good)-1])
	for unused := 1; unused < 4; unused++ {
		wantInvalid(t, v, good[:len(good)-1]+string(alphabet[last+unused]), "another spelling")
	}
	for _, payload := range []string{"", "null", "[]", "7", `"x"`, `{`, `{"exp":1700000060} {}`, `{"exp":1700000060}x`, "{\"exp\":1700000060,\"a\":\"\xff\"}",
		`{"exp":1700000060,"a":1,"a":2}`, `{"exp":1700000060,"k":1,"` + "\u212a" + `":2}`, strings.Repeat(`{"a":`, 1500)} {
		wantInvalid(t, v, forge(t, key, map[string]any{"alg": HS256, "kid": key.ID}, payload), fmt.Sprintf("%.40q", payload))
	}
	long := sign(t, key, claims(map[string]any{"x": strings.Repeat("x", DefaultMaxSize)}))
	wantInvalid(t, v, long, "long")
	roomy := verifier(t, func(c *Config) { c.MaxSize = len(long) })
	_, err := roomy.Verify(t.Context(), long, nil)
	assert.NoError(t, err)
	tight := verifier(t, func(c *Config) { c.MaxSize = len(good) - 1 })
	wantInvalid(t, tight, good, "a byte too long")
}

func TestVerifierType(t *testing.T) {
	t.Parallel()
	v := verifier(t, func(c *Config) { c.Type = "at+jwt" })
	key := testKey(HS256)
	for typ, fine := range map[string]bool{"at+jwt": true, "AT+JWT": true, "application/at+jwt": true, "Application/AT+jwt": true,
		"JWT": false, "": false, "at+jwt ": false} {
		_, err := v.Verify(t.Context(), forge(t, key, map[string]any{"alg": HS256, "kid": key.ID, "typ": typ}, `{"exp":1700000060}`), nil)
		if (err == nil) != fine {
			t.Errorf("%q: got error %v", typ, err)
		}
	}
}

func TestVerifierClaimsOfAnotherType(t *testing.T) {
	t.Parallel()
	v := verifier(t, nil)
	token := sign(t, testKey(HS256), claims(map[string]any{"n": 1e30}))
	var got struct {
		N int `json:"n"`
	}
	_, err := v.Verify(t.Context(), token, &got)
	assert.ErrorIs(t, err, ErrInvalid)
}

func FuzzVerify(f *testing.F) {
	v := verifierOf(f, cheapKeys(), nil)
	good := map[string]bool{}
	for algorithm := range cheapKeys() {
		token := sign(f, testKey(algorithm), claims(map[string]any{"sub": "octo"}))
		good[token] = true
		f.Add(token)
	}
	f.Add(b64(`{"alg":"none"}`) + "." + b64(`{"exp":1e30}`) + ".")
	f.Add("...")
	f.Fuzz(func(t *testing.T, token string) {
		r, err := v.Verify(t.Context(), token, nil)
		if err == nil && !good[token] {
			t.Errorf("%q is accepted: %+v", token, r)
		}
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", token, err)
		}
	})
}

// FuzzClaims signs whatever payload: times and lists of any shape are decided, never a panic.
func FuzzClaims(f *testing.F) {
	for _, s := range []string{`{"exp":1700000060}`, `{"exp":1e30}`, `{"exp":-1.5e-7,"nbf":"x"}`, `{"aud":["a",null],"exp":9e15}`, `{"exp":1,"EXP":2}`, `[]`, ``} {
		f.Add(s)
	}
	key := testKey(HS256)
	v := verifierOf(f, cheapKeys(), func(c *Config) { c.AnyAudience = true; c.Leeway = time.Minute })
	f.Fuzz(func(t *testing.T, payload string) {
		token := forge(t, key, map[string]any{"alg": HS256, "kid": key.ID}, payload)
		var got struct{ Registered }
		r, err := v.Verify(t.Context(), token, &got)
		switch {
		case err != nil:
			assert.ErrorIs(t, err, ErrInvalid)
		case !now.Before(r.ExpiresAt.Add(time.Minute)), r.NotBefore.After(now.Add(time.Minute)) && !r.NotBefore.IsZero():
			t.Errorf("%q is accepted: %+v", payload, r)
		case got.Issuer != r.Issuer || got.Subject != r.Subject || !got.ExpiresAt.Equal(r.ExpiresAt.Time):
			t.Errorf("%q is checked as %+v and used as %+v", payload, r, got.Registered)
		}
	})
}
