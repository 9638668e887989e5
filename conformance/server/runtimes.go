package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

// newServers returns a server for each entry of the list, all with the same routes.
func newServers(app tako.App, o options, log *slog.Logger) ([]tako.Server, error) {
	certs := transport.SelfSigned()
	if o.listen == "" {
		e := transport.Endpoint{Protocol: transport.HTTP}
		if o.tls {
			e.Protocol = transport.HTTPS
		}
		s, err := newServer(app, o, e, certs, log)
		return []tako.Server{s}, err
	}
	endpoints, err := transport.ParseListen(o.listen)
	if err != nil {
		return nil, err
	}
	var servers []tako.Server
	for _, e := range endpoints {
		s, err := newServer(app, o, e, certs, log)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// newServer returns the server of an endpoint, which has an address of its own or that of
// the options.
func newServer(app tako.App, o options, e transport.Endpoint, own tako.Certs, log *slog.Logger) (tako.Server, error) {
	var certs tako.Certs
	switch e.Protocol {
	case transport.HTTPS:
		certs = own
	case transport.H3:
		return h3.New(app, h3.Config{Listen: e.ListenPacket, Certs: own, Log: log, ExtendedConnect: true}), nil
	case transport.TCP, transport.TLS:
		if o.runtime == "loop" && e.Protocol == transport.TCP {
			return streamEvents(e, o.poller, log), nil
		}
		return streams(e, own, log), nil
	case transport.UDP:
		return datagrams(e, log), nil
	}
	beside := o.h3 && certs != nil
	if beside && e.Listen == nil {
		e.Listen = twin(o.addr)
	}
	var server tako.Server
	http2 := tako.HTTP2Config{ExtendedConnect: true}
	switch o.runtime {
	case "std":
		server = std.New(app, std.Config{Addr: o.addr, Listen: e.Listen, Proxy: e.Proxy, Certs: certs, HTTP2: http2, Log: log})
	case "loop":
		server = loop.New(app, loop.Config{Addr: o.addr, Listen: e.Listen, Proxy: e.Proxy, Poller: o.poller, Certs: certs, HTTP2: http2, Log: log})
	case "nethttp":
		server = newReference(app, o.addr, certs, log)
	default:
		return nil, fmt.Errorf("no runtime %q; there are std, loop and nethttp", o.runtime)
	}
	if beside {
		server = h3.Beside(server, h3.Config{ExtendedConnect: true})
	}
	return server, nil
}

// twin listens at a port that is free for UDP too, which not every one is that the kernel gives.
func twin(addr string) tako.ListenFunc {
	return func(context.Context) (net.Listener, error) {
		for range 100 {
			ln, err := net.Listen("tcp", addr)
			if err != nil {
				return nil, err
			}
			conn, err := net.ListenPacket("udp", ln.Addr().String())
			if err == nil {
				return ln, conn.Close()
			}
			_ = ln.Close()
		}
		return nil, errors.New("no port is free for both TCP and UDP")
	}
}
