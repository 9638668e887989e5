package jwt

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// publicJWK returns the JSON Web Key of a private key.
func publicJWK(t testing.TB, id, algorithm string) map[string]any {
	t.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	k := map[string]any{"kid": id, "alg": algorithm, "use": "sig"}
	switch key := privateKey(algorithm).(type) {
	case *rsa.PrivateKey:
		k["kty"], k["n"], k["e"] = "RSA", enc(key.N.Bytes()), enc(big.NewInt(int64(key.E)).Bytes())
	case *ecdsa.PrivateKey:
		point, err := key.PublicKey.Bytes()
		assert.NoError(t, err)
		half := len(point) / 2
		k["kty"], k["crv"], k["x"], k["y"] = "EC", key.Curve.Params().Name, enc(point[1:1+half]), enc(point[1+half:])
	case ed25519.PrivateKey:
		k["kty"], k["crv"], k["x"] = "OKP", "Ed25519", enc(key.Public().(ed25519.PublicKey))
	}
	return k
}

func setOf(t testing.TB, keys ...map[string]any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	assert.NoError(t, err)
	return string(text)
}

// issuer stands in for the server of a key set, and for the clock.
type issuer struct {
	mu     sync.Mutex
	body   string
	status int
	now    time.Time
	hold   chan struct{} // answers wait for it, if not nil
	asked  atomic.Int64
}

func (i *issuer) RoundTrip(req *http.Request) (*http.Response, error) {
	i.asked.Add(1)
	i.mu.Lock()
	body, status, hold := i.body, i.status, i.hold
	i.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if status == 0 {
		return nil, errors.New("no route to host")
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

func (i *issuer) answer(status int, body string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.body = status, body
}

func (i *issuer) clock() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.now
}

func (i *issuer) pass(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.now = i.now.Add(d)
}

// setup returns a verifier of a set that the issuer serves.
func setup(t *testing.T, edit func(*KeySetConfig)) (*issuer, *KeySet, *Verifier) {
	t.Helper()
	i := &issuer{now: now, status: 200, body: setOf(t, publicJWK(t, "one", ES256))}
	config := KeySetConfig{Client: &http.Client{Transport: i}, Clock: i.clock}
	if edit != nil {
		edit(&config)
	}
	set, err := NewKeySet("https://id.example/keys", config)
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, set.Close()) })
	v, err := New(Config{KeySet: set, Clock: clock})
	assert.NoError(t, err)
	return i, set, v
}

func by(t testing.TB, id, algorithm string) string {
	t.Helper()
	return sign(t, Key{id, algorithm, privateKey(algorithm)}, claims(nil))
}

// settled waits until no fetch is under way.
func settled(t *testing.T, s *KeySet) {
	t.Helper()
	s.mu.Lock()
	f := s.flight
	s.mu.Unlock()
	if f != nil {
		<-f.done
	}
}

func TestCA12OneFetchForAll(t *testing.T) {
	t.Parallel()
	i, _, v := setup(t, nil)
	i.hold = make(chan struct{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := v.Verify(t.Context(), by(t, "one", ES256), nil); err != nil {
				t.Error(err)
			}
		})
	}
	assert.Eventually(t, 20*time.Second, "somebody asks", func() bool { return i.asked.Load() > 0 })
	close(i.hold)
	wg.Wait()
	assert.Equal(t, i.asked.Load(), int64(1))
}

