package tako_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// traceOf is the order in which tagged middleware ran.
func traceOf(resp *takotest.Response) string {
	return strings.Join(resp.Header.Values("Trace"), " ")
}

func TestMiddlewareOrder(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/root", says("root"))
	r.Use(tag("r1"), tag("r2"))
	a := r.Group("/a", tag("a1"))
	a.Get("/x", says("x"), tako.With(tag("w1"), tag("w2")), tako.With(tag("w3")))
	b := a.Group("/b", tag("b1"))
	b.Get("/y", says("y"))
	b.Use(tag("b2"))
	a.Use(tag("a2"))
	r.Use(tag("r3"))
	other := r.Group("")
	other.Get("/z", says("z"))
	srv := takotest.New(t, r)
	tests := []struct{ method, path, want string }{
		{"GET", "/root", "r1 r2 r3"},
		{"GET", "/a/x", "r1 r2 r3 a1 a2 w1 w2 w3"},
		{"GET", "/a/b/y", "r1 r2 r3 a1 a2 b1 b2"},
		{"GET", "/z", "r1 r2 r3"},
		{"GET", "/nope", "r1 r2 r3"},
		{"GET", "/a", "r1 r2 r3 a1 a2"},
		{"GET", "/a/", "r1 r2 r3 a1 a2"},
		{"GET", "/ab", "r1 r2 r3"},
		{"GET", "/a/nope", "r1 r2 r3 a1 a2"},
		{"GET", "/a/b", "r1 r2 r3 a1 a2 b1 b2"},
		{"GET", "/a/b/nope/deep", "r1 r2 r3 a1 a2 b1 b2"},
		{"POST", "/a/x", "r1 r2 r3 a1 a2"},
		{"POST", "/a/b/y", "r1 r2 r3 a1 a2 b1 b2"},
		{"OPTIONS", "/a/x", "r1 r2 r3 a1 a2 w1 w2 w3"},
		{"HEAD", "/a/x", "r1 r2 r3 a1 a2 w1 w2 w3"},
	}
	for _, tt := range tests {
		assert.Equal(t, traceOf(srv.Do(tt.method, tt.path)), tt.want, tt.method, " ", tt.path)
	}
}

// Middleware is composed when the router is built, once for each route.
func TestMiddlewareIsNotComposedPerRequest(t *testing.T) {
	t.Parallel()
	composed := 0
	r := tako.New()
	r.Use(func(next tako.Handler) tako.Handler {
		composed++
		return next
	})
	r.Get("/", says("x"))
	srv := takotest.New(t, r)
	before := composed
	for range 5 {
		srv.Get("/").Expect(200)
		srv.Get("/nope").Expect(404)
	}
	assert.Equal(t, composed, before)
}

func TestMisses(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Fallback(says("root fallback"))
	r.Get("/here", says("here"))
	api := r.Group("/api", tag("api"))
	api.Get("/users", says("users"))
	quiet := api.Group("/quiet", tag("quiet"))
	quiet.Get("/x", says("x"))
	loud := api.Group("/loud", tag("loud"))
	loud.Fallback(says("loud fallback"))
	loud.Get("/x", says("x"))
	tenant := r.Group("/t/{tenant}", tag("tenant"))
	tenant.Fallback(says("tenant fallback"))
	srv := takotest.New(t, r)
	tests := []struct {
		method, path string
		status       int
		text, trace  string
	}{
		{"GET", "/nope", 200, "root fallback", ""},
		{"POST", "/nope", 200, "root fallback", ""},
		{"OPTIONS", "/nope", 200, "root fallback", ""},
		{"POST", "/here", 405, "", ""},
		{"GET", "/api/nope", 200, "root fallback", "api"},
		{"GET", "/api", 200, "root fallback", "api"},
		{"GET", "/apix", 200, "root fallback", ""},
		{"POST", "/api/users", 405, "", "api"},
		{"GET", "/api/quiet/nope", 200, "root fallback", "api quiet"},
		{"GET", "/api/loud/nope", 200, "loud fallback", "api loud"},
		{"GET", "/api/loud", 200, "loud fallback", "api loud"},
		{"POST", "/api/loud/x", 405, "", "api loud"},
		{"GET", "/api/loudx", 200, "root fallback", "api"},
		{"GET", "/t/7/nope", 200, "tenant fallback", "tenant"},
		{"GET", "/t/7", 200, "tenant fallback", "tenant"},
		{"GET", "/t/", 200, "root fallback", ""},
		{"GET", "/t", 200, "root fallback", ""},
	}
	for _, tt := range tests {
		got := srv.Do(tt.method, tt.path)
		about := tt.method + " " + tt.path
		assert.Equal(t, got.StatusCode, tt.status, about)
		assert.Equal(t, traceOf(got), tt.trace, about)
		if tt.text != "" {
			assert.Equal(t, got.Text, tt.text, about)
		}
	}
}

