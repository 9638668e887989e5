package tako_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// says answers with a text.
func says(text string) tako.Handler {
	return func(c *tako.Context) error { return c.Text(200, text) }
}

// tag puts its name around what the handlers further in say, by the field Trace.
func tag(name string) tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.Header().Add("Trace", name)
			return next(c)
		}
	}
}

// rawRequest calls the router as a net/http server would, with any target.
func rawRequest(h http.Handler, method, target string, edits ...takotest.Edit) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, "/", nil)
	req.RequestURI = target
	req.URL.Path, req.URL.RawPath, req.URL.RawQuery = "", "", ""
	path, query, _ := strings.Cut(target, "?")
	req.URL.RawQuery = query
	if u, err := req.URL.Parse("http://x" + path); err == nil && strings.HasPrefix(path, "/") {
		req.URL.Path, req.URL.RawPath = u.Path, u.RawPath
	} else {
		req.URL.Path = path
	}
	for _, edit := range edits {
		edit(req)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func built(t testing.TB, r *tako.Router) *tako.Router {
	t.Helper()
	assert.NoError(t, r.Build())
	return r
}

func TestRouterMethods(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/get", says("get"))
	r.Head("/head", says("head"))
	r.Post("/post", says("post"))
	r.Put("/put", says("put"))
	r.Patch("/patch", says("patch"))
	r.Delete("/delete", says("delete"))
	r.Options("/options", says("options"))
	r.Any("/any", says("any"))
	r.Handle("PURGE", "/purge", says("purge"))
	r.Get("/own", says("get"))
	r.Head("/own", func(c *tako.Context) error {
		c.Header().Set("Own", "head")
		return c.NoContent()
	})
	r.Options("/own", says("own options"))
	srv := takotest.New(t, r)
	tests := []struct {
		method, path string
		status       int
		text, allow  string
	}{
		{"GET", "/get", 200, "get", ""},
		{"HEAD", "/get", 200, "", ""},
		{"POST", "/get", 405, "", "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/get", 204, "", "GET, HEAD, OPTIONS"},
		{"TRACE", "/get", 405, "", "GET, HEAD, OPTIONS"},
		{"get", "/get", 405, "", "GET, HEAD, OPTIONS"},
		{"FOO", "/get", 405, "", "GET, HEAD, OPTIONS"},
		{"HEAD", "/head", 200, "", ""},
		{"GET", "/head", 405, "", "HEAD, OPTIONS"},
		{"POST", "/post", 200, "post", ""},
		{"HEAD", "/post", 405, "", "OPTIONS, POST"},
		{"OPTIONS", "/post", 204, "", "OPTIONS, POST"},
		{"PUT", "/put", 200, "put", ""},
		{"PATCH", "/patch", 200, "patch", ""},
		{"DELETE", "/delete", 200, "delete", ""},
		{"OPTIONS", "/options", 200, "options", ""},
		{"GET", "/options", 405, "", "OPTIONS"},
		{"PURGE", "/purge", 200, "purge", ""},
		{"GET", "/any", 200, "any", ""},
		{"OPTIONS", "/any", 200, "any", ""},
		{"FOO", "/any", 200, "any", ""},
		{"OPTIONS", "/own", 200, "own options", ""},
		{"HEAD", "/own", 204, "", ""},
		{"FOO", "/nope", 404, "", ""},
		{"OPTIONS", "/nope", 404, "", ""},
		{"HEAD", "/nope", 404, "", ""},
		{"TRACE", "/nope", 404, "", ""},
	}
	for _, tt := range tests {
		got := srv.Do(tt.method, tt.path)
		about := tt.method + " " + tt.path
		assert.Equal(t, got.StatusCode, tt.status, about)
		assert.Equal(t, strings.Join(got.Header.Values("Allow"), "|"), tt.allow, about)
		if tt.status == 200 || tt.method == "HEAD" {
			assert.Equal(t, got.Text, tt.text, about)
		}
	}
}

func TestRouterHeadHasTheHeaderOfGet(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		c.Header().Set("Etag", `"x"`)
		return c.Text(200, "twelve bytes")
	})
	srv := takotest.Serve(t, r)
	get, head := srv.Get("/").Expect(200), srv.Do("HEAD", "/").Expect(200)
	for _, name := range []string{"Content-Length", "Content-Type", "Etag"} {
		assert.Equal(t, head.Header.Get(name), get.Header.Get(name), name)
	}
	assert.Equal(t, head.Header.Get("Content-Length"), "12")
	assert.Equal(t, head.Text, "")
}