func TestCA12UnknownKidsRefreshOnce(t *testing.T) {
	t.Parallel()
	i, _, v := setup(t, nil)
	_, err := v.Verify(t.Context(), by(t, "one", ES256), nil)
	assert.NoError(t, err)
	unknown := func(n int) {
		var wg sync.WaitGroup
		for w := range 10 {
			wg.Go(func() {
				for k := range n / 10 {
					token := forge(t, testKey(HS256), map[string]any{"alg": HS256, "kid": fmt.Sprintf("k%d-%d", w, k)}, `{"exp":1700000060}`)
					if _, err := v.Verify(t.Context(), token, nil); !errors.Is(err, ErrInvalid) {
						t.Errorf("got %v", err)
					}
				}
			})
		}
		wg.Wait()
	}
	unknown(1000)
	assert.Equal(t, i.asked.Load(), int64(1), "within the least interval")
	i.pass(DefaultMinInterval)
	unknown(1000)
	assert.Equal(t, i.asked.Load(), int64(2), "after it")
}

func TestCA12Rotation(t *testing.T) {
	t.Parallel()
	i, set, v := setup(t, nil)
	check := func(id, algorithm string) error {
		_, err := v.Verify(t.Context(), by(t, id, algorithm), nil)
		return err
	}
	assert.NoError(t, check("one", ES256))
	i.answer(200, setOf(t, publicJWK(t, "one", ES256), publicJWK(t, "two", EdDSA)))
	assert.ErrorIs(t, check("two", EdDSA), ErrInvalid, "not before the least interval")
	i.pass(DefaultMinInterval)
	assert.NoError(t, check("two", EdDSA))
	assert.NoError(t, check("one", ES256))

	// The old key is gone from the set: it counts until the keys are old, and is then
	// fetched beside the request.
	i.answer(200, setOf(t, publicJWK(t, "two", EdDSA)))
	i.pass(DefaultRefresh - time.Second)
	assert.NoError(t, check("one", ES256))
	settled(t, set)
	i.pass(time.Second)
	assert.NoError(t, check("one", ES256))
	settled(t, set)
	assert.ErrorIs(t, check("one", ES256), ErrInvalid)
	assert.NoError(t, check("two", EdDSA))
	assert.Equal(t, i.asked.Load(), int64(3))
}

func TestCA12EndpointIsDown(t *testing.T) {
	t.Parallel()
	var failures atomic.Int64
	i, set, v := setup(t, func(c *KeySetConfig) { c.OnError = func(error) { failures.Add(1) } })
	check := func() error {
		_, err := v.Verify(t.Context(), by(t, "one", ES256), nil)
		settled(t, set)
		return err
	}
	good := i.body
	for n, bad := range []struct {
		status int
		body   string
	}{{0, ""}, {500, good}, {302, good}, {200, ""}, {200, "<html>"}, {200, `{"keys":[]}`}, {200, `{"keys":{}}`}, {200, `{"keys":[{"kty":"oct","kid":"one","k":"AAAA"}]}`},
		{200, good + strings.Repeat(" ", DefaultMaxResponse)}} {
		i.answer(bad.status, bad.body)
		err := check()
		if !errors.Is(err, ErrNoKeys) || errors.Is(err, ErrInvalid) {
			t.Errorf("%d %.20q: got %v, want that there are no keys", bad.status, bad.body, err)
		}
		assert.ErrorIs(t, check(), ErrNoKeys)
		assert.Equal(t, i.asked.Load(), int64(n+1))
		i.pass(DefaultMinInterval)
	}
	assert.Equal(t, failures.Load(), i.asked.Load())
	i.answer(200, good)
	assert.NoError(t, check())
	i.answer(0, "")
	for range 20 {
		i.pass(DefaultKeepFor/20 - time.Second)
		assert.NoError(t, check(), "old keys are kept")
	}
	i.pass(21 * time.Second)
	assert.ErrorIs(t, check(), ErrNoKeys)
	i.answer(200, good)
	i.pass(DefaultMinInterval)
	assert.NoError(t, check())
}