// Of two groups that hold the path, the one with the longer prefix owns the miss,
// also where a literal of the shorter stands against a parameter of the longer.
func TestMissBelongsToTheLongestPrefix(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Group("/api/v1", tag("short"))
	r.Group("/api/{version}/admin", tag("long"))
	srv := takotest.New(t, r)
	assert.Equal(t, traceOf(srv.Get("/api/v2/admin/x")), "long")
	assert.Equal(t, traceOf(srv.Get("/api/v1/x")), "short")
	assert.Equal(t, traceOf(srv.Get("/api/v1/admin/x")), "long")
}

// Middleware of an automatic OPTIONS answer and of a miss reads the parameters
// that the pattern of its route or group has there.
func TestParamsWithoutARoute(t *testing.T) {
	t.Parallel()
	var tenant string
	see := func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			tenant = c.Param("tenant")
			return next(c)
		}
	}
	r := tako.New()
	r.Put("/{a}/{b}", says("other"))
	r.Group("/of/{tenant}", see).Get("/", says("tenant"))
	srv := takotest.New(t, r)
	srv.Get("/of/blue").Expect(200)
	assert.Equal(t, tenant, "blue", "GET")
	srv.Do("OPTIONS", "/of/blue").Expect(204)
	assert.Equal(t, tenant, "blue", "OPTIONS")
	tenant = ""
	srv.Post("/of/green").Expect(405)
	assert.Equal(t, tenant, "green", "405")
	srv.Get("/of/a%2Fb/nope").Expect(404)
	assert.Equal(t, tenant, "a/b", "404")
}

func TestErrorHandlersDeclineOutward(t *testing.T) {
	t.Parallel()
	var seen []string
	handler := func(name string, answer func(c *tako.Context, err error) error) tako.ErrorHandler {
		return func(c *tako.Context, err error) error {
			seen = append(seen, name+"("+err.Error()+")")
			return answer(c, err)
		}
	}
	var (
		same  = func(c *tako.Context, err error) error { return err }
		other = func(c *tako.Context, err error) error { return tako.Errorf(409, "other") }
		write = func(c *tako.Context, err error) error { return c.Text(418, "mine") }
	)
	boom := func(c *tako.Context) error { return errors.New("boom") }
	r := tako.New()
	r.Get("/root", boom)
	r.OnError(handler("root", same))
	a := r.Group("/a")
	a.OnError(handler("a", other))
	a.Get("/x", boom)
	b := a.Group("/b")
	b.OnError(handler("b", same))
	b.Get("/x", boom)
	w := b.Group("/w")
	w.OnError(handler("w", write))
	w.Get("/x", boom)
	none := b.Group("/none")
	none.Get("/x", boom)
	srv := takotest.New(t, r)
	tests := []struct {
		path   string
		status int
		want   string
	}{
		{"/root", 500, "root(boom)"},
		{"/a/x", 409, "a(boom) root(409 Conflict: other)"},
		{"/a/b/x", 409, "b(boom) a(boom) root(409 Conflict: other)"},
		{"/a/b/none/x", 409, "b(boom) a(boom) root(409 Conflict: other)"},
		{"/a/b/w/x", 418, "w(boom)"},
		{"/nope", 404, "root(404 Not Found)"},
		{"/a/nope", 409, "a(404 Not Found) root(409 Conflict: other)"},
		{"/a/b/w/nope", 418, "w(404 Not Found)"},
	}
	for _, tt := range tests {
		seen = nil
		assert.Equal(t, srv.Get(tt.path).StatusCode, tt.status, tt.path)
		assert.Equal(t, strings.Join(seen, " "), tt.want, tt.path)
	}
	seen = nil
	assert.Equal(t, srv.Post("/a/b/w/x").StatusCode, 418, "405 in the group")
	assert.Equal(t, strings.Join(seen, " "), "w(405 Method Not Allowed)")
}

