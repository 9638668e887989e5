package tako

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// missed answers a request without a route: by the slash policy of the route it
// would have matched, else inside the middleware of the scope it belongs to.
func (t *table) missed(c *Context) error {
	if c.method == http.MethodTrace && t.find(c, c.path, "") != nil {
		c.refusal = &Error{Status: http.StatusNotImplemented, Detail: "TRACE is not served here"}
		c.scope, c.start = t.root, time.Now()
		return t.unrouted(c)
	}
	allowed := t.allowed(c, c.path)
	if other := otherSlash(c.path); other != "" && len(allowed) == 0 {
		if r := t.find(c, other, c.method); r != nil && r.slash == SlashSame {
			return c.enter(r)
		} else if r != nil && r.slash == SlashRedirect {
			c.redirect = other
		} else if r == nil {
			allowed = t.allowedSame(c, other)
		}
	}
	c.allow = strings.Join(allowed, ", ")
	if c.allow != "" && c.method == http.MethodOptions {
		r := t.preflighted(c, c.path)
		if r == nil {
			r = t.preflighted(c, otherSlash(c.path))
		}
		if r != nil {
			c.route = r
			c.start = time.Now()
			return r.preflight(c)
		}
	}
	s := t.missScope(c)
	if s == nil {
		return answerMiss(c)
	}
	c.scope = s
	if len(s.middleware) > 0 {
		c.start = time.Now()
	}
	return s.miss(c)
}

// otherSlash returns the path with the slash at its end added or taken away.
func otherSlash(path string) string {
	if path == "/" {
		return ""
	}
	if trimmed, ok := strings.CutSuffix(path, "/"); ok {
		return trimmed
	}
	return path + "/"
}

// allowed returns the methods that path is served under.
func (t *table) allowed(c *Context, path string) []string {
	methods := t.any.tree.allowed(path)
	t.eachHost(c, func(h *hostTable) { methods = append(methods, h.tree.allowed(path)...) })
	slices.Sort(methods)
	return slices.Compact(methods)
}

// allowedSame is allowed for the other spelling of the path, for routes that take
// both.
func (t *table) allowedSame(c *Context, path string) []string {
	allowed := t.allowed(c, path)
	for _, method := range allowed {
		if r := t.find(c, path, method); r != nil && r.slash == SlashSame {
			return allowed
		}
	}
	return nil
}

// preflighted returns the route whose middleware an automatic OPTIONS answer
// passes: that of the method which a CORS preflight asks for, else the first.
func (t *table) preflighted(c *Context, path string) *route {
	want := c.ex.RequestHeader("Access-Control-Request-Method")
	var first, wanted *route
	look := func(l *leaf) {
		for r := range l.routes {
			if first == nil {
				first = r
			}
			if r.method == want && wanted == nil {
				wanted = r
			}
		}
	}
	t.eachHost(c, func(h *hostTable) { h.tree.collect(path, look) })
	t.any.tree.collect(path, look)
	if wanted == nil {
		wanted = first
	}
	if wanted == nil {
		return nil
	}
	return t.find(c, path, wanted.method) // once more, for the parameters
}

// missScope returns the scope with the longest prefix that holds the path, of the
// request's host first, and fills the parameters of the prefix.
func (t *table) missScope(c *Context) *scope {
	var found *scope
	look := func(l *leaf) {
		if l.any != nil && (found == nil || found.depth() < l.any.scope.depth()) {
			found = l.any.scope
		}
	}
	t.eachHost(c, func(h *hostTable) {
		if found == nil {
			h.misses.collect(c.path, look)
		}
	})
	if found == nil {
		t.any.misses.collect(c.path, look)
	}
	if found != nil {
		found.fillParams(c)
	}
	return found
}

// depth is the number of segments of the prefix.
func (s *scope) depth() int { return strings.Count(s.prefix, "/") }

// fillParams sets the parameters of the prefix, which stand first in every pattern
// below it.
func (s *scope) fillParams(c *Context) {
	k := 0
	rest := c.path
	for segment := range strings.SplitSeq(strings.TrimPrefix(s.prefix, "/"), "/") {
		var value string
		value, rest, _ = strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		if strings.HasPrefix(segment, "{") && k < maxParams {
			c.params[k] = value
			k++
		}
	}
}

// answerMiss is the handler of requests that match no route.
func answerMiss(c *Context) error {
	switch {
	case c.redirect != "":
		c.header.Set("Location", escapeURI(withQuery(c.redirect, c.query)))
		return c.respond(http.StatusPermanentRedirect, "", nil)
	case c.allow != "" && c.method == http.MethodOptions:
		return answerOptions(c)
	case c.allow != "":
		return (&Error{Status: http.StatusMethodNotAllowed}).With("Allow", c.allow)
	case c.scope != nil && c.scope.fallback != nil:
		return c.scope.fallback(c)
	}
	return &Error{Status: http.StatusNotFound}
}

// answerOptions is the automatic answer to OPTIONS (RFC 9110, section 9.3.7).
func answerOptions(c *Context) error {
	c.header.Set("Allow", c.allow)
	return c.NoContent()
}

// answerUnrouted is the handler of requests whose target is malformed or the
// asterisk.
func answerUnrouted(c *Context) error {
	if c.refusal != nil {
		return c.refusal
	}
	c.header.Set("Allow", c.table.methods)
	return c.NoContent()
}

func withQuery(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}
