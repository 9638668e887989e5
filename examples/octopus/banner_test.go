package main

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

// namedAddr is an address of any network.
type namedAddr struct{ network, text string }

func (a namedAddr) Network() string { return a.network }
func (a namedAddr) String() string  { return a.text }

func TestReachable(t *testing.T) {
	tests := []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{Port: 8080}, "localhost:8080"},
		{&net.TCPAddr{IP: net.IPv6zero, Port: 80}, "localhost:80"},
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 80}, "192.0.2.7:80"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 80}, "[::1]:80"},
		{&net.UDPAddr{Port: 80}, "localhost:80"},
		{&net.UnixAddr{Name: "/run/reef", Net: "unix"}, "/run/reef"},
		{namedAddr{"vsock", "vm(3):8080"}, "3:8080"},
		{namedAddr{"vsock", "vm(4294967295):8080"}, "1:8080"},
	}
	for _, tt := range tests {
		if got := reachable(tt.addr); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.addr, got, tt.want)
		}
	}
}

// listening is a server that has an address and nothing else.
type listening struct {
	tako.Server
	addr net.Addr
}

func (l listening) Addr() net.Addr { return l.addr }

func TestTry(t *testing.T) {
	tcpAddr, udpAddr := &net.TCPAddr{Port: 7}, &net.UDPAddr{Port: 7}
	path, name := &net.UnixAddr{Name: "/run/x's", Net: "unix"}, &net.UnixAddr{Name: "@x", Net: "unix"}
	vm := namedAddr{"vsock", "local(1):7"}
	tests := []struct {
		protocol transport.Protocol
		addr     net.Addr
		proxied  bool
		want     string
	}{
		{transport.HTTP, tcpAddr, false, "curl http://localhost:7/api/v1/reefs"},
		{transport.HTTP, tcpAddr, true, "curl --haproxy-protocol http://localhost:7/api/v1/reefs"},
		{transport.HTTP, name, false, "curl --abstract-unix-socket x http://localhost/api/v1/reefs"},
		{transport.HTTP, vm, false, `printf 'GET /api/v1/reefs HTTP/1.0\r\n\r\n' | socat - VSOCK-CONNECT:1:7`},
		{transport.HTTPS, vm, false, ""},
		{transport.HTTPS, path, false, `curl --insecure --unix-socket '/run/x'\''s' https://localhost/api/v1/reefs`},
		{transport.H3, udpAddr, false, "curl --insecure --http3-only https://localhost:7/api/v1/reefs"},
		{transport.TCP, tcpAddr, true, `printf 'PROXY UNKNOWN\r\nreefs\n' | socat - TCP:localhost:7`},
		{transport.TCP, name, false, `printf 'reefs\n' | socat - ABSTRACT-CONNECT:x`},
		{transport.TLS, tcpAddr, false, `printf 'reefs\nquit\n' | openssl s_client -quiet -connect localhost:7`},
		{transport.TLS, tcpAddr, true, ""},
		{transport.UDP, udpAddr, false, "echo reefs | socat - UDP:localhost:7"},
	}
	for _, tt := range tests {
		l := listener{endpoint: transport.Endpoint{Protocol: tt.protocol}, server: listening{addr: tt.addr}, insecure: true}
		if tt.proxied {
			l.endpoint.Proxy.Mode = tako.ProxyRequired
		}
		assert.Equal(t, l.try(), tt.want)
	}
}

// What is to be tried is at the address that one can type into a browser, HTTPS only without
// another one.
func TestSamples(t *testing.T) {
	plain := listener{endpoint: transport.Endpoint{Protocol: transport.HTTP}, server: listening{addr: &net.TCPAddr{Port: 80}}}
	secure := listener{endpoint: transport.Endpoint{Protocol: transport.HTTPS}, server: listening{addr: &net.TCPAddr{Port: 443}}, insecure: true}
	trusted := secure
	trusted.insecure = false
	raw := listener{endpoint: transport.Endpoint{Protocol: transport.TCP}, server: listening{addr: &net.TCPAddr{Port: 7}}}
	tests := []struct {
		all  []listener
		want string
	}{
		{[]listener{raw, secure, plain}, "curl -N http://localhost:80/api"},
		{[]listener{raw, secure}, "curl --insecure -N https://localhost:443/api"},
		{[]listener{trusted}, "curl -N https://localhost:443/api"},
		{[]listener{raw}, ""},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		printBanner(&b, tt.all, 1)
		if got := b.String(); !strings.Contains(got, tt.want) || tt.want == "" && strings.Contains(got, "page") {
			t.Errorf("got %s, want %q", got, tt.want)
		}
	}
}
