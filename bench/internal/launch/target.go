package launch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Target is a server to measure.
type Target struct {
	Name string
	// HelloOnly servers answer GET / and nothing else.
	HelloOnly bool
	// KeepsOpen servers do not look at Connection: close.
	KeepsOpen bool
	// Modern servers speak HTTP/2, in clear text and over TLS.
	Modern bool
	// HTTP3 servers speak it.
	HTTP3 bool
	// Raw servers send back what they receive over TCP, and speak no HTTP. They are taken by
	// name, or as the group raw, as those are that do it over UDP: Datagrams.
	Raw, Datagrams bool
	// Sockets servers echo over WebSocket at /ws, Rooms send what they get at /room to all.
	Sockets, Rooms bool
	// SocketsOnly servers do nothing else. They are taken by name, or as the group sockets.
	SocketsOnly bool
	// Events servers send what is posted to /publish to all who have asked for /events.
	Events bool
	// Files servers send those of a folder below /static/.
	Files bool
	// Bulk servers have /upload and /bytes/N, as ours does.
	Bulk bool

	// group is go, rust, c, uws or nginx, and own for ours.
	group string
	// source is the folder, crate binary or file that is built, below rivals/.
	source string
	// module is the Go module or crate whose version counts.
	module string
	args   []string
	// wanted by name, so that a missing compiler is an error and no reason to
	// leave it out.
	wanted bool
}

var rivals = []Target{
	{Name: "nethttp", group: "go", source: "nethttp", Modern: true, HTTP3: true, Bulk: true, Events: true, Files: true},
	{Name: "gin", group: "go", source: "gin", module: "github.com/gin-gonic/gin", HTTP3: true},
	{Name: "echo", group: "go", source: "echo", module: "github.com/labstack/echo/v5"},
	{Name: "chi", group: "go", source: "chi", module: "github.com/go-chi/chi/v5"},
	{Name: "fiber", group: "go", source: "fiber", module: "github.com/gofiber/fiber/v3"},
	{Name: "hertz", group: "go", source: "hertz", module: "github.com/cloudwego/hertz", HelloOnly: true},
	{Name: "fasthttp", group: "go", source: "fasthttp", module: "github.com/valyala/fasthttp", HelloOnly: true},
	{Name: "axum", group: "rust", source: "rival-axum", module: "axum", Modern: true, HTTP3: true, Bulk: true, Sockets: true, Rooms: true, Events: true},
	{Name: "actix", group: "rust", source: "rival-actix", module: "actix-web", Modern: true, Sockets: true, Rooms: true, Events: true},
	{Name: "hyper", group: "rust", source: "rival-hyper", module: "hyper", HelloOnly: true, Modern: true},
	{Name: "ntex", group: "rust", source: "rival-ntex", module: "ntex"},
	{Name: "tako-rs", group: "rust", source: "rival-tako", module: "tako-rs"},
	{Name: "tako-rs-pt", group: "rust", source: "rival-tako-pt", module: "tako-rs"},
	{Name: "nginx", group: "nginx", source: "nginx", HelloOnly: true, Modern: true, Files: true},
	{Name: "c-epoll", group: "c", source: "epoll.c", HelloOnly: true, KeepsOpen: true},
	{Name: "c-uring", group: "c", source: "uring.c", HelloOnly: true, KeepsOpen: true},
	{Name: "c-echo", group: "c", source: "echo.c", Raw: true},
	{Name: "net-echo", group: "go", source: "netecho", Raw: true},
	{Name: "c-udp", group: "c", source: "udp.c", Datagrams: true},
	{Name: "gws", group: "go", source: "gws", module: "github.com/lxzan/gws", SocketsOnly: true, Sockets: true, Rooms: true},
	{Name: "gorilla", group: "go", source: "gorilla", module: "github.com/gorilla/websocket", SocketsOnly: true, Sockets: true, Rooms: true},
	{Name: "gobwas", group: "go", source: "gobwas", module: "github.com/gobwas/ws", SocketsOnly: true, Sockets: true},
	{Name: "uws", group: "uws", source: "uws", SocketsOnly: true, Sockets: true, Rooms: true},
	{Name: "net-udp", group: "go", source: "netudp", Datagrams: true},
}

// Own says whether it is our server, which has endpoints that rivals do not have.
func (t Target) Own() bool { return t.group == "own" }

// RivalNames lists what SelectRivals knows.
func RivalNames() string {
	var names []string
	for _, r := range rivals {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// SelectRivals takes names and the groups all, go, rust, c, raw, sockets and none. It keeps the
// order of the table, so that runs line up.
func SelectRivals(names []string) ([]Target, error) {
	known := []string{"all", "go", "rust", "c", "raw", "sockets", "none"}
	for _, r := range rivals {
		known = append(known, r.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("no rival %q; there are %s", name, RivalNames())
		}
	}
	var selected []Target
	for _, r := range rivals {
		r.wanted = slices.Contains(names, r.Name)
		grouped := slices.Contains(names, "all") || slices.Contains(names, r.group)
		if r.Raw || r.Datagrams {
			grouped = slices.Contains(names, "raw")
		}
		if r.SocketsOnly {
			grouped = slices.Contains(names, "sockets")
		}
		if r.wanted || grouped {
			selected = append(selected, r)
		}
	}
	return selected, nil
}

// OurTargets turns runtime[:poller] into the options of our server.
func OurTargets(names []string) ([]Target, error) {
	var own []Target
	for _, name := range names {
		runtime, poller, forced := strings.Cut(name, ":")
		if runtime == "" || forced && poller == "" {
			return nil, fmt.Errorf("our server %q is not runtime[:poller]", name)
		}
		t := Target{Name: "tako/" + name, Modern: true, HTTP3: true, Bulk: true, Sockets: true, Rooms: true, Events: true, Files: true, group: "own", args: []string{"-runtime", runtime}}
		if forced {
			t.args = append(t.args, "-poller", poller)
		}
		own = append(own, t)
	}
	return own, nil
}

// Select is OurTargets and SelectRivals on comma lists, ours first.
func Select(ours, rivals string) ([]Target, error) {
	own, err := OurTargets(Split(ours))
	if err != nil {
		return nil, err
	}
	others, err := SelectRivals(Split(rivals))
	if err != nil {
		return nil, err
	}
	if len(own)+len(others) == 0 {
		return nil, errors.New("no server selected")
	}
	return append(own, others...), nil
}

// Split reads a comma list, in which empty items count for nothing.
func Split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
