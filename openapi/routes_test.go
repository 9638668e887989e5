package openapi_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/openapi"
)

// listed returns method and path of all operations of a document, those under
// extensions too.
func listed(doc map[string]any) []string {
	var list []string
	var collect func(path, suffix string, item map[string]any)
	collect = func(path, suffix string, item map[string]any) {
		for name, value := range item {
			v, _ := value.(map[string]any)
			switch name {
			case "x-hosts":
				for host, other := range v {
					collect(path, " at "+host, other.(map[string]any))
				}
			case "x-additionalOperations":
				for method := range v {
					list = append(list, method+" "+path+suffix)
				}
			default:
				list = append(list, strings.ToUpper(name)+" "+path+suffix)
			}
		}
	}
	for path, item := range at(doc, "paths").(map[string]any) {
		collect(path, "", item.(map[string]any))
	}
	slices.Sort(list)
	return list
}

func TestAD03EveryRouteIsListed(t *testing.T) {
	app := tako.New()
	app.Get("/", nothing)
	app.Get("/files/{id}", nothing)
	app.Delete("/files/{name}", nothing, tako.Deprecated())
	app.Get("/files/{path...}", nothing)
	app.Put("/files/{path...}", nothing)
	app.Handle("PURGE", "/files/{id}", nothing)
	app.Handle("TRACE", "/trace", nothing)
	app.Head("/trace", nothing)
	app.Any("/any", nothing)
	app.Get("/any", nothing)
	app.Get("/hidden", nothing, tako.Hidden())
	hidden := app.Group("/ops")
	hidden.Describe(tako.Hidden())
	hidden.Get("/health", nothing)
	app.Host("a.example").Get("/any", nothing)
	app.Host("b.example").Get("/only", nothing)
	guarded := app.Group("/guarded", func(next tako.Handler) tako.Handler { return next })
	guarded.Describe(tako.Secured(token()))
	guarded.Post("/", nothing)
	doc := build(t, app, openapi.Config{})
	assert.Equal(t, listed(doc), []string{"DELETE /any", "DELETE /files/{id}", "GET /", "GET /any", "GET /any at a.example",
		"GET /files/{id}", "GET /files/{path_2}/{path}", "GET /only", "HEAD /trace", "PATCH /any", "POST /any", "POST /guarded",
		"PURGE /files/{id}", "PUT /any", "PUT /files/{id}", "TRACE /trace"})
	assert.Equal(t, at(doc, "paths", "/files/{id}", "delete", "deprecated"), any(true))
	assert.Equal(t, at(doc, "paths", "/guarded", "post", "security"), any([]any{map[string]any{"token": []any{}}}))
	assert.Equal(t, at(doc, "paths", "/only", "get", "servers"), any([]any{map[string]any{"url": "//b.example"}}))
	put := at(doc, "paths", "/files/{id}", "put", "parameters").([]any)
	assert.Equal(t, at(put[0], "name"), any("id"), "the catch-all has the name of its place")
	assert.Equal(t, at(put[0], "x-rest"), any(true))
	assert.Contains(t, at(put[0], "description").(string), "any number of segments")
}

func TestOperationIDs(t *testing.T) {
	app, cfg := demo()
	doc := build(t, app, cfg)
	seen := map[string]int{}
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if id, ok := v["operationId"].(string); ok {
				seen[id]++
			}
			for _, child := range v {
				visit(child)
			}
		case []any:
			for _, child := range v {
				visit(child)
			}
		}
	}
	visit(doc)
	for id, n := range seen {
		if n > 1 {
			t.Errorf("operationId %q stands %d times", id, n)
		}
	}
	ids := slices.Sorted(maps.Keys(seen))
	for _, want := range []string{"listReefs", "getRoot", "getOceansByOceanReefsById", "putProxyByRest", "readThroughProxy", "getRaw", "onReefChanged"} {
		if !slices.Contains(ids, want) {
			t.Errorf("operationId %q is missing in %q", want, ids)
		}
	}
}

