package extract

import (
	"fmt"
	"net/http"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/credentials"
)

// Realm is implemented by types that name a realm of authentication, for [BasicFor] and
// [BearerFor]:
//
//	type admin struct{}
//
//	func (admin) Realm() string { return "admin" }
type Realm interface {
	// Realm returns the name, in ASCII. It is called on a zero value.
	Realm() string
}

// DefaultRealm is the realm of [Basic], [Bearer] and [APIKey].
type DefaultRealm struct{}

// Realm returns "restricted".
func (DefaultRealm) Realm() string { return "restricted" }

func realmOf[R Realm]() string {
	var r R
	return r.Realm()
}

// describeRealm reports a realm that cannot be sent.
func describeRealm[R Realm](op *tako.Operation, field string) {
	if realm := realmOf[R](); !credentials.CanQuote(realm) {
		op.AddProblem(fmt.Sprintf("%s: realm %q has characters that are not printable ASCII", field, realm))
	}
}

// wrong is the answer to credentials that are there. Whatever cause says to be absent,
// such as a user, they are not.
func wrong(challenge string, cause error) *tako.Error { return refuse(challenge, present(cause)) }

// refuse is the one answer to credentials that are missing, malformed or wrong: only the
// private cause tells which.
func refuse(challenge string, cause error) *tako.Error {
	e := &tako.Error{Status: http.StatusUnauthorized, Detail: "the credentials are missing or wrong", Err: cause}
	return e.With("WWW-Authenticate", challenge)
}

// findCredentials returns what follows the scheme; the error of a request that has no
// credentials of it matches tako.ErrAbsent.
func findCredentials(c *tako.Context, scheme string) (string, error) {
	rest, err := credentials.Find(c.RequestHeaders(), scheme)
	if err == credentials.ErrAbsent {
		err = fmt.Errorf("%s: %w: %w", scheme, err, tako.ErrAbsent)
	}
	return rest, err
}
