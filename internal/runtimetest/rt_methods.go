package runtimetest

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/tako-go/tako"
)

// pathTeller shows what a handler of net/http sees of the path.
type pathTeller struct{}

func (pathTeller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprintf(w, "%s %s %s\n", r.URL.Path, r.URL.EscapedPath(), r.PathValue("p"))
}

func routeMethodCases() []testCase {
	allow := replies("allow-lost", "Allow:", "X-Allow:")
	turned405 := turned("405")
	return []testCase{
		{id: "RT-04/other-method", run: otherMethod, faults: []fault{allow, turned405}},
		{id: "RT-04/allow-is-whole", run: wholeAllow, faults: []fault{replies("one-lost", "DELETE, ", ""), replies("head-lost", "HEAD, ", "")}},
		{id: "RT-04/fallback-hides-nothing", run: fallbackHides, faults: []fault{mergeReplies("hidden", []fault{replies("", "HTTP/1.1 405 ", "HTTP/1.1 404 ")}), allow}},
		{id: "RT-04/no-path", run: noPath, faults: []fault{turned("404")}},
		{id: "RT-05/head", run: headOfGet, faults: []fault{replies("type-lost", "Content-Type: text/plain", "Content-Kind: text/plain"), asks("got", "HEAD", "GET")}},
		{id: "RT-05/own-head", run: ownHead, faults: []fault{replies("lost", "X-Own: head", "X-Own: get")}},
		{id: "RT-05/options", run: autoOptions, faults: []fault{allow, turned("204")}},
		{id: "RT-05/own-options", run: ownOptions, faults: []fault{bodies("lost", "own options", "other")}},
	}
}

func methodRoutes(app *tako.Router) {
	app.Get("/get", func(c *tako.Context) error {
		c.Header().Set("X-Own", "get")
		return c.Text(200, "text of get")
	})
	app.Post("/post", say("post"))
	app.Get("/many/{id}", say("get"))
	app.Delete("/many/{id}", say("delete"))
	app.Put("/many/7", say("put"))
	app.Get("/own", say("get"))
	app.Head("/own", func(c *tako.Context) error {
		c.Header().Set("X-Own", "head")
		return c.NoContent()
	})
	app.Options("/own", say("own options"))
	app.Fallback(func(c *tako.Context) error { return c.Text(404, "fallback") })
}

func allowIs(x *T, r *response, want ...string) {
	x.Helper()
	got := splitList(r.get("Allow"))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		x.Errorf("Allow is %q, want %q", got, want)
	}
}

func otherMethod(x *T) {
	s := x.serve(tako.Limits{}, methodRoutes)
	allowIs(x, s.ask(request("POST", "/get", ""), 405), "GET", "HEAD", "OPTIONS")
	allowIs(x, s.ask(request("GET", "/post", ""), 405), "OPTIONS", "POST")
	allowIs(x, s.ask(request("HEAD", "/post", ""), 405), "OPTIONS", "POST")
	allowIs(x, s.ask(request("BREW", "/post", ""), 405), "OPTIONS", "POST")
}

// wholeAllow has the methods of every pattern that matches the path.
func wholeAllow(x *T) {
	s := x.serve(tako.Limits{}, methodRoutes)
	allowIs(x, s.ask(request("PATCH", "/many/8", ""), 405), "DELETE", "GET", "HEAD", "OPTIONS")
	allowIs(x, s.ask(request("PATCH", "/many/7", ""), 405), "DELETE", "GET", "HEAD", "OPTIONS", "PUT")
	if got := s.ask(request("DELETE", "/many/7", ""), 200).body; got != "delete" {
		x.Errorf("DELETE /many/7 leads to %q", got)
	}
}

func fallbackHides(x *T) {
	s := x.serve(tako.Limits{}, methodRoutes)
	if r := s.ask(request("POST", "/get", ""), 405); r.body == "fallback" || r.get("Allow") == "" {
		x.Errorf("got body %q, Allow %q", r.body, r.get("Allow"))
	}
	if got := s.get("/nothing", 404).body; got != "fallback" {
		x.Errorf("got body %q from the fallback", got)
	}
}

func noPath(x *T) {
	s := x.serve(tako.Limits{}, somePaths)
	for _, method := range []string{"GET", "POST", "BREW", "OPTIONS"} {
		if r := s.ask(request(method, "/nothing", ""), 404); r.get("Allow") != "" {
			x.Errorf("%s: Allow is %q", method, r.get("Allow"))
		}
	}
}

func headOfGet(x *T) {
	s := x.serve(tako.Limits{}, methodRoutes)
	get, head := s.ask(request("GET", "/get", ""), 200), s.ask(request("HEAD", "/get", ""), 200)
	for _, name := range []string{"Content-Type", "Content-Length", "X-Own"} {
		if g, h := get.get(name), head.get(name); g != h || g == "" {
			x.Errorf("%s: GET has %q, HEAD %q", name, g, h)
		}
	}
	c := s.dial()
	c.send(request("HEAD", "/get", ""), request("GET", "/get", ""))
	c.read("HEAD")
	c.expect(200)
}

func ownHead(x *T) {
	s := x.serve(tako.Limits{}, methodRoutes)
	if got := s.ask(request("HEAD", "/own", ""), 204).get("X-Own"); got != "head" {
		x.Errorf("HEAD was answered by %q", got)
	}
}

func autoOptions(x *T) {
	s := x.serve(tako.Limits{}, methodRoutes)
	allowIs(x, s.ask(request("OPTIONS", "/get", ""), 204), "GET", "HEAD", "OPTIONS")
	allowIs(x, s.ask(request("OPTIONS", "/many/7", ""), 204), "DELETE", "GET", "HEAD", "OPTIONS", "PUT")
}

func ownOptions(x *T) {
	s := x.serve(tako.Limits{}, methodRoutes)
	if got := s.ask(request("OPTIONS", "/own", ""), 200).body; got != "own options" {
		x.Errorf("OPTIONS was answered with %q", got)
	}
}
