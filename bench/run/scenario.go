package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tako-go/tako/bench/internal/launch"
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
}

// suits says whether a server can take part.
func (s scenario) suits(t launch.Target) bool {
	switch {
	case t.Own():
		return true
	case s.ownOnly, t.KeepsOpen && s.newConn:
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

var scenarios = []scenario{
	{
		name:   "hello",
		loaded: hello,
	},
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
	{
		name:   "user",
		loaded: probe{target: "/users/7", status: http.StatusOK, json: `{"id":7,"name":"octopus"}`},
		checked: []probe{
			{target: "/users/123456789", status: http.StatusOK, json: `{"id":123456789,"name":"octopus"}`},
			{target: "/users/seven", status: http.StatusBadRequest},
		},
	},
	{
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
	},
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
