package extract

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// secret returns 32 bytes that differ for each seed.
func secret(seed byte) []byte {
	b := make([]byte, MinSecret)
	for i := range b {
		b[i] = seed + byte(i)
	}
	return b
}

func newRing(t testing.TB, ids ...string) *KeyRing {
	t.Helper()
	var keys []Key
	for i, id := range ids {
		keys = append(keys, Key{ID: id, Secret: secret(byte(i*40 + 1))})
	}
	ring, err := NewKeyRing(keys...)
	assert.NoError(t, err)
	return ring
}

// RFC 5869, appendix A, the cases with SHA-256.
func TestCA07VectorsOfHKDF(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, secret, salt, info, want string }{
		{"A.1", strings.Repeat("0b", 22), "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
			"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
		{"A.2", hexRange(0x00, 0x4f), hexRange(0x60, 0xaf), hexRange(0xb0, 0xff),
			"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09" +
				"da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
		{"A.3", strings.Repeat("0b", 22), "", "",
			"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
	}
	for _, tt := range tests {
		got, err := expand(unhex(t, tt.secret), unhex(t, tt.salt), string(unhex(t, tt.info)), len(tt.want)/2)
		assert.NoError(t, err, tt.name)
		assert.Equal(t, hex.EncodeToString(got), tt.want, tt.name)
	}
}

func hexRange(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "%02x", i)
	}
	return b.String()
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	assert.NoError(t, err)
	return b
}

