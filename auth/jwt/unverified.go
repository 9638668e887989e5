package jwt

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/tako-go/tako"
)

// DangerouslyUnverified is what a bearer token says, with no check of who says it: no
// signature, no expiry, no issuer. Anybody can write such a token. It is for services that
// pass a token on, or log whom a request claims to come from; nothing may be allowed
// because of it, and documents do not show it as authentication. See [Claims] for what can
// be trusted.
//
// A token that is missing or malformed, or longer than [DefaultMaxSize], is answered 401.
type DangerouslyUnverified[T any] struct {
	// Value is what the token says.
	Value T
	// Token is the token itself.
	Token string `json:"-"`
}

// Extract decodes the token.
func (k *DangerouslyUnverified[T]) Extract(c *tako.Context) error {
	given, err := bearer(c)
	if err != nil {
		return refuse(defaultRealm, err, !errors.Is(err, tako.ErrAbsent))
	}
	k.Token = given
	if err := decodeUnverified(given, &k.Value); err != nil {
		return refuse(defaultRealm, err, true)
	}
	return nil
}

// Describe records the failure, and no security.
func (k *DangerouslyUnverified[T]) Describe(op *tako.Operation, _ string) {
	op.AddFailure(http.StatusUnauthorized, "the bearer token is missing or malformed")
}

// EncodeRequest sets the Authorization field to Token, unless it is empty.
func (k *DangerouslyUnverified[T]) EncodeRequest(req *http.Request) error {
	return encode(req, k.Token)
}

// String says what it is.
func (k DangerouslyUnverified[T]) String() string { return "unverified claims" }

// GoString says what it is.
func (k DangerouslyUnverified[T]) GoString() string { return k.String() }

// LogValue says what it is.
func (k DangerouslyUnverified[T]) LogValue() slog.Value { return slog.StringValue(k.String()) }

func decodeUnverified(text string, to any) error {
	t, err := parse(text, DefaultMaxSize)
	if err != nil {
		return err
	}
	payload, err := decodeSegment(t.payload)
	if err != nil {
		return err
	}
	if _, err := parseObject(payload); err != nil {
		return err
	}
	return decodeClaims(payload, to)
}
