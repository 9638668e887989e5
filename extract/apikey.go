package extract

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/credentials"
)

// KeyPlace is implemented by types that say where an API key stands, for [APIKeyFrom]:
//
//	type inQuery struct{}
//
//	func (inQuery) KeyPlace() (in, name string) { return "query", "api_key" }
type KeyPlace interface {
	// KeyPlace returns "header", "query" or "cookie" and the name there. It is called on
	// a zero value.
	KeyPlace() (in, name string)
}

// APIKey is the key in the field X-API-Key. Nothing has been checked: see [Equal]. It
// prints without the key.
//
// A key that is missing, empty or given twice is answered 401. In a [tako.Optional] it
// may be missing or empty.
type APIKey struct {
	// Key is what was sent.
	Key string `json:"-"`
}

// Extract reads the key.
func (k *APIKey) Extract(c *tako.Context) error { return extractKey[xAPIKey](c, k) }

// Describe records the security scheme.
func (k *APIKey) Describe(op *tako.Operation, field string) { describeKey[xAPIKey](op, field) }

// EncodeRequest sets the field, unless the key is empty.
func (k *APIKey) EncodeRequest(req *http.Request) error { return encodeKey[xAPIKey](req, k.Key) }

// Refuse returns the answer to a key that is wrong, the same 401 as to one that is
// missing. cause stays private.
func (k APIKey) Refuse(cause error) *tako.Error { return wrong(keyChallenge[xAPIKey](), cause) }

// String says that there is a key.
func (k APIKey) String() string { return "API key" }

// GoString says that there is a key.
func (k APIKey) GoString() string { return k.String() }

// LogValue says that there is a key.
func (k APIKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// APIKeyFrom is APIKey in another place. Keys in a query end up in logs and in the
// history of browsers. Of several cookies with the name the first counts.
type APIKeyFrom[P KeyPlace] struct {
	APIKey
}

// Extract reads the key; 400 for a query that cannot be parsed.
func (k *APIKeyFrom[P]) Extract(c *tako.Context) error { return extractKey[P](c, &k.APIKey) }

// Describe records the security scheme.
func (k *APIKeyFrom[P]) Describe(op *tako.Operation, field string) { describeKey[P](op, field) }

// EncodeRequest puts the key into its place, unless it is empty.
func (k *APIKeyFrom[P]) EncodeRequest(req *http.Request) error { return encodeKey[P](req, k.Key) }

// Refuse is Refuse of APIKey for the place.
func (k APIKeyFrom[P]) Refuse(cause error) *tako.Error { return wrong(keyChallenge[P](), cause) }

// xAPIKey is the place of APIKey.
type xAPIKey struct{}

func (xAPIKey) KeyPlace() (in, name string) { return "header", "X-API-Key" }

func placeOf[P KeyPlace]() (in, name string, err error) {
	var p P
	in, name = p.KeyPlace()
	switch {
	case in == "query" && name != "", (in == "header" || in == "cookie") && ascii.IsToken(name):
		return in, name, nil
	}
	return in, name, fmt.Errorf("extract: an API key cannot be in %q as %q", in, name)
}

func describeKey[P KeyPlace](op *tako.Operation, field string) {
	in, name, err := placeOf[P]()
	if err != nil {
		op.AddProblem(field + ": " + err.Error())
		return
	}
	scheme := tako.SecurityScheme{Name: "apiKey", Type: "apiKey", In: in, Param: name}
	if x, header, _ := placeOf[xAPIKey](); in != x || !ascii.EqualFold(name, header) {
		scheme.Name += "." + in + "." + schemeName(name)
	}
	op.AddSecurity(tako.Requirement{Scheme: scheme})
	if in == "query" {
		op.AddFailure(http.StatusBadRequest, "the query cannot be parsed")
	}
}

// schemeName leaves what may stand in the name of a component of OpenAPI.
func schemeName(s string) string {
	b := []byte(s)
	for i, c := range b {
		if !ascii.IsUnreserved(c) || c == '~' {
			b[i] = '_'
		}
	}
	return string(b)
}

// keyChallenge is of no registered scheme, because there is none for keys, and RFC 9110
// wants one with each 401.
func keyChallenge[P KeyPlace]() string {
	var p P
	in, name := p.KeyPlace()
	return "ApiKey realm=" + credentials.Quote(DefaultRealm{}.Realm()) + ", in=" + credentials.Quote(in) +
		", name=" + credentials.Quote(name)
}

var (
	errNoKey   = fmt.Errorf("no API key: %w", tako.ErrAbsent)
	errTwoKeys = errors.New("more than one API key")
)

func extractKey[P KeyPlace](c *tako.Context, k *APIKey) error {
	in, name, err := placeOf[P]()
	if err != nil {
		return tako.Wrap(http.StatusInternalServerError, err)
	}
	var given []string
	switch in {
	case "header":
		given = c.RequestHeaderValues(name)
	case "query":
		values, err := c.QueryValues()
		if err != nil {
			return err
		}
		given = values[name]
	case "cookie":
		if value, err := c.Cookie(name); err == nil {
			given = []string{value}
		}
	}
	switch {
	case len(given) > 1:
		return refuse(keyChallenge[P](), errTwoKeys)
	case len(given) == 0 || given[0] == "":
		return refuse(keyChallenge[P](), errNoKey)
	}
	k.Key = given[0]
	return nil
}

func encodeKey[P KeyPlace](req *http.Request, key string) error {
	in, name, err := placeOf[P]()
	if err != nil || key == "" {
		return err
	}
	switch in {
	case "header":
		if !ascii.IsFieldValue(key) || ascii.Trim(key) != key {
			return errors.New("extract: the API key cannot be sent in a header")
		}
		req.Header.Set(name, key)
	case "query":
		if req.URL.RawQuery != "" {
			req.URL.RawQuery += "&"
		}
		req.URL.RawQuery += url.QueryEscape(name) + "=" + url.QueryEscape(key)
	case "cookie":
		if err := checkValue(name, key); err != nil {
			return err
		}
		req.AddCookie(&http.Cookie{Name: name, Value: key})
	}
	return nil
}