func TestCA12SlowEndpointDelaysNobodyWithAKey(t *testing.T) {
	t.Parallel()
	i, set, v := setup(t, nil)
	assert.NoError(t, set.Fetch(t.Context()))
	i.mu.Lock()
	i.hold = make(chan struct{})
	i.mu.Unlock()
	i.pass(DefaultRefresh)
	_, err := v.Verify(t.Context(), by(t, "one", ES256), nil)
	assert.NoError(t, err)
	assert.Eventually(t, 20*time.Second, "the refresh is under way", func() bool { return i.asked.Load() == 2 })
	_, err = v.Verify(t.Context(), by(t, "one", ES256), nil)
	assert.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = v.Verify(ctx, by(t, "other", ES256), nil)
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, set.Fetch(ctx), context.Canceled)
	close(i.hold)
	settled(t, set)
}

// A made-up id does not hold a request while there are keys for the others.
func TestCA12SlowEndpointHoldsNobodyForLong(t *testing.T) {
	t.Parallel()
	i, set, v := setup(t, func(c *KeySetConfig) { c.FetchTimeout = time.Hour })
	set.wait = time.Millisecond
	assert.NoError(t, set.Fetch(t.Context()))
	i.mu.Lock()
	i.hold = make(chan struct{})
	i.mu.Unlock()
	i.pass(DefaultMinInterval)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 2 {
		_, err := v.Verify(ctx, by(t, "other", ES256), nil)
		assert.ErrorIs(t, err, ErrInvalid)
	}
	assert.NoError(t, ctx.Err())
	close(i.hold)
	settled(t, set)
	assert.Equal(t, i.asked.Load(), int64(2))
}

func TestKeySetTimeoutAndClose(t *testing.T) {
	t.Parallel()
	i, set, _ := setup(t, func(c *KeySetConfig) { c.FetchTimeout = 10 * time.Millisecond })
	i.hold = make(chan struct{})
	assert.ErrorIs(t, set.Fetch(t.Context()), context.DeadlineExceeded)

	j, slow, v := setup(t, nil)
	j.hold = make(chan struct{})
	fetched := make(chan error, 1)
	go func() { fetched <- slow.Fetch(context.Background()) }()
	assert.Eventually(t, 20*time.Second, "the fetch is under way", func() bool { return j.asked.Load() == 1 })
	assert.NoError(t, slow.Close())
	assert.ErrorIs(t, <-fetched, context.Canceled)
	_, err := v.Verify(t.Context(), by(t, "one", ES256), nil)
	assert.ErrorIs(t, err, ErrNoKeys)
	assert.Equal(t, j.asked.Load(), int64(1), "a closed set asks nobody")
}

// Verifications go on while the set is replaced over and over; no key of both sets is lost.
func TestCA12KeySetIsConcurrent(t *testing.T) {
	t.Parallel()
	i, set, v := setup(t, nil)
	assert.NoError(t, set.Fetch(t.Context()))
	stop := make(chan struct{})
	token := by(t, "one", ES256)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if _, err := v.Verify(t.Context(), token, nil); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for n := range 50 {
		i.answer(200, setOf(t, publicJWK(t, "one", ES256), publicJWK(t, fmt.Sprintf("k%d", n), EdDSA)))
		i.pass(time.Minute)
		assert.NoError(t, set.Fetch(t.Context()))
	}
	close(stop)
	wg.Wait()
}

func TestCA12ClockSetBack(t *testing.T) {
	t.Parallel()
	i, set, v := setup(t, nil)
	assert.NoError(t, set.Fetch(t.Context()))
	i.answer(200, setOf(t, publicJWK(t, "two", EdDSA)))
	i.pass(-24 * time.Hour)
	_, err := v.Verify(t.Context(), by(t, "two", EdDSA), nil)
	assert.NoError(t, err)
}

