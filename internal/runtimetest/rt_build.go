package runtimetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tako-go/tako"
)

func buildCases() []testCase {
	all := []testCase{
		{id: "RT-07/all-at-once", run: allMistakes, faults: []fault{planted("one-only"), serverFault("error-swallowed", swallowListen)}},
		{id: "RT-08/nested-twice", run: nestedTwice, faults: []fault{replies("state-mixed", "state=one", "state=two"), bodies("fallback-lost", "own fallback", "404"), planted("outer-guard-missing")}},
		{id: "RT-08/child-unchanged", run: childUnchanged, faults: []fault{bodies("prefixed", "alone", "child")}},
		{id: "RT-08/failed-build", run: failedBuild, faults: []fault{planted("mistake-missing"), bodies("lost", "still here", "gone")}},
		{id: "RT-09/missing-state", run: refusesToStart(needsState), faults: []fault{planted("supplied"), serverFault("error-swallowed", swallowListen)}},
		{id: "RT-09/missing-provider", run: refusesToStart(needsPrincipal), faults: []fault{planted("supplied"), serverFault("error-swallowed", swallowListen)}},
		{id: "RT-09/first-requests", run: firstRequests, faults: []fault{planted("guard-late"), replies("let-in", "HTTP/1.1 403 ", "HTTP/1.1 200 ")}},
	}
	for id, register := range mistakes {
		all = append(all, testCase{id: "RT-07/" + id, run: func(x *T) { mistaken(x, register) },
			faults: []fault{planted("mistake-missing"), serverFault("error-swallowed", swallowListen)}})
	}
	return all
}

type store struct{ name string }

// mistakes must each be reported when the server starts.
var mistakes = map[string]func(app *tako.Router){
	"duplicate":         func(app *tako.Router) { app.Get("/a/{x}", say("")); app.Get("/a/{x}", say("")) },
	"duplicate-escaped": func(app *tako.Router) { app.Get("/a", say("")); app.Get("/%61", say("")) },
	"other-names":       func(app *tako.Router) { app.Get("/a/{x}", say("")); app.Get("/a/{y}", say("")) },
	"duplicate-in-groups": func(app *tako.Router) {
		app.Group("/a").Get("/b", say(""))
		app.Group("").Get("/a/b", say(""))
	},
	"duplicate-by-mount": func(app *tako.Router) {
		child := tako.New()
		child.Get("/b", say(""))
		app.Mount("/a", child)
		app.Get("/a/b", say(""))
	},
	"name-twice":        func(app *tako.Router) { app.Get("/a", say(""), tako.Name("n")); app.Get("/b", say(""), tako.Name("n")) },
	"no-slash":          func(app *tako.Router) { app.Get("a", say("")) },
	"empty-segment":     func(app *tako.Router) { app.Get("/a//b", say("")) },
	"dot-segment":       func(app *tako.Router) { app.Get("/a/../b", say("")) },
	"brace-open":        func(app *tako.Router) { app.Get("/{a", say("")) },
	"brace-inside":      func(app *tako.Router) { app.Get("/x{a}", say("")) },
	"no-identifier":     func(app *tako.Router) { app.Get("/{a b}", say("")) },
	"parameter-twice":   func(app *tako.Router) { app.Get("/{a}/{a}", say("")) },
	"rest-inside":       func(app *tako.Router) { app.Get("/{a...}/b", say("")) },
	"broken-escape":     func(app *tako.Router) { app.Get("/%zz", say("")) },
	"control-character": func(app *tako.Router) { app.Get("/a\nb", say("")) },
	"bad-host":          func(app *tako.Router) { app.Get("exa mple/a", say("")) },
	"bad-method":        func(app *tako.Router) { app.Handle("G T", "/a", say("")) },
	"nil-handler":       func(app *tako.Router) { app.Get("/a", nil) },
	"supplied-twice":    func(app *tako.Router) { tako.Supply(app, &store{"a"}); tako.Supply(app, &store{"b"}) },
	"bad-network":       func(app *tako.Router) { app.TrustedProxies("10.0.0.0/99") },
	"undeclared-parameter": func(app *tako.Router) {
		tako.Get(app, "/a/{id}", func(context.Context, struct{}) (string, error) { return "", nil })
	},
}

func mistaken(x *T, register func(app *tako.Router)) {
	s := x.prepare(setup{}, func(app *tako.Router) {
		app.Get("/fine", say("fine"))
		if !x.planted("mistake-missing") {
			register(app)
		}
	})
	var all tako.RegistrationErrors
	if err := s.Listen(context.Background()); !errors.As(err, &all) || len(all) == 0 {
		x.Fatalf("Listen returned %v, want the mistake", err)
	}
	if !strings.Contains(all[0].Location, ".go:") {
		x.Errorf("the mistake is at %q, want file and line", all[0].Location)
	}
}

func allMistakes(x *T) {
	s := x.prepare(setup{}, func(app *tako.Router) {
		app.Get("bad", say(""))
		if x.planted("one-only") {
			return
		}
		app.Get("/{x", say(""))
		app.Get("/same", say(""))
		app.Get("/same", say(""))
	})
	var all tako.RegistrationErrors
	if err := s.Listen(context.Background()); !errors.As(err, &all) || len(all) < 3 {
		x.Errorf("Listen returned %v, want three mistakes", err)
	}
}

