package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// cheapKeys has a private key for each algorithm but those of RSA, whose pairs take long to
// make; they are made once.
var cheapKeys = sync.OnceValue(func() map[string]any {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	keys := map[string]any{EdDSA: ed}
	for algorithm, curve := range map[string]elliptic.Curve{ES256: elliptic.P256(), ES384: elliptic.P384(), ES512: elliptic.P521()} {
		if keys[algorithm], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			panic(err)
		}
	}
	for i, algorithm := range []string{HS256, HS384, HS512} {
		secret := make([]byte, 32+16*i)
		for k := range secret {
			secret[k] = byte(k)
		}
		keys[algorithm] = secret
	}
	return keys
})

// testKeys has a private key for each algorithm.
var testKeys = sync.OnceValue(func() map[string]any {
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	keys := maps.Clone(cheapKeys())
	for _, algorithm := range []string{RS256, RS384, RS512, PS256, PS384, PS512} {
		keys[algorithm] = pair
	}
	return keys
})

func privateKey(algorithm string) any {
	if key, ok := cheapKeys()[algorithm]; ok {
		return key
	}
	return testKeys()[algorithm]
}

func testKey(algorithm string) Key { return Key{algorithm + "-1", algorithm, privateKey(algorithm)} }

// now is the time of tests.
var now = time.Unix(1_700_000_000, 0)

func clock() time.Time { return now }

// verifier returns one that has a key for each algorithm.
func verifier(t testing.TB, edit func(*Config)) *Verifier {
	t.Helper()
	return verifierOf(t, testKeys(), edit)
}

func verifierOf(t testing.TB, keys map[string]any, edit func(*Config)) *Verifier {
	t.Helper()
	config := Config{Clock: clock}
	for algorithm := range keys {
		config.Keys = append(config.Keys, testKey(algorithm))
	}
	if edit != nil {
		edit(&config)
	}
	v, err := New(config)
	assert.NoError(t, err)
	return v
}

// claims returns valid claims with others over them; nil removes one.
func claims(over map[string]any) map[string]any {
	c := map[string]any{"exp": now.Unix() + 60}
	for name, value := range over {
		c[name] = value
		if value == nil {
			delete(c, name)
		}
	}
	return c
}

func sign(t testing.TB, key Key, claims any) string {
	t.Helper()
	token, err := Sign(key, claims)
	assert.NoError(t, err)
	return token
}

// forge signs whatever header and payload with a key.
func forge(t testing.TB, key Key, head map[string]any, payload string) string {
	t.Helper()
	text, err := json.Marshal(head)
	assert.NoError(t, err)
	token, err := signParts(key, text, []byte(payload))
	assert.NoError(t, err)
	return token
}

func TestKeysOfEachAlgorithm(t *testing.T) {
	t.Parallel()
	v := verifier(t, nil)
	for algorithm := range testKeys() {
		var got struct {
			Registered
			Role string `json:"role"`
		}
		token := sign(t, testKey(algorithm), claims(map[string]any{"role": "admin", "sub": "octo"}))
		r, err := v.Verify(t.Context(), token, &got)
		assert.NoError(t, err, algorithm)
		assert.Equal(t, got.Role, "admin", algorithm)
		assert.Equal(t, r.Subject, "octo", algorithm)
		assert.Equal(t, got.Registered, r, algorithm)
		for i := 0; i < len(token); i += 5 {
			b := []byte(token)
			b[i] ^= 1
			if _, err := v.Verify(t.Context(), string(b), nil); err == nil {
				t.Fatalf("%s: altered at %d of %d", algorithm, i, len(token))
			}
		}
	}
}

