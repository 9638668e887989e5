package webtransport

import (
	"errors"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/authority"
)

// origin is one of RFC 6454: a scheme, a host in lower case, and a port, which is never left out.
type origin struct{ scheme, host, port string }

// parseOrigin reads one; "null" is none.
func parseOrigin(s string) (o origin, ok bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme == "" {
		return origin{}, false
	}
	return newOrigin(scheme, rest)
}

func newOrigin(scheme, rest string) (o origin, ok bool) {
	o.scheme = strings.ToLower(scheme)
	if o.host, o.port, ok = authority.Split(rest); !ok {
		return origin{}, false
	}
	if o.port == "" {
		switch o.scheme {
		case "https":
			o.port = "443"
		case "http":
			o.port = "80"
		}
	}
	o.port = strings.TrimLeft(o.port, "0")
	return o, true
}

// origins are those that may open sessions.
type origins struct {
	any  bool
	list map[origin]bool
}

func newOrigins(texts []string) (o origins, err error) {
	o.list = map[origin]bool{}
	for _, text := range texts {
		if text == "*" {
			o.any = true
			continue
		}
		one, ok := parseOrigin(text)
		if !ok || strings.Contains(text, "*") {
			return o, errors.New("webtransport: Config.Origins: " + text + ` is not an origin such as "https://app.example", nor "*"`)
		}
		o.list[one] = true
	}
	return o, nil
}

// allow judges the Origin field. Without one the client is no browser.
func (o origins) allow(c *tako.Context) bool {
	sent := c.RequestHeaderValues("Origin")
	switch {
	case o.any || len(sent) == 0:
		return true
	case len(sent) > 1:
		return false
	}
	theirs, ok := parseOrigin(sent[0])
	if !ok {
		return false
	}
	own, ok := newOrigin(c.Scheme(), c.Host())
	return ok && theirs == own || o.list[theirs]
}
