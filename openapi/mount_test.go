package openapi_test

import (
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/net/html"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/openapi"
	"github.com/tako-go/tako/openapi/swaggerui"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/takotest"
)

func uis() map[string]openapi.UI {
	return map[string]openapi.UI{"plain": openapi.Plain, "swagger": openapi.SwaggerUI, "redoc": openapi.Redoc,
		"scalar": openapi.Scalar, "rapidoc": openapi.RapiDoc, "swagger offline": swaggerui.Offline}
}

func docs(t *testing.T, cfg openapi.Config) *takotest.Server {
	t.Helper()
	app := tako.New()
	app.Get("/reefs", nothing)
	openapi.Mount(app, "/docs", cfg)
	return takotest.New(t, app)
}

func TestMount(t *testing.T) {
	srv := docs(t, openapi.Config{Title: "Reefs"})
	page := srv.Get("/docs").Expect(200).ExpectHeader("Content-Type", "text/html; charset=utf-8").ExpectHeader("X-Content-Type-Options", "nosniff")
	assert.Contains(t, page.Text, `data-document="./docs/openapi.json"`)
	json := srv.Get("/docs/openapi.json").Expect(200).ExpectHeader("Content-Type", "application/json")
	valid(t, []byte(json.Text))
	assert.Contains(t, json.Text, `"/reefs"`)
	if strings.Contains(json.Text, "/docs") {
		t.Errorf("the document lists its own routes: %s", json.Text)
	}
	yaml := srv.Get("/docs/openapi.yaml").Expect(200).ExpectHeader("Content-Type", "application/yaml")
	assert.Contains(t, yaml.Text, "openapi: 3.1.1")
	for _, target := range []string{"/docs", "/docs/openapi.json", "/docs/openapi.yaml", "/docs/plain.js", "/docs/plain.css"} {
		tag := srv.Get(target).Expect(200).Header.Get("Etag")
		again := srv.Get(target, takotest.Header("If-None-Match", `"other", W/`+tag)).Expect(304)
		assert.Equal(t, len(again.Text), 0, target)
		srv.Get(target, takotest.Header("If-None-Match", `"other"`)).Expect(200)
	}
}

func TestMountOnTheWire(t *testing.T) {
	app := tako.New()
	app.Get("/reefs", nothing)
	openapi.Mount(app, "/docs", openapi.Config{UI: swaggerui.Offline})
	assert.NoError(t, app.Build())
	for name, srv := range map[string]*takotest.Server{
		"std":  takotest.Serve(t, app),
		"loop": takotest.Run(t, loop.New(app, loop.Config{Addr: "127.0.0.1:0"})),
	} {
		for _, target := range []string{"/docs", "/docs/openapi.json", "/docs/openapi.yaml", "/docs/swagger-ui-bundle.js"} {
			got := srv.Get(target).Expect(200)
			head := srv.Do("HEAD", target).Expect(200)
			assert.Equal(t, head.Header.Get("Content-Length"), strconv.Itoa(len(got.Text)), name, " ", target)
			srv.Get(target, takotest.Header("If-None-Match", got.Header.Get("Etag"))).Expect(304)
		}
	}
}

func TestMountAtTheRoot(t *testing.T) {
	app := tako.New()
	openapi.Mount(app, "/", openapi.Config{})
	app.Get("/reefs", nothing)
	srv := takotest.New(t, app)
	assert.Contains(t, srv.Get("/").Expect(200).Text, `data-document="./openapi.json"`)
	srv.Get("/openapi.json").Expect(200)
	srv.Get("/plain.js").Expect(200)
}

func TestMountLaterRoutesAreListed(t *testing.T) {
	app := tako.New()
	openapi.Mount(app.Group("/internal"), "/docs", openapi.Config{})
	app.Get("/later", nothing)
	srv := takotest.New(t, app)
	assert.Contains(t, srv.Get("/internal/docs/openapi.json").Expect(200).Text, `"/later"`)
}

