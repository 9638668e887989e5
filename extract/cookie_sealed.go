package extract

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// SessionLifetime is how long the value of a signed or encrypted cookie without a MaxAge
// counts.
const SessionLifetime = 24 * time.Hour

// sealedValue is what a cookie carries beside its tag.
type sealedValue struct {
	value string
	until int64 // Unix seconds: when it stops to count
}

// sealer is one way to protect values. Both methods bind the value to the name.
type sealer interface {
	// seal returns the bytes that follow the id of the key.
	seal(k *ringKey, name string, plain []byte) []byte
	// open returns what seal was given, false for anything that seal did not make.
	open(k *ringKey, name string, sealed []byte) ([]byte, bool)
}

// sealedEncoding refuses all but the one text of given bytes.
var sealedEncoding = base64.RawURLEncoding.Strict()

// encodeSealed returns ID.base64url(sealed(until, value)).
func encodeSealed(s sealer, ring *KeyRing, name string, v sealedValue) (string, error) {
	k, err := ring.active()
	if err != nil {
		return "", err
	}
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(v.value)), uint64(v.until))
	plain = append(plain, v.value...)
	return k.id + "." + sealedEncoding.EncodeToString(s.seal(k, name, plain)), nil
}

// decodeSealed returns the value and the id of its key; false for whatever was not made
// by encodeSealed for this name, with a key of the ring and for a time after now.
func decodeSealed(s sealer, ring *KeyRing, name, text string, now time.Time) (v sealedValue, id string, ok bool) {
	id, body, ok := strings.Cut(text, ".")
	if !ok || len(text) > MaxCookieSize || strings.ContainsAny(body, "\r\n") {
		return v, "", false
	}
	k := ring.find(id)
	if k == nil {
		return v, "", false
	}
	sealed, err := sealedEncoding.DecodeString(body)
	if err != nil {
		return v, "", false
	}
	plain, ok := s.open(k, name, sealed)
	if !ok || len(plain) < 8 {
		return v, "", false
	}
	v.until, v.value = int64(binary.BigEndian.Uint64(plain)), string(plain[8:])
	if now.Unix() >= v.until {
		return sealedValue{}, "", false
	}
	return v, k.id, true
}

// sealedJar is a jar whose values are sealed.
type sealedJar struct {
	jar
	ring *KeyRing
	seal sealer
}

func (j *sealedJar) read(c *tako.Context) error {
	ring, err := tako.Extract[tako.State[*KeyRing]](c)
	if err != nil {
		return err
	}
	if ring.Value == nil {
		return tako.Wrap(http.StatusInternalServerError, errNoRing)
	}
	j.ring = ring.Value
	return j.jar.read(c)
}

var errNoRing = errors.New("extract: the key ring that is supplied is nil")

func describeSealed(op *tako.Operation) {
	op.NeedsSupply(reflect.TypeFor[*KeyRing]())
	describeCookies(op)
}

func (j sealedJar) find(name string) (v sealedValue, key string, ok bool) {
	text, ok := j.cookies.get(name)
	if !ok || j.ring == nil {
		return v, "", false
	}
	return decodeSealed(j.seal, j.ring, name, text, time.Now())
}

// Get returns the value of a cookie, as changed by this request. A cookie that was
// altered, cut, moved to another name, has expired, or was made with a key that the
// ring does not have, is absent.
func (j sealedJar) Get(name string) (string, bool) {
	v, _, ok := j.find(name)
	return v.value, ok
}

// GetWithKey is Get with the id of the key that the cookie was made with.
func (j sealedJar) GetWithKey(name string) (value, key string, ok bool) {
	v, key, ok := j.find(name)
	return v.value, key, ok
}

// Set sets a cookie to any value, which counts for the MaxAge of the cookie, or
// [SessionLifetime] without one, whatever the client makes of it. An error matches
// [ErrCookie] if the cookie cannot be sent, [ErrNoActiveKey] without a key, and
// [tako.ErrHeadSent] once the response has begun.
func (j sealedJar) Set(cookie Cookie) error {
	lifetime := cookie.MaxAge
	if lifetime <= 0 {
		lifetime = SessionLifetime
	}
	return j.put(cookie, expiry(time.Now(), lifetime))
}

func expiry(now time.Time, lifetime time.Duration) int64 {
	at, seconds := now.Unix(), wholeSeconds(lifetime)
	if at > math.MaxInt64-seconds {
		return math.MaxInt64
	}
	return at + seconds
}

func (j sealedJar) put(cookie Cookie, until int64) error {
	if j.ring == nil {
		return errNoJar
	}
	text, err := encodeSealed(j.seal, j.ring, cookie.Name, sealedValue{cookie.Value, until})
	if err != nil {
		return err
	}
	return j.set(cookie, text)
}

// Reissue sets a cookie anew, with the value it has, if it was made with another key
// than the active one, and reports whether it did. Called wherever a cookie is read it
// brings all clients over to a new key before the old one is revoked. The value does not
// count longer than before: a cookie with a MaxAge gets what is left of it.
func (j sealedJar) Reissue(cookie Cookie) (bool, error) {
	v, key, ok := j.find(cookie.Name)
	if !ok || key == j.ring.Active() {
		return false, nil
	}
	if cookie.MaxAge > 0 {
		left := v.until - time.Now().Unix()
		cookie.MaxAge = time.Duration(min(max(left, 1), math.MaxInt64/int64(time.Second))) * time.Second
	}
	cookie.Value = v.value
	err := j.put(cookie, v.until)
	return err == nil, err
}

// Remove has the client forget a cookie that was set with the same Name, Path and
// Domain; value and age do not matter. Its errors are those of Set.
func (j sealedJar) Remove(cookie Cookie) error { return j.remove(cookie) }

// EncodeRequest adds the cookies of the jar to the request.
func (j *sealedJar) EncodeRequest(req *http.Request) error { return j.cookies.encode(req) }