func TestNameOfRouteForEveryMethod(t *testing.T) {
	app := tako.New()
	app.Any("/any", nothing, tako.Name("all"))
	doc := build(t, app, openapi.Config{})
	assert.Equal(t, at(doc, "paths", "/any", "patch", "operationId"), any("all_patch"))
}

func TestFilter(t *testing.T) {
	app := tako.New()
	app.Get("/public", nothing)
	app.Get("/private", nothing)
	doc := build(t, app, openapi.Config{Filter: func(l tako.Listed) bool { return l.Path != "/private" }})
	assert.Equal(t, listed(doc), []string{"GET /public"})
}

func TestHostServers(t *testing.T) {
	app := tako.New()
	app.Host("{tenant}.reefs.example").Get("/", nothing)
	doc := build(t, app, openapi.Config{Servers: []openapi.Server{{URL: "https://reefs.example:8443/v1"}}})
	assert.Equal(t, at(doc, "paths", "/", "get", "servers"), any([]any{map[string]any{
		"url": "https://{tenant}.reefs.example:8443", "variables": map[string]any{"tenant": map[string]any{"default": "tenant"}}}}))
}

func TestSecurity(t *testing.T) {
	optional := func(s tako.SecurityScheme) tako.Option {
		return func(op *tako.Operation) { op.AddSecurity(tako.Requirement{Scheme: s, Optional: true}) }
	}
	app := tako.New()
	app.Get("/both", nothing, tako.Secured(token()), tako.Secured(oauth(), "read"), tako.Secured(oauth(), "write"))
	app.Get("/either", nothing, optional(key()))
	app.Get("/more", nothing, tako.Secured(token()), optional(key()))
	app.Get("/none", nothing)
	doc := build(t, app, openapi.Config{})
	security := func(path string) any { return at(doc, "paths", path, "get", "security") }
	none := []any{}
	assert.Equal(t, security("/both"), any([]any{map[string]any{"token": none, "oauth": []any{"read", "write"}}}))
	assert.Equal(t, security("/either"), any([]any{map[string]any{"api_key": none}, map[string]any{}}))
	assert.Equal(t, security("/more"), any([]any{map[string]any{"token": none, "api_key": none}, map[string]any{"token": none}}))
	assert.Equal(t, security("/none"), nil)
	assert.Equal(t, at(doc, "paths", "/both", "get", "responses", "401", "headers", "WWW-Authenticate", "schema"), any(map[string]any{"type": "string"}))

	app = tako.New()
	other := token()
	other.BearerFormat = "opaque"
	app.Get("/a", nothing, tako.Secured(token()))
	app.Get("/b", nothing, tako.Secured(other))
	if _, err := openapi.Build(app, openapi.Config{}); err == nil {
		t.Error("got no error for one scheme declared in two ways")
	} else {
		assert.Contains(t, err.Error(), `"token" is declared in two ways`)
	}
}

func TestFailures(t *testing.T) {
	app, cfg := demo()
	doc, err := openapi.Build(app, cfg)
	assert.NoError(t, err)
	if strings.Contains(string(doc.JSON()), "10.0.0.7") {
		t.Error("the document has the private cause of an error")
	}
	parsed := build(t, app, cfg)
	add := at(parsed, "paths", "/oceans/{ocean}/reefs", "post", "responses")
	assert.Equal(t, at(add, "409", "description"), any("- Another reef has this name\n- The ocean is full"))
	assert.Equal(t, at(add, "503", "headers", "Retry-After", "schema"), any(map[string]any{"type": "string"}))
	assert.Equal(t, slices.Sorted(maps.Keys(add.(map[string]any))), []string{"201", "400", "401", "409", "413", "415", "422", "503", "default"})
	raw := at(parsed, "paths", "/", "get", "responses")
	assert.Equal(t, slices.Sorted(maps.Keys(raw.(map[string]any))), []string{"2XX", "4XX", "default"})
}
