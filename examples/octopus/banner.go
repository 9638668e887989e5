package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"text/tabwriter"

	"github.com/tako-go/tako"
)

// printBanner says what listens where and what can be tried.
func printBanner(out io.Writer, addr net.Addr, servers []tako.Server, app *tako.Router) {
	base := "http://" + reachable(addr)
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "\n  octopus: the reef is open\n\n")
	fmt.Fprintf(w, "  ADDRESS\tPROTOCOLS\tSERVES\n")
	for _, s := range servers {
		protocols := "?"
		if d, ok := s.(tako.Describable); ok {
			protocols = d.Describe()
		}
		at := addr
		if s.Addr() != nil {
			at = s.Addr()
		}
		fmt.Fprintf(w, "  %s\t%s\tpage, API, %d routes\n", at, protocols, len(app.Routes()))
	}
	w.Flush()
	fmt.Fprint(out, strings.ReplaceAll(`
  page     BASE/
  routes   BASE/api/v1/routes
  stats    BASE/api/v1/stats
  probes   BASE/healthz  BASE/ready

  try
    curl BASE/api/v1/reefs
    curl -N BASE/api/v1/reefs/lagoon/live
    curl --json '{"name":"me","password":"eight arms"}' BASE/api/v1/users
    TOKEN=...   # from the answer
    curl -H "Authorization: Bearer $TOKEN" --json '{"text":"hello"}' BASE/api/v1/reefs/lagoon/messages
    curl -H "Authorization: Bearer $TOKEN" --data-binary @README.md 'BASE/api/v1/uploads?name=README.md'

  Ctrl-C drains

`, "BASE", base))
}

// reachable names an address as one would type it.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
