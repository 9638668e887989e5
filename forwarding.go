package tako

import "slices"

// Forwarding says in which fields trusted proxies tell for whom they ask. Others are for whoever
// sends them: proxies mostly write one kind and pass the other on as it comes from the client.
type Forwarding uint8

const (
	// ForwardingAny reads X-Forwarded-For, -Host and -Proto where one of them is there, else
	// Forwarded. It is for proxies that write the former, or remove them.
	ForwardingAny Forwarding = iota
	// ForwardingX reads only X-Forwarded-For, -Host and -Proto.
	ForwardingX
	// ForwardingStandard reads only Forwarded (RFC 7239).
	ForwardingStandard
)

// Forwarding sets which fields of [Router.TrustedProxies] are believed. It is set on the router
// that is served. The default is [ForwardingAny].
func (r *Router) Forwarding(f Forwarding) {
	where := callSite()
	r.log.changing(where)
	switch {
	case r.parent != nil:
		r.log.add(where, "the fields of trusted proxies belong on the router that is served, not on a group")
	case f > ForwardingStandard:
		r.log.add(where, "unknown Forwarding %d", f)
	default:
		r.forwarding = f
	}
}

// readsForwarded reports whether Forwarded is believed.
func (c *Context) readsForwarded() bool {
	if c.table.forwarding != ForwardingAny {
		return c.table.forwarding == ForwardingStandard
	}
	return !slices.ContainsFunc([]string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}, func(name string) bool {
		return len(headerValues(c.ex, name)) > 0
	})
}
