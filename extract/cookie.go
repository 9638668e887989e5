package extract

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tako-go/tako/internal/ascii"
)

// Limits of cookies.
const (
	// MaxCookies is how many cookies a request may bring where a jar reads them; more
	// are answered 431. Browsers keep fewer for a site.
	MaxCookies = 200
	// MaxCookieSize is how long name and value of a cookie that is set may be together,
	// in bytes. Browsers drop longer ones.
	MaxCookieSize = 4096
	// maxCookieAttribute is how long Path and Domain may be.
	maxCookieAttribute = 1024
)

// ErrCookie is in every error about a [Cookie] that cannot be sent as it is.
var ErrCookie = errors.New("extract: invalid cookie")

// Cookie is a cookie to be set or removed. The zero value of each attribute is the safe
// one: the cookie is not shown to scripts, is sent along to this host alone, over TLS
// alone if it was set over TLS, and not with requests that other sites begin.
//
// A cookie is removed by the same Path and Domain that it was set with, so keep what
// tells of a cookie in one place:
//
//	var session = extract.Cookie{Name: "__Host-session", MaxAge: time.Hour}
//
//	err := jar.Set(session.With(id))
//	err := jar.Remove(session)
type Cookie struct {
	// Name is a token. With the prefix "__Secure-" a cookie must be secure; with
	// "__Host-" also have no Domain and the Path "/". Anything else is an error.
	Name string
	// Value is visible ASCII without quotes, commas, semicolons and backslashes in a
	// CookieJar, anything in the other jars.
	Value string
	// Path is the path that the cookie is for, with those below it; "/" if empty.
	Path string
	// Domain is the domain that the cookie is for, with those below it; this host
	// alone if empty.
	Domain string
	// MaxAge is how long the cookie is kept, in whole seconds, rounded up; until the
	// browser is closed if zero.
	MaxAge time.Duration
	// SameSite is Lax if zero. None needs a secure cookie.
	SameSite http.SameSite
	// Secure has the cookie sent over TLS alone even if it was set in clear text,
	// for tests and for proxies that are not trusted. Over TLS it always is.
	Secure bool
	// Insecure lets a cookie that was set over TLS be sent in clear text too.
	Insecure bool
	// Scripts lets scripts of the page read the cookie.
	Scripts bool
	// Partitioned keeps a cookie apart for each site that embeds this one. It needs a
	// secure cookie.
	Partitioned bool
}

// With returns the cookie with a value.
func (k Cookie) With(value string) Cookie {
	k.Value = value
	return k
}

// withDefaults fills in what depends on how the request came.
func (k Cookie) withDefaults(tls bool) (Cookie, error) {
	if k.Secure && k.Insecure {
		return k, fmt.Errorf("%w: %q is both secure and insecure", ErrCookie, k.Name)
	}
	if k.Path == "" {
		k.Path = "/"
	}
	if k.SameSite == 0 || k.SameSite == http.SameSiteDefaultMode {
		k.SameSite = http.SameSiteLaxMode
	}
	k.Secure = k.Secure || tls && !k.Insecure
	return k, k.check()
}

// check looks at all but the value.
func (k *Cookie) check() error {
	problem := ""
	host, secure := hasPrefixFold(k.Name, "__Host-"), hasPrefixFold(k.Name, "__Secure-")
	switch {
	case !ascii.IsToken(k.Name):
		problem = "has a name that is no token"
	case !validCookiePath(k.Path):
		problem = "has an invalid path"
	case !validCookieDomain(k.Domain):
		problem = "has an invalid domain"
	case k.MaxAge < 0:
		problem = "has a negative age; call Remove"
	case k.SameSite < http.SameSiteDefaultMode || k.SameSite > http.SameSiteNoneMode:
		problem = "has an unknown SameSite"
	case k.SameSite == http.SameSiteNoneMode && !k.Secure:
		problem = "has SameSite=None, which needs Secure"
	case k.Partitioned && !k.Secure:
		problem = "is partitioned, which needs Secure"
	case (host || secure) && !k.Secure:
		problem = "has a name with a prefix that needs Secure"
	case host && (k.Domain != "" || k.Path != "/"):
		problem = `has the prefix __Host-, which needs the path "/" and no domain`
	default:
		return nil
	}
	return fmt.Errorf("%w: %q %s", ErrCookie, k.Name, problem)
}

// checkValue looks at the value as it is sent.
func checkValue(name, value string) error {
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c > 0x7e || c == '"' || c == ',' || c == ';' || c == '\\' {
			return fmt.Errorf("%w: %q has a value that cannot be sent", ErrCookie, name)
		}
	}
	if len(name)+len(value) > MaxCookieSize {
		return fmt.Errorf("%w: %q has %d bytes with its value, more than %d", ErrCookie, name, len(name)+len(value), MaxCookieSize)
	}
	return nil
}

// line returns the Set-Cookie field (RFC 6265, section 4.1.1).
func (k *Cookie) line(value string, removed bool) string {
	var b strings.Builder
	b.WriteString(k.Name + "=" + value + "; Path=" + k.Path)
	if k.Domain != "" {
		b.WriteString("; Domain=" + k.Domain)
	}
	switch {
	case removed:
		b.WriteString("; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
	case k.MaxAge > 0:
		b.WriteString("; Max-Age=" + strconv.FormatInt(wholeSeconds(k.MaxAge), 10))
	}
	if !k.Scripts {
		b.WriteString("; HttpOnly")
	}
	if k.Secure {
		b.WriteString("; Secure")
	}
	switch k.SameSite {
	case http.SameSiteStrictMode:
		b.WriteString("; SameSite=Strict")
	case http.SameSiteNoneMode:
		b.WriteString("; SameSite=None")
	default:
		b.WriteString("; SameSite=Lax")
	}
	if k.Partitioned {
		b.WriteString("; Partitioned")
	}
	return b.String()
}

func wholeSeconds(d time.Duration) int64 {
	n := int64(d / time.Second)
	if d%time.Second > 0 {
		n++
	}
	return n
}

// hasPrefixFold ignores case, as browsers do with these prefixes.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && ascii.EqualFold(s[:len(prefix)], prefix)
}

func validCookiePath(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > 0x7e || s[i] == ';' {
			return false
		}
	}
	return len(s) <= maxCookieAttribute && strings.HasPrefix(s, "/") && s[len(s)-1] != ' '
}

func validCookieDomain(s string) bool {
	if s == "" {
		return true
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := ascii.Lower(label[i]); (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return len(s) <= 253
}
