package jwt

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
)

// guarded returns a client that does not follow redirections out of TLS.
func guarded(client *http.Client, allowHTTP bool) *http.Client {
	if client == nil {
		client = new(http.Client)
	}
	guarded := *client
	guarded.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if req.URL.Scheme != "https" && !allowHTTP {
			return errors.New("redirection to an address that is not https")
		}
		if client.CheckRedirect != nil {
			return client.CheckRedirect(req, via)
		}
		if len(via) >= 5 {
			return errors.New("too many redirections")
		}
		return nil
	}
	return &guarded
}

// fetch returns the keys of the set that can be used. A set without one is an error, so
// that it does not take the place of one that has some.
func (s *KeySet) fetch(ctx context.Context) (map[string]*verifyKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json;q=0.9, */*;q=0.1")
	resp, err := s.config.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, s.config.MaxResponse+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > s.config.MaxResponse {
		return nil, fmt.Errorf("the set has more than %d bytes", s.config.MaxResponse)
	}
	return parseSet(body, s.config.Algorithms)
}

// jwk is a JSON Web Key (RFC 7517, section 4; RFC 7518, section 6).
type jwk struct {
	Type       string   `json:"kty"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
	Algorithm  string   `json:"alg"`
	ID         string   `json:"kid"`
	Curve      string   `json:"crv"`
	N          string   `json:"n"`
	E          string   `json:"e"`
	X          string   `json:"x"`
	Y          string   `json:"y"`
}

// parseSet leaves out keys that it does not understand (RFC 7517, section 5), that are not
// for signatures, or whose id came before.
func parseSet(body []byte, allowed []string) (map[string]*verifyKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, errors.New("the set is not JSON as it should be")
	}
	keys := map[string]*verifyKey{}
	for _, raw := range set.Keys {
		var k jwk
		if json.Unmarshal(raw, &k) != nil || keys[k.ID] != nil || len(keys) == maxSetKeys {
			continue
		}
		key, err := k.key(allowed)
		if err == nil {
			keys[k.ID] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the set has no key that can be used")
	}
	return keys, nil
}

var errJWK = errors.New("key cannot be used")

func (k *jwk) key(allowed []string) (*verifyKey, error) {
	if k.Use != "" && k.Use != "sig" || k.Operations != nil && !slices.Contains(k.Operations, "verify") {
		return nil, errJWK
	}
	public, algorithm, err := k.public()
	if err != nil {
		return nil, err
	}
	if k.Algorithm != "" {
		algorithm = k.Algorithm
	}
	if len(allowed) > 0 && !slices.Contains(allowed, algorithm) {
		return nil, errJWK
	}
	return newVerifyKey(Key{ID: k.ID, Algorithm: algorithm, Key: public})
}

// public returns the key with the algorithm that it is for if it names none. There are no
// secrets in a public set, so "oct" is not known.
func (k *jwk) public() (key any, algorithm string, err error) {
	switch k.Type {
	case "RSA":
		key, err = k.rsa()
		return key, RS256, err
	case "EC":
		switch k.Curve {
		case "P-256":
			key, err = k.ecdsa(elliptic.P256())
			return key, ES256, err
		case "P-384":
			key, err = k.ecdsa(elliptic.P384())
			return key, ES384, err
		case "P-521":
			key, err = k.ecdsa(elliptic.P521())
			return key, ES512, err
		}
	case "OKP":
		x, err := segments.DecodeString(k.X)
		if err != nil || k.Curve != "Ed25519" {
			return nil, "", errJWK
		}
		return ed25519.PublicKey(x), EdDSA, nil
	}
	return nil, "", errJWK
}

func (k *jwk) rsa() (*rsa.PublicKey, error) {
	n, err := segments.DecodeString(k.N)
	if err != nil {
		return nil, errJWK
	}
	e, err := segments.DecodeString(k.E)
	exponent := new(big.Int).SetBytes(e)
	if err != nil || exponent.BitLen() > 31 {
		return nil, errJWK
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

func (k *jwk) ecdsa(curve elliptic.Curve) (*ecdsa.PublicKey, error) {
	x, err := segments.DecodeString(k.X)
	if err != nil {
		return nil, errJWK
	}
	y, err := segments.DecodeString(k.Y)
	if size := (curve.Params().BitSize + 7) / 8; err != nil || len(x) != size || len(y) != size {
		return nil, errJWK
	}
	return ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
}
