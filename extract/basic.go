package extract

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/credentials"
)

// Basic is a user and a password that the client claims to have (RFC 7617), in UTF-8.
// Nothing has been checked but their form: see [CheckPassword] and [Equal]. It prints
// without the password.
//
// Credentials that are missing, malformed or given twice are answered 401. In a
// [tako.Optional] they may be missing, which a request of another scheme counts as.
type Basic struct {
	// User is what stands before the first colon.
	User string
	// Password is what stands behind it, further colons included.
	Password string `json:"-"`
}

// Extract reads the credentials.
func (b *Basic) Extract(c *tako.Context) error { return extractBasic[DefaultRealm](c, b) }

// Describe records the security scheme.
func (b *Basic) Describe(op *tako.Operation, field string) { describeBasic[DefaultRealm](op, field) }

// EncodeRequest sets the Authorization field, unless both are empty.
func (b *Basic) EncodeRequest(req *http.Request) error {
	if *b == (Basic{}) {
		return nil
	}
	if strings.Contains(b.User, ":") || !validBasic(b.User+b.Password) {
		return errors.New("extract: user or password cannot be sent as basic credentials")
	}
	req.SetBasicAuth(b.User, b.Password)
	return nil
}

// Refuse returns the answer to credentials that are wrong, the same 401 as to those that
// are missing. cause stays private.
func (b Basic) Refuse(cause error) *tako.Error { return wrong(basicChallenge[DefaultRealm](), cause) }

// String returns the user.
func (b Basic) String() string { return fmt.Sprintf("basic credentials of %q", b.User) }

// GoString returns the user.
func (b Basic) GoString() string { return b.String() }

// LogValue returns the user.
func (b Basic) LogValue() slog.Value { return slog.StringValue(b.String()) }

// BasicFor is Basic with a realm of its own.
type BasicFor[R Realm] struct {
	Basic
}

// Extract reads the credentials.
func (b *BasicFor[R]) Extract(c *tako.Context) error { return extractBasic[R](c, &b.Basic) }

// Describe records the security scheme.
func (b *BasicFor[R]) Describe(op *tako.Operation, field string) { describeBasic[R](op, field) }

// Refuse is Refuse of Basic with the realm.
func (b BasicFor[R]) Refuse(cause error) *tako.Error { return wrong(basicChallenge[R](), cause) }

func basicChallenge[R Realm]() string {
	return "Basic realm=" + credentials.Quote(realmOf[R]()) + `, charset="UTF-8"`
}

func describeBasic[R Realm](op *tako.Operation, field string) {
	describeRealm[R](op, field)
	op.AddSecurity(tako.Requirement{Scheme: tako.SecurityScheme{Name: "basic", Type: "http", Scheme: "basic"}})
}

func extractBasic[R Realm](c *tako.Context, b *Basic) error {
	given, err := findCredentials(c, "Basic")
	if err != nil {
		return refuse(basicChallenge[R](), err)
	}
	if *b, err = parseBasic(given); err != nil {
		return refuse(basicChallenge[R](), err)
	}
	return nil
}

// errBasic never tells what was sent.
var errBasic = errors.New("basic credentials are malformed")

func parseBasic(given string) (Basic, error) {
	if !credentials.IsToken68(given) {
		return Basic{}, errBasic
	}
	text, err := base64.StdEncoding.DecodeString(given)
	if err != nil {
		return Basic{}, errBasic
	}
	user, password, ok := strings.Cut(string(text), ":")
	if !ok || !validBasic(user+password) {
		return Basic{}, errBasic
	}
	return Basic{user, password}, nil
}

// validBasic reports whether s is UTF-8 without control characters (RFC 7617, section 2).
func validBasic(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
