package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/wire"
)

// scenario is one kind of request to load a server with.
type scenario struct {
	name string
	// loaded is what wrk repeats, and is checked before it does.
	loaded probe
	// checked are further answers the server must give to take part.
	checked []probe
	// ownOnly scenarios use endpoints that rivals do not have.
	ownOnly bool
	// pipelined requests go out in one write, 0 is 1.
	pipelined int
	// newConn closes the connection with each request.
	newConn bool
	// variants of how a connection begins are measured in turns on each server, and compared
	// with the first.
	variants []variant
	// protocol is what the requests go over. Others than HTTP/1.1 in clear text need
	// a server that is Modern.
	protocol wire.Protocol
	// conns is the number of connections when the scenario is one of that many; streams
	// is how many requests each has under way over HTTP/2 and HTTP/3, datagrams, or messages.
	conns, streams int
	// live is a load over connections that stay open, where the scenario is one.
	live *streaming
	// file is what servers send from a folder, where the scenario is about that.
	file *file
	// handshakes are done for each request, in full.
	handshakes bool
}

// generator is what loads the server: wrk, h2load, or one of those within this process.
func (s scenario) generator() string {
	switch {
	case s.live != nil:
		return "live"
	case s.file != nil && s.file.alone:
		return "file"
	case s.protocol == wire.Raw:
		return "echo"
	case s.protocol == wire.Datagrams:
		return "datagrams"
	case len(s.variants) > 0:
		return "connections"
	case s.protocol == wire.H3 && s.handshakes:
		return "handshakes3"
	case s.protocol == wire.H3:
		return "streams3"
	case s.handshakes:
		return "handshakes"
	case s.protocol.Multiplexed():
		return "h2load"
	}
	return "wrk"
}

// connCounts are those to measure.
func (s scenario) connCounts(l load) connCounts {
	if s.conns > 0 {
		return connCounts{s.conns}
	}
	return l.Conns
}

// command is the call of the load generator as one would type it, less the address.
func (s scenario) command(l load, conns int) string {
	switch s.generator() {
	case "wrk":
		return "wrk " + strings.Join(l.wrk(conns), " ")
	case "h2load":
		return "h2load " + strings.Join(l.h2load(conns, s.streams), " ")
	case "echo":
		return fmt.Sprintf("messages of %d bytes on %d connections for %v", echoSize, conns, l.Duration)
	case "datagrams":
		return fmt.Sprintf("datagrams of %d bytes on %d sockets, %d at a time on each, for %v", echoSize, conns, s.streams, l.Duration)
	case "live":
		return s.live.text(conns, max(1, s.streams), l.Duration)
	case "file":
		return fmt.Sprintf("a file of %d MiB on %d connections for %v", s.file.size>>20, conns, l.Duration)
	case "connections":
		return fmt.Sprintf("a connection for each request, %d at a time for %v", conns, l.Duration)
	case "streams3":
		return fmt.Sprintf("%d connections with HTTP/3 and %d streams on each for %v", conns, s.streams, l.Duration)
	}
	return fmt.Sprintf("full handshakes on %d connections at a time for %v", conns, l.Duration)
}

// losesSome says whether it is no error that something sent never comes.
func (s scenario) losesSome() bool {
	return s.protocol == wire.Datagrams || s.live != nil && s.live.events
}

// over is the same over HTTP/2 or HTTP/3 with so many connections and streams on each.
func (s scenario) over(name string, p wire.Protocol, conns, streams int) scenario {
	s.name, s.protocol, s.conns, s.streams = name, p, conns, streams
	return s
}

// suits says whether a server can take part.
func (s scenario) suits(t launch.Target) bool {
	switch {
	case t.Own():
		return true
	case s.live != nil:
		return !s.ownOnly && s.live.suits(t)
	case s.file != nil:
		return t.Files
	case t.SocketsOnly:
		return false
	case t.Raw || s.protocol == wire.Raw:
		return t.Raw && s.protocol == wire.Raw
	case t.Datagrams || s.protocol == wire.Datagrams:
		return t.Datagrams && s.protocol == wire.Datagrams
	case s.protocol == wire.H3 && !t.HTTP3:
		return false
	case s.ownOnly, t.KeepsOpen && s.newConn, !t.Modern && s.protocol != wire.HTTP1 && s.protocol != wire.H3:
		return false
	}
	return !t.HelloOnly || s.loaded.target == "/"
}

// probe is one request and the answer it must get.
type probe struct {
	method, target string
	body           string
	status         int
	// text is the exact body, json one with the same value; bytes is a length.
	text, json string
	bytes      int
}

var hello = probe{target: "/", status: http.StatusOK, text: "Hello, World!"}

var plain = scenario{name: "hello", loaded: hello}

