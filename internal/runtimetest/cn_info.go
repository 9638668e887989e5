package runtimetest

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"runtime"

	"github.com/tako-go/tako"
)

func infoCases() []testCase {
	older := bodies("older", "protocol=HTTP/", "protocol=HTTP/0.")
	return []testCase{
		{id: "CN-14/tcp", on: []Carrier{TCP}, run: connInfo("HTTP/1.1"), faults: []fault{
			replies("unix", "transport=tcp", "transport=unix"), replies("no-local", "local=127", "local=128"), older}},
		{id: "CN-14/http-1.0", on: []Carrier{TCP}, run: connInfo("HTTP/1.0"), faults: []fault{
			replies("newer", "protocol=HTTP/1.0", "protocol=HTTP/1.1"), replies("no-peer", "remote=127", "remote=128")}},
		{id: "CN-14/unix", on: []Carrier{Unix}, run: connInfo("HTTP/1.1"), faults: []fault{
			replies("tcp", "transport=unix", "transport=tcp"), replies("no-local", "local=/", "local="), replies("no-credentials", "peer=", "peer=0"), older}},
		{id: "CN-14/proxied", on: []Carrier{ProxyV1, ProxyV2}, run: connInfo("HTTP/1.1"), faults: []fault{
			replies("of-the-balancer", "ip="+toldClient.IP.String(), "ip="+balancer), replies("no-header", "proxy=2 ", "proxy=0 "), older}},
	}
}

// tellInfo is a handler that tells what it knows of its connection.
func tellInfo(c *tako.Context) error {
	i := c.ConnInfo()
	var name, alpn, version, peer, proxy string
	if i.TLS != nil {
		name, alpn, version = i.TLS.ServerName, i.TLS.NegotiatedProtocol, tls.VersionName(i.TLS.Version)
	}
	if i.Peer != nil {
		peer = fmt.Sprintf("%d %d %d", i.Peer.PID, i.Peer.UID, i.Peer.GID)
	}
	if p := i.Proxy; p != nil {
		proxy = fmt.Sprintf("%d %t %v %v", p.Version, p.Local, p.Proxy, p.ProxyLocal)
	}
	return c.Text(200, fmt.Sprintf("transport=%s\nremote=%v\nlocal=%v\nprotocol=%v\ntls=%s\nname=%s\nalpn=%s\nip=%v\nscheme=%s\npeer=%s\nproxy=%s\n",
		i.Transport, i.Remote, i.Local, c.Protocol(), version, name, alpn, c.ClientIP(), c.Scheme(), peer, proxy))
}

// connInfo demands that a handler knows its connection.
func connInfo(protocol string) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/info", tellInfo) })
		for _, from := range []net.IP{nil, net.IPv4(127, 0, 0, 2)} {
			if from != nil && (x.carrier() == Unix || x.target.Protocol == HTTP3) {
				continue
			}
			c := s.dialFrom(from)
			c.send("GET /info " + protocol + "\r\nHost: a.example\r\nConnection: close\r\n\r\n")
			r := c.expect(200)
			for name, want := range x.wantInfo(s, c, protocol) {
				if got := r.line(name); got != want {
					x.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		}
	}
}

// wantInfo is what a handler has to know of the connection of c.
func (x *T) wantInfo(s *server, c *client, protocol string) map[string]string {
	want := map[string]string{"transport": "tcp", "remote": c.LocalAddr().String(), "local": c.RemoteAddr().String(),
		"protocol": protocol, "tls": "", "name": "", "alpn": "", "ip": x.peerText(), "scheme": x.scheme(), "peer": "", "proxy": ""}
	switch a := c.LocalAddr().(type) {
	case *net.TCPAddr:
		want["ip"] = a.IP.String()
	case *net.UDPAddr:
		want["ip"] = a.IP.String()
	}
	switch version := x.carrier(); version {
	case Unix:
		want["transport"] = "unix"
		if runtime.GOOS == "linux" {
			want["peer"] = fmt.Sprintf("%d %d %d", os.Getpid(), os.Getuid(), os.Getgid())
		}
	case ProxyV1, ProxyV2:
		port := c.LocalAddr().(*net.TCPAddr).Port
		want["proxy"] = fmt.Sprintf("%d false %s:%d %v", 1+version-ProxyV1, balancer, port, s.addr())
	}
	switch {
	case x.target.Protocol == HTTP3:
		want["protocol"], want["transport"], want["ip"] = "HTTP/3", "quic", balancer
		want["remote"] = fmt.Sprintf("%s:%d", balancer, c.LocalAddr().(*net.UDPAddr).Port)
	case x.http2():
		want["protocol"] = "HTTP/2"
	}
	if x.secure() {
		want["tls"], want["name"], want["alpn"] = "TLS 1.3", "a.example", x.target.Protocol.alpn()
	}
	return want
}
