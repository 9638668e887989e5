package main

import (
	"fmt"
	"slices"
	"strings"
)

// target is a server to measure.
type target struct {
	name string
	// group is go, rust or c, and own for ours.
	group string
	// source is the folder, crate binary or file that is built, below rivals/.
	source string
	args   []string
	// helloOnly servers answer GET / and nothing else.
	helloOnly bool
	// wanted by name, so that a missing compiler is an error and no reason to
	// leave it out.
	wanted bool
}

var rivals = []target{
	{name: "nethttp", group: "go", source: "nethttp"},
	{name: "gin", group: "go", source: "gin"},
	{name: "echo", group: "go", source: "echo"},
	{name: "chi", group: "go", source: "chi"},
	{name: "fiber", group: "go", source: "fiber"},
	{name: "hertz", group: "go", source: "hertz", helloOnly: true},
	{name: "fasthttp", group: "go", source: "fasthttp", helloOnly: true},
	{name: "axum", group: "rust", source: "rival-axum"},
	{name: "actix", group: "rust", source: "rival-actix"},
	{name: "ntex", group: "rust", source: "rival-ntex"},
	{name: "tako-rs", group: "rust", source: "rival-tako"},
	{name: "tako-rs-pt", group: "rust", source: "rival-tako-pt"},
	{name: "c-epoll", group: "c", source: "epoll.c", helloOnly: true},
	{name: "c-uring", group: "c", source: "uring.c", helloOnly: true},
}

func (t target) serves(s scenario) bool {
	if t.group == "own" {
		return true
	}
	return !s.ownOnly && (!t.helloOnly || s.name == "hello")
}

func rivalNames() string {
	var names []string
	for _, r := range rivals {
		names = append(names, r.name)
	}
	return strings.Join(names, ", ")
}

// selectRivals keeps the order of the table, so that runs line up.
func selectRivals(names []string) ([]target, error) {
	known := []string{"all", "go", "rust", "c", "none"}
	for _, r := range rivals {
		known = append(known, r.name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("no rival %q; there are %s", name, rivalNames())
		}
	}
	var selected []target
	for _, r := range rivals {
		r.wanted = slices.Contains(names, r.name)
		if r.wanted || slices.Contains(names, "all") || slices.Contains(names, r.group) {
			selected = append(selected, r)
		}
	}
	return selected, nil
}

// ourTargets turns runtime[:poller] into the options of our server.
func ourTargets(names []string) ([]target, error) {
	var own []target
	for _, name := range names {
		runtime, poller, forced := strings.Cut(name, ":")
		if runtime == "" || forced && poller == "" {
			return nil, fmt.Errorf("our server %q is not runtime[:poller]", name)
		}
		t := target{name: "tako/" + name, group: "own", args: []string{"-runtime", runtime}}
		if forced {
			t.args = append(t.args, "-poller", poller)
		}
		own = append(own, t)
	}
	return own, nil
}