func TestKeySetOfAllTypes(t *testing.T) {
	t.Parallel()
	i, _, v := setup(t, nil)
	var keys []map[string]any
	algorithms := []string{RS256, RS512, PS384, ES256, ES384, ES512, EdDSA}
	for _, algorithm := range algorithms {
		keys = append(keys, publicJWK(t, algorithm, algorithm))
	}
	bare := func(id, algorithm string, over map[string]any) {
		k := publicJWK(t, id, algorithm)
		delete(k, "alg")
		delete(k, "use")
		for name, value := range over {
			k[name] = value
		}
		keys = append(keys, k)
	}
	bare("bare-rsa", RS256, map[string]any{"unknown": []int{1}})
	bare("bare-ec", ES384, map[string]any{"key_ops": []string{"verify"}})
	bare("enc", ES256, map[string]any{"use": "enc"})
	bare("sign", ES256, map[string]any{"key_ops": []string{"sign"}})
	bare("no-ops", ES256, map[string]any{"key_ops": []string{}})
	bare("mixed", RS256, map[string]any{"alg": HS256})
	bare("mixed-ec", ES256, map[string]any{"alg": ES384})
	bare("none", ES256, map[string]any{"alg": "none"})
	bare("curve", ES256, map[string]any{"crv": "secp256k1"})
	bare("off-curve", ES256, map[string]any{"x": publicJWK(t, "", ES256)["y"]})
	bare("short", ES256, map[string]any{"x": "AAAA"})
	bare("exponent", RS256, map[string]any{"e": "AQ"})
	bare("big-exponent", RS256, map[string]any{"e": "AQAAAAAB"})
	bare("small", RS256, map[string]any{"n": "AQAB"})
	bare("okp", EdDSA, map[string]any{"crv": "X25519"})
	bare("okp-short", EdDSA, map[string]any{"x": "AAAA"})
	bare("kty", ES256, map[string]any{"kty": 7})
	i.answer(200, setOf(t, keys...))
	fine := map[string]string{"bare-rsa": RS256, "bare-ec": ES384}
	for _, algorithm := range algorithms {
		fine[algorithm] = algorithm
	}
	for id, algorithm := range fine {
		_, err := v.Verify(t.Context(), by(t, id, algorithm), nil)
		assert.NoError(t, err, id)
	}
	for _, id := range []string{"enc", "sign", "no-ops", "mixed", "mixed-ec", "none", "curve", "off-curve", "short", "exponent", "big-exponent", "small", "okp", "okp-short", "kty"} {
		for _, algorithm := range []string{RS256, ES256, EdDSA} {
			_, err := v.Verify(t.Context(), by(t, id, algorithm), nil)
			assert.ErrorIs(t, err, errUnknownKey, id)
		}
	}
	_, err := v.Verify(t.Context(), by(t, "bare-rsa", RS512), nil)
	assert.ErrorIs(t, err, ErrInvalid, "RSA without alg is for RS256")
}

func TestKeySetWithoutKid(t *testing.T) {
	t.Parallel()
	i, set, v := setup(t, nil)
	none := sign(t, Key{"", ES256, privateKey(ES256)}, claims(nil))
	_, err := v.Verify(t.Context(), none, nil)
	assert.NoError(t, err)
	i.answer(200, setOf(t, publicJWK(t, "one", ES256), publicJWK(t, "two", EdDSA)))
	assert.NoError(t, set.Fetch(t.Context()))
	_, err = v.Verify(t.Context(), none, nil)
	assert.ErrorIs(t, err, ErrInvalid)

	both, err := New(Config{KeySet: set, Keys: []Key{testKey(HS256)}, Clock: clock})
	assert.NoError(t, err)
	_, err = both.Verify(t.Context(), none, nil)
	assert.ErrorIs(t, err, ErrInvalid)
	for id, algorithm := range map[string]string{"one": ES256, "HS256-1": HS256} {
		_, err = both.Verify(t.Context(), by(t, id, algorithm), nil)
		assert.NoError(t, err)
	}
}

