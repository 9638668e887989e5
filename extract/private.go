package extract

import (
	"crypto/aes"
	"crypto/cipher"

	"github.com/tako-go/tako"
)

// PrivateCookies is a jar whose cookies the client can neither read nor change: they are
// encrypted by AES-256-GCM, with their name as additional data, by a key of the [KeyRing]
// that is supplied to the route. The length of a value can be told. What [CookieJar] and
// [SignedCookies] say of fields, changes and lifetimes is true of it too.
//
// Each value has a random nonce of 96 bits. Rotate the key before 2^32 values were made
// with it, by all servers together, so that no nonce comes twice.
type PrivateCookies struct{ sealedJar }

// NewPrivateCookies returns an empty jar that belongs to no request, for the input of a
// typed call.
func NewPrivateCookies(ring *KeyRing) PrivateCookies {
	return PrivateCookies{sealedJar{jar{cookies: new(requestCookies)}, ring, encrypter{}}}
}

// Extract reads the cookies; 431 for more than [MaxCookies], and 500 where no [KeyRing] is
// supplied.
func (j *PrivateCookies) Extract(c *tako.Context) error {
	j.seal = encrypter{}
	return j.read(c)
}

// Describe records the failure, and that a [KeyRing] is needed.
func (j *PrivateCookies) Describe(op *tako.Operation, _ string) { describeSealed(op) }

// encrypter puts the nonce before the ciphertext and the tag behind it.
type encrypter struct{}

func (encrypter) seal(k *ringKey, name string, plain []byte) []byte {
	return k.sealing.Seal(nil, nil, plain, []byte(name))
}

func (encrypter) open(k *ringKey, name string, sealed []byte) ([]byte, bool) {
	plain, err := k.sealing.Open(nil, nil, sealed, []byte(name))
	return plain, err == nil
}

// newSealing returns the cipher of a key, which makes its nonces itself.
func newSealing(k *ringKey) (cipher.AEAD, error) {
	key, err := k.derive(PurposeEncryption, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