// A request that is too malformed to be routed still gets an error that looks
// like the others of the service.
func TestErrorHandlerSeesMalformedRequests(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Use(tag("root"))
	r.OnError(func(c *tako.Context, err error) error { return c.Text(tako.AsError(err).Status, "mine") })
	built(t, r)
	for _, target := range []string{"/%00", "/%ff", "/?\x01"} {
		got := rawRequest(r, "GET", target)
		assert.Equal(t, got.Code, 400, target)
		assert.Equal(t, got.Body.String(), "mine", target)
		assert.Equal(t, got.Header().Get("Trace"), "root", target)
	}
}

func TestTimeoutNearestWins(t *testing.T) {
	t.Parallel()
	deadline := func(c *tako.Context) error {
		at, ok := c.Context().Deadline()
		if !ok {
			return c.Text(200, "none")
		}
		return c.Text(200, time.Until(at).Round(time.Hour).String())
	}
	r := tako.New()
	r.Get("/root", deadline)
	a := r.Group("/a")
	a.Get("/x", deadline)
	a.Get("/own", deadline, tako.Timeout(3*time.Hour))
	a.Get("/off", deadline, tako.Timeout(0))
	a.Timeout(2 * time.Hour)
	a.Group("/in").Get("/x", deadline)
	off := a.Group("/off2")
	off.Timeout(0)
	off.Get("/x", deadline)
	r.Timeout(time.Hour)
	srv := takotest.New(t, r)
	for path, want := range map[string]string{"/root": "1h0m0s", "/a/x": "2h0m0s", "/a/own": "3h0m0s", "/a/off": "none",
		"/a/in/x": "2h0m0s", "/a/off2/x": "none"} {
		assert.Equal(t, srv.Get(path).Text, want, path)
	}
}

func TestBodyLimitNearestWins(t *testing.T) {
	t.Parallel()
	length := func(c *tako.Context) error {
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		return c.Text(200, fmt.Sprint(len(body)))
	}
	r := tako.New()
	r.BodyLimit(10)
	r.Post("/root", length)
	a := r.Group("/a")
	a.Post("/x", length)
	a.BodyLimit(20)
	a.Post("/own", length, tako.BodyLimit(5))
	a.Post("/off", length, tako.BodyLimit(tako.NoLimit))
	a.Post("/zero", length, tako.BodyLimit(0))
	def := tako.New()
	def.Post("/x", length)
	r.Mount("/child", def)
	srv := takotest.New(t, r)
	tests := []struct {
		path         string
		size, status int
	}{
		{"/root", 10, 200}, {"/root", 11, 413}, {"/a/x", 20, 200}, {"/a/x", 21, 413}, {"/a/own", 5, 200}, {"/a/own", 6, 413},
		{"/a/off", 2 << 20, 200}, {"/a/zero", 0, 200}, {"/a/zero", 1, 413}, {"/child/x", 10, 200}, {"/child/x", 11, 413},
	}
	for _, tt := range tests {
		body := strings.Repeat("x", tt.size)
		got := srv.Post(tt.path, takotest.Body("text/plain", body))
		assert.Equal(t, got.StatusCode, tt.status, tt.path, " ", tt.size)
		got = srv.Post(tt.path, takotest.Reader("text/plain", strings.NewReader(body)))
		assert.Equal(t, got.StatusCode, tt.status, tt.path, " of unknown length ", tt.size)
	}
}

