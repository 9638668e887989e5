package runtimetest

import (
	"fmt"
	"net"

	"github.com/tako-go/tako"
)

func infoCases() []testCase {
	return []testCase{
		{id: "CN-14/tcp", run: tcpInfo("HTTP/1.1"), faults: []fault{
			replies("unix", "transport=tcp", "transport=unix"), replies("no-local", "local=127", "local=128"), replies("older", "protocol=HTTP/1.1", "protocol=HTTP/1.0")}},
		{id: "CN-14/http-1.0", run: tcpInfo("HTTP/1.0"), faults: []fault{
			replies("newer", "protocol=HTTP/1.0", "protocol=HTTP/1.1"), replies("no-peer", "remote=127", "remote=128")}},
	}
}

// tcpInfo has a handler tell what it knows of its connection.
func tcpInfo(protocol string) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			app.Get("/info", func(c *tako.Context) error {
				i := c.ConnInfo()
				return c.Text(200, fmt.Sprintf("transport=%s\nremote=%v\nlocal=%v\nprotocol=%v\ntls=%v\nip=%v\nscheme=%s\n",
					i.Transport, i.Remote, i.Local, c.Protocol(), i.TLS != nil, c.ClientIP(), c.Scheme()))
			})
		})
		for _, from := range []net.IP{nil, net.IPv4(127, 0, 0, 2)} {
			c := s.dialFrom(from)
			c.send("GET /info " + protocol + "\r\nHost: a.example\r\nConnection: close\r\n\r\n")
			r := c.expect(200)
			ip := c.LocalAddr().(*net.TCPAddr).IP.String()
			for name, want := range map[string]string{"transport": "tcp", "remote": c.LocalAddr().String(), "local": c.RemoteAddr().String(),
				"protocol": protocol, "tls": "false", "ip": ip, "scheme": "http"} {
				if got := r.line(name); got != want {
					x.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		}
	}
}
