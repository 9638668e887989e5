package jwt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"

	gojwt "github.com/golang-jwt/jwt/v5"
)

// The algorithms that are known (RFC 7518, section 3.1; RFC 8037). "none" is not.
const (
	HS256 = "HS256"
	HS384 = "HS384"
	HS512 = "HS512"
	RS256 = "RS256"
	RS384 = "RS384"
	RS512 = "RS512"
	PS256 = "PS256"
	PS384 = "PS384"
	PS512 = "PS512"
	ES256 = "ES256"
	ES384 = "ES384"
	ES512 = "ES512"
	EdDSA = "EdDSA"
)

// Key is a key with the one algorithm it is for. It prints as its ID and algorithm
// alone.
type Key struct {
	// ID is the kid of tokens of this key; "" if they have none.
	ID string
	// Algorithm is one of the constants of this package.
	Algorithm string
	// Key is, by algorithm:
	//   - HS: a []byte, as long as the hash at least (32, 48, 64 bytes),
	//   - RS and PS: an *rsa.PublicKey or *rsa.PrivateKey of 2048 to 16384 bits,
	//   - ES: an *ecdsa.PublicKey or *ecdsa.PrivateKey on its curve,
	//   - EdDSA: an ed25519.PublicKey or ed25519.PrivateKey.
	//
	// To verify, the public half of a private key is taken.
	Key any `json:"-"`
}

// String returns ID and algorithm.
func (k Key) String() string { return fmt.Sprintf("%s key %q", k.Algorithm, k.ID) }

// GoString returns ID and algorithm.
func (k Key) GoString() string { return k.String() }

// LogValue returns ID and algorithm.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// verifyKey is a Key that was checked: it verifies with one algorithm.
type verifyKey struct {
	algorithm string
	method    gojwt.SigningMethod
	key       any
}

func (k *verifyKey) verify(signed string, signature []byte) error {
	return k.method.Verify(signed, signature, k.key)
}

// methodOf returns the method of an algorithm. It does not ask the registry of the
// library, which others may add to.
func methodOf(algorithm string) (gojwt.SigningMethod, error) {
	switch algorithm {
	case HS256:
		return gojwt.SigningMethodHS256, nil
	case HS384:
		return gojwt.SigningMethodHS384, nil
	case HS512:
		return gojwt.SigningMethodHS512, nil
	case RS256:
		return gojwt.SigningMethodRS256, nil
	case RS384:
		return gojwt.SigningMethodRS384, nil
	case RS512:
		return gojwt.SigningMethodRS512, nil
	case PS256:
		return gojwt.SigningMethodPS256, nil
	case PS384:
		return gojwt.SigningMethodPS384, nil
	case PS512:
		return gojwt.SigningMethodPS512, nil
	case ES256:
		return gojwt.SigningMethodES256, nil
	case ES384:
		return gojwt.SigningMethodES384, nil
	case ES512:
		return gojwt.SigningMethodES512, nil
	case EdDSA:
		return gojwt.SigningMethodEdDSA, nil
	}
	return nil, fmt.Errorf("jwt: unknown algorithm %q", algorithm)
}

// newVerifyKey checks that the key is one for its algorithm.
func newVerifyKey(k Key) (*verifyKey, error) {
	method, err := methodOf(k.Algorithm)
	if err != nil {
		return nil, err
	}
	key := k.Key
	switch private := key.(type) {
	case *rsa.PrivateKey:
		if private != nil {
			key = &private.PublicKey
		}
	case *ecdsa.PrivateKey:
		if private != nil {
			key = &private.PublicKey
		}
	case ed25519.PrivateKey:
		if len(private) == ed25519.PrivateKeySize {
			key = private.Public()
		}
	}
	if err := checkKey(method, key); err != nil {
		return nil, fmt.Errorf("jwt: %v: %w", k, err)
	}
	if secret, ok := key.([]byte); ok {
		key = bytes.Clone(secret)
	}
	return &verifyKey{k.Algorithm, method, key}, nil
}

var errKeyType = errors.New("the key has the wrong type for the algorithm")

func checkKey(method gojwt.SigningMethod, key any) error {
	switch m := method.(type) {
	case *gojwt.SigningMethodHMAC:
		secret, ok := key.([]byte)
		if !ok {
			return errKeyType
		}
		return checkSecret(secret, m.Hash)
	case *gojwt.SigningMethodRSA, *gojwt.SigningMethodRSAPSS:
		public, ok := key.(*rsa.PublicKey)
		if !ok || public == nil || public.N == nil {
			return errKeyType
		}
		return checkRSA(public)
	case *gojwt.SigningMethodECDSA:
		public, ok := key.(*ecdsa.PublicKey)
		if !ok || public == nil || public.Curve == nil {
			return errKeyType
		}
		if public.Curve.Params().BitSize != m.CurveBits {
			return fmt.Errorf("the key is on a curve of %d bits, not %d", public.Curve.Params().BitSize, m.CurveBits)
		}
		if _, err := public.Bytes(); err != nil {
			return err
		}
		return nil
	case *gojwt.SigningMethodEd25519:
		if public, ok := key.(ed25519.PublicKey); !ok || len(public) != ed25519.PublicKeySize {
			return errKeyType
		}
		return nil
	}
	return errKeyType
}

// checkSecret wants as many bytes as the hash has (RFC 7518, section 3.2).
func checkSecret(secret []byte, hash crypto.Hash) error {
	if len(secret) < hash.Size() {
		return fmt.Errorf("the secret has %d bytes, fewer than %d", len(secret), hash.Size())
	}
	if bytes.Count(secret, secret[:1]) == len(secret) {
		return errors.New("the secret is one byte over and over")
	}
	return nil
}

// checkRSA bounds the size from below for safety (RFC 7518, section 3.3) and from above
// for the time that a verification takes.
func checkRSA(public *rsa.PublicKey) error {
	if bits := public.N.BitLen(); bits < 2048 || bits > 16384 {
		return fmt.Errorf("the key has %d bits, not 2048 to 16384", bits)
	}
	if public.E < 3 || public.E%2 == 0 || public.E > 1<<31-1 {
		return errors.New("the key has an invalid exponent")
	}
	return nil
}
