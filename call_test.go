package tako_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// held is one request as a runtime could hold it; methods it lacks are not called.
type held struct {
	tako.Exchange
	method, target string
	answer         string
	aborted        bool
}

func (x *held) Method() string                           { return x.method }
func (x *held) Target() string                           { return x.target }
func (x *held) Authority() string                        { return "a.example" }
func (x *held) Protocol() tako.Protocol                  { return tako.HTTP11 }
func (x *held) RequestHeader(string) string              { return "" }
func (x *held) RequestHeaderRepeats(string) bool         { return false }
func (x *held) EachRequestHeader(func(_, _ string) bool) {}
func (x *held) ContentLength() int64                     { return 0 }
func (x *held) ConnInfo() *tako.ConnInfo                 { return new(tako.ConnInfo) }
func (x *held) Context() context.Context                 { return context.Background() }
func (x *held) Proxied() bool                            { return false }
func (x *held) AltSvc() string                           { return "" }
func (x *held) Abort()                                   { x.aborted = true }
func (x *held) Write(p []byte) (int, error)              { x.answer += string(p); return len(p), nil }
func (x *held) WriteHead(status int, h *tako.Header, _ int64) error {
	x.answer += fmt.Sprintln(status)
	for i := range h.Len() {
		name, value := h.Field(i)
		x.answer += name + ": " + value + "\n"
	}
	return nil
}

// A runtime sees the route before anything of it runs, and decides where that is.
func TestFindThenServe(t *testing.T) {
	ran := 0
	hello := func(c *tako.Context) error { ran++; return c.Text(http.StatusOK, "hello "+c.Param("name")) }
	api := tako.New()
	api.Get("/quick/{name}", hello, tako.Inline())
	app := tako.New()
	app.Mount("/api", api)
	app.Get("/slow/{name}", hello, tako.Blocking())
	app.Get("/any/{name}", hello)
	for _, served := range []tako.App{app, tako.NewLive(app)} {
		assert.NoError(t, served.Build())
		seen := map[int]string{}
		for _, tt := range []struct {
			target, route string
			mode          tako.DispatchMode
			runs          int
		}{
			{"/api/quick/ada", "GET /api/quick/{name}", tako.DispatchInline, 1},
			{"/slow/ada?x=y", "GET /slow/{name}", tako.DispatchBlocking, 1},
			{"/any/ada", "GET /any/{name}", tako.DispatchLearned, 1},
			{"/nowhere", "(no route)", tako.DispatchLearned, 0},
		} {
			ran = 0
			x := &held{method: "GET", target: tt.target}
			call := served.Find(x)
			ref := call.Route()
			assert.Equal(t, ref.String(), tt.route)
			assert.Equal(t, ref.Mode, tt.mode, tt.route)
			assert.Equal(t, seen[ref.Index], "", tt.route, "has an index of its own")
			seen[ref.Index] = tt.route
			assert.Equal(t, ran, 0, tt.route, "before Serve")
			assert.Equal(t, call.Serve(), false, tt.route, "aborted")
			assert.Equal(t, ran, tt.runs, tt.route)
			if tt.runs > 0 {
				assert.Equal(t, x.answer, "200\nContent-Type: text/plain; charset=utf-8\nhello ada")
			} else {
				assert.Contains(t, x.answer, "404\n")
			}
			again := served.Find(&held{method: "GET", target: tt.target})
			assert.Equal(t, again.Route(), ref, tt.route, "the same for each request")
			again.Drop()
			assert.Equal(t, ran, tt.runs, tt.route, "a dropped call")
		}
	}
}

// A router that cannot be built has nothing to run.
func TestFindInBrokenRouter(t *testing.T) {
	app := tako.New()
	app.Get("no-slash", func(*tako.Context) error { return nil })
	x := &held{method: "GET", target: "/"}
	call := app.Find(x)
	assert.Equal(t, call.Route().String(), "(no route)")
	assert.Equal(t, call.Serve(), true, "aborted")
	assert.Equal(t, x.aborted, true)
}