func TestRouterAsteriskConnectTrace(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", says("root"))
	r.Post("/x", says("x"))
	r.Any("/{rest...}", says("rest"))
	built(t, r)
	got := rawRequest(r, "OPTIONS", "*")
	assert.Equal(t, got.Code, 204, "OPTIONS *")
	assert.Equal(t, got.Header().Get("Allow"), "GET, HEAD, OPTIONS, POST", "OPTIONS *")
	assert.Equal(t, rawRequest(r, "GET", "*").Code, 400, "GET *")
	assert.Equal(t, rawRequest(r, "CONNECT", "/x").Code, 501, "CONNECT")
	assert.Equal(t, rawRequest(r, "CONNECT", "").Code, 501, "CONNECT authority")
	assert.Equal(t, rawRequest(r, "TRACE", "/").Code, 501, "TRACE of an Any route")
	assert.Equal(t, rawRequest(r, "GET", "").Body.String(), "root", "empty path")
}

func TestRouterOverSocket(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Text(200, c.Protocol().String()+" "+c.Host()) })
	r.Host("a.example").Get("/h", says("a"))
	r.Get("/h", says("none"))
	r.Get("/p/{x}", func(c *tako.Context) error { return c.Text(200, c.Path()+" "+c.Param("x")) })
	srv := takotest.Serve(t, r)
	tests := []struct{ name, request, status, body string }{
		{"HTTP/1.0 without host", "GET / HTTP/1.0\r\n\r\n", "200", "HTTP/1.0 "},
		{"HTTP/1.0 host route", "GET /h HTTP/1.0\r\n\r\n", "200", "none"},
		{"absolute form", "GET http://a.example/h HTTP/1.1\r\nHost: b.example\r\nConnection: close\r\n\r\n", "200", "a"},
		{"absolute form without path", "GET http://a.example HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", "200", "HTTP/1.1 a.example"},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "204", ""},
		{"connect", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nConnection: close\r\n\r\n", "501", ""},
		{"two slashes", "GET //p//x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200", "/p/x x"},
		{"dots", "GET /q/..//./p/%78/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "404", ""},
		{"escapes", "GET /%70/a%2fb HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200", "/p/a%2Fb a/b"},
		{"plus", "GET /p/a+b%20c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200", "/p/a+b%20c a+b c"},
		{"NUL", "GET /p/%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "400", ""},
		{"bad escape", "GET /p/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "400", ""},
		{"not UTF-8", "GET /p/%ff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "400", ""},
		{"user in the host", "GET / HTTP/1.1\r\nHost: user@a.example\r\nConnection: close\r\n\r\n", "400", ""},
		{"space in the host", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", "400", ""},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", "400", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn := srv.Dial()
			_, err := io.WriteString(conn, tt.request)
			assert.NoError(t, err)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			assert.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			assert.NoError(t, err)
			assert.Equal(t, fmt.Sprint(resp.StatusCode), tt.status)
			if tt.body != "" {
				assert.Equal(t, string(body), tt.body)
			}
		})
	}
}

func TestRouterParams(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/one/{x}", func(c *tako.Context) error {
		return c.Text(200, fmt.Sprintf("%q %q %q", c.Param("x"), c.RawParam("x"), c.Param("nope")))
	})
	r.Get("/all/{rest...}", func(c *tako.Context) error {
		return c.Text(200, fmt.Sprintf("%q %q", c.Param("rest"), c.RawParam("rest")))
	})
	srv := takotest.New(t, r)
	tests := []struct{ target, want string }{
		{"/one/a", `"a" "a" ""`},
		{"/one/a%20b", `"a b" "a%20b" ""`},
		{"/one/a+b", `"a+b" "a+b" ""`},
		{"/one/a%2Fb", `"a/b" "a%2Fb" ""`},
		{"/one/a%252Fb", `"a%2Fb" "a%252Fb" ""`},
		{"/one/%C3%A9", `"é" "%C3%A9" ""`},
		{"/one/%41%2e", `"A." "A." ""`},
		{"/one/a;x=1", `"a;x=1" "a;x=1" ""`},
		{"/one/%2e%2e%2fx", `"../x" "..%2Fx" ""`},
		{"/all/", `"" ""`},
		{"/all/a/b%2Fc/", `"a/b/c/" "a/b%2Fc/"`},
		{"/all//a//b", `"a/b" "a/b"`},
	}
	for _, tt := range tests {
		assert.Equal(t, srv.Get(tt.target).Text, tt.want, tt.target)
	}
}

