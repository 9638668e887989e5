package runtimetest

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/openapi"
)

// documentedPart is recursive.
type documentedPart struct {
	Name  string           `json:"name" required:"true" minLength:"3"`
	Parts []documentedPart `json:"parts"`
}

// documentedRoutes are of every kind that a document can get wrong.
func documentedRoutes(app *tako.Router) {
	app.Get("/", say("home"))
	tako.Get(app, "/files/{id}", fine[struct {
		ID    int      `path:"id" minimum:"1"`
		Tags  []string `query:"tag"`
		Trace string   `header:"X-Trace"`
		Theme string   `cookie:"theme"`
	}])
	app.Delete("/files/{id}", say("gone"), tako.Deprecated())
	app.Get("/all/{path...}", say("all"))
	app.Handle("PURGE", "/files/{id}", say("purged"))
	app.Any("/any", say("any"))
	app.Get("/any", say("any"))
	app.Get("/hidden", say("hidden"), tako.Hidden())
	ops := app.Group("/ops")
	ops.Describe(tako.Hidden())
	ops.Get("/health", say("well"))
	app.Host("b.example").Get("/only", say("there"))
	tako.Post(app, "/parts", func(_ context.Context, in struct{ Body documentedPart }) (tako.Created[documentedPart], error) {
		return tako.Created[documentedPart]{Body: in.Body}, nil
	})
	tako.Post(app, "/upload", fine[extract.MultipartForm[filesForm]])
	tako.Get(app, "/guarded", fine[extract.Basic])
	tako.Get(app, "/keyed", fine[extract.APIKeyFrom[queryKey]])
}

var documentConfig = openapi.Config{Title: "Reefs", Version: "1.2.3"}

// documented serves them with their document, and returns what was served.
func (x *T) documented() (*server, *tako.Router) {
	x.Helper()
	var served *tako.Router
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		served = app
		documentedRoutes(app)
		openapi.Mount(app, "/docs", documentConfig)
	})
	return s, served
}

// document reads the document that is served.
func (s *server) document() (doc map[string]any) {
	s.x.Helper()
	if err := json.Unmarshal([]byte(s.get("/docs/openapi.json", 200).body), &doc); err != nil {
		s.x.Fatal(err)
	}
	return doc
}