func TestCA07KeysAreChecked(t *testing.T) {
	t.Parallel()
	good := Key{"a", secret(1)}
	tests := []struct {
		name string
		keys []Key
		want string // "" is fine
	}{
		{"none", nil, "needs a key"},
		{"one", []Key{good}, ""},
		{"two", []Key{good, {"b", secret(2)}}, ""},
		{"same id", []Key{good, {"a", secret(2)}}, `two keys with id "a"`},
		{"short", []Key{{"a", secret(1)[:31]}}, "31 bytes, fewer than 32"},
		{"short previous", []Key{good, {"b", nil}}, "0 bytes"},
		{"zeros", []Key{{"a", make([]byte, 64)}}, "one byte over and over"},
		{"no id", []Key{{"", secret(1)}}, `id ""`},
		{"dot", []Key{{"a.b", secret(1)}}, `id "a.b"`},
		{"long id", []Key{{strings.Repeat("a", 33), secret(1)}}, "id"},
	}
	for _, tt := range tests {
		_, err := NewKeyRing(tt.keys...)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestCA07PurposesAreApart(t *testing.T) {
	t.Parallel()
	ring := newRing(t, "new", "old")
	seen := map[string]string{}
	for _, p := range []Purpose{PurposeSigning, PurposeEncryption, PurposeCSRF, PurposeSession, CustomPurpose("signing"), CustomPurpose("x")} {
		id, key, err := ring.Derive(p, 64)
		assert.NoError(t, err)
		assert.Equal(t, id, "new")
		again, err := ring.DeriveOf("new", p, 64)
		assert.NoError(t, err)
		assert.Equal(t, again, key, p)
		old, err := ring.DeriveOf("old", p, 64)
		assert.NoError(t, err)
		for from, k := range map[string][]byte{"new ": key, "old ": old} {
			if other := seen[string(k)]; other != "" {
				t.Errorf("%s%s has the key of %s", from, p, other)
			}
			seen[string(k)] = from + string(p)
		}
	}
	_, short, err := ring.Derive(PurposeCSRF, 16)
	assert.NoError(t, err)
	_, long, err := ring.Derive(PurposeCSRF, 32)
	assert.NoError(t, err)
	assert.Equal(t, bytes.HasPrefix(long, short), true, "HKDF of one info is one stream")
	for _, n := range []int{-1, 0, 15, 255*32 + 1} {
		if _, _, err := ring.Derive(PurposeCSRF, n); err == nil {
			t.Errorf("derived %d bytes", n)
		}
	}
	if _, _, err := ring.Derive("", 32); err == nil {
		t.Error("derived for no purpose")
	}
}

func TestCA07RotateAndRevoke(t *testing.T) {
	t.Parallel()
	ring := newRing(t, "b", "a")
	assert.Equal(t, ring.Active(), "b")
	assert.NoError(t, ring.Rotate(Key{"c", secret(200)}))
	assert.Equal(t, ring.Active(), "c")
	if ring.find("a") == nil || ring.find("b") == nil {
		t.Error("rotation lost a key")
	}
	for _, bad := range []Key{{"c", secret(3)}, {"a", secret(3)}, {"d", nil}} {
		if ring.Rotate(bad) == nil {
			t.Errorf("rotated to %v", bad)
		}
	}
	assert.NoError(t, ring.Revoke("a"))
	assert.Equal(t, ring.find("a") == nil, true)
	assert.ErrorIs(t, ring.Revoke("a"), ErrUnknownKey)
	if ring.Rotate(Key{"a", secret(9)}) == nil {
		t.Error("a revoked id came back")
	}
	assert.NoError(t, ring.Revoke("c"))
	assert.Equal(t, ring.Active(), "")
	_, _, err := ring.Derive(PurposeSession, 32)
	assert.ErrorIs(t, err, ErrNoActiveKey)
	_, err = ring.DeriveOf("c", PurposeSession, 32)
	assert.ErrorIs(t, err, ErrUnknownKey)
	assert.NoError(t, ring.Rotate(Key{"d", secret(77)}))
	assert.Equal(t, ring.Active(), "d")
}

// A ring without keys is of no use, and harms nobody.
func TestCA07ZeroRing(t *testing.T) {
	t.Parallel()
	ring := new(KeyRing)
	r := tako.New()
	tako.Supply(r, ring)
	r.Get("/", func(c *tako.Context) error {
		jar, err := tako.Extract[SignedCookies](c)
		assert.NoError(t, err)
		_, ok := jar.Get("a")
		assert.Equal(t, ok, false)
		assert.ErrorIs(t, jar.Set(Cookie{Name: "a"}), ErrNoActiveKey)
		return c.Text(200, "")
	})
	takotest.New(t, r).Get("/", takotest.Header("Cookie", "a=k.AAAA")).Expect(200)
	assert.Equal(t, ring.Active(), "")
	assert.ErrorIs(t, ring.Revoke("k"), ErrUnknownKey)
	_, err := ring.DeriveOf("k", PurposeCSRF, 32)
	assert.ErrorIs(t, err, ErrUnknownKey)
	assert.NoError(t, ring.Rotate(Key{"k", []byte("0123456789abcdef0123456789abcdef")}))
	assert.Equal(t, ring.Active(), "k")
}

func TestKeyRingOwnsItsSecrets(t *testing.T) {
	t.Parallel()
	mine := secret(1)
	ring, err := NewKeyRing(Key{"a", mine})
	assert.NoError(t, err)
	_, before, err := ring.Derive(PurposeCSRF, 32)
	assert.NoError(t, err)
	clear(mine)
	_, after, err := ring.Derive(PurposeCSRF, 32)
	assert.NoError(t, err)
	assert.Equal(t, after, before)
}

func TestKeyPrintsWithoutItsSecret(t *testing.T) {
	t.Parallel()
	k := Key{"a", []byte("hidden-hidden-hidden-hidden-hidden")}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, v := range []any{k, &k, struct{ K Key }{k}} {
			if text := fmt.Sprintf(format, v); strings.Contains(text, "hidden") || strings.Contains(text, "104") {
				t.Errorf("%s shows the secret: %s", format, text)
			}
		}
	}
}

// Readers see either ring while it changes, and no key that was revoked before they began.
func TestCA07KeyRingIsConcurrent(t *testing.T) {
	t.Parallel()
	ring := newRing(t, "k0")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				text, err := encodeSealed(signer{}, ring, "n", sealedValue{"v", 1 << 60})
				if err != nil {
					t.Error(err)
					return
				}
				id, _, _ := strings.Cut(text, ".")
				if k := ring.find(id); k != nil && k.id != id {
					t.Errorf("key %q is found as %q", k.id, id)
				}
			}
		})
	}
	for i := 1; i < 60; i++ {
		assert.NoError(t, ring.Rotate(Key{fmt.Sprintf("k%d", i), secret(byte(i + 100))}))
		assert.NoError(t, ring.Revoke(fmt.Sprintf("k%d", i-1)))
		assert.Equal(t, ring.find(fmt.Sprintf("k%d", i-1)) == nil, true)
	}
	close(stop)
	wg.Wait()

	var adders sync.WaitGroup
	for i := range 20 {
		adders.Go(func() {
			if err := ring.Rotate(Key{fmt.Sprintf("x%d", i), secret(byte(i))}); err != nil {
				t.Error(err)
			}
		})
	}
	adders.Wait()
	for i := range 20 {
		assert.Equal(t, ring.find(fmt.Sprintf("x%d", i)) != nil, true, i)
	}
}

func TestCA07RingIsNeededAtBuild(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]func(r *tako.Router){
		"signed":  func(r *tako.Router) { tako.Get(r, "/", textOf[SignedCookies]) },
		"private": func(r *tako.Router) { tako.Get(r, "/", textOf[PrivateCookies]) },
	} {
		r := tako.New()
		add(r)
		err := r.Build()
		if err == nil || !strings.Contains(err.Error(), "KeyRing") {
			t.Errorf("%s: got %v, want a mistake that names the ring", name, err)
		}
		with := tako.New()
		tako.Supply(with, newRing(t, "a"))
		add(with)
		assert.NoError(t, with.Build(), name)
	}
}