// Whatever spelling of a guarded path reaches the handler passes the guard, and
// both see the same path.
func TestRouterSpellingsDoNotPassGuards(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Any("/{rest...}", says("public"))
	admin := r.Group("/admin", func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error { return tako.Forbidden("guarded %s", c.Path()) }
	})
	admin.Any("/{rest...}", says("secret"))
	admin.Any("/", says("secret"))
	built(t, r)
	for _, target := range []string{"/admin", "//admin", "/./admin", "/x/../admin", "/%61dmin", "/admin/", "/admin//x",
		"/%2e/admin/x", "/x/%2e%2E/admin/x", "/admin/../admin/x", "///admin///x", "/ADMIN/../admin", "/..//admin/x", "/admin/%2e"} {
		got := rawRequest(r, "GET", target)
		assert.Equal(t, got.Code, 403, target)
		assert.Contains(t, got.Body.String(), "guarded /admin", target)
	}
	for _, target := range []string{"/ADMIN", "/admin;x", "/admin%2fx", "/admin.", "/a/admin"} {
		assert.Equal(t, rawRequest(r, "GET", target).Body.String(), "public", target)
	}
}

func TestRouterQuery(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		return c.Text(200, fmt.Sprintf("%q %q", c.Query("x"), c.RawQuery()))
	})
	built(t, r)
	tests := []struct {
		target string
		status int
		want   string
	}{
		{"/", 200, `"" ""`},
		{"/?x=1", 200, `"1" "x=1"`},
		{"/?x=1&x=2", 200, `"1" "x=1&x=2"`},
		{"/?%78=a+b", 200, `"a b" "%78=a+b"`},
		{"/?y=%zz&x=1", 200, `"1" "y=%zz&x=1"`},
		{"/?x=%zz", 200, `"" "x=%zz"`},
		{"/?x=%ff", 200, `"" "x=%ff"`},
		{"/?x", 200, `"" "x"`},
		{"/?x=a?b", 200, `"a?b" "x=a?b"`},
		{"/?x=\x01", 400, ""},
		{"/?x=é", 400, ""},
		{"/?x=a#b", 400, ""},
	}
	for _, tt := range tests {
		got := rawRequest(r, "GET", tt.target)
		assert.Equal(t, got.Code, tt.status, tt.target)
		if tt.want != "" {
			assert.Equal(t, got.Body.String(), tt.want, tt.target)
		}
	}
}

func TestRouterFirstRequestsAtOnce(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Use(tag("guard"))
	r.Group("/g", tag("group")).Get("/{x}", says("ok"))
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			got := rawRequest(r, "GET", fmt.Sprintf("/g/%d", i))
			assert.Equal(t, got.Body.String(), "ok")
			assert.Equal(t, strings.Join(got.Header().Values("Trace"), " "), "guard group")
		})
	}
	wg.Wait()
}

func TestRouterLongPath(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/{a}/{b}/{rest...}", func(c *tako.Context) error { return c.Text(200, fmt.Sprint(len(c.Param("rest")))) })
	built(t, r)
	assert.Equal(t, rawRequest(r, "GET", "/a/b/"+strings.Repeat("x/", 30<<10)).Body.String(), fmt.Sprint(60<<10))
	assert.Equal(t, rawRequest(r, "GET", "/"+strings.Repeat("x", 60<<10)).Code, 404)
	assert.Equal(t, rawRequest(r, "GET", strings.Repeat("/..", 20<<10)+"/a/b/c").Body.String(), "1")
}
