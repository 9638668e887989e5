package static

import (
	"path"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// Immutable is the Cache-Control of files whose content never changes: a year,
// without asking again (RFC 8246).
const Immutable = "public, max-age=31536000, immutable"

// A Rule gives files a Cache-Control.
type Rule struct {
	// Pattern is one of [path.Match]: for the whole name if it has a slash, else for
	// its last element. A slash and two stars at its end stand for all that is below.
	Pattern string
	// Control is the value of the field, "" for none.
	Control string
}

// Rules returns a policy for [Config]: that of the first rule whose pattern matches.
// Patterns that are malformed match nothing.
func Rules(rules ...Rule) func(name string) string {
	return func(name string) string {
		for _, r := range rules {
			if r.matches(name) {
				return r.Control
			}
		}
		return ""
	}
}

func (r Rule) matches(name string) bool {
	if dir, ok := strings.CutSuffix(r.Pattern, "/**"); ok {
		return strings.HasPrefix(name, dir+"/")
	}
	if !strings.Contains(r.Pattern, "/") {
		name = path.Base(name)
	}
	ok, err := path.Match(r.Pattern, name)
	return ok && err == nil
}

// Hashed returns a policy for [Config] that is Immutable for names with a hash, as
// bundlers write them, and rest for all others: the part of the name before the
// extension, behind a dot or hyphen, has at least 8 letters, digits or underscores,
// and among them a letter and a digit. app.3f2a9c1b.js and index-BxY12_Qw.css are
// such names.
func Hashed(rest string) func(name string) string {
	return func(name string) string {
		if isHashed(path.Base(name)) {
			return Immutable
		}
		return rest
	}
}

func isHashed(base string) bool {
	stem := strings.TrimSuffix(base, path.Ext(base))
	if i := strings.LastIndexAny(stem, ".-"); i >= 0 {
		stem = stem[i+1:]
	} else {
		return false
	}
	letters, digits := 0, 0
	for i := range len(stem) {
		switch c := ascii.Lower(stem[i]); {
		case c >= 'a' && c <= 'z':
			letters++
		case c >= '0' && c <= '9':
			digits++
		case c != '_':
			return false
		}
	}
	return len(stem) >= 8 && letters > 0 && digits > 0
}
