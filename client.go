package tako

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/authority"
)

// client is who the request comes from, as far as trusted proxies tell.
type client struct {
	known  bool
	ip     netip.Addr
	host   string
	scheme string
}

// ClientIP returns the address of the client: the socket's peer, or what a PROXY header
// has in its place, or, if that is one of [Router.TrustedProxies], the nearest address in X-Forwarded-For or
// Forwarded (as [Router.Forwarding] says) that is not. Addresses are read from the right and an invalid
// one ends the search, so a client cannot choose its own. It is the zero Addr
// where the peer has none, as on a Unix socket.
func (c *Context) ClientIP() netip.Addr {
	c.live()
	return c.resolve().ip
}

// Host returns the host and port that the client asked for: from a trusted
// proxy's X-Forwarded-Host or Forwarded, else the authority of the request.
func (c *Context) Host() string {
	c.live()
	if !c.peer.known && len(c.table.trusted) == 0 && !c.table.trustsUnix {
		return c.ex.Authority()
	}
	return c.resolve().host
}

// Scheme returns "https" or "http": from a trusted proxy's X-Forwarded-Proto or
// Forwarded, else by whether this connection has TLS.
func (c *Context) Scheme() string {
	c.live()
	return c.resolve().scheme
}

func (c *Context) resolve() *client {
	p := &c.peer
	if p.known {
		return p
	}
	p.known = true
	info := c.ex.ConnInfo()
	p.ip = addrOf(info.Remote)
	p.host, p.scheme = c.ex.Authority(), info.scheme()
	if !c.trustsPeer(info) {
		return p
	}
	if lines := headerValues(c.ex, "Forwarded"); len(lines) > 0 && c.readsForwarded() {
		c.resolveForwarded(lines)
		return p
	}
	if c.table.forwarding == ForwardingStandard {
		return p
	}
	hops := splitList(headerValues(c.ex, "X-Forwarded-For"))
	i := c.walk(len(hops), func(i int) (netip.Addr, bool) { return parseNode(hops[i]) })
	pick := func(name string) string {
		// A proxy that sets one value for all hops gives one, otherwise hop by hop.
		switch values := splitList(headerValues(c.ex, name)); {
		case len(values) == 0:
			return ""
		case len(values) == len(hops):
			return values[i]
		default:
			return values[len(values)-1]
		}
	}
	p.take(pick("X-Forwarded-Host"), pick("X-Forwarded-Proto"))
	return p
}

// walk follows the hops from the right over trusted addresses, sets the client's
// address and returns the hop that the last trusted proxy wrote about it.
func (c *Context) walk(n int, hop func(i int) (netip.Addr, bool)) int {
	at := max(n-1, 0)
	for i := n - 1; i >= 0; i-- {
		ip, ok := hop(i)
		if !ok {
			break
		}
		c.peer.ip, at = ip, i
		if !c.trusts(ip) {
			break
		}
	}
	return at
}

// resolveForwarded reads the members of Forwarded (RFC 7239).
func (c *Context) resolveForwarded(lines []string) {
	type member struct{ node, host, proto string }
	var members []member
	for _, item := range forwardedItems(lines) {
		var m member
		for pair := range strings.SplitSeq(item, ";") {
			name, v, _ := strings.Cut(ascii.Trim(pair), "=")
			v = unquote(v)
			switch strings.ToLower(name) {
			case "for":
				m.node = v
			case "host":
				m.host = v
			case "proto":
				m.proto = v
			}
		}
		members = append(members, m)
	}
	if len(members) == 0 {
		return
	}
	i := c.walk(len(members), func(i int) (netip.Addr, bool) { return parseNode(members[i].node) })
	c.peer.take(members[i].host, members[i].proto)
}

// take believes a forwarded host and scheme if they are valid.
func (p *client) take(host, proto string) {
	if _, _, ok := authority.Split(host); ok {
		p.host = host
	}
	if proto = strings.ToLower(proto); proto == "http" || proto == "https" {
		p.scheme = proto
	}
}

// trustsPeer reports whether the other end of a connection is a trusted proxy.
func (c *Context) trustsPeer(info *ConnInfo) bool {
	if ip := addrOf(info.Remote); ip.IsValid() {
		return c.trusts(ip)
	}
	introduced := info.Proxy != nil && !info.Proxy.Local // then it is not who connected
	return info.Transport == "unix" && c.table.trustsUnix && !introduced
}

func (c *Context) trusts(ip netip.Addr) bool {
	for _, network := range c.table.trusted {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}

// addrOf returns the address of a socket's end, without zone, IPv4 as IPv4.
func addrOf(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap().WithZone("")
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// parseNode reads an address: bare, IPv4 with a port, or IPv6 in brackets with or
// without one.
func parseNode(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			addr, err := netip.ParseAddr(inner)
			return addr.Unmap().WithZone(""), err == nil && addr.Is6()
		}
	}
	addr, err := netip.ParseAddrPort(s)
	return addr.Addr().Unmap().WithZone(""), err == nil
}

// forwardedItems splits lines of Forwarded. It reads each from the right, because
// that end was written by a proxy of ours: a quote which a client left open cannot
// swallow it.
func forwardedItems(lines []string) []string {
	var items []string
	for _, line := range slices.Backward(lines) {
		end, quoted := len(line), false
		for i := len(line) - 1; i >= 0; i-- {
			switch {
			case line[i] == '"' && !escaped(line, i):
				quoted = !quoted
			case line[i] == ',' && !quoted:
				items = append(items, ascii.Trim(line[i+1:end]))
				end = i
			}
		}
		items = append(items, ascii.Trim(line[:end]))
	}
	slices.Reverse(items)
	return slices.DeleteFunc(items, func(s string) bool { return s == "" })
}

// escaped reports whether the quote at i is part of a quoted-pair.
func escaped(s string, i int) bool {
	n := 0
	for i > n && s[i-n-1] == '\\' {
		n++
	}
	return n%2 == 1
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return strings.ReplaceAll(s[1:len(s)-1], `\`, "")
	}
	return s
}

// splitList splits lines at every comma: the values have no quotes.
func splitList(lines []string) []string {
	var items []string
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			if item = ascii.Trim(item); item != "" {
				items = append(items, item)
			}
		}
	}
	return items
}

// RedirectHTTPS returns a handler that sends every request to https with 308,
// path and query kept: the fallback of a router on the plain port. hosts are
// those that may be asked for, each with a port if it is not 443; any other is
// 421, an invalid one 400.
func RedirectHTTPS(hosts ...string) Handler {
	targets := make(map[string]string, len(hosts))
	for _, h := range hosts {
		host, port, ok := authority.Split(h)
		if !ok {
			return func(*Context) error {
				return Errorf(http.StatusInternalServerError, "redirect to https: %q is no host", h)
			}
		}
		if port == "443" {
			port = ""
		}
		targets[host] = authority.Join(host, port)
	}
	return func(c *Context) error {
		host, _, ok := authority.Split(c.Host())
		if !ok {
			return BadRequest("the host is invalid")
		}
		target, ok := targets[host]
		if !ok {
			return Errorf(http.StatusMisdirectedRequest, "this server does not speak for the host")
		}
		c.header.Set("Location", escapeURI("https://"+target+withQuery(c.path, c.query)))
		return c.respond(http.StatusPermanentRedirect, "", nil)
	}
}
