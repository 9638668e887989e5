package tako

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
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
	Operation       *Operation
}

// Routes lists all routes in the order of registration, groups and mounted
// routers behind what stands before them. It is empty before Build.
func (r *Router) Routes() []Listed {
	t := r.current()
	if t == nil {
		return nil
	}
	list := make([]Listed, len(t.routes))
	for i, route := range t.routes {
		list[i] = Listed{route.method, route.pattern, route.op}
	}
	return list
}
