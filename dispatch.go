package tako

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/authority"
)

// serve answers the request of c and reports whether the response was broken off
// or never begun, so that the connection must not be used again.
func (t *table) serve(c *Context) (aborted bool) {
	if c.table == nil {
		t.match(c)
	}
	err := t.run(c)
	if err != nil {
		aborted = c.failed(err)
	}
	if len(c.done) > 0 {
		c.tell(aborted)
	}
	return aborted
}

// run calls the handlers and ends the response they wrote.
func (t *table) run(c *Context) (err error) {
	defer c.recovered(&err)
	if err = c.unlessEnded(t.route(c)); err != nil {
		return err
	}
	return c.complete()
}

// unlessEnded returns err, but nil for [ErrEnded] of a response that was begun.
func (c *Context) unlessEnded(err error) error {
	if err != nil && c.opened && errors.Is(err, ErrEnded) {
		return nil
	}
	return err
}

// complete begins an empty response if there is none, and ends it.
func (c *Context) complete() error {
	if c.upgraded {
		return nil
	}
	if !c.opened {
		if err := c.open(http.StatusOK, 0); err != nil {
			return err
		}
	}
	if c.headErr != nil {
		return c.headErr // the handler has not looked at it
	}
	return c.closeBody(nil)
}

// match finds the route of c's request. No handler has run yet.
func (t *table) match(c *Context) {
	c.table = t
	if c.ex.Proxied() {
		c.proxied()
	}
	c.method = c.ex.Method()
	if c.refusal = c.parseTarget(); c.refusal == nil && c.path != "*" {
		c.route = t.find(c, c.path, c.method)
	}
}

// route calls the handlers of the route that match found, or those for requests
// without one.
func (t *table) route(c *Context) error {
	if c.refusal != nil || c.path == "*" {
		c.scope, c.start = t.root, time.Now()
		return t.unrouted(c)
	}
	if c.route == nil {
		return t.missed(c)
	}
	return c.enter(c.route)
}

func (c *Context) enter(r *route) error {
	c.route = r
	if r.timed {
		c.start = time.Now()
	}
	return r.handler(c)
}

// parseTarget sets path and query from the request-target (RFC 9112, section 3.2).
func (c *Context) parseTarget() error {
	path, query := "", ""
	if c.ex == Exchange(&c.std) {
		path, query = c.std.pathQuery()
	} else {
		path, query, _ = strings.Cut(c.ex.Target(), "?")
		if i := strings.Index(path, "://"); i > 0 && path[0] != '/' {
			_, path, _ = strings.Cut(path[i+3:], "/")
			path = "/" + path
		}
	}
	if c.method == http.MethodConnect {
		return &Error{Status: http.StatusNotImplemented, Detail: "CONNECT is not served here"}
	}
	if path == "*" {
		c.path = "*"
		if c.method != http.MethodOptions {
			return BadRequest("the target * is for OPTIONS only")
		}
		return nil
	}
	if !ascii.IsQuery(query) {
		return BadRequest("the query has characters that must be escaped")
	}
	normal, err := normalPath(path)
	if err != nil {
		return &Error{Status: http.StatusBadRequest, Detail: "the path is malformed", Err: err}
	}
	c.path, c.query = normal, query
	return nil
}

// find returns the route for path and method, of the request's host first.
func (t *table) find(c *Context, path, method string) *route {
	if len(t.hosts) > 0 {
		host := c.Host()
		host, _, _ = authority.Split(host)
		for _, h := range t.hosts {
			if !h.match(host, &c.params, 0) {
				continue
			}
			if r := h.tree.find(path, method, &c.params); r != nil {
				h.match(host, &c.params, len(r.params)-len(h.names))
				return r
			}
		}
	}
	return t.any.tree.find(path, method, &c.params)
}

func (t *table) eachHost(c *Context, f func(*hostTable)) {
	if len(t.hosts) == 0 {
		return
	}
	host, _, _ := authority.Split(c.Host())
	var params [maxParams]string
	for _, h := range t.hosts {
		if h.match(host, &params, 0) {
			f(h)
		}
	}
}

func onlyProtocols(protocols []Protocol, next Handler) Handler {
	return func(c *Context) error {
		if !slices.Contains(protocols, c.ex.Protocol()) {
			return &Error{Status: http.StatusHTTPVersionNotSupported, Detail: "this resource is not served over " + c.ex.Protocol().String()}
		}
		return next(c)
	}
}

func (c *Context) scopeOf() *scope {
	if c.route != nil {
		return c.route.scope
	}
	return c.scope
}
