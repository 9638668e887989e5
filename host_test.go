package tako_test

import (
	"context"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func TestHosts(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", says("none"))
	r.Get("/none", says("none"))
	r.Host("{tenant}.example.com", tag("tenant")).Get("/", func(c *tako.Context) error {
		return c.Text(200, "tenant "+c.Param("tenant")+" "+c.Pattern())
	})
	r.Host("API.example.com", tag("api")).Get("/", says("api"))
	r.Host("{a}.{b}.example.com").Get("/{c}/{d...}", func(c *tako.Context) error {
		return c.Text(200, c.Param("a")+" "+c.Param("b")+" "+c.Param("c")+" "+c.Param("d"))
	})
	r.Host("localhost").Get("/", says("localhost"))
	r.Host("127.0.0.1").Get("/", says("v4"))
	r.Host("[2001:DB8::1]").Get("/", says("v6"))
	r.Get("pattern.example.org/p/{x}", func(c *tako.Context) error { return c.Text(200, "pattern "+c.Param("x")) })
	srv := takotest.New(t, r)
	tests := []struct{ host, path, want string }{
		{"app.test", "/", "none"},
		{"example.com", "/", "none"},
		{"api.example.com", "/", "api"},
		{"API.Example.COM", "/", "api"},
		{"api.example.com:8443", "/", "api"},
		{"api.example.com.", "/", "api"},
		{"api.example.com.:80", "/", "api"},
		{"blue.example.com", "/", "tenant blue {tenant}.example.com/"},
		{"BLUE.example.com:80", "/", "tenant blue {tenant}.example.com/"},
		{"apis.example.com", "/", "tenant apis {tenant}.example.com/"},
		{".example.com", "/", "none"},
		{"x.api.example.com", "/", "none"},
		{"x.api.example.com", "/1/2/3", "x api 1 2/3"},
		{"api.example.com", "/none", "none"},
		{"blue.example.com", "/none", "none"},
		{"api.example.com.evil.test", "/", "none"},
		{"evilapi.example.comx", "/", "none"},
		{"localhost", "/", "localhost"},
		{"localhost:1", "/", "localhost"},
		{"127.0.0.1:8080", "/", "v4"},
		{"[2001:db8::1]", "/", "v6"},
		{"[2001:db8::1]:443", "/", "v6"},
		{"[2001:0db8:0:0:0:0:0:1]:443", "/", "v6"},
		{"[2001:db8::2]", "/", "none"},
		{"2001:db8::1", "/", "none"},
		{"pattern.example.org", "/p/7", "pattern 7"},
		{"Pattern.Example.Org:80", "/p/7", "pattern 7"},
		{"api.example.com@evil.test", "/", "none"},
	}
	for _, tt := range tests {
		got := srv.Get(tt.path, takotest.Host(tt.host))
		assert.Equal(t, got.Text, tt.want, tt.host+tt.path)
	}
	srv.Get("/p/7").Expect(404)
	assert.Equal(t, traceOf(srv.Get("/nope", takotest.Host("api.example.com")).Expect(404)), "api", "a miss of the host")
	assert.Equal(t, traceOf(srv.Get("/nope", takotest.Host("blue.example.com")).Expect(404)), "tenant", "a miss of the host")
	assert.Equal(t, traceOf(srv.Get("/nope").Expect(404)), "", "a miss of no host")
	srv.Post("/", takotest.Host("api.example.com")).Expect(405).ExpectHeader("Allow", "GET, HEAD, OPTIONS")
}

// The order of registration makes no difference, and methods are looked for in
// the less specific host too.
func TestHostPrecedence(t *testing.T) {
	t.Parallel()
	for i := range 2 {
		r := tako.New()
		set := []func(){
			func() { r.Host("a.example.com").Get("/x", says("exact")) },
			func() { r.Host("{h}.example.com").Any("/{rest...}", says("param")) },
			func() { r.Post("/x", says("none")) },
			func() { r.Put("/y/z", says("none")) },
		}
		for k := range set {
			set[(k*3+i*3)%len(set)]()
		}
		srv := takotest.New(t, r)
		host := takotest.Host("a.example.com")
		srv.Get("/x", host).ExpectText("exact")
		srv.Post("/x", host).ExpectText("param")
		srv.Get("/y", host).ExpectText("param")
		srv.Post("/x", takotest.Host("other")).ExpectText("none")
		srv.Get("/x", takotest.Host("other")).Expect(405).ExpectHeader("Allow", "OPTIONS, POST")
	}
}

// The name of a host's parameter keeps its case, as in a path.
func TestHostParameterNameKeepsItsCase(t *testing.T) {
	t.Parallel()
	r := tako.New()
	h := r.Host("{tenantID}.Example.com")
	h.Get("/raw", func(c *tako.Context) error { return c.Text(200, c.Param("tenantID")) })
	tako.Get(h, "/typed", func(_ context.Context, in struct {
		Tenant string `path:"tenantID"`
	}) (string, error) {
		return in.Tenant, nil
	})
	r.Get("{otherID}.example.org/", func(c *tako.Context) error { return c.Text(200, c.Param("otherID")) })
	srv := takotest.New(t, r)
	srv.Get("/raw", takotest.Host("Blue.example.com")).ExpectText("blue")
	srv.Get("/typed", takotest.Host("blue.example.com")).ExpectText(`"blue"`)
	srv.Get("/", takotest.Host("red.example.org")).ExpectText("red")
}

func TestHostInGroupsAndMounts(t *testing.T) {
	t.Parallel()
	child := tako.New()
	child.Get("/x", func(c *tako.Context) error { return c.Text(200, c.Param("v")+" "+c.Param("t")) })
	r := tako.New()
	r.Group("/{v}").Host("{t}.example.com").Mount("/m", child)
	r.Host("b.example.com").Group("/g").Mount("/m", child)
	srv := takotest.New(t, r)
	srv.Get("/v1/m/x", takotest.Host("a.example.com")).ExpectText("v1 a")
	srv.Get("/v1/m/x", takotest.Host("b.example.com")).ExpectText("v1 b")
	srv.Get("/g/m/x", takotest.Host("b.example.com")).ExpectText(" ")
	srv.Get("/g/m/x", takotest.Host("a.example.com")).ExpectText("g a")
	srv.Get("/v1/m/x").Expect(404)
	var patterns []string
	for _, l := range r.Routes() {
		patterns = append(patterns, l.Pattern)
	}
	assert.Equal(t, patterns, []string{"{t}.example.com/{v}/m/x", "b.example.com/g/m/x"})
}
