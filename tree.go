package tako

import (
	"slices"
	"strings"
)

// A tree is a radix tree over the normal form of paths. A node stands behind its
// prefix; a parameter stands behind the slash before it and takes one segment.
// For /users/, /users/me, /users/{id}/posts:
//
//	"/users/" leaf
//	├── "me"  leaf
//	└── {}    ── "/posts" leaf
//
// A search tries literal, parameter and rest in this order and comes back from
// dead ends. Every node has one position in the path, so a search visits a node
// at most once: its cost is bounded by the routes, not by the path.
//
// With thousands of routes the time goes into fetching memory and into branches
// that cannot be foreseen. So nodes are small, refer to each other by number and
// lie in the order they are searched, and the next byte is looked up, not searched.
type tree struct {
	nodes  []node // the first is the root
	leaves []leaf // the first is none
	jumps  string // for a node and a byte: which literal, counted from 1
	text   string // of the prefixes
}

type node struct {
	prefix    uint32 // where in text it begins
	jump      uint32 // where in jumps the entry of the byte low stands
	literal   uint32 // the first of the literals
	param     uint32 // 0 for none
	leaf      uint32 // patterns that end here
	rest      uint32 // patterns with {name...} here
	prefixLen uint16
	low, span uint8 // the bytes that literals begin with: span of them from low on
}

// leaf holds the routes of one shape, by method; any serves all other methods.
type leaf struct {
	method string // of first
	first  *route
	more   []*route
	any    *route
}

// next returns the literal node that path goes on with, 0 if there is none.
func (t *tree) next(n *node, path string) uint32 {
	offset := path[0] - n.low
	if offset >= n.span {
		return 0
	}
	ordinal := t.jumps[n.jump+uint32(offset)]
	if ordinal == 0 {
		return 0
	}
	at := n.literal + uint32(ordinal) - 1
	next := &t.nodes[at]
	// The first byte matches, and often is all there is.
	if size := int(next.prefixLen); size > 1 && !strings.HasPrefix(path, t.text[next.prefix:int(next.prefix)+size]) {
		return 0
	}
	return at
}

// find returns the best route for path and fills params.
func (t *tree) find(path, method string, params *[maxParams]string) *route {
	if len(t.nodes) == 0 {
		return nil
	}
	return t.search(0, path, method, params, 0)
}

// search is find for what is left of the path behind node at; k parameters are
// filled.
func (t *tree) search(at uint32, path, method string, params *[maxParams]string, k int) *route {
	n := &t.nodes[at]
	for path != "" {
		next := t.next(n, path)
		if n.param == 0 && n.rest == 0 {
			if next == 0 {
				return nil
			}
			n = &t.nodes[next]
			path = path[n.prefixLen:]
			continue
		}
		if next != 0 {
			if r := t.search(next, path[t.nodes[next].prefixLen:], method, params, k); r != nil {
				return r
			}
		}
		if n.param != 0 && path[0] != '/' {
			end := segmentEnd(path)
			params[k] = path[:end]
			if r := t.search(n.param, path[end:], method, params, k+1); r != nil {
				return r
			}
		}
		return t.pickRest(n, path, method, params, k)
	}
	if r := t.leaves[n.leaf].pick(method); r != nil {
		return r
	}
	return t.pickRest(n, path, method, params, k)
}

func segmentEnd(path string) int {
	if end := strings.IndexByte(path, '/'); end >= 0 {
		return end
	}
	return len(path)
}

func (t *tree) pickRest(n *node, path, method string, params *[maxParams]string, k int) *route {
	r := t.leaves[n.rest].pick(method)
	if r != nil {
		params[k] = path
	}
	return r
}

// pick returns the route for method; HEAD is served by GET.
func (l *leaf) pick(method string) *route {
	if l.method == method && l.first != nil {
		return l.first
	}
	return l.pickOther(method)
}

func (l *leaf) pickOther(method string) *route {
	for _, r := range l.more {
		if r.method == method {
			return r
		}
	}
	if method == "HEAD" {
		for r := range l.routes {
			if r.method == "GET" {
				return r
			}
		}
	}
	if method == "TRACE" { // it would show credentials: only a route of its own serves it
		return nil
	}
	return l.any
}

// routes yields the routes that name a method.
func (l *leaf) routes(yield func(*route) bool) {
	if l.first == nil || !yield(l.first) {
		return
	}
	for _, r := range l.more {
		if !yield(r) {
			return
		}
	}
}

// collect calls f with every leaf that matches path, best first.
func (t *tree) collect(path string, f func(*leaf)) {
	if len(t.nodes) > 0 {
		t.collectFrom(0, path, f)
	}
}

func (t *tree) collectFrom(at uint32, path string, f func(*leaf)) {
	n := &t.nodes[at]
	if path == "" {
		f(&t.leaves[n.leaf])
		f(&t.leaves[n.rest])
		return
	}
	if next := t.next(n, path); next != 0 {
		t.collectFrom(next, path[t.nodes[next].prefixLen:], f)
	}
	if n.param != 0 && path[0] != '/' {
		t.collectFrom(n.param, path[segmentEnd(path):], f)
	}
	f(&t.leaves[n.rest])
}

// allowed returns the methods that have a route for path, sorted, with HEAD for
// GET and OPTIONS for all; nil if there is no route.
func (t *tree) allowed(path string) []string {
	var methods []string
	t.collect(path, func(l *leaf) {
		for r := range l.routes {
			methods = append(methods, r.method)
			if r.method == "GET" {
				methods = append(methods, "HEAD")
			}
		}
	})
	if methods == nil {
		return nil
	}
	methods = append(methods, "OPTIONS")
	slices.Sort(methods)
	return slices.Compact(methods)
}
