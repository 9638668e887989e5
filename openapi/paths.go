package openapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tako-go/tako"
)

// verbs are the methods that a Path Item Object has a field for, in the order in
// which they are written.
var verbs = [...]string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}

// anyVerbs are those that a route for every method is listed as.
var anyVerbs = [...]string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// place is where a route stands.
type place struct{ host, path, method string }

func placeOf(l tako.Listed, method string) place {
	return place{strings.TrimSuffix(l.Pattern, l.Path), l.Path, method}
}

// list adds the routes that are to be seen.
func (b *builder) list(routes []tako.Listed) {
	var shown []tako.Listed
	exact := map[place]bool{}  // which methods have a route of their own
	single := map[place]bool{} // the same by shape, without catch-alls
	for _, l := range routes {
		exact[placeOf(l, l.Method)] = true
		if listedRecord(l).hidden() || b.cfg.Filter != nil && !b.cfg.Filter(l) {
			continue
		}
		shown = append(shown, l)
		if l.Method == "" {
			b.reserve(listedRecord(l), anyVerbs[:]...)
		} else {
			b.reserve(listedRecord(l))
		}
		if t := parsePath(l.Path); !t.rest {
			p := placeOf(l, l.Method)
			p.path = t.shape()
			single[p] = true
		}
	}
	for _, l := range shown {
		methods := []string{l.Method}
		if l.Method == "" {
			methods = nil
			for _, verb := range anyVerbs {
				if !exact[placeOf(l, verb)] {
					methods = append(methods, verb)
				}
			}
		}
		for _, method := range methods {
			b.addRoute(l, method, single)
		}
	}
}

// addRoute adds one operation of a route.
func (b *builder) addRoute(l tako.Listed, method string, single map[place]bool) {
	p, t := placeOf(l, method), parsePath(l.Path)
	for t.rest && single[place{p.host, t.shape(), method}] {
		// A catch-all beside {name} serves what has more segments.
		t = t.longer()
	}
	key, known := b.keys[t.shape()]
	if !known {
		key = t.key()
		b.keys[t.shape()] = key
	}
	names := t.named(parsePath(key))
	r := listedRecord(l)
	b.put(p, key, func(item *object) {
		o := b.operation(r, operationPlace{method: method, path: l.Path, host: p.host, any: l.Method == "", template: t, names: names})
		if p.host != "" {
			o.Set("servers", []*object{b.hostServer(p.host).object()})
		}
		slot(item, method).Set(memberOf(method), o)
	}, r.op)
}

// put finds the path item that has room for an operation: that of the path, or,
// where another host has the same method there, one of the host.
func (b *builder) put(p place, key string, add func(item *object), op *tako.Operation) {
	item := child(b.paths, key)
	if slot(item, p.method).Get(memberOf(p.method)) != nil {
		item = child(child(item, "x-hosts"), p.host)
	}
	if slot(item, p.method).Get(memberOf(p.method)) != nil {
		b.mistake(op, "another route has the same place in the document: %s %s", p.method, key)
		return
	}
	add(item)
}

// slot is what holds the operation of a method.
func slot(item *object, method string) *object {
	if slices.Contains(verbs[:], method) {
		return item
	}
	return child(item, "x-additionalOperations")
}

func memberOf(method string) string {
	if slices.Contains(verbs[:], method) {
		return strings.ToLower(method)
	}
	return method
}

// hostServer is the server of a host pattern, with scheme and port of the first
// server that is configured.
func (b *builder) hostServer(host string) Server {
	s := Server{URL: "//" + host}
	if len(b.cfg.Servers) > 0 {
		if o := origin(b.cfg.Servers[0].URL); o != "" {
			scheme, rest, _ := strings.Cut(o, "://")
			port := ""
			if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
				port = rest[i:]
			}
			s.URL = scheme + "://" + host + port
		}
	}
	for label := range strings.SplitSeq(host, ".") {
		if name, ok := strings.CutPrefix(label, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			s.Variables = append(s.Variables, Variable{Name: name, Default: name})
		}
	}
	return s
}

// pathTemplate is a path pattern in the terms of OpenAPI.
type pathTemplate struct {
	segments []string // of a parameter: its name in braces
	rest     bool     // the last is a catch-all
}

func parsePath(path string) pathTemplate {
	t := pathTemplate{segments: strings.Split(strings.TrimPrefix(path, "/"), "/")}
	last := &t.segments[len(t.segments)-1]
	if *last == "{$}" {
		*last = ""
	}
	if name, ok := strings.CutSuffix(*last, "...}"); ok {
		*last, t.rest = name+"}", true
	}
	return t
}

func (t pathTemplate) key() string { return "/" + strings.Join(t.segments, "/") }

// shape is the same for paths that OpenAPI cannot tell apart.
func (t pathTemplate) shape() string {
	s := slices.Clone(t.segments)
	for i := range s {
		if isParam(s[i]) {
			s[i] = "{}"
		}
	}
	return "/" + strings.Join(s, "/")
}

func isParam(segment string) bool { return strings.HasPrefix(segment, "{") }

func (t pathTemplate) params() []string {
	var names []string
	for _, s := range t.segments {
		if isParam(s) {
			names = append(names, s[1:len(s)-1])
		}
	}
	return names
}

// longer splits the first segment off a catch-all.
func (t pathTemplate) longer() pathTemplate {
	n := len(t.segments) - 1
	name := t.segments[n][1 : len(t.segments[n])-1]
	first := fmt.Sprintf("{%s_%d}", name, len(t.segments))
	t.segments = append(slices.Clone(t.segments[:n]), first, t.segments[n])
	return t
}

// named tells what the parameters are called at the path that stands in the
// document, which was first and may have other names.
func (t pathTemplate) named(at pathTemplate) map[string]string {
	names := map[string]string{}
	theirs := at.params()
	for i, name := range t.params() {
		names[name] = theirs[i]
	}
	return names
}