func TestKeySetAlgorithms(t *testing.T) {
	t.Parallel()
	i, _, v := setup(t, func(c *KeySetConfig) { c.Algorithms = []string{EdDSA} })
	i.answer(200, setOf(t, publicJWK(t, "one", ES256), publicJWK(t, "two", EdDSA)))
	_, err := v.Verify(t.Context(), by(t, "two", EdDSA), nil)
	assert.NoError(t, err)
	_, err = v.Verify(t.Context(), by(t, "one", ES256), nil)
	assert.ErrorIs(t, err, ErrInvalid)
}

func TestKeySetIsChecked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url    string
		config KeySetConfig
		fine   bool
	}{
		{"https://id.example/keys", KeySetConfig{}, true},
		{"http://id.example/keys", KeySetConfig{}, false},
		{"http://127.0.0.1/keys", KeySetConfig{AllowHTTP: true}, true},
		{"file:///etc/passwd", KeySetConfig{AllowHTTP: true}, false},
		{"https:///keys", KeySetConfig{}, false},
		{"", KeySetConfig{}, false},
		{"https://%zz", KeySetConfig{}, false},
		{"https://id.example", KeySetConfig{Algorithms: []string{HS256}}, false},
		{"https://id.example", KeySetConfig{Algorithms: []string{"none"}}, false},
		{"https://id.example", KeySetConfig{MinInterval: -1}, false},
	}
	for _, tt := range tests {
		set, err := NewKeySet(tt.url, tt.config)
		if (err == nil) != tt.fine {
			t.Errorf("%s: got error %v", tt.url, err)
		}
		if set != nil {
			assert.NoError(t, set.Close())
		}
	}
}

// Over a socket: TLS is followed to TLS, and not out of it.
func TestKeySetRedirections(t *testing.T) {
	t.Parallel()
	body := setOf(t, publicJWK(t, "one", ES256))
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	defer plain.Close()
	mux := http.NewServeMux()
	secure := httptest.NewUnstartedServer(mux)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	mux.Handle("/moved", http.RedirectHandler("/keys", http.StatusFound))
	mux.Handle("/out", http.RedirectHandler(plain.URL, http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	for path, fine := range map[string]bool{"/keys": true, "/moved": true, "/out": false, "/loop": false, "/gone": false} {
		set, err := NewKeySet(secure.URL+path, KeySetConfig{Client: secure.Client()})
		assert.NoError(t, err)
		if err := set.Fetch(t.Context()); (err == nil) != fine {
			t.Errorf("%s: got error %v", path, err)
		}
		assert.NoError(t, set.Close())
	}
	set, err := NewKeySet(plain.URL, KeySetConfig{AllowHTTP: true, Client: plain.Client()})
	assert.NoError(t, err)
	assert.NoError(t, set.Fetch(t.Context()))
	assert.NoError(t, set.Close())
	stranger, err := NewKeySet(secure.URL+"/keys", KeySetConfig{})
	assert.NoError(t, err)
	assert.ErrorIs(t, stranger.Fetch(t.Context()), ErrNoKeys, "its certificate is of no known authority")
	assert.NoError(t, stranger.Close())
}

func FuzzKeySet(f *testing.F) {
	f.Add(setOf(f, publicJWK(f, "one", ES256), publicJWK(f, "three", EdDSA)))
	f.Add(`{"keys":[{"kty":"RSA","kid":"two","alg":"PS256","n":"` + strings.Repeat("_", 342) + `","e":"AQAB"}]}`)
	f.Add(`{"keys":[{"kty":"EC","crv":"P-521","x":"","y":""},{"kty":"RSA","n":"","e":""},{"kty":"OKP"},null,7]}`)
	f.Fuzz(func(t *testing.T, body string) {
		keys, err := parseSet([]byte(body), nil)
		if (err == nil) != (len(keys) > 0) || len(keys) > maxSetKeys {
			t.Errorf("%d keys, error %v", len(keys), err)
		}
		for _, key := range keys {
			if key.verify("a.b", []byte("c")) == nil {
				t.Errorf("%s verifies anything", key.algorithm)
			}
		}
	})
}
