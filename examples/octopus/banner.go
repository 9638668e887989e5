package main

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/transport"
)

// printBanner says what listens where and what can be tried.
func printBanner(out io.Writer, all []listener, routes int) {
	fmt.Fprintf(out, "\n  octopus: the reef is open, with %d routes\n\n", routes)
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprint(w, "  LISTENS\tSPEAKS\tTRY\n")
	for _, l := range all {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", l.url(), l.speaks(), l.try())
	}
	w.Flush()
	curl, base := "curl", ""
	for _, p := range []transport.Protocol{transport.HTTPS, transport.HTTP} {
		i := slices.IndexFunc(all, func(l listener) bool {
			return l.endpoint.Protocol == p && l.server.Addr().Network() == "tcp" && l.endpoint.Proxy.Mode != tako.ProxyRequired
		})
		if i >= 0 {
			curl, base = "curl"+all[i].curlTrust(), all[i].url()
		}
	}
	if base != "" {
		fmt.Fprint(out, strings.NewReplacer("CURL", curl, "BASE", base).Replace(samples))
	}
	fmt.Fprint(out, "\n  Ctrl-C drains\n\n")
}

const samples = `
  page     BASE/
  docs     BASE/docs  BASE/docs/swagger
  files    BASE/files/
  routes   BASE/api/v1/routes
  stats    BASE/api/v1/stats
  probes   BASE/healthz  BASE/ready

  try
    CURL -N BASE/api/v1/reefs/lagoon/live
    CURL -N BASE/api/v1/reefs/lagoon/events
    CURL --json '{"name":"me","password":"eight arms"}' BASE/api/v1/users
    TOKEN=...   # from the answer
    CURL -H "Authorization: Bearer $TOKEN" --json '{"text":"hello"}' BASE/api/v1/reefs/lagoon/messages
    CURL -H "Authorization: Bearer $TOKEN" --data-binary @README.md 'BASE/api/v1/uploads?name=README.md'
`

// url is the entry of the list, with the address that the server has got.
func (l listener) url() string {
	scheme := l.endpoint.Protocol.String()
	addr := l.server.Addr()
	if n := addr.Network(); n == "unix" || n == "vsock" {
		scheme += "+" + n
	}
	return scheme + "://" + reachable(addr)
}

func (l listener) speaks() string {
	text := "?"
	if d, ok := l.server.(tako.Describable); ok {
		text = d.Describe()
	}
	if l.beside {
		text += ", beside https"
	}
	if l.endpoint.Proxy.Mode != tako.ProxyOff {
		text += ", PROXY " + l.endpoint.Proxy.Mode.String()
	}
	return text
}

// try is a command that asks for the reefs, "" if there is no usual tool for that.
func (l listener) try() string {
	at := reachable(l.server.Addr())
	network := l.server.Addr().Network()
	intro := ""
	if l.endpoint.Proxy.Mode == tako.ProxyRequired {
		intro = `PROXY UNKNOWN\r\n`
	}
	switch p := l.endpoint.Protocol; {
	case p == transport.HTTP || p == transport.HTTPS || p == transport.H3:
		return l.tryHTTP(at, network)
	case p == transport.UDP:
		return "echo reefs | socat - UDP:" + at
	case p == transport.TLS && intro == "" && network == "tcp":
		return `printf 'reefs\nquit\n' | openssl s_client -quiet -connect ` + at
	case p == transport.TLS && intro == "" && network == "unix" && at[0] != '@':
		return `printf 'reefs\nquit\n' | openssl s_client -quiet -unix ` + quote(at)
	case p == transport.TCP:
		return `printf '` + intro + `reefs\n' | socat - ` + socatAddr(network, at)
	}
	return ""
}

func (l listener) tryHTTP(at, network string) string {
	const path = "/api/v1/reefs"
	curl := "curl" + l.curlTrust()
	if l.endpoint.Proxy.Mode == tako.ProxyRequired {
		curl += " --haproxy-protocol"
	}
	scheme, host := l.endpoint.Protocol.String(), "localhost"
	switch {
	case network == "vsock" && scheme == "http" && l.endpoint.Proxy.Mode != tako.ProxyRequired:
		return `printf 'GET ` + path + ` HTTP/1.0\r\n\r\n' | socat - ` + socatAddr(network, at)
	case network == "vsock":
		return ""
	case network == "unix" && at[0] == '@':
		curl += " --abstract-unix-socket " + quote(at[1:])
	case network == "unix":
		curl += " --unix-socket " + quote(at)
	case scheme == "h3":
		curl, scheme, host = curl+" --http3-only", "https", at
	default:
		host = at
	}
	return curl + " " + scheme + "://" + host + path
}

// curlTrust is what curl needs for a certificate that it does not trust.
func (l listener) curlTrust() string {
	if l.insecure && l.endpoint.Protocol != transport.HTTP {
		return " --insecure"
	}
	return ""
}

func socatAddr(network, at string) string {
	switch {
	case network == "vsock":
		return "VSOCK-CONNECT:" + at
	case network == "unix" && at[0] == '@':
		return "ABSTRACT-CONNECT:" + quote(at[1:])
	case network == "unix":
		return "UNIX-CONNECT:" + quote(at)
	}
	return "TCP:" + at
}

// quote makes one word for a shell.
func quote(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return strings.ContainsRune(" '\"$`\\*?&;|<>()#~", r) }) {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}

// Contexts of vsock: any, and this machine.
const (
	anyCID   = "4294967295"
	localCID = "1"
)

// reachable names an address as one would type it.
func reachable(addr net.Addr) string {
	switch addr.Network() {
	case "unix":
		return addr.String()
	case "vsock": // such as vm(3):8080
		_, text, _ := strings.Cut(addr.String(), "(")
		return strings.Replace(strings.Replace(text, ")", "", 1), anyCID, localCID, 1)
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
