package extract

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/credentials"
)

// Bearer is a token that the client brings (RFC 6750, section 2.1). Nothing has been
// checked but its form: see [Equal], and package auth/jwt. It prints without the token.
//
// A token that is missing, malformed or given twice is answered 401. In a
// [tako.Optional] it may be missing, which a request of another scheme counts as.
type Bearer struct {
	// Token is letters, digits and -._~+/, with = at its end.
	Token string `json:"-"`
}

// Extract reads the token.
func (b *Bearer) Extract(c *tako.Context) error { return extractBearer[DefaultRealm](c, b) }

// Describe records the security scheme.
func (b *Bearer) Describe(op *tako.Operation, field string) { describeBearer[DefaultRealm](op, field) }

// EncodeRequest sets the Authorization field, unless the token is empty.
func (b *Bearer) EncodeRequest(req *http.Request) error {
	if b.Token == "" {
		return nil
	}
	if !credentials.IsToken68(b.Token) {
		return errors.New("extract: the token cannot be sent as a bearer token")
	}
	req.Header.Set("Authorization", "Bearer "+b.Token)
	return nil
}

// Refuse returns the answer to a token that is wrong: the 401 of one that is missing, with
// the error code invalid_token. cause stays private.
func (b Bearer) Refuse(cause error) *tako.Error {
	return wrong(bearerChallenge[DefaultRealm](true), cause)
}

// String says that there is a token.
func (b Bearer) String() string { return "bearer token" }

// GoString says that there is a token.
func (b Bearer) GoString() string { return b.String() }

// LogValue says that there is a token.
func (b Bearer) LogValue() slog.Value { return slog.StringValue(b.String()) }

// BearerFor is Bearer with a realm of its own.
type BearerFor[R Realm] struct {
	Bearer
}

// Extract reads the token.
func (b *BearerFor[R]) Extract(c *tako.Context) error { return extractBearer[R](c, &b.Bearer) }

// Describe records the security scheme.
func (b *BearerFor[R]) Describe(op *tako.Operation, field string) { describeBearer[R](op, field) }

// Refuse is Refuse of Bearer with the realm.
func (b BearerFor[R]) Refuse(cause error) *tako.Error { return wrong(bearerChallenge[R](true), cause) }

// bearerChallenge has no error code for a request without a token (RFC 6750, section 3.1).
func bearerChallenge[R Realm](given bool) string {
	challenge := "Bearer realm=" + credentials.Quote(realmOf[R]())
	if given {
		challenge += `, error="invalid_token"`
	}
	return challenge
}

func describeBearer[R Realm](op *tako.Operation, field string) {
	describeRealm[R](op, field)
	op.AddSecurity(tako.Requirement{Scheme: tako.SecurityScheme{Name: "bearer", Type: "http", Scheme: "bearer"}})
}

// errBearer never tells what was sent.
var errBearer = errors.New("bearer token is malformed")

func extractBearer[R Realm](c *tako.Context, b *Bearer) error {
	token, err := findCredentials(c, "Bearer")
	if err == nil && !credentials.IsToken68(token) {
		err = errBearer
	}
	if err != nil {
		return refuse(bearerChallenge[R](!errors.Is(err, tako.ErrAbsent)), err)
	}
	b.Token = token
	return nil
}