type inheritedName string

func TestSuppliedAndProvidedNearestWins(t *testing.T) {
	t.Parallel()
	type in struct {
		State tako.State[int]
		Name  inheritedName
	}
	show := func(_ context.Context, in in) (string, error) { return fmt.Sprint(in.State.Value, " ", in.Name), nil }
	r := tako.New()
	tako.Supply(r, 1)
	tako.Provide(r, func(context.Context, struct{}) (inheritedName, error) { return "root", nil })
	tako.Get(r, "/root", show)
	a := r.Group("/a")
	tako.Get(a, "/x", show)
	tako.Supply(a, 2)
	b := a.Group("/b")
	tako.Provide(b, func(context.Context, struct{}) (inheritedName, error) { return "b", nil })
	tako.Get(b, "/x", show)
	b.Get("/raw", func(c *tako.Context) error {
		name, err := tako.Provided[inheritedName](c)
		state, err2 := tako.Extract[tako.State[int]](c)
		return errors.Join(err, err2, c.Text(200, fmt.Sprint(state.Value, " ", name)))
	})
	srv := takotest.New(t, r)
	for path, want := range map[string]string{"/root": `"1 root"`, "/a/x": `"2 root"`, "/a/b/x": `"2 b"`, "/a/b/raw": "2 b"} {
		assert.Equal(t, srv.Get(path).Text, want, path)
	}
}

// mountable is a router with everything that can be set, for a prefix with {tenant}.
func mountable() *tako.Router {
	child := tako.New()
	child.Use(tag("child"))
	child.BodyLimit(4)
	child.TrailingSlash(tako.SlashRedirect)
	child.Fallback(func(c *tako.Context) error { return c.Text(200, "child fallback") })
	child.OnError(func(c *tako.Context, err error) error {
		if tako.AsError(err).Status == 418 {
			return c.Text(418, "child error")
		}
		return err
	})
	tako.Supply(child, "state")
	tako.Provide(child, func(_ context.Context, in struct {
		State  tako.State[string]
		Tenant string `path:"tenant"`
	}) (inheritedName, error) {
		return inheritedName(in.State.Value + " of " + in.Tenant), nil
	})
	tako.Get(child, "/who", func(_ context.Context, in struct{ Name inheritedName }) (string, error) { return string(in.Name), nil },
		tako.Name("who"))
	child.Get("/raw/{id}", func(c *tako.Context) error { return c.Text(200, c.Param("tenant")+" "+c.Param("id")+" "+c.Pattern()) })
	child.Get("/tea", func(c *tako.Context) error { return tako.Errorf(418, "tea") })
	child.Get("/conflict", func(c *tako.Context) error { return tako.Conflict("no") })
	child.Post("/", func(c *tako.Context) error {
		_, err := c.ReadBody()
		return err
	})
	return child
}