func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	keys := testKeys()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil { // a toolchain that makes no such keys needs no check of ours
		small = nil
	}
	tests := []struct {
		key  Key
		want string // "" is fine
	}{
		{Key{"", HS256, make([]byte, 31)}, "31 bytes, fewer than 32"},
		{Key{"", HS256, make([]byte, 32)}, "one byte over and over"},
		{Key{"", HS512, keys[HS256]}, "fewer than 64"},
		{Key{"", HS256, keys[HS512]}, ""},
		{Key{"", HS256, "a text"}, "wrong type"},
		{Key{"", HS256, nil}, "wrong type"},
		{Key{"", HS256, keys[RS256]}, "wrong type"},
		{Key{"", RS256, keys[HS256]}, "wrong type"},
		{Key{"", RS256, keys[ES256]}, "wrong type"},
		{Key{"", RS256, (*rsa.PublicKey)(nil)}, "wrong type"},
		{Key{"", RS256, (*rsa.PrivateKey)(nil)}, "wrong type"},
		{Key{"", RS256, &rsa.PublicKey{}}, "wrong type"},
		{Key{"", RS256, &keys[RS256].(*rsa.PrivateKey).PublicKey}, ""},
		{Key{"", ES256, keys[ES384]}, "384 bits, not 256"},
		{Key{"", ES256, (*ecdsa.PrivateKey)(nil)}, "wrong type"},
		{Key{"", ES256, &ecdsa.PublicKey{}}, "wrong type"},
		{Key{"", EdDSA, ed25519.PublicKey("short")}, "wrong type"},
		{Key{"", EdDSA, ed25519.PrivateKey("short")}, "wrong type"},
		{Key{"", EdDSA, keys[EdDSA].(ed25519.PrivateKey).Public()}, ""},
		{Key{"", "none", keys[HS256]}, "unknown algorithm"},
		{Key{"", "", keys[HS256]}, "unknown algorithm"},
		{Key{"", "hs256", keys[HS256]}, "unknown algorithm"},
	}
	if small != nil {
		tests = append(tests, struct {
			key  Key
			want string
		}{Key{"", RS256, small}, "1024 bits"})
	}
	for _, tt := range tests {
		_, err := New(Config{Keys: []Key{tt.key}})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got error %v, want %q", tt.key, err, tt.want)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	key, other := testKey(HS256), testKey(ES256)
	bare := Key{"", HS256, key.Key}
	set, err := NewKeySet("https://id.example/keys", KeySetConfig{})
	assert.NoError(t, err)
	defer set.Close()
	tests := map[string]struct {
		config Config
		fine   bool
	}{
		"nothing":               {Config{}, false},
		"a key":                 {Config{Keys: []Key{bare}}, true},
		"a set":                 {Config{KeySet: set}, true},
		"both":                  {Config{Keys: []Key{key}, KeySet: set}, true},
		"same id":               {Config{Keys: []Key{key, key}}, false},
		"no id of two":          {Config{Keys: []Key{bare, other}}, false},
		"no id beside a set":    {Config{Keys: []Key{bare}, KeySet: set}, false},
		"leeway":                {Config{Keys: []Key{key}, Leeway: MaxLeeway}, true},
		"too much leeway":       {Config{Keys: []Key{key}, Leeway: MaxLeeway + 1}, false},
		"negative leeway":       {Config{Keys: []Key{key}, Leeway: -1}, false},
		"negative size":         {Config{Keys: []Key{key}, MaxSize: -1}, false},
		"empty audience":        {Config{Keys: []Key{key}, Audience: []string{""}}, false},
		"audience and any":      {Config{Keys: []Key{key}, Audience: []string{"a"}, AnyAudience: true}, false},
		"realm":                 {Config{Keys: []Key{key}, Realm: "a\nb"}, false},
		"required without name": {Config{Keys: []Key{key}, Required: []string{""}}, false},
	}
	for name, tt := range tests {
		if _, err := New(tt.config); (err == nil) != tt.fine {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

func TestKeyPrintsWithoutItsSecret(t *testing.T) {
	t.Parallel()
	k := Key{"a", HS256, []byte("hidden-hidden-hidden-hidden-hidden")}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, struct{ K Key }{k}); strings.Contains(text, "hidden") || strings.Contains(text, "104") {
			t.Errorf("%s shows the secret: %s", format, text)
		}
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	keys := testKeys()
	for _, bad := range []struct {
		key    Key
		claims any
	}{
		{Key{"", RS256, &keys[RS256].(*rsa.PrivateKey).PublicKey}, claims(nil)},
		{Key{"", EdDSA, keys[EdDSA].(ed25519.PrivateKey).Public()}, claims(nil)},
		{Key{"", "none", nil}, claims(nil)},
		{testKey(HS256), "text"},
		{testKey(HS256), nil},
		{testKey(HS256), func() {}},
	} {
		if token, err := Sign(bad.key, bad.claims); err == nil {
			t.Errorf("signed %v with %v: %s", bad.claims, bad.key, token)
		}
	}
	r := Registered{Issuer: "i", Subject: "s", Audience: Audience{"a"}, ExpiresAt: At(now.Add(time.Minute)), NotBefore: At(now), IssuedAt: At(now), ID: "7"}
	text, err := json.Marshal(struct {
		Registered
		Role string `json:"role"`
	}{r, "x"})
	assert.NoError(t, err)
	assert.Equal(t, string(text), `{"iss":"i","sub":"s","aud":"a","exp":1700000060,"nbf":1700000000,"iat":1700000000,"jti":"7","role":"x"}`)
	text, err = json.Marshal(Registered{Audience: Audience{"a", "b"}})
	assert.NoError(t, err)
	assert.Equal(t, string(text), `{"aud":["a","b"]}`)
}