// member follows names into a document.
func member(v any, names ...string) any {
	for _, name := range names {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// operations yields all operations of a document, those under extensions too.
func operations(doc map[string]any, yield func(method, path, host string, item, operation map[string]any)) {
	var walk func(path, host string, item map[string]any)
	walk = func(path, host string, item map[string]any) {
		for name, value := range item {
			v, _ := value.(map[string]any)
			switch name {
			case "x-hosts":
				for host, other := range v {
					other, _ := other.(map[string]any)
					walk(path, host, other)
				}
			case "x-additionalOperations":
				for method, operation := range v {
					operation, _ := operation.(map[string]any)
					yield(method, path, host, item, operation)
				}
			case "get", "put", "post", "delete", "options", "head", "patch", "trace":
				yield(strings.ToUpper(name), path, host, item, v)
			}
		}
	}
	paths, _ := doc["paths"].(map[string]any)
	for path, item := range paths {
		item, _ := item.(map[string]any)
		walk(path, "", item)
	}
}

// documentComplete compares the document with the routes.
func documentComplete(x *T) {
	s, app := x.documented()
	var want, got []string
	for _, route := range app.Routes() {
		around := slices.ContainsFunc(route.Around, func(op *tako.Operation) bool { return op.Hidden })
		if around || route.Operation.Hidden || route.Path == alivePath {
			continue
		}
		methods := []string{route.Method}
		if route.Method == "" {
			methods = []string{"DELETE", "PATCH", "POST", "PUT"} // GET has a route of its own there
		}
		for _, method := range methods {
			want = append(want, method+" "+strings.ReplaceAll(route.Path, "...}", "}"))
		}
	}
	if x.planted("one-more") {
		want = append(want, "GET /more")
	}
	doc := s.document()
	operations(doc, func(method, path, _ string, _, _ map[string]any) {
		if path != alivePath {
			got = append(got, method+" "+path)
		}
	})
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		x.Errorf("got  %q\nwant %q", got, want)
	}
	if member(doc, "paths", "/files/{id}", "delete", "deprecated") != true {
		x.Error("what is deprecated does not say so")
	}
	if security, _ := member(doc, "paths", "/guarded", "get", "security").([]any); len(security) != 1 {
		x.Errorf("what is guarded has the security %v", security)
	}
	if member(doc, "paths", "/only", "get", "servers") == nil {
		x.Error("a route of one host does not name it")
	}
}

var templated = regexp.MustCompile(`\{([^}]*)\}`)

// documentValid looks at what OpenAPI 3.1 demands beyond the shape, which the tests of the
// package hold against its schema.
func documentValid(x *T) {
	s, _ := x.documented()
	doc := s.document()
	if version, _ := doc["openapi"].(string); !strings.HasPrefix(version, "3.1.") {
		x.Errorf("it is of version %q", version)
	}
	if member(doc, "info", "title") != documentConfig.Title || member(doc, "info", "version") != documentConfig.Version {
		x.Errorf("got the info %v", doc["info"])
	}
	ids := map[string]bool{}
	operations(doc, func(method, path, _ string, item, operation map[string]any) {
		at := method + " " + path
		if id, ok := operation["operationId"].(string); ok {
			if ids[id] {
				x.Errorf("%s: the id %s is there twice", at, id)
			}
			ids[id] = true
		}
		if responses, _ := operation["responses"].(map[string]any); len(responses) == 0 {
			x.Errorf("%s: there are no responses", at)
		}
		var declared, wanted []string
		for _, list := range []any{item["parameters"], operation["parameters"]} {
			list, _ := list.([]any)
			for _, p := range list {
				if member(p, "in") == "path" {
					name, _ := member(p, "name").(string)
					declared = append(declared, name)
				}
			}
		}
		for _, m := range templated.FindAllStringSubmatch(path, -1) {
			wanted = append(wanted, m[1])
		}
		slices.Sort(declared)
		slices.Sort(wanted)
		if !slices.Equal(declared, wanted) {
			x.Errorf("%s: the path has the parameters %q, and %q are described", at, wanted, declared)
		}
		security, _ := operation["security"].([]any)
		for _, requirement := range security {
			requirement, _ := requirement.(map[string]any)
			for scheme := range requirement {
				if member(doc, "components", "securitySchemes", scheme) == nil {
					x.Errorf("%s: the scheme %s is not described", at, scheme)
				}
			}
		}
	})
	x.resolves(doc, doc)
}

// resolves looks up every reference.
func (x *T) resolves(doc map[string]any, v any) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			rest, local := strings.CutPrefix(ref, "#/")
			if !local || member(doc, strings.Split(rest, "/")...) == nil {
				x.Errorf("the reference %s leads nowhere", ref)
			}
		}
		for _, value := range v {
			x.resolves(doc, value)
		}
	case []any:
		for _, value := range v {
			x.resolves(doc, value)
		}
	}
}

// documentStable is byte for byte the same each time, for another client, another server
// with the same routes, and the program itself.
func documentStable(x *T) {
	s, app := x.documented()
	first := s.get("/docs/openapi.json", 200)
	if again := s.get("/docs/openapi.json", 200); again.body != first.body {
		x.Error("the document differs between two requests")
	}
	other, _ := x.documented()
	if r := other.get("/docs/openapi.json", 200); r.body != first.body {
		x.Error("the document differs between two servers")
	}
	doc, err := openapi.Build(app, documentConfig)
	if err != nil {
		x.Fatal(err)
	}
	if first.body != string(doc.JSON()) {
		x.Error("the document that is served is not the one of Build")
	}
	text, err := doc.YAML()
	if r := s.get("/docs/openapi.yaml", 200); err != nil || r.body != string(text) || r.get("Content-Type") != "application/yaml" {
		x.Errorf("the document in YAML is not the one of Build: %v", err)
	}
	if r := s.get("/docs/openapi.json", 304, "If-None-Match: "+first.get("Etag")); r.body != "" {
		x.Error("304 has a body")
	}
}

// documentGuarded has the pages behind a middleware, or nowhere.
func documentGuarded(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/reefs", say("reefs"))
		guarded := app.Group("/guarded", func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				in, err := tako.Extract[extract.Basic](c)
				if err != nil {
					return err
				}
				if !extract.Equal(in.Password, "right") {
					return in.Refuse(nil)
				}
				return next(c)
			}
		})
		openapi.Mount(guarded, "/docs", documentConfig)
		off := documentConfig
		off.Off = true
		openapi.Mount(app, "/off", off)
		bare := documentConfig
		bare.UI = openapi.None
		openapi.Mount(app, "/bare", bare)
	})
	for _, path := range []string{"", "/openapi.json", "/openapi.yaml", "/plain.js", "/plain.css"} {
		s.get("/guarded/docs"+path, 401)
		s.get("/guarded/docs"+path, 401, basicOf("octo:wrong"))
		s.get("/guarded/docs"+path, 200, basicOf("octo:right"))
		s.get("/off"+path, 404)
	}
	s.get("/bare", 404)
	s.get("/bare/openapi.json", 200)
}
