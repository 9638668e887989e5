package tako_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func TestSlashPolicies(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.TrailingSlash(tako.SlashRedirect)
	r.Get("/", says("root"))
	r.Get("/a", says("a"))
	r.Post("/a", says("post a"))
	r.Get("/b/", says("b/"))
	r.Get("/u/{id}", says("user"))
	r.Get("/f/{path...}", says("files"))
	r.Get("/evil.example/", says("evil"))
	r.Get("/both", says("both"))
	r.Get("/both/", says("both/"))
	r.Get("/strict", says("strict"), tako.TrailingSlash(tako.SlashStrict))
	same := r.Group("/same")
	same.TrailingSlash(tako.SlashSame)
	same.Get("/x", func(c *tako.Context) error { return c.Text(200, "same "+c.Path()) })
	same.Get("/y/", says("same y"))
	same.Get("/{id}/z", func(c *tako.Context) error { return c.Text(200, c.Param("id")) })
	built(t, r)
	tests := []struct {
		method, target string
		status         int
		want           string // Location or text
	}{
		{"GET", "/", 200, "root"},
		{"GET", "//", 200, "root"},
		{"GET", "/a", 200, "a"},
		{"GET", "/a/", 308, "/a"},
		{"HEAD", "/a/", 308, "/a"},
		{"POST", "/a/", 308, "/a"},
		{"POST", "/a/?x=1", 308, "/a?x=1"},
		{"GET", "/a/?x=1&y=%20", 308, "/a?x=1&y=%20"},
		{"GET", "/a/?", 308, "/a"},
		{"GET", "/a/?u=//evil.example/", 308, "/a?u=//evil.example/"},
		{"GET", "/a/?a=b?c&d={e}|^`[]", 308, "/a?a=b?c&d={e}|^`[]"},
		{"GET", `/a/?x=a\b`, 308, `/a?x=a\b`},
		{"GET", "/a/?x=%zz", 308, "/a?x=%zz"},
		{"GET", "//a//", 308, "/a"},
		{"GET", "/x/../a/.", 308, "/a"},
		{"PUT", "/a/", 404, ""},
		{"GET", "/b", 308, "/b/"},
		{"GET", "/b/", 200, "b/"},
		{"GET", "/u/7/", 308, "/u/7"},
		{"GET", "/u/a%2Fb/", 308, "/u/a%2Fb"},
		{"GET", "/u/%22%3Cx/", 308, "/u/%22%3Cx"},
		{"GET", "/u/a:b/", 308, "/u/a:b"},
		{"GET", "/u/", 404, ""},
		{"GET", "/f", 308, "/f/"},
		{"GET", "/f/", 200, "files"},
		{"GET", "//evil.example/", 200, "evil"},
		{"GET", "//evil.example", 308, "/evil.example/"},
		{"GET", "///evil.example", 308, "/evil.example/"},
		{"GET", "/%2F/evil.example", 404, ""},
		{"GET", "/both", 200, "both"},
		{"GET", "/both/", 200, "both/"},
		{"GET", "/strict/", 404, ""},
		{"GET", "/nope/", 404, ""},
		{"GET", "/same/x", 200, "same /same/x"},
		{"GET", "/same/x/", 200, "same /same/x/"},
		{"HEAD", "/same/x/", 200, ""},
		{"GET", "/same/y", 200, "same y"},
		{"GET", "/same/7/z/", 200, "7"},
	}
	for _, tt := range tests {
		got := rawRequest(r, tt.method, tt.target)
		about := tt.method + " " + tt.target
		assert.Equal(t, got.Code, tt.status, about)
		switch got.Code {
		case 308:
			assert.Equal(t, got.Header().Get("Location"), strings.ReplaceAll(tt.want, `\`, "%5C"), about)
		case 200:
			assert.Equal(t, got.Body.String(), map[bool]string{true: "", false: tt.want}[tt.method == "HEAD"], about)
		}
	}
}

// With both spellings the same, whatever holds for one holds for the other.
func TestSlashSameForOtherMethods(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.TrailingSlash(tako.SlashSame)
	r.Get("/a", says("a"), tako.With(tag("a")))
	r.Fallback(says("fallback"))
	srv := takotest.New(t, r)
	srv.Post("/a").Expect(405).ExpectHeader("Allow", "GET, HEAD, OPTIONS")
	srv.Post("/a/").Expect(405).ExpectHeader("Allow", "GET, HEAD, OPTIONS")
	srv.Do("OPTIONS", "/a").Expect(204).ExpectHeader("Trace", "a")
	srv.Do("OPTIONS", "/a/").Expect(204).ExpectHeader("Trace", "a")
}

func TestSlashInheritance(t *testing.T) {
	t.Parallel()
	r := tako.New()
	a := r.Group("/a")
	a.Get("/x", says("x"))
	a.TrailingSlash(tako.SlashSame)
	in := a.Group("/in")
	in.Get("/x", says("x"))
	in.Get("/strict", says("x"), tako.TrailingSlash(tako.SlashStrict))
	r.Get("/x", says("x"))
	srv := takotest.New(t, r)
	for path, status := range map[string]int{"/a/x/": 200, "/a/in/x/": 200, "/a/in/strict/": 404, "/x/": 404} {
		assert.Equal(t, srv.Get(path).StatusCode, status, path)
	}
}

func TestNamedRoutes(t *testing.T) {
	t.Parallel()
	r := tako.New()
	_, err := r.URL("user")
	assert.Contains(t, fmt.Sprint(err), "not built")
	assert.Equal(t, r.Routes(), nil)
	g := r.Group("/v1/{version}")
	g.Get("/users/{id}", says("user"), tako.Name("user"))
	g.Get("/", says("root"), tako.Name("version"))
	r.Get("/files/{path...}", func(c *tako.Context) error { return c.Text(200, c.Param("path")) }, tako.Name("file"))
	r.Get("/{all...}", func(c *tako.Context) error { return c.Text(200, c.Param("all")) }, tako.Name("all"))
	r.Get("/plain/{$}", says("plain"), tako.Name("plain"))
	r.Host("{tenant}.example.com").Get("/h/{x}", says("host"), tako.Name("host"))
	built(t, r)
	tests := []struct {
		name   string
		params []string
		want   string // "" for an error
	}{
		{"user", []string{"version", "2", "id", "7"}, "/v1/2/users/7"},
		{"user", []string{"id", "a/b c?d#é%", "version", "x"}, "/v1/x/users/a%2Fb%20c%3Fd%23%C3%A9%25"},
		{"user", []string{"version", "2", "id", "7", "q", "a b", "q", "c&d"}, "/v1/2/users/7?q=a+b&q=c%26d"},
		{"version", []string{"version", "2"}, "/v1/2"},
		{"file", []string{"path", "a/b c.txt"}, "/files/a/b%20c.txt"},
		{"file", []string{"path", ""}, "/files/"},
		{"plain", nil, "/plain/"},
		{"host", []string{"x", "1", "tenant", "blue"}, "/h/1"},
		{"nobody", nil, ""},
		{"user", []string{"version", "2"}, ""},
		{"user", []string{"version", "2", "id", ""}, ""},
		{"user", []string{"version", "2", "id", "."}, ""},
		{"user", []string{"version", "2", "id", ".."}, ""},
		{"user", []string{"version", "2", "id"}, ""},
		{"user", []string{"version", "2", "", "7"}, ""},
		{"user", []string{"", "7"}, ""},
		{"file", []string{"path", "../v1/2"}, ""},
		{"file", []string{"path", "a/./b"}, ""},
		{"file", []string{"path", ".."}, ""},
		{"file", []string{"path", "a//b"}, ""},
		{"all", []string{"all", "/evil.example/x"}, ""},
		{"all", []string{"all", "//evil.example/x"}, ""},
	}
	for _, tt := range tests {
		got, err := r.URL(tt.name, tt.params...)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s %q: got %q, %v, want %q", tt.name, tt.params, got, err, tt.want)
		}
	}
}

// The path that is built for a value leads to the route, with that value.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"a", "a/b", "", ".", "..", "é", "%2F", "a+b", "?x", "//x", "a/../b", "\x00", "\xff", `\`, ";"} {
		f.Add(seed)
	}
	r := tako.New()
	r.Get("/one/{x}", func(c *tako.Context) error { return c.Text(200, c.Param("x")) }, tako.Name("one"))
	r.Get("/all/{x...}", func(c *tako.Context) error { return c.Text(200, c.Param("x")) }, tako.Name("all"))
	built(f, r)
	f.Fuzz(func(t *testing.T, value string) {
		for _, name := range []string{"one", "all"} {
			target, err := r.URL(name, "x", value)
			if err != nil {
				continue
			}
			if u, err := url.Parse(target); err != nil || u.Host != "" || u.Path != "/"+name+"/"+value {
				t.Fatalf("%s %q: net/url reads %q as %+v, %v", name, value, target, u, err)
			}
			got := rawRequest(r, "GET", target)
			if got.Code == 400 && strings.ContainsAny(value, "\x00") || got.Code == 400 && strings.ToValidUTF8(value, "") != value {
				continue
			}
			if got.Code != 200 || got.Body.String() != value {
				t.Fatalf("%s %q: %q answers %d %q", name, value, target, got.Code, got.Body.String())
			}
		}
	})
}

func TestListing(t *testing.T) {
	t.Parallel()
	child := tako.New()
	child.Put("/put", says("x"))
	r := tako.New()
	r.Mount("/m", child)
	g := r.Group("/g")
	op := r.Get("/a", says("x"), tako.Name("a"), tako.Summary("sum"), tako.Describe("long"), tako.Tags("t1", "t2"),
		tako.Deprecated(), tako.Throws(tako.NotFound("x")))
	g.Any("/any", says("x"))
	g.Get("/", says("x"))
	g.Group("/in").Post("/{$}", says("x"))
	r.Host("A.example.com").Get("/h", says("x"))
	r.Get("b.example.com/h", says("x"))
	built(t, r)
	var lines []string
	for _, l := range r.Routes() {
		lines = append(lines, strings.TrimSpace(l.Method+" "+l.Pattern))
	}
	want := []string{"GET /a", "GET b.example.com/h", "/g/any", "GET /g", "POST /g/in/{$}", "GET a.example.com/h", "PUT /m/put"}
	assert.Equal(t, lines, want)
	first := r.Routes()[0].Operation
	assert.Equal(t, first, op)
	assert.Equal(t, fmt.Sprintf("%v %s %s %s %v %v %d", op, op.Name, op.Summary, op.Description, op.Tags, op.Deprecated, len(op.Errors)),
		"GET /a a sum long [t1 t2] true 1")
	assert.Contains(t, op.Location, "slash_test.go:")
}
