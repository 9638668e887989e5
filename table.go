package tako

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// table is a built router. It does not change, but for the pools in its handlers.
type table struct {
	errs     RegistrationErrors
	any      *hostTable   // routes for any host
	hosts    []*hostTable // exact hosts first
	routes   []*route
	names    map[string]*route
	provided []*provided
	slots    int // provided values a request may cache
	trusted  []netip.Prefix
	// trustsUnix says that peers on Unix sockets are trusted proxies.
	trustsUnix bool
	forwarding Forwarding
	log        *slog.Logger // nil for the default
	methods    string       // Allow of OPTIONS *
	root       *scope       // of the router that is served
	unrouted   Handler      // answers targets that cannot be routed, inside the root's middleware
	noRoute    RouteRef
	mounting   []*Router
	seen       map[*Router]bool
	mounted    []*Router
	drains     drainWatches
}

type hostTable struct {
	labels []string // nil for any host; "" stands for a parameter
	names  []string // names of the parameters
	exact  string   // the host, "" if it has parameters
	tree   tree
	misses tree

	routeDraft, missDraft draft
}

// route is an operation at one place of the built router.
type route struct {
	op        *Operation
	ref       RouteRef
	scope     *scope
	method    string
	pattern   string // with the prefixes around it and the host
	path      string
	parts     []part
	params    []string
	handler   Handler // with all middleware
	preflight Handler // the automatic OPTIONS answer, with the same middleware
	bodyLimit int64
	timeout   time.Duration
	slash     SlashPolicy
	timed     bool // somebody may ask how long the request took
}

// Build checks everything that was registered and compiles it. It returns all
// mistakes at once, as [RegistrationErrors]. Every server calls it before it
// listens; a Router used as a plain [net/http.Handler] is built by its first
// request and answers 500 to all if there were mistakes. Calling it again is
// cheap.
func (r *Router) Build() error {
	r = r.root()
	r.building.Lock()
	defer r.building.Unlock()
	if r.table.Load() != nil || r.failed != nil {
		return r.buildErr()
	}
	t := &table{any: new(hostTable), names: map[string]*route{}, trusted: slices.Clone(r.trusted), trustsUnix: r.trustsUnix, forwarding: r.forwarding, log: r.logger, seen: map[*Router]bool{}}
	t.add(nil, r, "", r.where)
	t.bindProviders()
	t.finish()
	t.errs = append(t.errs, r.log.list...)
	r.log.built.Store(true)
	if len(t.errs) > 0 {
		r.failed = t.errs
		return r.failed
	}
	for _, child := range t.mounted {
		child.log.built.Store(true)
	}
	r.table.Store(t)
	return nil
}

// root returns the router that r is a group of.
func (r *Router) root() *Router {
	for r.parent != nil {
		r = r.parent
	}
	return r
}

// buildErr returns what is wrong with a router that was built before.
func (r *Router) buildErr() error {
	if r.failed != nil {
		return r.failed
	}
	late := mistakes{list: slices.Clone(r.log.list)}
	for _, child := range r.table.Load().mounted {
		late.list = append(late.list, child.log.list...)
	}
	return late.err()
}

func (t *table) mistake(where, format string, args ...any) {
	m := mistakes{}
	m.add(where, format, args...)
	t.errs = append(t.errs, m.list...)
}

// add compiles r and all below it at one place.
func (t *table) add(outer *scope, r *Router, prefix, where string) {
	if slices.Contains(t.mounting, r) {
		t.mistake(where, "router is mounted inside itself: mount another")
		return
	}
	t.mounting = append(t.mounting, r)
	defer func() { t.mounting = t.mounting[:len(t.mounting)-1] }()
	if err := checkPrefix(prefix); err != "" {
		t.mistake(where, "prefix %q %s", prefix, err)
		prefix = ""
	}
	s := t.newScope(outer, r, prefix)
	if outer == nil {
		t.root, t.unrouted = s, chain(s.middleware, answerUnrouted)
	}
	if outer != nil && r.parent == nil {
		if !t.seen[r] {
			t.errs = append(t.errs, r.log.list...)
			t.mounted = append(t.mounted, r)
		}
		if len(r.trusted) > 0 || r.trustsUnix || r.forwarding != ForwardingAny {
			t.mistake(where, "the mounted router names trusted proxies; they belong on the router that is served")
		}
		if r.logger != nil {
			t.mistake(where, "the mounted router has a log; it belongs on the router that is served")
		}
	}
	if outer != nil && outer.host != "" && r.host != "" && r.parent.hostPattern() == "" {
		t.mistake(where, "host %q inside host %q", r.host, outer.host) // by way of a mount
	}
	t.seen[r] = true
	t.addMiss(s, where)
	for _, op := range r.routes {
		t.addRoute(s, op)
	}
	for _, g := range r.children {
		t.add(s, g, g.prefix, g.where)
	}
	for _, m := range r.mounts {
		t.add(s, m.router, m.prefix, m.where)
	}
}

