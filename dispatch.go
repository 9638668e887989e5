package tako

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/authority"
)

// serve answers the request of c and reports whether the response was broken off
// or never begun, so that the connection must not be used again.
func (t *table) serve(c *Context) (aborted bool) {
	c.table = t
	c.method = c.ex.Method()
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
	if err = t.route(c); err != nil {
		return err
	}
	return c.complete()
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

// route finds the route of c's request and calls its handlers.
func (t *table) route(c *Context) error {
	if c.refusal = c.parseTarget(); c.refusal != nil || c.path == "*" {
		c.scope, c.start = t.root, time.Now()
		return t.unrouted(c)
	}
	r := t.find(c, c.path, c.method)
	if r == nil {
		return t.missed(c)
	}
	return c.enter(r)
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

func onlyProtocols(protocols []Protocol, next Handler) Handler {
	return func(c *Context) error {
		if !slices.Contains(protocols, c.ex.Protocol()) {
			return &Error{Status: http.StatusHTTPVersionNotSupported, Detail: "this resource is not served over " + c.ex.Protocol().String()}
		}
		return next(c)
	}
}

// errorHandlers returns those of the request's scope, innermost first.
func (c *Context) errorHandlers() []ErrorHandler {
	if s := c.scopeOf(); s != nil {
		return s.onError
	}
	return nil
}

func (c *Context) scopeOf() *scope {
	if c.route != nil {
		return c.route.scope
	}
	return c.scope
}

// A panicError is a recovered panic. Its text is never sent.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return "panic: " + panicText(e.value) }

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// PanicStack returns the stack of a panic that the framework or
// middleware.Recover turned into err, nil if err is no panic.
func PanicStack(err error) []byte {
	if p, ok := errors.AsType[*panicError](err); ok {
		return p.stack
	}
	return nil
}

// RecoverError returns the error for a recovered value v, with the stack of the
// calling goroutine: it is called by the deferred function that recovered.
// [http.ErrAbortHandler] is returned as it is.
func RecoverError(v any) error {
	if v == http.ErrAbortHandler {
		return http.ErrAbortHandler
	}
	return &panicError{v, debug.Stack()}
}

// recovered turns a panic into *err. It is deferred.
func (c *Context) recovered(err *error) {
	if v := recover(); v != nil {
		*err = RecoverError(v)
	}
}

// failed answers for a handler that returned err, and reports whether that could
// not be done because a response was under way, or nobody waits for it.
func (c *Context) failed(err error) bool {
	err = c.judge(err)
	if c.err == nil || err != http.ErrAbortHandler { // a branch may have told the true reason
		c.err = err
	}
	if c.upgraded || c.sent || gone(err) || PanicStack(err) != nil {
		c.logFailure(err)
	}
	if c.upgraded {
		return true
	}
	if !c.sent && !gone(err) {
		c.rewind(err)
		again := c.render(err)
		// An error handler may have found the error to be harmless.
		if PanicStack(err) == nil && (again != nil || c.status >= 500) {
			c.logFailure(err)
		}
		if again == nil {
			return false
		}
		if !samePanic(err, again) && again != err {
			c.logFailure(again)
		}
		if !c.sent && !gone(again) {
			return c.plainFailure()
		}
		err = again
	}
	if c.body != nil {
		_ = c.breakOff(err)
	}
	c.ex.Abort()
	return true
}

// judge tells a client that left from a failure, and puts a panic in the place of
// an error that cannot be looked at.
func (c *Context) judge(err error) (judged error) {
	defer c.recovered(&judged)
	_ = AsError(err).Error()
	if c.clientLeft(err) {
		return fmt.Errorf("%w: %w", ErrClientGone, err)
	}
	return err
}

// clientLeft reports whether err is what the end of the request's context, or of
// its connection, made of the handler's work.
func (c *Context) clientLeft(err error) bool {
	ctx := c.ex.Context()
	return ctx.Err() != nil && context.Cause(ctx) != ErrTimeout && PanicStack(err) == nil &&
		(c.sent || errors.Is(err, context.Canceled))
}

// samePanic reports whether a hook has panicked again for the error response.
func samePanic(a, b error) bool {
	return PanicStack(a) != nil && PanicStack(b) != nil && a.Error() == b.Error()
}

func gone(err error) bool {
	return errors.Is(err, ErrClientGone) || errors.Is(err, http.ErrAbortHandler)
}

// rewind forgets a response that was begun but never sent.
func (c *Context) rewind(err error) {
	if c.opened && c.body != nil {
		_ = c.breakOff(err)
	}
	if c.saved != nil {
		c.header.assign(c.saved)
		c.saved = nil
	}
	c.header.err = nil
	c.opened, c.opening, c.ended, c.headErr, c.body, c.left, c.written = false, false, false, nil, nil, -1, 0
	clear(c.wraps)
	c.wraps = c.wraps[:0]
}

// breakOff closes the stages of a broken body, unless they were closed already.
func (c *Context) breakOff(err error) (e error) {
	if c.ended {
		return nil
	}
	c.ended = true
	defer c.recovered(&e)
	return c.body.Close(err)
}

func (c *Context) render(err error) (e error) {
	defer c.recovered(&e)
	if e = c.fail(err); e != nil {
		return e
	}
	return c.complete()
}

// plainFailure is the last resort when error handlers and hooks fail themselves.
func (c *Context) plainFailure() (aborted bool) {
	c.rewind(nil)
	clear(c.layers)
	c.layers = c.layers[:0]
	c.header.reset()
	err := c.respond(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("500 Internal Server Error\n"))
	if err == nil {
		err = c.closeBody(nil)
	}
	if err != nil {
		c.ex.Abort()
	}
	return err != nil
}

// logFailure writes what the client is not told: panics with their stack and the
// causes of server errors.
func (c *Context) logFailure(err error) {
	if gone(err) || errors.Is(err, ErrTimeout) {
		return
	}
	if e := AsError(err); e.Status < 500 || e.Err == nil && PanicStack(err) == nil {
		return
	}
	attrs := []any{"method", c.method, "path", c.path, "err", err}
	if stack := PanicStack(err); stack != nil {
		attrs = append(attrs, "stack", string(stack))
	}
	slog.ErrorContext(context.WithoutCancel(c.Context()), "request failed", attrs...)
}
