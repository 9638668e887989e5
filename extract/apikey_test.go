package extract

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type keyInQuery struct{}

func (keyInQuery) KeyPlace() (in, name string) { return "query", "api key" }

type keyInCookie struct{}

func (keyInCookie) KeyPlace() (in, name string) { return "cookie", "key" }

type keyInHeader struct{}

func (keyInHeader) KeyPlace() (in, name string) { return "header", "x-token" }

type keyNowhere struct{}

func (keyNowhere) KeyPlace() (in, name string) { return "path", "key" }

func TestCA08APIKey(t *testing.T) {
	t.Parallel()
	r := tako.New()
	keyApp[xAPIKey](r, "/x")
	keyApp[keyInQuery](r, "/query")
	keyApp[keyInCookie](r, "/cookie")
	keyApp[keyInHeader](r, "/header")
	srv := takotest.New(t, r)
	lines := func(name string, values ...string) takotest.Edit {
		return func(req *http.Request) { req.Header[name] = values }
	}
	tests := []struct {
		name   string
		target string
		edit   takotest.Edit
		want   string
		must   int
		may    int
	}{
		{"header", "/x", lines("X-Api-Key", "k-1"), "k-1", 200, 200},
		{"missing header", "/x", lines("X-Other", "k"), "", 401, 200},
		{"empty header", "/x", lines("X-Api-Key", ""), "", 401, 200},
		{"two headers", "/x", lines("X-Api-Key", "k", "k"), "", 401, 401},
		{"other header", "/header", lines("X-Token", "k-2"), "k-2", 200, 200},
		{"query", "/query?a=1&api+key=k%203", lines("X"), "k 3", 200, 200},
		{"missing in query", "/query?a=1", lines("X"), "", 401, 200},
		{"empty in query", "/query?api+key=", lines("X"), "", 401, 200},
		{"two in query", "/query?api+key=a&api%20key=b", lines("X"), "", 401, 401},
		{"broken query", "/query?api+key=%zz", lines("X"), "", 400, 400},
		{"cookie", "/cookie", lines("Cookie", "a=1; key=k4"), "k4", 200, 200},
		{"missing cookie", "/cookie", lines("Cookie", "a=1"), "", 401, 200},
		{"two cookies", "/cookie", lines("Cookie", "key=k5", "key=other"), "k5", 200, 200},
	}
	for _, tt := range tests {
		path, query, _ := strings.Cut(tt.target, "?")
		got := srv.Get(path+"/must?"+query, tt.edit)
		assert.Equal(t, got.StatusCode, tt.must, tt.name)
		if tt.must == 200 {
			assert.Equal(t, got.Text, fmt.Sprintf("%q", tt.want), tt.name)
		} else if tt.must == 401 {
			assert.Contains(t, got.Header.Get("WWW-Authenticate"), `ApiKey realm="restricted", in="`, tt.name)
		}
		assert.Equal(t, srv.Get(path+"/may?"+query, tt.edit).StatusCode, tt.may, tt.name)
	}
	srv.Get("/query/must").ExpectHeader("WWW-Authenticate", `ApiKey realm="restricted", in="query", name="api key"`)
}

func keyApp[P KeyPlace](r *tako.Router, path string) {
	tako.Get(r, path+"/must", func(_ context.Context, in APIKeyFrom[P]) (string, error) { return in.Key, nil })
	tako.Get(r, path+"/may", func(_ context.Context, in struct{ Auth tako.Optional[APIKeyFrom[P]] }) (string, error) {
		return in.Auth.Value.Key, nil
	})
}

func TestAPIKeyInTypedCalls(t *testing.T) {
	t.Parallel()
	tryKey[xAPIKey](t, "a key", "a\n")
	tryKey[keyInQuery](t, "a&b=ü", "")
	tryKey[keyInCookie](t, "a-key", "a key")
}

func tryKey[P KeyPlace](t *testing.T, good, bad string) {
	t.Helper()
	r := tako.New()
	type input struct{ Auth APIKeyFrom[P] }
	route := tako.Get(r, "/", func(_ context.Context, in input) (string, error) { return in.Auth.Key, nil })
	srv := takotest.New(t, r)
	got, err := route.Do(t.Context(), srv, input{APIKeyFrom[P]{APIKey{good}}})
	assert.NoError(t, err)
	assert.Equal(t, got, good)
	if _, err := route.Request(t.Context(), input{APIKeyFrom[P]{APIKey{bad}}}); err == nil && bad != "" {
		t.Errorf("%q was sent", bad)
	}
	_, err = route.Do(t.Context(), srv, input{})
	assert.Equal(t, tako.AsError(err).Status, 401)
}

func TestAPIKeyDescribesItself(t *testing.T) {
	t.Parallel()
	r := tako.New()
	route := tako.Get(r, "/", textOf[struct {
		A APIKey
		B tako.Optional[APIKeyFrom[keyInQuery]]
		C APIKeyFrom[keyInCookie]
		D APIKeyFrom[keyInHeader]
	}])
	assert.NoError(t, r.Build())
	assert.Equal(t, route.Operation().Security, []tako.Requirement{
		{Scheme: tako.SecurityScheme{Name: "apiKey", Type: "apiKey", In: "header", Param: "X-API-Key"}},
		{Scheme: tako.SecurityScheme{Name: "apiKey.query.api_key", Type: "apiKey", In: "query", Param: "api key"}, Optional: true},
		{Scheme: tako.SecurityScheme{Name: "apiKey.cookie.key", Type: "apiKey", In: "cookie", Param: "key"}},
		{Scheme: tako.SecurityScheme{Name: "apiKey.header.x-token", Type: "apiKey", In: "header", Param: "x-token"}},
	})
	bad := tako.New()
	tako.Get(bad, "/", textOf[APIKeyFrom[keyNowhere]])
	if err := bad.Build(); err == nil || !strings.Contains(err.Error(), `cannot be in "path"`) {
		t.Errorf("got %v, want a mistake about the place", err)
	}
	raw := tako.New()
	raw.Log(quiet())
	raw.Get("/", func(c *tako.Context) error {
		_, err := tako.Extract[APIKeyFrom[keyNowhere]](c)
		return err
	})
	takotest.New(t, raw).Get("/").Expect(500)
}
