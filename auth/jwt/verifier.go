package jwt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tako-go/tako/internal/credentials"
)

// Defaults and bounds of [Config].
const (
	// DefaultMaxSize is how long a token may be in bytes.
	DefaultMaxSize = 8 << 10
	// MaxLeeway is the greatest Leeway that New accepts.
	MaxLeeway = 5 * time.Minute

	defaultRealm = "restricted"
)

// Errors of a verification.
var (
	// ErrInvalid is in every error about a token that is not accepted. The rest of its
	// text is for logs, not for clients.
	ErrInvalid = errors.New("jwt: token is not valid")
	// ErrNoKeys is returned while a [KeySet] has no keys that it may use.
	ErrNoKeys = errors.New("jwt: the key set cannot be fetched")
)

// Config is what a [Verifier] accepts. A token has to have an exp that is to come; nbf and
// iat must be times if they are there, and nbf be past.
type Config struct {
	// Keys are known beforehand. IDs differ, and are all set if there is more than one
	// key: a token without kid is accepted only if there is a single key.
	Keys []Key
	// KeySet is fetched from a server; nil for none. Keys win over it.
	KeySet *KeySet
	// Issuer is the iss that tokens must have; any, or none, if empty.
	Issuer string
	// Audience is one or more names of this service, one of which must be in the aud of
	// tokens. If it is empty, tokens that have an aud are for somebody else and refused
	// (RFC 7519, section 4.1.3).
	Audience []string
	// AnyAudience accepts tokens whomever they are for.
	AnyAudience bool
	// Required are claims that must be there and not null, beside exp and those that
	// are checked.
	Required []string
	// AllowNoExpiry accepts tokens without exp.
	AllowNoExpiry bool
	// Type is the typ that the header must have, without regard to case and to a prefix
	// "application/", such as "at+jwt" (RFC 9068); any if empty.
	Type string
	// Leeway is how far clocks may be apart, up to MaxLeeway; none if zero.
	Leeway time.Duration
	// MaxSize is how long a token may be in bytes; DefaultMaxSize if zero.
	MaxSize int
	// Realm is that of challenges; "restricted" if empty.
	Realm string
	// Clock tells the time; time.Now if nil.
	Clock func() time.Time
}

// Verifier verifies tokens by the rules of a [Config]. It may be used by several
// goroutines at once.
type Verifier struct {
	config Config
	keys   map[string]*verifyKey
	sole   *verifyKey // the only key, for tokens without kid
}

// New returns a Verifier. Keys that are missing, weak or not for their algorithm, IDs that
// are not clear, and values out of range are errors.
func New(config Config) (*Verifier, error) {
	if config.MaxSize == 0 {
		config.MaxSize = DefaultMaxSize
	}
	if config.Realm == "" {
		config.Realm = defaultRealm
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	config.Audience, config.Required = slices.Clone(config.Audience), slices.Clone(config.Required)
	if err := config.check(); err != nil {
		return nil, err
	}
	v := &Verifier{config: config, keys: map[string]*verifyKey{}}
	for _, key := range config.Keys {
		made, err := newVerifyKey(key)
		if err != nil {
			return nil, err
		}
		if v.keys[key.ID] != nil {
			return nil, fmt.Errorf("jwt: two keys with id %q", key.ID)
		}
		if key.ID == "" && (len(config.Keys) > 1 || config.KeySet != nil) {
			return nil, errors.New("jwt: a key without id must be the only one")
		}
		v.keys[key.ID] = made
		if len(config.Keys) == 1 && config.KeySet == nil {
			v.sole = made
		}
	}
	v.config.Keys = nil
	return v, nil
}

func (c *Config) check() error {
	switch {
	case len(c.Keys) == 0 && c.KeySet == nil:
		return errors.New("jwt: a verifier needs a key or a key set")
	case c.Leeway < 0 || c.Leeway > MaxLeeway:
		return fmt.Errorf("jwt: leeway %v is not between 0 and %v", c.Leeway, MaxLeeway)
	case c.MaxSize < 0:
		return fmt.Errorf("jwt: maximum size %d is negative", c.MaxSize)
	case slices.Contains(c.Audience, ""):
		return errors.New("jwt: an audience is empty")
	case len(c.Audience) > 0 && c.AnyAudience:
		return errors.New("jwt: both an audience and any audience are asked for")
	case !credentials.CanQuote(c.Realm):
		return fmt.Errorf("jwt: realm %q has characters that are not printable ASCII", c.Realm)
	case slices.Contains(c.Required, ""):
		return errors.New("jwt: a required claim has no name")
	}
	return nil
}

// Verify checks a token and decodes its claims into claims, which may be nil. Errors match
// [ErrInvalid], or [ErrNoKeys]; claims may then be partly filled. ctx bounds the wait for
// keys to be fetched.
func (v *Verifier) Verify(ctx context.Context, token string, claims any) (Registered, error) {
	payload, registered, err := v.verify(ctx, token)
	if err == nil && claims != nil {
		err = decodeClaims(payload, claims)
	}
	if err != nil {
		return Registered{}, err
	}
	return registered, nil
}

// verify goes from the outside in, and looks at nothing before its bound or signature was
// checked.
func (v *Verifier) verify(ctx context.Context, token string) (payload []byte, r Registered, err error) {
	t, err := parse(token, v.config.MaxSize)
	if err != nil {
		return nil, r, err
	}
	if v.config.Type != "" && !sameType(t.header.Type, v.config.Type) {
		return nil, r, invalid("typ is not %q", v.config.Type)
	}
	key, err := v.keyFor(ctx, t.header)
	if err != nil {
		return nil, r, err
	}
	if key.algorithm != t.header.Algorithm {
		return nil, r, invalid("alg is not that of the key, %s", key.algorithm)
	}
	if err := key.verify(t.signed, t.signature); err != nil {
		return nil, r, invalid("the signature is wrong: %w", err)
	}
	if payload, err = decodeSegment(t.payload); err != nil {
		return nil, r, err
	}
	members, err := parseObject(payload)
	if err != nil {
		return nil, r, err
	}
	r, err = v.config.judge(members, v.config.Clock())
	return payload, r, err
}

func (v *Verifier) keyFor(ctx context.Context, h header) (*verifyKey, error) {
	switch {
	case h.HasKeyID:
		if key := v.keys[h.KeyID]; key != nil {
			return key, nil
		}
		if v.config.KeySet != nil {
			return v.config.KeySet.find(ctx, h.KeyID)
		}
	case v.sole != nil:
		return v.sole, nil
	case v.config.KeySet != nil && len(v.keys) == 0:
		return v.config.KeySet.only(ctx)
	default:
		return nil, invalid("there is no kid, and several keys")
	}
	return nil, errUnknownKey
}

var errUnknownKey = invalid("kid is of no key")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}
