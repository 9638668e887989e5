package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// Sign returns a token with claims, for tests and for services that issue their own. claims
// is encoded by encoding/json and must become an object; the key is a secret or a private
// key, and its ID, if it has one, the kid of the token. Nothing is added: set exp.
func Sign(key Key, claims any) (string, error) {
	if _, err := newVerifyKey(key); err != nil {
		return "", err
	}
	switch key.Key.(type) {
	case []byte, *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
	default:
		return "", fmt.Errorf("jwt: %v: it can only verify", key)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	if !bytes.HasPrefix(payload, []byte("{")) {
		return "", errors.New("jwt: claims are no JSON object")
	}
	head, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
		KeyID     string `json:"kid,omitempty"`
	}{key.Algorithm, "JWT", key.ID})
	if err != nil {
		return "", err
	}
	return signParts(key, head, payload)
}

func signParts(key Key, head, payload []byte) (string, error) {
	method, err := methodOf(key.Algorithm)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := method.Sign(text, key.Key)
	if err != nil {
		return "", fmt.Errorf("sign with %v: %w", key, err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
