package extract

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/tako-go/tako"
)

// SignedCookies is a jar whose cookies the client can read but not change: they carry
// an HMAC-SHA256 of their name, their end and their value, by a key of the [KeyRing] that
// is supplied to the route. The value is sent in base64url, so it may be any text. What
// [CookieJar] says of fields, changes and lifetimes is true of it too.
//
// A cookie that the client kept from earlier, and puts in the place of a newer one,
// cannot be told from it while both count.
type SignedCookies struct{ sealedJar }

// NewSignedCookies returns an empty jar that belongs to no request, for the input of a
// typed call.
func NewSignedCookies(ring *KeyRing) SignedCookies {
	return SignedCookies{sealedJar{jar{cookies: new(requestCookies)}, ring, signer{}}}
}

// Extract reads the cookies; 431 for more than [MaxCookies], and 500 where no [KeyRing] is
// supplied.
func (j *SignedCookies) Extract(c *tako.Context) error {
	j.seal = signer{}
	return j.read(c)
}

// Describe records the failure, and that a [KeyRing] is needed.
func (j *SignedCookies) Describe(op *tako.Operation, _ string) { describeSealed(op) }

// signer puts an HMAC before the value.
type signer struct{}

func (signer) seal(k *ringKey, name string, plain []byte) []byte {
	return append(signature(k, name, plain), plain...)
}

func (signer) open(k *ringKey, name string, sealed []byte) ([]byte, bool) {
	if len(sealed) < sha256.Size {
		return nil, false
	}
	tag, plain := sealed[:sha256.Size], sealed[sha256.Size:]
	return plain, hmac.Equal(tag, signature(k, name, plain))
}

// signature begins with the length of the name, so that no byte of it can be taken for
// one of the value.
func signature(k *ringKey, name string, plain []byte) []byte {
	mac := hmac.New(sha256.New, k.signing)
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(name)))
	mac.Write(length[:])
	mac.Write([]byte(name))
	mac.Write(plain)
	return mac.Sum(nil)
}
