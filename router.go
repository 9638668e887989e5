package tako

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Router holds routes and all that surrounds them: middleware, provided values,
// error handlers, limits. [New] makes one; [Router.Group], [Router.Host] and
// [Router.Mount] nest them. It is also an [net/http.Handler].
//
// Routes are registered by one goroutine, then [Router.Build] checks and compiles
// them all; every server calls it before it listens. Mistakes never panic: they
// are collected with the place of the call and returned by Build. After Build
// the Router serves any number of goroutines, and registering more is a mistake.
//
// What a group does not set, it takes from the one around it:
//
//   - middleware runs outside in: that of the root, of the groups, of the route;
//     it wraps every route of its group, whether registered before or after it;
//   - a supplied or provided value is searched from the innermost group outwards;
//   - an error goes to the innermost error handler, and outwards if that returns one;
//   - timeout, body limit and slash policy: the innermost that is set;
//   - a request without a route belongs to the group with the longest prefix that
//     holds it: that group's middleware, fallback and error handlers.
//
// A mounted Router follows the same rules at each place and is not changed.
type Router struct {
	log    *mistakes
	logger *slog.Logger
	parent *Router
	where  string
	prefix string
	host   string

	middleware []Middleware
	routes     []*Operation
	children   []*Router
	mounts     []mount
	fallback   Handler
	onError    ErrorHandler
	timeout    *time.Duration
	bodyLimit  *int64
	slash      *SlashPolicy
	codecs     []Codec
	formats    map[string]func(string) error
	validator  func(context.Context, any) error
	described  *Operation
	provides   []*provider
	overrides  []*provider
	supplies   map[reflect.Type]any
	trusted    []netip.Prefix
	trustsUnix bool
	forwarding Forwarding

	building   sync.Mutex
	reportOnce sync.Once
	table      atomic.Pointer[table]
	failed     error
}

type mount struct {
	where  string
	prefix string
	router *Router
}

// New returns an empty router.
func New() *Router { return &Router{log: new(mistakes), where: callSite()} }

// Group returns a group of r whose patterns begin with prefix, which may be "",
// surrounded by mws. The pattern "/" of a group is its prefix, without a slash at
// the end.
func (r *Router) Group(prefix string, mws ...Middleware) *Router {
	return r.group(prefix, "", mws)
}

// Host returns a group of r that serves only the host, without port: labels in
// which {name} stands for one label, such as "{tenant}.example.com". An exact
// host is preferred to one with a parameter, and that to none.
func (r *Router) Host(host string, mws ...Middleware) *Router {
	g := r.group("", host, mws)
	if host == "" {
		r.log.add(g.where, "host is empty: use Group for routes of every host")
	}
	if r.hostPattern() != "" {
		r.log.add(g.where, "host %q inside host %q", host, r.hostPattern())
	}
	return g
}

func (r *Router) group(prefix, host string, mws []Middleware) *Router {
	g := &Router{log: r.log, parent: r, where: callSite(), prefix: prefix, host: host}
	r.log.changing(g.where)
	g.use(mws)
	r.children = append(r.children, g)
	return g
}

func (r *Router) hostPattern() string {
	for ; r != nil; r = r.parent {
		if r.host != "" {
			return r.host
		}
	}
	return ""
}

// Mount serves the routes of child below prefix, with all that child sets. A
// child may be mounted several times.
func (r *Router) Mount(prefix string, child *Router) {
	where := callSite()
	r.log.changing(where)
	switch {
	case child == nil:
		r.log.add(where, "mounted router is nil: make it by tako.New")
	case child.parent != nil:
		r.log.add(where, "mounted router is a group, mount the router it belongs to")
	default:
		r.mounts = append(r.mounts, mount{where, prefix, child})
	}
}

// Use adds middleware around every route of r.
func (r *Router) Use(mws ...Middleware) {
	r.log.changing("")
	r.use(mws)
}

func (r *Router) use(mws []Middleware) {
	for _, mw := range mws {
		if mw == nil {
			r.log.add(callSite(), "middleware is nil: leave it out")
			continue
		}
		r.middleware = append(r.middleware, mw)
	}
}