func TestMountedElsewhere(t *testing.T) {
	build := func(app *tako.Router, cfg openapi.Config) *takotest.Server {
		child := tako.New()
		child.Get("/reefs", nothing)
		openapi.Mount(child, "/docs", cfg)
		app.Mount("/v1", child)
		app.Log(slog.New(slog.DiscardHandler))
		return takotest.New(t, app)
	}
	build(tako.New(), openapi.Config{}).Get("/v1/docs/openapi.json").Expect(500)
	app := tako.New()
	body := build(app, openapi.Config{App: app}).Get("/v1/docs/openapi.json").Expect(200).Text
	assert.Contains(t, body, `"/v1/reefs"`)
}

func TestNoPage(t *testing.T) {
	srv := docs(t, openapi.Config{UI: openapi.None})
	srv.Get("/docs").Expect(404)
	srv.Get("/docs/openapi.json").Expect(200)
}

func TestMountMistakes(t *testing.T) {
	tests := map[string]openapi.Config{
		"scheme":    {URL: "javascript:alert(1)"},
		"malformed": {URL: "http://[::1"},
		"line":      {URL: "/a\nb"},
		"files": {UI: func() openapi.Page {
			return openapi.Page{Name: "own", Scripts: []openapi.Asset{{URL: "own.js"}}, Files: fstest.MapFS{}}
		}},
		"no files": {UI: func() openapi.Page { return openapi.Page{Name: "own", Scripts: []openapi.Asset{{URL: "own.js"}}} }},
	}
	for name, cfg := range tests {
		app := tako.New()
		openapi.Mount(app, "/docs", cfg)
		if app.Build() == nil {
			t.Errorf("%s: got no mistake", name)
		}
	}
}

// A title or a URL changes no more than one text and attributes.
func TestAD01NothingBreaksOut(t *testing.T) {
	bad := []string{`<script>alert(1)</script>`, `</script><script>alert(1)//`, `</title><img src=x onerror=alert(1)>`,
		`" onload="alert(1)`, `' onload='alert(1)`, `javascript:alert(1)`, "`${alert(1)}`", `{{.}}`, `-->`, "\u2028alert(1)"}
	for name, ui := range uis() {
		want, _, _ := skeleton(t, docs(t, openapi.Config{UI: ui, Title: "Reefs", URL: "/spec.json?x"}).Get("/docs").Expect(200).Text)
		for _, text := range bad {
			srv := docs(t, openapi.Config{UI: ui, Title: text, Description: text, URL: "/spec.json?" + text})
			got, title, spec := skeleton(t, srv.Get("/docs").Expect(200).Text)
			assert.Equal(t, got, want, name, " with ", text)
			assert.Equal(t, title, text, name)
			assert.Equal(t, spec, "/spec.json?"+text, name)
		}
	}
}

// skeleton reads a page as a browser does: its elements with the names of their
// attributes and the code in them, its title, and where its document is.
func skeleton(t *testing.T, page string) (list []string, title, spec string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	assert.NoError(t, err)
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		line := n.Data
		for _, a := range n.Attr {
			line += " " + a.Key
			if a.Key == "data-document" {
				spec = a.Val
			}
		}
		if n.FirstChild != nil && (n.Data == "script" || n.Data == "style") {
			line += ": " + n.FirstChild.Data
		}
		if n.Data == "title" {
			title = n.FirstChild.Data
		}
		list = append(list, line)
	}
	return list, title, spec
}

func TestAD01PathIsNoScheme(t *testing.T) {
	app := tako.New()
	openapi.Mount(app, "/{tenant}", openapi.Config{})
	srv := takotest.New(t, app)
	page := srv.Get("/javascript:alert(1)%22%3E%3Cscript%3E").Expect(200).Text
	assert.Contains(t, page, `data-document="./javascript:alert`)
	if strings.Contains(page, "<script>") {
		t.Errorf("the path is in the page as it was given:\n%s", page)
	}
}

