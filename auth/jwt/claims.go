package jwt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"syscall"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/credentials"
)

// Claims is the claims of a bearer token that the supplied [Verifier] has verified,
// decoded into a T as encoding/json does. Without a Verifier the router does not build;
// a raw handler answers 500.
//
// A token that is missing, malformed, given twice or not valid is answered 401, always
// with the same body. In a [tako.Optional] it may be missing, which a request of another
// scheme counts as. While the keys cannot be fetched the answer is 503.
//
// If T or *T has a method Validate(context.Context) error, it is called last. Its error is
// a 401 as well, unless it is about something else than the token: a [tako.Error] or one
// with a method HTTPStatus() int is answered as it says, and the end of a context and
// failures of the system as [tako.AsError] has it. It prints without the claims.
type Claims[T any] struct {
	// Value is the claims of the program's own.
	Value T
	// Registered is the claims that were checked.
	Registered Registered
	// Token is the token itself, to be passed on to other services.
	Token string `json:"-"`

	realm string
}

var (
	_ tako.Extractor      = (*Claims[any])(nil)
	_ tako.Describer      = (*Claims[any])(nil)
	_ tako.RequestEncoder = (*Claims[any])(nil)
)

// Extract verifies the token.
func (k *Claims[T]) Extract(c *tako.Context) error {
	state, err := tako.Extract[tako.State[*Verifier]](c)
	if err != nil {
		return err
	}
	v := state.Value
	if v == nil {
		return tako.Wrap(http.StatusInternalServerError, errors.New("jwt: the verifier that is supplied is nil"))
	}
	k.realm = v.config.Realm
	if k.Token, err = bearer(c); err != nil {
		return refuse(v.config.Realm, err, !errors.Is(err, tako.ErrAbsent))
	}
	k.Registered, err = v.Verify(c.Context(), k.Token, &k.Value)
	switch {
	case errors.Is(err, ErrInvalid):
		return refuse(v.config.Realm, err, true)
	case err != nil:
		return &tako.Error{Status: http.StatusServiceUnavailable, Err: err}
	}
	return judge(v.config.Realm, validate(c.Context(), &k.Value))
}

// Describe records the security scheme, and that a [Verifier] is needed.
func (k *Claims[T]) Describe(op *tako.Operation, _ string) {
	op.NeedsSupply(reflect.TypeFor[*Verifier]())
	op.AddSecurity(tako.Requirement{Scheme: tako.SecurityScheme{Name: "jwt", Type: "http", Scheme: "bearer", BearerFormat: "JWT"}})
	op.AddFailure(http.StatusServiceUnavailable, "the keys of tokens cannot be fetched")
}

// EncodeRequest sets the Authorization field to Token, unless it is empty.
func (k *Claims[T]) EncodeRequest(req *http.Request) error { return encode(req, k.Token) }

// Refuse returns the answer to claims that are not enough to know who the client is: the
// same 401 as to a token that is not valid. cause stays private. For a client who is known
// and may not do what it asks for, there is [tako.Forbidden].
func (k Claims[T]) Refuse(cause error) *tako.Error {
	realm := k.realm
	if realm == "" {
		realm = defaultRealm
	}
	return refuse(realm, fmt.Errorf("%w: %w", ErrInvalid, cause), true)
}

// String returns whom the token speaks of.
func (k Claims[T]) String() string { return fmt.Sprintf("claims of %q", k.Registered.Subject) }

// GoString returns whom the token speaks of.
func (k Claims[T]) GoString() string { return k.String() }

// LogValue returns whom the token speaks of.
func (k Claims[T]) LogValue() slog.Value { return slog.StringValue(k.String()) }

// bearer returns the bearer token of a request. The error of one without matches
// tako.ErrAbsent.
func bearer(c *tako.Context) (string, error) {
	given, err := credentials.Find(c.RequestHeaders(), "Bearer")
	switch {
	case errors.Is(err, credentials.ErrAbsent):
		return "", fmt.Errorf("no bearer token: %w", tako.ErrAbsent)
	case err != nil:
		return "", err
	case !credentials.IsToken68(given):
		return "", errors.New("bearer token is malformed")
	}
	return given, nil
}

// refuse is the one answer to a token that is not accepted. Whatever cause says to be
// absent, a token that was given is not: in a tako.Optional it must not make the client
// an anonymous one.
func refuse(realm string, cause error, given bool) *tako.Error {
	challenge := "Bearer realm=" + credentials.Quote(realm)
	if given {
		challenge += `, error="invalid_token"`
		cause = credentials.Hide(cause, tako.ErrAbsent)
	}
	e := &tako.Error{Status: http.StatusUnauthorized, Detail: "the credentials are missing or wrong", Err: cause}
	return e.With("WWW-Authenticate", challenge)
}

func encode(req *http.Request, token string) error {
	if token == "" {
		return nil
	}
	if !credentials.IsToken68(token) {
		return errors.New("jwt: the token cannot be sent as a bearer token")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return nil
}

type validator interface {
	Validate(context.Context) error
}

func validate[T any](ctx context.Context, v *T) error {
	check, ok := any(v).(validator)
	if !ok {
		return nil
	}
	if value := reflect.ValueOf(v).Elem(); value.Kind() == reflect.Pointer && value.IsNil() {
		return nil
	}
	return check.Validate(ctx)
}

// judge gives the error of a Validate method its answer. What is no verdict on the claims,
// such as a database that is down, is not blamed on the token.
func judge(realm string, err error) error {
	if err == nil {
		return nil
	}
	var status interface{ HTTPStatus() int }
	if (errors.As(err, &status) || outage(err)) && tako.AsError(err).Status != http.StatusUnauthorized {
		return credentials.Hide(err, tako.ErrAbsent)
	}
	return refuse(realm, invalid("its claims are refused: %w", err), true)
}

// outage reports an error of the system that a check asked. What says that a text is no
// URL or address is a verdict.
func outage(err error) bool {
	var (
		op    *net.OpError
		dns   *net.DNSError
		asked *url.Error
		path  *fs.PathError
		errno syscall.Errno
	)
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &op) || errors.As(err, &dns) || errors.As(err, &asked) && asked.Op != "parse" ||
		errors.As(err, &path) || errors.As(err, &errno)
}