func TestMountTwice(t *testing.T) {
	t.Parallel()
	child := mountable()
	r := tako.New()
	r.Use(tag("root"))
	r.OnError(func(c *tako.Context, err error) error { return c.Text(tako.AsError(err).Status, "root error") })
	r.Mount("/a/{tenant}", child)
	r.Group("/g", tag("group")).Mount("/{tenant}/b", child)
	srv := takotest.New(t, r)
	tests := []struct {
		path   string
		status int
		text   string
		trace  string
	}{
		{"/a/red/who", 200, `"state of red"`, "root child"},
		{"/g/blue/b/who", 200, `"state of blue"`, "root group child"},
		{"/a/red/raw/7", 200, "red 7 /a/{tenant}/raw/{id}", "root child"},
		{"/g/blue/b/raw/8", 200, "blue 8 /g/{tenant}/b/raw/{id}", "root group child"},
		{"/a/red/tea", 418, "child error", "root child"},
		{"/g/blue/b/tea", 418, "child error", "root group child"},
		{"/a/red/conflict", 409, "root error", "root child"},
		{"/g/blue/b/conflict", 409, "root error", "root group child"},
		{"/a/red/nope", 200, "child fallback", "root child"},
		{"/g/blue/b/nope", 200, "child fallback", "root group child"},
		{"/g/nope", 404, "root error", "root group"},
		{"/nope", 404, "root error", "root"},
		{"/a/red/who/", 308, "", "root child"},
	}
	for _, tt := range tests {
		got := srv.Get(tt.path)
		assert.Equal(t, got.StatusCode, tt.status, tt.path)
		assert.Equal(t, got.Text, tt.text, tt.path)
		assert.Equal(t, traceOf(got), tt.trace, tt.path)
	}
	assert.Equal(t, srv.Post("/a/red", takotest.Body("text/plain", "12345")).StatusCode, 413)
	assert.Equal(t, srv.Post("/g/blue/b", takotest.Body("text/plain", "1234")).StatusCode, 200)

	// The child is as it was: it can be mounted elsewhere, also while others serve
	// it, and has a mistake on its own, for it has no {tenant} there.
	assert.Equal(t, child.Routes(), nil)
	again := tako.New()
	again.Mount("/only/{tenant}", child)
	assert.Equal(t, takotest.New(t, again).Get("/only/x/who").Text, `"state of x"`)
	url, err := again.URL("who", "tenant", "a b")
	assert.NoError(t, err)
	assert.Equal(t, url, "/only/a%20b/who")
	_, err = r.URL("who", "tenant", "a")
	assert.Contains(t, fmt.Sprint(err), "mounted more than once")
	err = child.Build()
	assert.Contains(t, fmt.Sprint(err), `path parameter "tenant"`)
	assert.NoError(t, r.Build(), "the parent after the child failed on its own")
	srv.Get("/a/red/who").Expect(200)
}

// A failed build leaves nothing half-done: neither the parent nor the child.
func TestFailedBuildLeavesTheChild(t *testing.T) {
	t.Parallel()
	child := mountable()
	bad := tako.New()
	bad.Mount("/without", child)
	bad.Mount("/a/{tenant}", child)
	err := bad.Build()
	assert.Contains(t, fmt.Sprint(err), `path parameter "tenant"`)
	assert.Equal(t, rawRequest(bad, "GET", "/a/x/who").Code, 500)
	assert.Equal(t, bad.Routes(), nil)
	assert.Equal(t, fmt.Sprint(bad.Build()), fmt.Sprint(err), "building again")

	// What was missing can be mended: the child serves nowhere yet.
	child.Get("/added", says("added"))
	good := tako.New()
	good.Mount("/a/{tenant}", child)
	srv := takotest.New(t, good)
	assert.Equal(t, srv.Get("/a/x/who").Text, `"state of x"`)
	assert.Equal(t, srv.Get("/a/x/added").Text, "added")
}

// A mistake in a child is reported by every router it is mounted in.
func TestMistakesOfAChildAreReportedEverywhere(t *testing.T) {
	t.Parallel()
	child := tako.New()
	child.Get("/x", says("x"), tako.With(tag("a"), nil, tag("b")))
	for i := range 3 {
		parent := tako.New()
		parent.Mount(fmt.Sprintf("/m%d", i), child)
		assert.Contains(t, fmt.Sprint(parent.Build()), "middleware is nil", "parent ", i)
	}
	assert.Contains(t, fmt.Sprint(child.Build()), "middleware is nil", "on its own")
}

// Routers that share a child may be built at the same time, as those that are
// swapped into a Live by several goroutines.
func TestSharedChildBuiltAtOnce(t *testing.T) {
	t.Parallel()
	child := mountable()
	live := tako.NewLive(generation(1))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := tako.New()
			r.Mount("/a/{tenant}", child)
			assert.NoError(t, live.Swap(r))
			assert.Equal(t, rawRequest(r, "GET", "/a/x/who").Body.String(), `"state of x"`)
		})
	}
	wg.Wait()
}
