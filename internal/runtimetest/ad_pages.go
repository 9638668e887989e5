package runtimetest

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/net/html"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/openapi"
	"github.com/tako-go/tako/openapi/swaggerui"
)

func documentCases() []testCase {
	breakOut := around("not-escaped", unescaping)
	lax := replies("policy-lost", "Content-Security-Policy: ", "X-Policy: ")
	inline := bodies("inline", "</title>", "</title><script>alert(1)</script>")
	return []testCase{
		{id: "AD-01/title-and-url", run: pagesEscape, faults: []fault{breakOut, inline}},
		{id: "AD-01/scheme", run: documentURLs, faults: []fault{planted("harmless"), serverFault("error-swallowed", swallowListen)}},
		{id: "AD-01/path", run: pagePath, faults: []fault{bodies("as-a-scheme", `data-document="./`, `data-document="`)}},
		{id: "AD-02/policy", run: pagePolicies, faults: []fault{lax, inline, bodies("unpinned", "integrity=", "checked="), replies("any-script", "script-src 'self'", "script-src 'unsafe-inline'")}},
		{id: "AD-02/offline", run: pagesOffline, faults: []fault{asks("file-missing", ".js ", ".no "), bodies("elsewhere", `src="./docs/`, `src="https://cdn.example/docs/`)}},
		{id: "AD-03/every-route", run: documentComplete, faults: []fault{planted("one-more"), bodies("hidden-shown", `"/any"`, `"/hidden"`), bodies("one-lost", `"/guarded"`, `"/unguarded"`)}},
		{id: "AD-03/valid", run: documentValid, faults: []fault{replies("older", `"openapi": "3.1`, `"openapi": "3.0`), replies("dangling", `"#/components/schemas/`, `"#/components/nothing/`), replies("undeclared", `"in": "path"`, `"in": "body"`)}},
		{id: "AD-03/stable", run: documentStable, faults: []fault{around("stamped", stamping)}},
		{id: "AD-03/guarded", run: documentGuarded, faults: []fault{turned("401"), turned("404")}},
	}
}

// documentUIs are all pages there are.
func documentUIs() map[string]openapi.UI {
	return map[string]openapi.UI{"plain": openapi.Plain, "swagger-offline": swaggerui.Offline, "swagger": openapi.SwaggerUI,
		"redoc": openapi.Redoc, "scalar": openapi.Scalar, "rapidoc": openapi.RapiDoc}
}

// offlineUIs need nothing from elsewhere.
var offlineUIs = []string{"plain", "swagger-offline"}

// docsOf serves a page for each UI, at the path of its name.
func (x *T) docsOf(config openapi.Config) *server {
	x.Helper()
	return x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/reefs", say("reefs"))
		for name, ui := range documentUIs() {
			config.UI = ui
			openapi.Mount(app.Group("/"+name), "/docs", config)
		}
	})
}

// unescaping takes back what keeps text from being markup.
func unescaping(next tako.Handler) tako.Handler {
	for _, pair := range [][2]string{{"&lt;", "<"}, {"&gt;", ">"}, {"&#34;", `"`}} {
		next = bodies("", pair[0], pair[1]).around(next)
	}
	return next
}

// stamping has each answer differ.
func stamping(next tako.Handler) tako.Handler {
	var n atomic.Int64
	return func(c *tako.Context) error {
		return bodies("", `"paths"`, `"x-stamp": `+itoa(int(n.Add(1)))+`, "paths"`).around(next)(c)
	}
}

// breakOuts would be markup or script where they are not escaped.
var breakOuts = []string{`<script>alert(1)</script>`, `</script><script>alert(1)//`, `</title><img src=x onerror=alert(1)>`, `" onload="alert(1)`,
	`' onload='alert(1)`, `javascript:alert(1)`, "`${alert(1)}`", `{{.}}`, `-->`, "\u2028alert(1)"}

// parsed is a page as a browser reads it.
type parsed struct {
	elements    []string // with the names of their attributes, and code that is in them
	title, spec string
	loads       []*html.Node // scripts and styles
}

func (x *T) parse(page string) (p parsed) {
	x.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		x.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		line := n.Data
		for _, a := range n.Attr {
			line += " " + a.Key
			if a.Key == "data-document" {
				p.spec = a.Val
			}
		}
		if n.FirstChild != nil && (n.Data == "script" || n.Data == "style") {
			line += ": " + n.FirstChild.Data
		}
		if n.Data == "title" && n.FirstChild != nil {
			p.title = n.FirstChild.Data
		}
		if n.Data == "script" || n.Data == "link" && attribute(n, "rel") == "stylesheet" {
			p.loads = append(p.loads, n)
		}
		p.elements = append(p.elements, line)
	}
	return p
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// target is what an element loads.
func target(n *html.Node) string { return attribute(n, "src") + attribute(n, "href") }

// pagesEscape has a text change no more than the title and an attribute.
func pagesEscape(x *T) {
	usual := x.docsOf(openapi.Config{Title: "Reefs", URL: "/spec.json?x"})
	want := map[string][]string{}
	for name := range documentUIs() {
		want[name] = x.parse(usual.get("/"+name+"/docs", 200).body).elements
		for _, line := range want[name] {
			if contains(line, ": ") {
				x.Errorf("%s: there is code in the page: %s", name, line)
			}
		}
	}
	for _, text := range breakOuts {
		s := x.docsOf(openapi.Config{Title: text, Description: text, URL: "/spec.json?" + text})
		for name := range documentUIs() {
			got := x.parse(s.get("/"+name+"/docs", 200).body)
			if !slices.Equal(got.elements, want[name]) {
				x.Errorf("%s: %q changes the page to %q", name, text, got.elements)
			}
			if got.title != text || got.spec != "/spec.json?"+text {
				x.Errorf("%s: %q became the title %q and the document %q", name, text, got.title, got.spec)
			}
		}
	}
}

