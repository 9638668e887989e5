package tako

import (
	"fmt"
	"iter"
	"net/http"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// SetCookie adds a Set-Cookie field. A cookie with an invalid name, or a value,
// path or domain that cannot be sent as it is, is an error and not sent:
// nothing is cut or cleaned silently (RFC 6265, section 4.1).
func (c *Context) SetCookie(cookie *http.Cookie) error {
	c.live()
	if c.opened {
		return ErrHeadSent
	}
	if err := cookie.Valid(); err != nil {
		return fmt.Errorf("set cookie: %w", err)
	}
	c.header.Add("Set-Cookie", cookie.String())
	return nil
}

// cookiePairs yields the pairs of one Cookie field line. A value in double quotes
// is yielded without them; pairs without a valid name or value are skipped.
func cookiePairs(line string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for line != "" {
			pair, rest, _ := strings.Cut(line, ";")
			line = rest
			name, value, ok := strings.Cut(ascii.Trim(pair), "=")
			if !ok || !ascii.IsToken(name) || !validCookieValue(value) {
				continue
			}
			if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
				value = value[1 : n-1]
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

// validCookieValue is lenient as browsers are: any visible character, space,
// comma and bytes above ASCII, but no control character.
func validCookieValue(s string) bool { return ascii.IsFieldValue(s) && !strings.Contains(s, "\t") }

// findCookie returns the first cookie of this name over all Cookie lines.
func findCookie(ex Exchange, name string) (string, bool) {
	var found string
	var ok bool
	ex.EachRequestHeader(func(n, line string) bool {
		if n != "Cookie" {
			return true
		}
		for k, v := range cookiePairs(line) {
			if k == name {
				found, ok = v, true
				return false
			}
		}
		return true
	})
	return found, ok
}