// Handle registers h for a method and pattern; the method "" stands for every
// method that has no route of its own. The pattern may begin with a host, as in
// "example.com/path". The result is read by listings; only options change it.
func (r *Router) Handle(method, pattern string, h Handler, options ...Option) *Operation {
	op := r.register(method, pattern, options)
	op.handler = h
	if h == nil {
		r.log.add(op.Location, "%s: handler is nil: give a function", op)
	}
	return op
}

// register records an operation; its options run when it is complete.
func (r *Router) register(method, pattern string, options []Option) *Operation {
	op := &Operation{Method: method, Location: callSite()}
	r.log.changing(op.Location)
	m, host, path := splitPattern(pattern)
	op.Pattern, op.Host = path, host
	if m != "" {
		r.log.add(op.Location, "pattern %q: the method is an argument of its own: take it out of the pattern", pattern)
	}
	op.apply(options)
	r.routes = append(r.routes, op)
	return op
}

// Get registers h for GET, and for HEAD unless that has a route of its own.
func (r *Router) Get(pattern string, h Handler, options ...Option) *Operation {
	return r.Handle("GET", pattern, h, options...)
}

// Head registers h for HEAD in place of the GET route.
func (r *Router) Head(pattern string, h Handler, options ...Option) *Operation {
	return r.Handle("HEAD", pattern, h, options...)
}

// Post registers h for POST.
func (r *Router) Post(pattern string, h Handler, options ...Option) *Operation {
	return r.Handle("POST", pattern, h, options...)
}

// Put registers h for PUT.
func (r *Router) Put(pattern string, h Handler, options ...Option) *Operation {
	return r.Handle("PUT", pattern, h, options...)
}

// Patch registers h for PATCH.
func (r *Router) Patch(pattern string, h Handler, options ...Option) *Operation {
	return r.Handle("PATCH", pattern, h, options...)
}

// Delete registers h for DELETE.
func (r *Router) Delete(pattern string, h Handler, options ...Option) *Operation {
	return r.Handle("DELETE", pattern, h, options...)
}

// Options registers h for OPTIONS in place of the automatic answer.
func (r *Router) Options(pattern string, h Handler, options ...Option) *Operation {
	return r.Handle("OPTIONS", pattern, h, options...)
}

// Any registers h for every method that has no route of its own.
func (r *Router) Any(pattern string, h Handler, options ...Option) *Operation {
	return r.Handle("", pattern, h, options...)
}

// Fallback answers requests below r's prefix that match no path. A path that
// exists under other methods is still answered 405.
func (r *Router) Fallback(h Handler) {
	where := callSite()
	r.log.changing(where)
	if h == nil {
		r.log.add(where, "fallback is nil: leave the call out to answer 404")
	}
	if r.fallback != nil {
		r.log.add(where, "fallback set twice on one group: keep one of the calls")
	}
	r.fallback = h
}

// OnError renders the errors of r's routes.
func (r *Router) OnError(h ErrorHandler) {
	where := callSite()
	r.log.changing(where)
	if h == nil {
		r.log.add(where, "error handler is nil: leave the call out to render errors as ever")
	}
	if r.onError != nil {
		r.log.add(where, "error handler set twice on one group: an error that one returns goes to the group around it")
	}
	r.onError = h
}

// Timeout bounds the time until the handlers of r's routes begin to respond; then
// 503 is answered and the request's context cancelled. A response that was begun
// goes on. Zero, the default, means no bound.
func (r *Router) Timeout(d time.Duration) {
	where := callSite()
	r.log.changing(where)
	if r.timeout != nil {
		r.log.add(where, "timeout set twice on one group: keep one of the calls, or give routes their own by tako.Timeout")
	}
	if d < 0 {
		r.log.add(where, "timeout %v is negative: 0 stands for none", d)
	}
	r.timeout = &d
}

// BodyLimit bounds the request bodies of r's routes, in bytes; [NoLimit] turns it
// off. The default is [DefaultBodyLimit].
func (r *Router) BodyLimit(n int64) {
	where := callSite()
	r.log.changing(where)
	if r.bodyLimit != nil {
		r.log.add(where, "body limit set twice on one group: keep one of the calls, or give routes their own by tako.BodyLimit")
	}
	if n < NoLimit {
		r.log.add(where, "body limit %d is negative: tako.NoLimit turns it off", n)
	}
	r.bodyLimit = &n
}

// SlashPolicy says what happens to a request that would match with a slash more
// or less at its end.
type SlashPolicy uint8