func checkPrefix(prefix string) string {
	switch {
	case prefix == "":
		return ""
	case prefix[0] != '/':
		return `must begin with "/"`
	case strings.HasSuffix(prefix, "/"):
		return `must not end with "/"`
	case strings.Contains(prefix, "..."), strings.Contains(prefix, "{$}"):
		return "must not hold a parameter for the rest"
	}
	return ""
}

// addMiss makes s the owner of the paths below its prefix, unless an outer scope
// with the same prefix is already and s has no fallback of its own.
func (t *table) addMiss(s *scope, where string) {
	h := t.host(s.host, where)
	own := s.router.fallback != nil
	for _, pattern := range []string{s.prefix, s.prefix + "/{rest...}"} {
		if pattern == "" {
			continue
		}
		parts, err := parsePattern(pattern)
		if err != nil {
			t.mistake(where, "prefix %q: %v", s.prefix, err)
			return
		}
		l := h.missDraft.insert(parts)
		switch {
		case l.any == nil || own && l.any.scope.router.fallback == nil:
			l.any = &route{scope: s}
		case own && l.any.scope.router.fallback != nil && strings.HasSuffix(pattern, "...}"):
			t.mistake(where, "two fallbacks for prefix %q, the other at %s: keep one", s.prefix, l.any.scope.router.where)
		}
	}
}

func (t *table) addRoute(s *scope, op *Operation) {
	path := op.Pattern
	if path != "" && path[0] != '/' {
		t.mistake(op.Location, "pattern %q must begin with \"/\"", path)
		return
	}
	if s.prefix != "" && (path == "/" || path == "") {
		path = ""
	}
	path = s.prefix + path
	host := s.host
	if op.Host != "" {
		if host != "" {
			t.mistake(op.Location, "pattern %q has a host inside host %q", op.Host+op.Pattern, host)
		}
		host = op.Host
	}
	parts, err := parsePattern(path)
	if err != nil {
		t.mistake(op.Location, "pattern %q: %v", path, err)
		return
	}
	h := t.host(host, op.Location)
	if len(op.codecs) > 0 {
		own := *s
		own.codecs = append(slices.Clone(op.codecs), s.codecs...)
		own.offer()
		s = &own
	}
	r := &route{op: op, scope: s, method: op.Method, path: path, pattern: h.pattern() + path, parts: parts,
		bodyLimit: s.bodyLimit, timeout: s.timeout, slash: s.slash}
	setIf(&r.bodyLimit, op.bodyLimit)
	setIf(&r.timeout, op.timeout)
	setIf(&r.slash, op.slash)
	r.params = append(paramNames(parts), h.names...)
	r.ref = RouteRef{Index: len(t.routes) + 1, Method: r.method, Pattern: r.pattern, Mode: op.dispatch}
	t.checkRoute(r)
	t.compile(r)
	t.link(h, r)
	t.routes = append(t.routes, r)
}

// link puts r into the tree and reports what is there already.
func (t *table) link(h *hostTable, r *route) {
	l := h.routeDraft.insert(r.parts)
	if r.method == "" {
		if l.any != nil {
			t.mistake(r.op.Location, "%s conflicts with %s at %s: both would serve the same requests; take one out or change its pattern", r.label(), l.any.label(), l.any.op.Location)
			return
		}
		l.any = r
		return
	}
	for other := range l.routes {
		if other.method == r.method {
			t.mistake(r.op.Location, "%s conflicts with %s at %s: both would serve the same requests; take one out or change its pattern", r.label(), other.label(), other.op.Location)
			return
		}
	}
	l.add(r)
}

func (r *route) label() string {
	if r.method == "" {
		return r.pattern
	}
	return r.method + " " + r.pattern
}

// compile composes what runs for a request of r, from the inside out.
func (t *table) compile(r *route) {
	h := r.op.handler
	if r.op.typed != nil {
		h = r.op.typed.bind(t, r)
	}
	if h == nil {
		return // reported by Handle or bind
	}
	if r.timeout > 0 {
		h = withRouteTimeout(r.timeout, h)
	}
	mws := slices.DeleteFunc(slices.Concat(r.scope.middleware, r.op.use), func(mw Middleware) bool { return mw == nil })
	if len(r.op.protocols) > 0 {
		h = onlyProtocols(r.op.protocols, h)
	}
	r.handler = chain(mws, h)
	r.preflight = chain(mws, answerOptions)
	r.timed = len(mws) > 0
}

func (t *table) finish() {
	slices.SortStableFunc(t.hosts, func(a, b *hostTable) int { return len(a.names) - len(b.names) })
	for _, h := range slices.Concat(t.hosts, []*hostTable{t.any}) {
		var err1, err2 error
		h.tree, err1 = h.routeDraft.compact()
		h.misses, err2 = h.missDraft.compact()
		if err := errors.Join(err1, err2); err != nil {
			t.mistake("", "%v", err)
		}
		h.routeDraft, h.missDraft = draft{}, draft{}
	}
	methods := []string{"OPTIONS"}
	for _, r := range t.routes {
		if r.method != "" {
			methods = append(methods, r.method)
		}
		if r.method == "GET" {
			methods = append(methods, "HEAD")
		}
	}
	slices.Sort(methods)
	t.methods = strings.Join(slices.Compact(methods), ", ")
	t.mounting, t.seen = nil, nil
}