var user = scenario{
	name:   "user",
	loaded: probe{target: "/users/7", status: http.StatusOK, json: `{"id":7,"name":"octopus"}`},
	checked: []probe{
		{target: "/users/123456789", status: http.StatusOK, json: `{"id":123456789,"name":"octopus"}`},
		{target: "/users/seven", status: http.StatusBadRequest},
	},
}

var create = scenario{
	name: "create",
	loaded: probe{
		method: http.MethodPost, target: "/users", status: http.StatusCreated,
		body: `{"name":"octopus","email":"octopus@example.com"}`,
		json: `{"id":1,"name":"octopus","email":"octopus@example.com"}`,
	},
	checked: []probe{
		{method: http.MethodPost, target: "/users", status: http.StatusUnprocessableEntity, body: `{"name":"octopus","email":"nowhere"}`},
		{method: http.MethodPost, target: "/users", status: http.StatusUnprocessableEntity, body: `{"name":"","email":"octopus@example.com"}`},
	},
}

var scenarios = []scenario{
	plain,
	{
		name:      "pipelined",
		loaded:    hello,
		pipelined: 16,
	},
	{
		name:    "newconn",
		loaded:  hello,
		newConn: true,
	},
	user,
	create,
	{
		name: "search",
		loaded: probe{
			target: "/search?q=octopus&limit=5&tag=sea&tag=blue", status: http.StatusOK,
			json: `{"q":"octopus","limit":5,"tags":["sea","blue"]}`,
		},
		checked: []probe{
			{target: "/search?q=a%20b&tag=sea", status: http.StatusOK, json: `{"q":"a b","limit":20,"tags":["sea"]}`},
		},
	},
	{
		name:    "sleep",
		loaded:  probe{target: "/sleep?ms=50", status: http.StatusOK},
		ownOnly: true,
	},
	{
		name:    "spin",
		loaded:  probe{target: "/spin?us=200", status: http.StatusOK},
		ownOnly: true,
	},
	{
		name:    "bytes",
		loaded:  probe{target: "/bytes/65536", status: http.StatusOK, bytes: 65536},
		ownOnly: true,
	},
	{
		name: "upload",
		loaded: probe{
			method: http.MethodPost, target: "/upload", status: http.StatusOK,
			body: strings.Repeat("x", 65536), json: `{"bytes":65536}`,
		},
		ownOnly: true,
	},
	plain.over("h2c-10x100", wire.H2C, 10, 100),
	plain.over("h2c-100x10", wire.H2C, 100, 10),
	plain.over("h2-10x100", wire.H2, 10, 100),
	plain.over("h2-100x10", wire.H2, 100, 10),
	user.over("h2c-user", wire.H2C, 10, 100),
	create.over("h2c-create", wire.H2C, 10, 100),
	{name: "tls-hello", loaded: hello, protocol: wire.HTTPS},
	{name: "tcp-echo", protocol: wire.Raw},
	{name: "udp-echo", protocol: wire.Datagrams, conns: 16, streams: 8},
	{name: "proxy-v2", loaded: hello, conns: 32, variants: variants, ownOnly: true},
	plain.over("h3-hello", wire.H3, 10, 10),
	user.over("h3-user", wire.H3, 10, 10),
	{name: "h3-handshake", loaded: hello, protocol: wire.H3, conns: 8, handshakes: true},
	{name: "ws-64", live: &streaming{path: "/ws", size: 64}},
	{name: "ws-64-8", live: &streaming{path: "/ws", size: 64}, streams: 8},
	{name: "ws-16k", live: &streaming{path: "/ws", size: 16 << 10}},
	{name: "ws-64-blocking", live: &streaming{path: "/ws-blocking", size: 64}, ownOnly: true},
	{name: "ws-16k-blocking", live: &streaming{path: "/ws-blocking", size: 16 << 10}, ownOnly: true},
	{name: "ws-broadcast", live: &streaming{path: "/room"}, conns: 5000},
	{name: "sse-fanout", live: &streaming{path: "/events", events: true, rate: 10}, conns: 5000},
	file{name: "1k.bin", size: 1 << 10}.scenario("static-1k"),
	file{name: "100k.bin", size: 100 << 10}.scenario("static-100k"),
	file{name: "100m.bin", size: 100 << 20, alone: true}.scenario("static-100m"),
	{name: "tls-handshake", loaded: hello, protocol: wire.HTTPS, conns: 32, handshakes: true},
}

func scenarioNames() string {
	names := make([]string, len(scenarios))
	for i, s := range scenarios {
		names[i] = s.name
	}
	return strings.Join(names, ", ")
}

func selectScenarios(names []string) ([]scenario, error) {
	var selected []scenario
next:
	for _, name := range names {
		for _, s := range scenarios {
			if s.name == name {
				selected = append(selected, s)
				continue next
			}
		}
		return nil, fmt.Errorf("no scenario %q; there are %s", name, scenarioNames())
	}
	if len(selected) == 0 {
		return nil, fmt.Errorf("no scenario selected; there are %s", scenarioNames())
	}
	return selected, nil
}