// documentURLs that are no addresses of a document are found before anybody is served.
func documentURLs(x *T) {
	for _, bad := range []string{"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "http://[::1", "/a\nb"} {
		if x.planted("harmless") {
			bad = "/spec.json"
		}
		s := x.prepare(setup{}, func(app *tako.Router) { openapi.Mount(app, "/docs", openapi.Config{URL: bad}) })
		var all tako.RegistrationErrors
		if err := s.Listen(context.Background()); !errors.As(err, &all) {
			x.Errorf("Listen accepted a document at %q: %v", bad, err)
		}
	}
}

// pagePath has a client choose the path of the page, which is in it.
func pagePath(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		openapi.Mount(app, "/of/{tenant}", openapi.Config{})
	})
	want := x.parse(s.get("/of/a", 200).body)
	for _, text := range []string{"javascript:alert(1)", `"><script>alert(1)</script>`, "' onload='alert(1)"} {
		got := x.parse(s.get("/of/"+url.PathEscape(text), 200).body)
		if !slices.Equal(got.elements, want.elements) {
			x.Errorf("%q changes the page to %q", text, got.elements)
		}
		if spec, err := url.Parse(got.spec); err != nil || spec.IsAbs() || spec.Host != "" {
			x.Errorf("%q: the document is at %q", text, got.spec)
		}
	}
}

var (
	pinned    = regexp.MustCompile(`^https://[a-z.]+/npm/(@[a-z-]+/)?[a-z-]+@[0-9]+\.[0-9]+\.[0-9]+/[A-Za-z0-9./-]+$`)
	integrity = regexp.MustCompile(`^sha384-[A-Za-z0-9/+]{64}$`)
)

// pagePolicies let in what the page needs and nothing else.
func pagePolicies(x *T) {
	s := x.docsOf(openapi.Config{Title: "Reefs"})
	for name := range documentUIs() {
		r := s.get("/"+name+"/docs", 200)
		policy := r.all("Content-Security-Policy")
		if len(policy) != 1 {
			x.Errorf("%s: got the policies %q", name, policy)
			continue
		}
		directives := map[string]string{}
		for d := range strings.SplitSeq(policy[0], ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(d), " ")
			directives[key] = " " + value + " "
		}
		if directives["default-src"] != " 'none' " || contains(directives["script-src"], "unsafe") || contains(policy[0], "'unsafe-eval'") || contains(policy[0], " *") {
			x.Errorf("%s: the policy lets too much in: %s", name, policy[0])
		}
		for _, n := range x.parse(r.body).loads {
			directive := map[string]string{"script": "script-src", "link": "style-src"}[n.Data]
			at := target(n)
			switch {
			case at == "" || n.FirstChild != nil:
				x.Errorf("%s: there is code in the page", name)
			case !contains(at, "://") && !contains(directives[directive], " 'self' "):
				x.Errorf("%s: the policy refuses %s: %s", name, at, policy[0])
			case contains(at, "://") && (!contains(directives[directive], " "+at+" ") || !pinned.MatchString(at) || !integrity.MatchString(attribute(n, "integrity")) || attribute(n, "crossorigin") != "anonymous"):
				x.Errorf("%s: %s is not pinned, or refused by %s", name, at, policy[0])
			}
		}
	}
}

// pagesOffline load all they need from the server itself.
func pagesOffline(x *T) {
	s := x.docsOf(openapi.Config{Title: "Reefs"})
	for _, name := range offlineUIs {
		page := "/" + name + "/docs"
		r := s.get(page, 200)
		if policy := r.get("Content-Security-Policy"); contains(policy, "http:") || contains(policy, "https:") {
			x.Errorf("%s: the policy lets other origins in: %s", name, policy)
		}
		at, _ := url.Parse(page)
		p := x.parse(r.body)
		if len(p.loads) == 0 {
			x.Errorf("%s: the page loads nothing", name)
		}
		for _, n := range p.loads {
			ref, err := url.Parse(target(n))
			if err != nil || ref.IsAbs() || ref.Host != "" {
				x.Errorf("%s: the page loads %s from elsewhere", name, target(n))
				continue
			}
			kind := map[string]string{"script": "javascript", "link": "text/css"}[n.Data]
			c := s.dial()
			c.send(request("GET", at.ResolveReference(ref).Path, ""))
			if file := c.read("GET"); file.status != 200 || !contains(file.get("Content-Type"), kind) || file.body == "" || file.get("X-Content-Type-Options") != "nosniff" {
				x.Errorf("%s: %s is answered %d as %q", name, target(n), file.status, file.get("Content-Type"))
			}
			_ = c.Close()
		}
		spec, err := url.Parse(p.spec)
		if err != nil {
			x.Fatal(err)
		}
		if doc := s.get(at.ResolveReference(spec).Path, 200); doc.get("Content-Type") != "application/json" || !contains(doc.body, `"/reefs"`) {
			x.Errorf("%s: the document is %.200q", name, doc.body)
		}
	}
}
