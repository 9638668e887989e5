package runtimetest

import (
	"strings"

	"github.com/tako-go/tako"
)

func redirectCases() []testCase {
	off := replies("off-site", "Location: /", "Location: //")
	return []testCase{
		{id: "RT-06/redirects", run: slashRedirects, faults: []fault{off, replies("query-lost", "?q=1", ""), turned("308")}},
		{id: "RT-06/no-loop", run: slashLoop, faults: []fault{replies("loops", "HTTP/1.1 404 ", "HTTP/1.1 308 ")}},
		{id: "RT-06/on-site", run: slashOnSite, faults: []fault{off}},
		{id: "RT-06/strict", run: slashStrict, faults: []fault{turned("404")}},
		{id: "RT-06/same", run: slashSame, faults: []fault{replies("redirected", "HTTP/1.1 200 ", "HTTP/1.1 308 ")}},
		{id: "RT-12/allowed", run: httpsAllowed, faults: []fault{replies("path-lost", "/deep/path", "/"), replies("query-lost", "?q=1", "")}},
		{id: "RT-12/refused", run: httpsRefused, faults: []fault{mergeReplies("followed", []fault{replies("", "HTTP/1.1 421 ", "HTTP/1.1 308 "), replies("", "HTTP/1.1 400 ", "HTTP/1.1 308 ")})}},
		{id: "RT-13/local", run: localRedirects, faults: []fault{replies("followed", "HTTP/1.1 400 ", "HTTP/1.1 302 ")}},
		{id: "RT-13/any", run: anyRedirects, faults: []fault{replies("followed", "HTTP/1.1 400 ", "HTTP/1.1 302 ")}},
	}
}

func slashes(app *tako.Router) {
	app.TrailingSlash(tako.SlashRedirect)
	app.Get("/", say("root"))
	app.Get("/a", say("a"))
	app.Get("/dir/", say("dir"))
	app.Get("/host/{name}", say("host"))
	app.Post("/a", say("a"))
	same := app.Group("/same")
	same.TrailingSlash(tako.SlashSame)
	same.Get("/a", say("same"))
}

func slashRedirects(x *T) {
	s := x.serve(tako.Limits{}, slashes)
	for path, want := range map[string]string{"/a/": "/a", "/a/?q=1": "/a?q=1", "/dir": "/dir/", "//a//?q=1": "/a?q=1"} {
		if got := s.get(path, 308).get("Location"); got != want {
			x.Errorf("%s: Location is %q, want %q", path, got, want)
		}
	}
	if got := s.ask(request("POST", "/a/", "body"), 308).get("Location"); got != "/a" {
		x.Errorf("POST: Location is %q", got)
	}
}

func slashLoop(x *T) {
	s := x.serve(tako.Limits{}, slashes)
	s.get("/", 200)
	s.get("//", 200)
	s.get("/dir/", 200)
	s.get("/nothing/", 404)
	s.get("/nothing", 404)
}

// slashOnSite looks that no Location can be taken for another site.
func slashOnSite(x *T) {
	s := x.serve(tako.Limits{}, slashes)
	for _, path := range []string{"//evil.example/", "///evil.example/", "/host/%2f%2fevil.example/", "/%5cevil.example/", "/host//evil.example/", "http://evil.example/a/", "/./evil.example/", "//a/"} {
		c := s.dial()
		c.send("GET " + path + " HTTP/1.1\r\nHost: a.example\r\n\r\n")
		to := c.read("GET").get("Location")
		if to != "" && (to[0] != '/' || strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\")) {
			x.Errorf("%s: Location is %q", path, to)
		}
		_ = c.Close()
	}
}

func slashStrict(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/a", say("a"))
		app.Get("/dir/", say("dir"))
	})
	s.get("/a/", 404)
	s.get("/dir", 404)
}

func slashSame(x *T) {
	s := x.serve(tako.Limits{}, slashes)
	for _, path := range []string{"/same/a", "/same/a/"} {
		if got := s.get(path, 200).body; got != "same" {
			x.Errorf("%s: got %q", path, got)
		}
	}
}

func https(app *tako.Router) {
	app.Fallback(tako.RedirectHTTPS("a.example", "b.example:8443"))
}

func httpsAllowed(x *T) {
	s := x.serve(tako.Limits{}, https)
	for host, want := range map[string]string{"a.example": "https://a.example/deep/path?q=1", "A.Example:80": "https://a.example/deep/path?q=1"} {
		r := s.ask("GET /deep/path?q=1 HTTP/1.1\r\nHost: "+host+"\r\n\r\n", 308)
		if got := r.get("Location"); got != want {
			x.Errorf("%s: Location is %q, want %q", host, got, want)
		}
	}
}

func httpsRefused(x *T) {
	s := x.serve(tako.Limits{}, https)
	s.ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421)
	s.ask("GET / HTTP/1.1\r\nHost: a.example.evil.example\r\n\r\n", 421)
	s.ask("GET http://evil.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 421)
	s.ask("GET / HTTP/1.1\r\nHost: user@a.example\r\n\r\n", 400)
	s.ask("GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n", 400)
	s.ask("GET / HTTP/1.0\r\n\r\n", 400, 421)
}

// offSite are targets that a helper for local redirections refuses.
var offSite = []string{"//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "evil.example", "", "/a\r\nX-Evil: 1", "/a\nb", "/a\x00b", "/\t/evil.example"}

func localRedirects(x *T) {
	for _, target := range offSite {
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			app.Get("/go", func(c *tako.Context) error { return c.LocalRedirect(302, target) })
			app.Get("/fine", func(c *tako.Context) error { return c.LocalRedirect(302, "/a/b?c=d") })
		})
		if r := s.get("/go", 400); r.get("Location") != "" || r.get("X-Evil") != "" {
			x.Errorf("%q: Location is %q", target, r.get("Location"))
		}
		if got := s.get("/fine", 302).get("Location"); got != "/a/b?c=d" {
			x.Errorf("Location is %q", got)
		}
	}
}

func anyRedirects(x *T) {
	for _, target := range []string{"javascript:alert(1)", "data:text/html,x", "/a\r\nX-Evil: 1", "/a\x00", "vbscript:x", "\x01javascript:x", "java\tscript:x", "/\\evil.example"} {
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			app.Get("/go", func(c *tako.Context) error { return c.Redirect(302, target) })
		})
		if r := s.get("/go", 400); r.get("Location") != "" {
			x.Errorf("%q: Location is %q", target, r.get("Location"))
		}
	}
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/go", func(c *tako.Context) error { return c.Redirect(303, "https://b.example/ä b?x=\"1\"") })
	})
	if got := s.get("/go", 303).get("Location"); got != "https://b.example/%C3%A4%20b?x=%221%22" {
		x.Errorf("Location is %q", got)
	}
}
