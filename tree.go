package tako

import (
	"slices"
	"strings"
)

// The tree is a radix tree over the normal form of paths. A node stands behind
// its prefix; a parameter stands behind the slash before it and takes one
// segment. For /users/, /users/me, /users/{id}/posts:
//
//	"/users/" leaf
//	├── "me"  leaf
//	└── {}    ── "/posts" leaf
//
// A search tries literal, parameter and rest in this order and comes back from
// dead ends. Every node has one position in the path, so a search visits a node
// at most once: its cost is bounded by the routes, not by the path.
type node struct {
	prefix  string
	index   string // first bytes of the literals' prefixes
	literal []*node
	param   *node
	leaf    *leaf // patterns that end here
	rest    *leaf // patterns with {name...} here
}

// leaf holds the routes of one shape, by method; any serves all other methods.
type leaf struct {
	routes []*route
	any    *route
}

// insert returns the leaf for the pattern, new if it was not there.
func (n *node) insert(parts []part) *leaf {
	for _, p := range parts {
		switch {
		case p.rest:
			if n.rest == nil {
				n.rest = new(leaf)
			}
			return n.rest
		case p.param != "":
			if n.param == nil {
				n.param = new(node)
			}
			n = n.param
		default:
			n = n.child(p.literal)
		}
	}
	if n.leaf == nil {
		n.leaf = new(leaf)
	}
	return n.leaf
}

// child returns the node behind literal, splitting nodes as needed.
func (n *node) child(literal string) *node {
	for literal != "" {
		i := strings.IndexByte(n.index, literal[0])
		if i < 0 {
			next := &node{prefix: literal}
			n.index += literal[:1]
			n.literal = append(n.literal, next)
			return next
		}
		next := n.literal[i]
		common := commonPrefix(next.prefix, literal)
		if common < len(next.prefix) {
			upper := &node{prefix: next.prefix[:common], index: next.prefix[common : common+1], literal: []*node{next}}
			next.prefix = next.prefix[common:]
			n.literal[i] = upper
			next = upper
		}
		n, literal = next, literal[common:]
	}
	return n
}

func commonPrefix(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}

// find returns the best route for path, which is what is left behind n, and
// fills params from position k on.
func (n *node) find(path, method string, params *[maxParams]string, k int) *route {
	for path != "" {
		i := strings.IndexByte(n.index, path[0])
		var next *node
		if i >= 0 && strings.HasPrefix(path, n.literal[i].prefix) {
			next = n.literal[i]
		}
		if n.param == nil && n.rest == nil {
			if next == nil {
				return nil
			}
			n, path = next, path[len(next.prefix):]
			continue
		}
		if next != nil {
			if r := next.find(path[len(next.prefix):], method, params, k); r != nil {
				return r
			}
		}
		if n.param != nil && path[0] != '/' {
			end := strings.IndexByte(path, '/')
			if end < 0 {
				end = len(path)
			}
			params[k] = path[:end]
			if r := n.param.find(path[end:], method, params, k+1); r != nil {
				return r
			}
		}
		return n.rest.pickRest(path, method, params, k)
	}
	if r := n.leaf.pick(method); r != nil {
		return r
	}
	return n.rest.pickRest(path, method, params, k)
}

func (l *leaf) pickRest(path, method string, params *[maxParams]string, k int) *route {
	r := l.pick(method)
	if r != nil {
		params[k] = path
	}
	return r
}

// pick returns the route for method; HEAD is served by GET.
func (l *leaf) pick(method string) *route {
	if l == nil {
		return nil
	}
	var get *route
	for _, r := range l.routes {
		if r.method == method {
			return r
		}
		if r.method == "GET" {
			get = r
		}
	}
	if method == "HEAD" && get != nil {
		return get
	}
	return l.any
}

// collect calls f with every leaf that matches path, best first.
func (n *node) collect(path string, f func(*leaf)) {
	if path == "" {
		if n.leaf != nil {
			f(n.leaf)
		}
		if n.rest != nil {
			f(n.rest)
		}
		return
	}
	if i := strings.IndexByte(n.index, path[0]); i >= 0 {
		if next := n.literal[i]; strings.HasPrefix(path, next.prefix) {
			next.collect(path[len(next.prefix):], f)
		}
	}
	if n.param != nil && path[0] != '/' {
		end := strings.IndexByte(path, '/')
		if end < 0 {
			end = len(path)
		}
		n.param.collect(path[end:], f)
	}
	if n.rest != nil {
		f(n.rest)
	}
}

// allowed returns the methods that have a route for path, sorted, with HEAD for
// GET and OPTIONS for all; nil if there is no route.
func (n *node) allowed(path string) []string {
	var methods []string
	n.collect(path, func(l *leaf) {
		for _, r := range l.routes {
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
