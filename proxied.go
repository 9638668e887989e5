package tako

import (
	"bytes"
	"net"

	"github.com/tako-go/tako/internal/ascii"
)

// proxiedExchange is an Exchange over a connection with a PROXY header. What the request
// says of its way came from outside, so it is replaced by what the header says.
type proxiedExchange struct{ Exchange }

// proxied takes the forwarding fields of a request away from a client that a PROXY header
// has told of. A trusted proxy between it and the client keeps its own.
func (c *Context) proxied() {
	info := c.ex.ConnInfo()
	if c.trustsPeer(info) {
		return
	}
	if x, ok := c.ex.(*netHTTP); ok {
		x.scrubs = true
		for name := range x.r.Header {
			if forwards(name) {
				delete(x.r.Header, name)
			}
		}
		info.forwarded(func(name, value string) bool {
			x.r.Header[name] = []string{value}
			return true
		})
		return
	}
	c.ex = &proxiedExchange{c.ex} // not of the Context: late readers of the body keep it
}

func (x *proxiedExchange) RequestHeader(name string) (value string) {
	if !forwards(name) {
		return x.Exchange.RequestHeader(name)
	}
	x.ConnInfo().forwarded(func(n, v string) bool {
		if n == name {
			value = v
		}
		return n != name
	})
	return value
}

func (x *proxiedExchange) RequestHeaderRepeats(name string) bool {
	return !forwards(name) && x.Exchange.RequestHeaderRepeats(name)
}

func (x *proxiedExchange) EachRequestHeader(yield func(name, value string) bool) {
	on := true
	x.Exchange.EachRequestHeader(func(name, value string) bool {
		on = forwards(name) || yield(name, value)
		return on
	})
	if on {
		x.ConnInfo().forwarded(yield)
	}
}

// EachRequestTrailer leaves such fields out: they do not belong there at all.
func (x *proxiedExchange) EachRequestTrailer(yield func(name, value string) bool) {
	x.Exchange.EachRequestTrailer(func(name, value string) bool { return forwards(name) || yield(name, value) })
}

// proxiedKey is in the context of a request whose fields were replaced, so that a router inside
// of a handler does not do it again.
type proxiedKey struct{}

// forwarded yields the fields that a proxy of HTTP would have sent.
func (i *ConnInfo) forwarded(yield func(name, value string) bool) {
	node, ip := "unknown", addrOf(i.Remote)
	if ip.IsValid() {
		_, port, _ := net.SplitHostPort(i.Remote.String())
		node = `"` + net.JoinHostPort(ip.String(), port) + `"`
	}
	scheme := i.scheme()
	if yield("Forwarded", "for="+node+";proto="+scheme) &&
		(!ip.IsValid() || yield("X-Forwarded-For", ip.String())) {
		yield("X-Forwarded-Proto", scheme)
	}
}

// scheme is that of the client, as far as the connection tells.
func (i *ConnInfo) scheme() string {
	if i.TLS != nil || i.Proxy != nil && i.Proxy.TLS != nil && i.Proxy.TLS.Used {
		return "https"
	}
	return "http"
}

// forwards reports whether a field tells of the way a request came. Others read "_" for "-".
func forwards(name string) bool {
	if len(name) == 0 {
		return false
	}
	switch name[0] | 0x20 {
	case 'x', 'f', 't', 'c', 'p', 'w', 'a', 'd':
	default:
		return false
	}
	var lower [longestForwarding]byte
	n := min(len(name), len(lower))
	for i := range n {
		lower[i] = ascii.Lower(name[i])
		if name[i] == '_' {
			lower[i] = '-'
		}
	}
	b := lower[:n]
	return bytes.HasPrefix(b, []byte("x-forwarded-")) || n == len(name) && forwardingFields[string(b)]
}

// longestForwarding is more than a name of forwardingFields has.
const longestForwarding = 48

// forwardingFields are what proxies use beside X-Forwarded-*.
var forwardingFields = map[string]bool{"forwarded": true, "forwarded-for": true, "forwarded-host": true, "forwarded-proto": true,
	"x-real-ip": true, "x-real-port": true, "x-client-ip": true, "x-client-port": true, "x-forwarded": true, "x-forwardedfor": true, "x-cluster-client-ip": true, "x-originating-ip": true,
	"x-original-forwarded-for": true, "x-original-host": true, "x-original-proto": true, "x-original-remote-addr": true,
	"x-remote-ip": true, "x-remote-addr": true, "x-host": true, "x-scheme": true, "x-url-scheme": true, "x-proxyuser-ip": true, "x-coming-from": true,
	"x-envoy-external-address": true, "x-azure-clientip": true, "x-azure-socketip": true, "x-appengine-user-ip": true,
	"x-vercel-forwarded-for": true, "x-nf-client-connection-ip": true, "proxy-client-ip": true, "wl-proxy-client-ip": true,
	"true-client-ip": true, "client-ip": true, "cf-connecting-ip": true, "cf-connecting-ipv6": true, "cf-pseudo-ipv4": true,
	"fastly-client-ip": true, "fly-client-ip": true, "ali-cdn-real-ip": true, "do-connecting-ip": true,
	"front-end-https": true, "cloudfront-viewer-address": true, "cloudfront-forwarded-proto": true}
