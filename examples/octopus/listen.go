package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/stream/webtransport"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
	"github.com/tako-go/tako/transport/tcp"
	"github.com/tako-go/tako/transport/udp"
)

// everywhere is the default of -listen. Raw streams and datagrams are for this machine only.
func everywhere() string {
	list := "http://:8080,https://:8443,h3://:8443,tcp://localhost:7007,tls://localhost:7008,udp://localhost:7007"
	if runtime.GOOS != "windows" {
		path := filepath.Join(os.TempDir(), "octopus.sock")
		list += "," + transport.Endpoint{Scheme: "unix", Network: "unix", Address: path}.String()
	}
	return list
}

// listener is one entry of the list, and what serves it.
type listener struct {
	endpoint transport.Endpoint
	server   tako.Server
	beside   bool // HTTP/3 that HTTPS tells of
	insecure bool // with a certificate that clients do not trust
}

// listeners makes a server for each entry of the list.
func listeners(set settings, s *service, app tako.App) (all []listener, err error) {
	endpoints, err := transport.ParseListen(set.listen)
	if err != nil {
		return nil, err
	}
	certs, err := set.certs()
	if err != nil {
		return nil, err
	}
	if set.runtime != "std" && set.runtime != "loop" {
		return nil, fmt.Errorf("there is no runtime %q: std and loop can be chosen", set.runtime)
	}
	m := maker{s, app, certs, set.runtime == "loop"}
	s.reach = reachOf(endpoints, certs)
	for _, e := range endpoints {
		if e.Protocol != transport.H3 {
			all = append(all, listener{endpoint: e, server: m.server(e), insecure: set.cert == ""})
		}
	}
	// HTTP/3 stands beside what listens already.
	for _, e := range endpoints {
		if e.Protocol == transport.H3 {
			l := listener{endpoint: e, insecure: set.cert == ""}
			l.server, l.beside = m.overQUIC(e, all)
			all = append(all, l)
		}
	}
	return all, nil
}

// certs are one certificate for all listeners.
func (set settings) certs() (tako.Certs, error) {
	switch {
	case (set.cert == "") != (set.key == ""):
		return nil, errors.New("-cert and -key go together")
	case set.cert != "":
		return transport.CertFiles(set.cert, set.key), nil
	}
	return transport.SelfSigned(), nil
}

// maker makes servers, all of the same service.
type maker struct {
	service *service
	app     tako.App
	certs   tako.Certs
	loop    bool
}

func (m maker) server(e transport.Endpoint) tako.Server {
	switch e.Protocol {
	case transport.HTTP:
		return m.web(e, nil)
	case transport.HTTPS:
		return m.web(e, m.certs)
	case transport.TCP:
		if m.loop {
			return loop.NewTCP(m.service.lineEvents(), loop.TCPConfig{Listen: e.Listen, Proxy: e.Proxy})
		}
		return tcp.New(m.service.serveLines, tcp.Config{Listen: e.Listen}, tcp.Proxy(e.Proxy))
	case transport.TLS:
		return tcp.New(m.service.serveLines, tcp.Config{Listen: e.Listen}, tcp.Proxy(e.Proxy), tcp.TLS(m.certs))
	default:
		return udp.New(m.service.serveDatagram, udp.Config{Listen: e.ListenPacket, MaxDatagram: maxLine}, udp.RateLimit(askRate, askBurst))
	}
}

// web is all there is to choosing a runtime.
func (m maker) web(e transport.Endpoint, certs tako.Certs) tako.Server {
	sockets := tako.HTTP2Config{ExtendedConnect: true} // WebSocket within a connection that has other requests
	if m.loop {
		return loop.New(m.app, loop.Config{Listen: e.Listen, Proxy: e.Proxy, Certs: certs, HTTP2: sockets})
	}
	return std.New(m.app, std.Config{Listen: e.Listen, Proxy: e.Proxy, Certs: certs, HTTP2: sockets})
}

// overQUIC makes the server of HTTP/3: beside that of HTTPS at the same port if there is one,
// which sends clients there, or alone.
func (m maker) overQUIC(e transport.Endpoint, others []listener) (server tako.Server, beside bool) {
	cfg := h3.Config{ExtendedConnect: true, WebTransport: webtransport.New(webtransport.ServerConfig{})}
	i := slices.IndexFunc(others, func(l listener) bool {
		return l.endpoint.Protocol == transport.HTTPS && samePort(l.endpoint, e)
	})
	switch {
	case i < 0:
		cfg.Listen, cfg.Certs = e.ListenPacket, m.certs
		return h3.New(m.app, cfg), false
	case port(e) != "0": // else the one that the other server gets
		cfg.Listen = e.ListenPacket
	}
	return h3.Beside(others[i].server, cfg), true
}

// samePort compares addresses, or the names of passed sockets.
func samePort(web, quic transport.Endpoint) bool {
	switch {
	case web.Network == "fd" || quic.Network == "fd" || port(quic) == "0":
		return web.Address == quic.Address
	}
	return web.Network == "tcp" && port(web) == port(quic)
}

func port(e transport.Endpoint) string {
	_, port, _ := net.SplitHostPort(e.Address)
	return port
}
