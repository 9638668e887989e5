package runtimetest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/tako-go/tako"
)

func pathCases() []testCase {
	all := []testCase{
		{id: "RT-01/guard", run: guarded, faults: []fault{planted("guard-by-target"), replies("let-in", "HTTP/1.1 403 ", "HTTP/1.1 200 ")}},
		{id: "RT-01/all-layers", run: samePath, faults: []fault{bodies("changed", "outside=/admin/a", "outside=//admin/a"), bodies("mount-differs", "mounted=/admin/a", "mounted=/admin//a")}},
		{id: "RT-03/precedence", run: precedence, faults: []fault{bodies("first-wins", "route=literal\n", "route=param\n"), planted("literal-missing")}},
		{id: "RT-03/dead-end", run: deadEnd, faults: []fault{bodies("no-way-back", "route=rest\n", "route=none\n"), planted("rest-missing")}},
		{id: "RT-03/long-parameter", run: longParam, faults: []fault{bodies("cut", "length=4000\n", "length=255\n")}},
	}
	for _, e := range escapes {
		all = append(all, e.testCase())
	}
	return all
}

// spellings of /admin/a; each is this path or another one by the rule that all
// layers share, but never a way around a guard.
var spellings = []string{"/admin/a", "//admin/a", "/admin//a", "/./admin/a", "/x/../admin/a", "/%61dmin/a", "/%61%64min/a", "/admin/%61",
	"/admin%2fa", "/admin%2Fa", "/Admin/a", "/ADMIN/a", "/admin/a/", "/admin/a;x", "/admin;x/a", "/admin/a%00", "/admin%00/a", "/admin/a%20",
	"/admin\\a", "/admin%5ca", "/admin/./a", "/admin/%2e/a", "/x/%2e%2e/admin/a", "/x/%2E./admin/a", "/../admin/a", "/admin/a?", "/admin/a?x#y",
	"http://a.example/admin/a", "http://a.example//admin/a", "/.//admin/a", "/%2e%2e/admin/a", "/%2561dmin/a", "/admin/..;/admin/a", "/x/..//admin/a", "*", "//a.example/admin/a"}

// guardedRoutes has a guard on the group /admin, and a fallback for all else.
func guardedRoutes(x *T, reached *atomic.Int64) func(app *tako.Router) {
	return func(app *tako.Router) {
		guard := func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				// What a guard must not do: look at the target as it was sent.
				if x.planted("guard-by-target") && !strings.HasPrefix(c.Target(), "/admin/") {
					return next(c)
				}
				return tako.Forbidden("no")
			}
		}
		app.Group("/admin", guard).Get("/a", func(c *tako.Context) error {
			reached.Add(1)
			return c.Text(200, "secret")
		})
		app.Get("/x/{rest...}", say("elsewhere"))
		app.Get("/{one}", say("elsewhere"))
	}
}

func guarded(x *T) {
	var reached atomic.Int64
	s := x.serve(tako.Limits{}, guardedRoutes(x, &reached))
	for _, spelling := range spellings {
		c := s.dial()
		c.send("GET " + spelling + " HTTP/1.1\r\nHost: a.example\r\n\r\n")
		r, err := c.tryRead("GET")
		if err != nil {
			if !x.streams() || !strings.Contains(err.Error(), "PROTOCOL_ERROR") {
				x.Fatalf("%s: read response: %v", spelling, err)
			}
			r = &response{status: 400}
		}
		if r.status == 200 && r.body != "elsewhere" || r.status >= 500 {
			x.Errorf("%s: got status %d, body %q", spelling, r.status, r.body)
		}
		_ = c.Close()
	}
	s.get("/admin/a", 403)
	s.get("//admin/./x/../%61", 403)
	if n := reached.Load(); n > 0 {
		x.Errorf("%d spellings went around the guard", n)
	}
}

// samePath asks the layers what they see of one path.
func samePath(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Use(func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				c.Header().Set("X-Outside", c.Path())
				return next(c)
			}
		})
		show := func(c *tako.Context) error {
			return c.Text(200, "outside="+c.Header().Get("X-Outside")+"\ninside="+c.Path()+"\nparam="+c.Param("p")+"\nmounted=/admin/a\n")
		}
		app.Get("/admin/{p}", show)
		app.Get("/std/{p...}", tako.HTTP(pathTeller{}))
	})
	for _, spelling := range []string{"/admin/a", "//admin//a", "/x/../admin/%61", "/./%61dmin/a"} {
		r := s.get(spelling, 200)
		for name, want := range map[string]string{"outside": "/admin/a", "inside": "/admin/a", "param": "a"} {
			if got := r.line(name); got != want {
				x.Errorf("%s: %s is %q, want %q", spelling, name, got, want)
			}
		}
	}
	if got := s.get("/std/x/..//./%61%2fb", 200).body; got != "/std/a/b /std/a%2Fb a/b\n" {
		x.Errorf("net/http sees %q", got)
	}
	if got := s.get("//admin//a", 200).line("mounted"); got != "/admin/a" {
		x.Errorf("mounted path is %q", got)
	}
}

// escape is one value of a path parameter on the wire and for the handler.
type escape struct {
	id, sent  string
	want, raw string // want is "" for a refusal
}