// The policies. With SlashRedirect the answer is 308 with the query kept; with
// SlashSame both spellings reach the handler.
const (
	SlashStrict SlashPolicy = iota
	SlashRedirect
	SlashSame
)

// TrailingSlash sets the policy of r's routes. The default is SlashStrict.
func (r *Router) TrailingSlash(p SlashPolicy) {
	where := callSite()
	r.log.changing(where)
	if r.slash != nil {
		r.log.add(where, "trailing slash policy set twice on one group: keep one of the calls")
	}
	if p > SlashSame {
		r.log.add(where, "unknown trailing slash policy %d: use SlashStrict, SlashRedirect or SlashSame", p)
	}
	r.slash = &p
}

// Codec adds a codec for the bodies of r's typed routes, in front of those of the
// groups around it and of JSON.
func (r *Router) Codec(codec Codec) {
	where := callSite()
	r.log.changing(where)
	if codec == nil || len(codec.MediaTypes()) == 0 {
		r.log.add(where, "codec without a media type: MediaTypes must name one, since bodies are told apart by it")
		return
	}
	r.codecs = append(r.codecs, codec)
}

// Format names a check of text that validation knows as the value of format tags in
// the inputs of r's routes: nil if the text is right, else an error that completes
// the sentence "the value …". It is called by many goroutines at once.
func (r *Router) Format(name string, check func(string) error) {
	where := callSite()
	r.log.changing(where)
	switch {
	case name == "" || check == nil:
		r.log.add(where, "format %q has no name or no check: both are needed", name)
	case r.formats[name] != nil:
		r.log.add(where, "format %q set twice on one group: give one of them another name", name)
	}
	if r.formats == nil {
		r.formats = map[string]func(string) error{}
	}
	r.formats[name] = check
}

// Validator adds a check of the inputs of r's routes by other means than tags: it
// is given a pointer to each input struct, to the value of each body and to what
// [Query], [Path] and [Form] hold, once their tags have been found to be kept. An
// error without a status is answered 422; an [Error] may list Fields. The
// innermost Validator counts.
func (r *Router) Validator(check func(ctx context.Context, v any) error) {
	where := callSite()
	r.log.changing(where)
	if check == nil {
		r.log.add(where, "validator is nil: leave the call out")
	}
	if r.validator != nil {
		r.log.add(where, "validator set twice on one group: call both from one function")
	}
	r.validator = check
}

// Describe documents all operations of r at once: with tags, errors, security and
// answers they have in common. Options that adjust a route are a mistake here.
func (r *Router) Describe(options ...Option) {
	where := callSite()
	r.log.changing(where)
	if r.described == nil {
		r.described = &Operation{Location: where}
	}
	op := r.described
	op.apply(options)
	if op.adjusted() {
		r.log.add(where, "Describe takes options that document; this one adjusts a route: give it to the route")
	}
}

// Log sets where the failures of requests go: panics with their stack and the
// causes of server errors. It is set on the router that is served. The default is
// [slog.Default], looked up for each record.
func (r *Router) Log(log *slog.Logger) {
	where := callSite()
	r.log.changing(where)
	if r.parent != nil {
		r.log.add(where, "a log belongs on the router that is served, not on a group")
	}
	r.logger = log
}

// TrustedProxies names the networks of the proxies in front of the service, as
// CIDR or single addresses; "unix" is whoever connects over a Unix socket. Only what they
// say in X-Forwarded-* or Forwarded is believed ([Router.Forwarding]), by [Context.ClientIP], [Context.Host], [Context.Scheme] and all
// that is built on them. It is set on the router that is served.
func (r *Router) TrustedProxies(networks ...string) {
	where := callSite()
	r.log.changing(where)
	if r.parent != nil {
		r.log.add(where, "trusted proxies belong on the router that is served, not on a group")
	}
	for _, s := range networks {
		if s == "unix" {
			r.trustsUnix = true
			continue
		}
		p, err := parseNetwork(s)
		if err != nil {
			r.log.add(where, "trusted proxy %q is neither a network nor an address, nor \"unix\"", s)
			continue
		}
		r.trusted = append(r.trusted, p)
	}
}

func parseNetwork(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return p, err
		}
		if p.Addr().Is4In6() {
			return p, fmt.Errorf("write %s as an IPv4 network", s)
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), nil
}
