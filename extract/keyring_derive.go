package extract

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// Purpose is what a key is derived for. Keys of different purposes tell nothing of
// each other.
type Purpose string

// The purposes that are known. Cookies use the first two.
const (
	PurposeSigning    Purpose = "signing"
	PurposeEncryption Purpose = "encryption"
	PurposeCSRF       Purpose = "csrf"
	PurposeSession    Purpose = "session"
)

// CustomPurpose returns a purpose of the program's own, which is none of the known
// ones whatever its name is.
func CustomPurpose(name string) Purpose { return Purpose("custom/" + name) }

// maxDerived is the longest key of HKDF-SHA256 (RFC 5869, section 2.3).
const maxDerived = 255 * sha256.Size

// Derive returns a key of n bytes, up to 8160, for a purpose: HKDF-SHA256 (RFC 5869)
// of the secret of the active key. id is that of the active key, to be kept beside
// what is made with the result, for [KeyRing.DeriveOf].
func (r *KeyRing) Derive(purpose Purpose, n int) (id string, key []byte, err error) {
	k, err := r.active()
	if err != nil {
		return "", nil, err
	}
	key, err = k.derive(purpose, n)
	return k.id, key, err
}

// DeriveOf is Derive for the key with this id, active or not. The error of a key that
// is not there, or was revoked, matches [ErrUnknownKey]. A result that is kept
// outlives a revocation.
func (r *KeyRing) DeriveOf(id string, purpose Purpose, n int) ([]byte, error) {
	k := r.find(id)
	if k == nil {
		return nil, fmt.Errorf("derive from %q: %w", id, ErrUnknownKey)
	}
	return k.derive(purpose, n)
}

func (k *ringKey) derive(purpose Purpose, n int) ([]byte, error) {
	if purpose == "" || n < 16 || n > maxDerived {
		return nil, fmt.Errorf("extract: cannot derive %d bytes for purpose %q", n, purpose)
	}
	return expand(k.secret, nil, "tako/extract/v1/"+string(purpose), n)
}

// expand is HKDF-SHA256, extract and expand.
func expand(secret, salt []byte, info string, n int) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, salt, info, n)
}
