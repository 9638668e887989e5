package jwt

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Registered is the claims that RFC 7519 registers. Embed it in the type of your own
// claims to sign them, or to read them from there.
type Registered struct {
	// Issuer is iss: who made the token.
	Issuer string `json:"iss,omitempty"`
	// Subject is sub: whom it speaks of.
	Subject string `json:"sub,omitempty"`
	// Audience is aud: whom it is for.
	Audience Audience `json:"aud,omitempty"`
	// ExpiresAt is exp: from when on it does not count.
	ExpiresAt Time `json:"exp,omitzero"`
	// NotBefore is nbf: until when it does not count.
	NotBefore Time `json:"nbf,omitzero"`
	// IssuedAt is iat: when it was made.
	IssuedAt Time `json:"iat,omitzero"`
	// ID is jti: the token's own name.
	ID string `json:"jti,omitempty"`
}

// Audience is a list of names that is one string in JSON if it has one.
type Audience []string

// MarshalJSON writes one string or a list.
func (a Audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// UnmarshalJSON reads one string or a list of strings.
func (a *Audience) UnmarshalJSON(data []byte) error {
	if len(data) > 1 && data[0] == '"' {
		one, ok := unquote(data)
		if !ok {
			return errAudience
		}
		*a = Audience{one}
		return nil
	}
	var list []*string
	if err := json.Unmarshal(data, &list); err != nil || list == nil {
		return errAudience
	}
	*a = nil
	for _, s := range list {
		if s == nil {
			return errAudience
		}
		*a = append(*a, *s)
	}
	return nil
}

var errAudience = errors.New("aud is neither a string nor a list of strings")

// Time is a time that is the number of seconds since 1970 in JSON.
type Time struct{ time.Time }

// At returns t as a Time.
func At(t time.Time) Time { return Time{t} }

// MarshalJSON writes whole seconds.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, t.Unix(), 10), nil
}

// UnmarshalJSON reads a number, fractions included. Numbers beyond 2^53 either way, and
// whatever is no number, are errors.
func (t *Time) UnmarshalJSON(data []byte) error {
	var err error
	t.Time, err = parseTime(string(data))
	return err
}

var errTime = errors.New("a time is not a number of seconds")

// maxSeconds is the greatest number of seconds that is exact as a float64.
const maxSeconds = 1 << 53

func parseTime(text string) (time.Time, error) {
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return time.Time{}, errTime
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || f < -maxSeconds || f > maxSeconds {
		return time.Time{}, errTime
	}
	whole, fraction := math.Modf(f)
	return time.Unix(int64(whole), int64(fraction*1e9)), nil
}

// judge reads the registered claims and applies the rules.
func (c *Config) judge(members object, now time.Time) (r Registered, err error) {
	if r, err = readRegistered(members); err != nil {
		return Registered{}, err
	}
	for _, name := range c.Required {
		if !members.has(name) {
			return Registered{}, invalid("there is no %s", name)
		}
	}
	switch {
	case !members.has("exp") && !c.AllowNoExpiry:
		err = invalid("there is no exp")
	case members.has("exp") && !now.Before(r.ExpiresAt.Add(c.Leeway)):
		err = invalid("it has expired")
	case members.has("nbf") && now.Before(r.NotBefore.Add(-c.Leeway)):
		err = invalid("it does not count yet")
	case c.Issuer != "" && r.Issuer != c.Issuer:
		err = invalid("iss is not the issuer")
	case !c.hears(r.Audience, members.has("aud")):
		err = invalid("aud does not name this service")
	}
	if err != nil {
		return Registered{}, err
	}
	return r, nil
}

// hears reports whether a token is for this service.
func (c *Config) hears(audience Audience, has bool) bool {
	if c.AnyAudience || len(c.Audience) == 0 && !has {
		return true
	}
	return slices.ContainsFunc(audience, func(name string) bool { return slices.Contains(c.Audience, name) })
}

// registered are the names of the claims of Registered.
var registered = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}

// readRegistered goes by exact names, and refuses null and wrong types. It refuses names of
// another case too: encoding/json would take them for claims that were checked.
func readRegistered(members object) (r Registered, err error) {
	for _, m := range members {
		for _, known := range registered {
			if m.name != known && strings.EqualFold(m.name, known) {
				return r, invalid("%s is spelt in another case", known)
			}
		}
	}
	for i, to := range [...]*string{&r.Issuer, &r.Subject, &r.ID} {
		if *to, _, err = members.text([...]string{"iss", "sub", "jti"}[i]); err != nil {
			return r, err
		}
	}
	for i, to := range [...]*Time{&r.ExpiresAt, &r.NotBefore, &r.IssuedAt} {
		name := [...]string{"exp", "nbf", "iat"}[i]
		if raw := members.get(name); raw != nil {
			if err := to.UnmarshalJSON(raw); err != nil {
				return r, invalid("%s: %w", name, err)
			}
		}
	}
	if raw := members.get("aud"); raw != nil {
		if err := r.Audience.UnmarshalJSON(raw); err != nil {
			return r, invalid("%w", err)
		}
	}
	return r, nil
}

// decodeClaims decodes a payload that was verified.
func decodeClaims(payload []byte, to any) error {
	if err := json.Unmarshal(payload, to); err != nil {
		return invalid("its claims are not those of %T", to)
	}
	return nil
}