var (
	source    = regexp.MustCompile(`(?:src|href)="([^"]*)"([^>]*)>`)
	integrity = regexp.MustCompile(`integrity="sha384-[A-Za-z0-9/+]{64}" crossorigin="anonymous"`)
	pinned    = regexp.MustCompile(`^https://cdn\.jsdelivr\.net/npm/(@[a-z]+/)?[a-z-]+@[0-9]+\.[0-9]+\.[0-9]+/[a-z./-]+\.(js|css)$`)
)

// What a page loads is the service's own, or pinned with its hash; the policy lets
// nothing else in.
func TestAD02AssetsAndPolicy(t *testing.T) {
	offline := map[string]bool{"plain": true, "swagger offline": true}
	for name, ui := range uis() {
		srv := docs(t, openapi.Config{UI: ui})
		resp := srv.Get("/docs").Expect(200)
		policy := resp.Header.Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none'; ", name)
		for _, hole := range []string{"'unsafe-eval'", "script-src 'self' 'unsafe-inline'", "*"} {
			if strings.Contains(policy, hole) {
				t.Errorf("%s: the policy has %s", name, hole)
			}
		}
		outside := 0
		for _, m := range source.FindAllStringSubmatch(resp.Text, -1) {
			target, attributes := m[1], strings.ReplaceAll(m[2], "&#43;", "+")
			switch {
			case target == "data:,", strings.HasSuffix(target, "openapi.json"):
			case strings.HasPrefix(target, "./docs/"):
				srv.Get(target[1:]).Expect(200)
			default:
				outside++
				if !strings.Contains(policy, " "+target) {
					t.Errorf("%s: the policy refuses %s: %s", name, target, policy)
				}
				if !pinned.MatchString(target) || !integrity.MatchString(attributes) {
					t.Errorf("%s: %s is not pinned: %s", name, target, attributes)
				}
			}
		}
		if offline[name] != (outside == 0) || offline[name] == strings.Contains(policy, "https:") {
			t.Errorf("%s: it loads %d files from elsewhere, with the policy %s", name, outside, policy)
		}
	}
}

func TestAD02PolicyLetsServersBeCalled(t *testing.T) {
	srv := docs(t, openapi.Config{Servers: []openapi.Server{{URL: "https://api.reefs.example:8443/v1"}, {URL: "/v2"}, {URL: "https://{x}.example"}, {URL: "https://a; script-src *"},
		{URL: "https://{region}.reefs.example/{v}", Variables: []openapi.Variable{{Name: "region", Default: "eu", Enum: []string{"eu", "au"}}, {Name: "v", Default: "1"}}}}})
	policy := srv.Get("/docs").Expect(200).Header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "connect-src 'self' https://api.reefs.example:8443 https://eu.reefs.example https://au.reefs.example; base-uri")
}

func TestAD03GuardedAndOff(t *testing.T) {
	app := tako.New()
	closed := func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if c.RequestHeader("Authorization") != "Bearer keeper" {
				return tako.Unauthorized("Bearer", "who are you")
			}
			return next(c)
		}
	}
	openapi.Mount(app.Group("/internal", closed), "/docs", openapi.Config{})
	openapi.Mount(app, "/off", openapi.Config{Off: true})
	srv := takotest.New(t, app)
	for _, target := range []string{"/internal/docs", "/internal/docs/openapi.json", "/internal/docs/openapi.yaml", "/internal/docs/plain.js"} {
		srv.Get(target).Expect(http.StatusUnauthorized)
		srv.Get(target, takotest.Bearer("keeper")).Expect(http.StatusOK)
	}
	for _, target := range []string{"/off", "/off/openapi.json", "/off/plain.js"} {
		srv.Get(target).Expect(http.StatusNotFound)
	}
}
