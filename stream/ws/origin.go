package ws

import (
	"fmt"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/authority"
)

// origin is one of the web (RFC 6454) in normal form: lower case, port written.
type origin struct{ scheme, host, port string }

// originPattern is an origin that may stand for all names below its host.
type originPattern struct {
	origin
	below, null, all bool
}

func parseOrigin(s string) (origin, bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	if scheme = strings.ToLower(scheme); !ok || !isScheme(scheme) {
		return origin{}, false
	}
	return originOf(scheme, rest)
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '+' && c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != "" && s[0] >= 'a'
}

func originOf(scheme, host string) (o origin, ok bool) {
	o.scheme = scheme
	if o.host, o.port, ok = authority.Split(host); !ok {
		return origin{}, false
	}
	if o.port == "" {
		o.port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	o.port = strings.TrimLeft(o.port, "0")
	return o, true
}

func parseOrigins(patterns []string) ([]originPattern, error) {
	var all []originPattern
	for _, s := range patterns {
		var p originPattern
		switch s {
		case "*":
			p.all = true
		case "null":
			p.null = true
		default:
			plain, ok := strings.Replace(s, "://*.", "://", 1), false
			p.below = plain != s
			if p.origin, ok = parseOrigin(plain); !ok || strings.Contains(plain, "*") {
				return nil, fmt.Errorf("ws: origin %q is not of the form scheme://host:port", s)
			}
		}
		all = append(all, p)
	}
	return all, nil
}

func (p *originPattern) matches(value string, o origin, ok bool) bool {
	switch {
	case p.all:
		return true
	case p.null:
		return value == "null"
	case !ok || p.scheme != o.scheme || p.port != o.port:
		return false
	case p.below:
		return strings.HasSuffix(o.host, "."+p.host)
	}
	return p.host == o.host
}

// checkOrigin refuses pages of others. Browsers send the Origin of the page that opens a
// socket, and let each page open one to everywhere, with its cookies.
func checkOrigin(c *tako.Context, patterns []originPattern, require bool) error {
	values := c.RequestHeaderValues("Origin")
	switch {
	case len(values) == 0 && !require:
		return nil
	case len(values) == 0:
		return tako.Forbidden("the request has no origin")
	case len(values) > 1:
		return tako.Forbidden("the request has several origins")
	}
	value := ascii.Trim(values[0])
	o, ok := parseOrigin(value)
	for i := range patterns {
		if patterns[i].matches(value, o, ok) {
			return nil
		}
	}
	if own, known := originOf(c.Scheme(), c.Host()); ok && known && own == o {
		return nil
	}
	return tako.Forbidden("pages of this origin may not open a socket here")
}