// child has settings of its own, to be nested.
func child() *tako.Router {
	r := tako.New()
	r.Use(mark("child"))
	r.Get("/state", func(c *tako.Context) error {
		s, err := tako.Extract[tako.State[*store]](c)
		if err != nil {
			return err
		}
		return c.Text(200, "state="+s.Value.name+"\npattern="+c.Pattern()+"\n")
	})
	r.Get("/fails", func(*tako.Context) error { return tako.Conflict("clash") })
	r.OnError(func(c *tako.Context, err error) error { return c.Text(tako.AsError(err).Status, "own error") })
	r.Fallback(func(c *tako.Context) error { return c.Text(404, "own fallback") })
	return r
}

// mark adds its name to a field that lists who was passed.
func mark(name string) tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.Header().Add("X-Passed", name)
			return next(c)
		}
	}
}

func nestedTwice(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		c := child()
		for _, name := range []string{"one", "two"} {
			g := app.Group("/" + name)
			if !x.planted("outer-guard-missing") {
				g.Use(mark("outer-" + name))
			}
			tako.Supply(g, &store{name})
			g.Mount("/in", c)
		}
		app.Fallback(func(c *tako.Context) error { return c.Text(404, "outer fallback") })
	})
	for _, name := range []string{"one", "two"} {
		r := s.get("/"+name+"/in/state", 200)
		if r.line("state") != name || r.line("pattern") != "/"+name+"/in/state" {
			x.Errorf("%s: got %q", name, r.body)
		}
		if got := strings.Join(r.all("X-Passed"), " "); got != "outer-"+name+" child" {
			x.Errorf("%s: passed %q", name, got)
		}
		if got := s.get("/"+name+"/in/nothing", 404).body; got != "own fallback" {
			x.Errorf("%s: fallback says %q", name, got)
		}
		if got := s.get("/"+name+"/in/fails", 409).body; got != "own error" {
			x.Errorf("%s: error handler says %q", name, got)
		}
		if got := s.get("/"+name+"/nothing", 404).body; got != "outer fallback" {
			x.Errorf("%s: outer fallback says %q", name, got)
		}
	}
}

// childUnchanged serves a router alone that is also mounted elsewhere.
func childUnchanged(x *T) {
	c := tako.New()
	c.Get("/a", func(c *tako.Context) error { return c.Text(200, "alone "+c.Pattern()) })
	outer := x.serve(tako.Limits{}, func(app *tako.Router) { app.Mount("/deep", c) })
	alone := x.serveWith(setup{app: func(app *tako.Router) tako.App {
		app.Mount("", c)
		return app
	}}, nil)
	if got := outer.get("/deep/a", 200).body; got != "alone /deep/a" {
		x.Errorf("mounted: %q", got)
	}
	if got := alone.get("/a", 200).body; got != "alone /a" {
		x.Errorf("alone: %q", got)
	}
	alone.get("/deep/a", 404)
}

// failedBuild uses the parts of a router that did not build elsewhere.
func failedBuild(x *T) {
	c := tako.New()
	c.Get("/a", say("still here"))
	bad := x.prepare(setup{}, func(app *tako.Router) {
		app.Mount("/x", c)
		if !x.planted("mistake-missing") {
			app.Get("/x/a", say("clash"))
		}
	})
	if err := bad.Listen(context.Background()); err == nil {
		x.Fatal("Listen accepted contradicting routes")
	}
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Mount("/x", c) })
	if got := s.get("/x/a", 200).body; got != "still here" {
		x.Errorf("got %q", got)
	}
}

type principal struct{ name string }

func needsState(x *T, app *tako.Router) {
	if x.planted("supplied") {
		tako.Supply(app, &store{"late"})
	}
	tako.Get(app, "/state", func(_ context.Context, in struct{ S tako.State[*store] }) (string, error) {
		return in.S.Value.name, nil
	})
}

func needsPrincipal(x *T, app *tako.Router) {
	if x.planted("supplied") {
		tako.Provide(app, func(context.Context, struct{}) (principal, error) { return principal{"anna"}, nil })
	}
	tako.Get(app, "/who", func(_ context.Context, in struct{ Who principal }) (string, error) { return in.Who.name, nil })
}

func refusesToStart(routes func(*T, *tako.Router)) func(x *T) {
	return func(x *T) {
		s := x.prepare(setup{}, func(app *tako.Router) { routes(x, app) })
		if err := s.Listen(context.Background()); err == nil {
			x.Error("Listen accepted a handler whose value nobody provides")
		}
	}
}

// firstRequests come at once, before anything was warmed up.
func firstRequests(x *T) {
	const n = 100
	var passed atomic.Int64
	s := x.prepare(setup{}, func(app *tako.Router) {
		app.Use(func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				if c.Path() == alivePath {
					return next(c)
				}
				if passed.Add(1) == 1 && x.planted("guard-late") {
					return next(c)
				}
				return tako.Forbidden("guarded")
			}
		})
		app.Get("/secret", say("secret"))
	})
	if err := s.Listen(context.Background()); err != nil {
		x.Fatal(err)
	}
	all := make([]*client, n)
	for i := range all {
		all[i] = s.dial()
		all[i].send(request("GET", "/secret", ""))
	}
	s.run()
	var group sync.WaitGroup
	for _, c := range all {
		group.Go(func() {
			if r, err := c.tryRead("GET"); err != nil || r.status != 403 {
				x.Errorf("got %+v and %v, want 403", r, err)
			}
		})
	}
	group.Wait()
	if passed.Load() != n {
		x.Errorf("%d of %d requests passed the guard", passed.Load(), n)
	}
}