var escapes = []escape{
	{"space", "a%20b", "a b", "a%20b"},
	{"plus", "a+b", "a+b", "a+b"},
	{"slash", "a%2Fb", "a/b", "a%2Fb"},
	{"slash-lower-case", "a%2fb", "a/b", "a%2Fb"},
	{"twice", "a%252Fb", "a%2Fb", "a%252Fb"},
	{"utf-8", "%C3%A4", "ä", "%C3%A4"},
	{"unreserved", "%41%2D%7e", "A-~", "A-~"},
	{"sub-delimiters", "a;b=c,d!$&'()*", "a;b=c,d!$&'()*", "a;b=c,d!$&'()*"},
	{"colon-at", "a:b@c", "a:b@c", "a:b@c"},
	{"percent", "100%25", "100%", "100%25"},
	{"question-mark", "a%3Fb", "a?b", "a%3Fb"},
	{"bad-percent", "a%", "", ""},
	{"bad-short", "a%2", "", ""},
	{"bad-hex", "a%zzb", "", ""},
	{"bad-utf-8", "%ff%fe", "", ""},
	{"bad-utf-8-cut", "%C3", "", ""},
	{"bad-overlong", "%C0%AF", "", ""},
	{"bad-nul", "a%00b", "", ""},
	{"bad-unicode-escape", "%u0041", "", ""},
}

func (e escape) testCase() testCase {
	tc := testCase{id: "RT-02/" + e.id, faults: []fault{turned("400")}}
	if e.want != "" {
		tc.faults = []fault{asks("escaped-twice", e.sent, strings.ReplaceAll(e.sent, "a", "b")+"x"), bodies("raw-lost", "raw=", "raw=%")}
	}
	tc.run = func(x *T) {
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			app.Get("/p/{value}/end", func(c *tako.Context) error {
				return c.Text(200, "value="+c.Param("value")+"\nraw="+c.RawParam("value")+"\n")
			})
		})
		if e.want == "" {
			c := s.dial()
			c.send(request("GET", "/p/"+e.sent+"/end", ""))
			c.refused()
			return
		}
		r := s.get("/p/"+e.sent+"/end", 200)
		if r.line("value") != e.want || r.line("raw") != e.raw {
			x.Errorf("got value %q and raw %q, want %q and %q", r.line("value"), r.line("raw"), e.want, e.raw)
		}
	}
	return tc
}

// overlapping are routes of which several match most paths.
var overlapping = map[string]string{"/a/b": "literal", "/a/{p}": "param", "/a/{p...}": "rest", "/a/{p}/c": "param-literal",
	"/a/b/{q}": "literal-param", "/{x}/b": "first-param", "/a/{p}/c/{q...}": "deep-rest"}

var overlaps = map[string]string{"/a/b": "literal", "/a/x": "param", "/a/x/y": "rest", "/a/b/c": "literal-param", "/a/x/c": "param-literal",
	"/z/b": "first-param", "/a/b/x/y": "rest", "/a/b/c/d": "deep-rest", "/a/x/c/d": "deep-rest", "/a/x/d": "rest"}

// overlapRoutes registers the routes in the given order.
func overlapRoutes(x *T, app *tako.Router, patterns []string) {
	for _, pattern := range patterns {
		if x.planted("literal-missing") && pattern == "/a/b" || x.planted("rest-missing") && pattern == "/a/{p...}" {
			continue
		}
		app.Get(pattern, say("route="+overlapping[pattern]+"\n"))
	}
}

func precedence(x *T) {
	patterns := make([]string, 0, len(overlapping))
	for pattern := range overlapping {
		patterns = append(patterns, pattern)
	}
	slices.Sort(patterns)
	for turn := range len(patterns) {
		order := slices.Concat(patterns[turn:], patterns[:turn])
		if turn%2 == 1 {
			slices.Reverse(order)
		}
		s := x.serve(tako.Limits{}, func(app *tako.Router) { overlapRoutes(x, app, order) })
		c := s.dial()
		for path, want := range overlaps {
			c.send(request("GET", path, ""))
			if got := c.expect(200, 404).line("route"); got != want {
				x.Errorf("order %v: %s leads to %q, want %q", order, path, got, want)
			}
		}
	}
}

// deadEnd leads into a literal branch that does not go on, several levels deep.
func deadEnd(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/a/b/c/d/e", say("route=literal\n"))
		app.Get("/a/{p}/c/x", say("route=param\n"))
		if !x.planted("rest-missing") {
			app.Get("/a/{p...}", say("route=rest\n"))
		}
	})
	for path, want := range map[string]string{"/a/b/c/d/e": "literal", "/a/b/c/x": "param", "/a/b/c/d": "rest", "/a/b/c/d/f": "rest", "/a/b": "rest"} {
		if got := s.get(path, 200).line("route"); got != want {
			x.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
}

func longParam(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/p/{value}", func(c *tako.Context) error { return c.Text(200, fmt.Sprintf("length=%d\n", len(c.Param("value")))) })
	})
	if got := s.get("/p/"+strings.Repeat("v", 4000), 200).line("length"); got != "4000" {
		x.Errorf("the parameter has %s bytes, want 4000", got)
	}
}
