package tako

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// URL returns path and query of the named route; params are pairs of name and
// value. Those that the pattern does not have become the query.
func (r *Router) URL(name string, params ...string) (string, error) {
	t := r.current()
	if t == nil {
		return "", errors.New("tako: URL asked of a router that is not built")
	}
	route := t.names[name]
	switch {
	case route == nil:
		return "", fmt.Errorf("tako: no route is called %q", name)
	case route.path == "":
		return "", fmt.Errorf("tako: route %q is mounted more than once", name)
	case len(params)%2 != 0:
		return "", fmt.Errorf("tako: parameters of route %q are not pairs", name)
	}
	values := map[string]string{}
	query := url.Values{}
	for i := 0; i < len(params); i += 2 {
		if slices.Contains(route.params, params[i]) {
			values[params[i]] = params[i+1]
		} else {
			query.Add(params[i], params[i+1])
		}
	}
	path, err := fillPattern(route.path, values)
	if err != nil {
		return "", err
	}
	return withQuery(path, query.Encode()), nil
}

// Listed is one line of a router's listing.
type Listed struct {
	// Pattern has all prefixes and the host.
	Method, Pattern string
	// Path is the pattern without the host.
	Path string
	// Operation is the record of the route.
	Operation *Operation
	// Around are the records that belong to the operation too: what
	// [Router.Describe] has set on the groups around it, outside in, and those of
	// the providers whose values its input has.
	Around []*Operation
	// Media lists the media types of its codecs, the preferred one first.
	Media []string
	// Formats are those that [Router.Format] has set around it.
	Formats map[string]func(string) error
	// BodyLimit is the body limit in bytes, [NoLimit] for none.
	BodyLimit int64
	// Timeout is how long its handler may take to respond, 0 for no bound.
	Timeout time.Duration
}

// Routes lists all routes in the order of registration, groups and mounted
// routers behind what stands before them. It is empty before Build.
func (r *Router) Routes() []Listed {
	return r.current().listing()
}

func (t *table) listing() []Listed {
	if t == nil {
		return nil
	}
	list := make([]Listed, len(t.routes))
	for i, route := range t.routes {
		list[i] = Listed{Method: route.method, Pattern: route.pattern, Path: route.path, Operation: route.op,
			Around: route.around(), Media: slices.Clone(route.scope.offers), Formats: route.scope.formats, BodyLimit: route.bodyLimit, Timeout: route.timeout}
	}
	return list
}

func (r *route) around() []*Operation {
	list := slices.Clone(r.scope.described)
	if r.op.typed == nil {
		return list
	}
	var visit func(in *input)
	visit = func(in *input) {
		for i := range in.fields {
			if f := &in.fields[i]; f.source == fromProvider {
				if p := r.scope.provider(f.typ); p != nil && !slices.Contains(list, p.op) {
					list = append(list, p.op)
					visit(p.in)
				}
			}
		}
	}
	visit(r.op.typed.plan())
	return list
}
