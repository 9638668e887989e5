package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/takotest"
)

// newTest returns a service with demo data, served in memory.
func newTest(t *testing.T) *takotest.Server {
	t.Helper()
	return takotest.New(t, newApp(t))
}

func newApp(t *testing.T) *tako.Router {
	t.Helper()
	s, err := newService(10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.fill(); err != nil {
		t.Fatal(err)
	}
	return s.app()
}

// signUp makes an account and returns its token.
func signUp(t *testing.T, srv *takotest.Server, name string) takotest.Edit {
	t.Helper()
	var in signedIn
	srv.Post("/api/v1/users", takotest.JSON(credentials{name, "eight arms"})).Expect(201).JSON(&in)
	return takotest.Bearer(in.Token)
}

func TestProbes(t *testing.T) {
	srv := newTest(t)
	srv.Get("/healthz").Expect(200).ExpectText("ok\n")
	srv.Get("/ready").Expect(200)
}

func TestPage(t *testing.T) {
	srv := newTest(t)
	page := srv.Get("/").Expect(200).ExpectHeader("Content-Type", "text/html; charset=utf-8").
		ExpectHeader("X-Content-Type-Options", "nosniff").ExpectHeader("Content-Security-Policy", contentPolicy)
	for _, outside := range []string{"https://", "http://", "style=", "onclick="} {
		if strings.Contains(page.Text, outside) {
			t.Errorf("the page has %q in it, which its policy forbids", outside)
		}
	}
	for name, kind := range map[string]string{
		"app.js": "text/javascript; charset=utf-8", "app.css": "text/css; charset=utf-8", "octopus.svg": "image/svg+xml",
	} {
		if !strings.Contains(page.Text, "/assets/"+name) {
			t.Errorf("the page does not load %s", name)
		}
		tag := srv.Get("/assets/"+name).Expect(200).ExpectHeader("Content-Type", kind).Header.Get("Etag")
		srv.Get("/assets/"+name, takotest.Header("If-None-Match", tag)).Expect(304).ExpectText("")
	}
	srv.Get("/assets/nothing.js").Expect(404)
	srv.Get("/assets/..%2Fmain.go").Expect(404)
}

func TestMethods(t *testing.T) {
	srv := newTest(t)
	tests := []struct {
		method, target string
		status         int
		allow          string
	}{
		{"PUT", "/api/v1/reefs", 405, "GET, HEAD, OPTIONS, POST"},
		{"OPTIONS", "/api/v1/reefs", 204, "GET, HEAD, OPTIONS, POST"},
		{"OPTIONS", "/api/v1/stats", 204, "GET, HEAD, OPTIONS"},
		{"DELETE", "/", 405, "GET, HEAD, OPTIONS"},
	}
	for _, tt := range tests {
		srv.Do(tt.method, tt.target).Expect(tt.status).ExpectHeader("Allow", tt.allow)
	}
	want := len(srv.Get("/api/v1/reefs").Text)
	if got := srv.Do("HEAD", "/api/v1/reefs").Expect(200).ExpectText("").ContentLength; got != int64(want) {
		t.Errorf("got HEAD with length %d, want that of GET, %d", got, want)
	}
	srv.Do("HEAD", "/api/v1/reefs/lagoon/live").Expect(200).ExpectText("")
	signUp(t, srv, "nemo") // what was refused has broken nothing
}

func TestProblems(t *testing.T) {
	srv := newTest(t)
	nemo := signUp(t, srv, "nemo")
	tests := []struct {
		name, method, target string
		edits                []takotest.Edit
		status               int
		kind                 string
	}{
		{"no route", "GET", "/api/v1/nothing", nil, 404, ""},
		{"no reef", "GET", "/api/v1/reefs/desert", nil, 404, "/problems/no-such-reef"},
		{"no reef to watch", "GET", "/api/v1/reefs/desert/live", nil, 404, "/problems/no-such-reef"},
		{"no message", "GET", "/api/v1/reefs/lagoon/messages/99", nil, 404, "/problems/no-such-message"},
		{"no number", "GET", "/api/v1/reefs/lagoon/messages/x", nil, 400, ""},
		{"no user", "GET", "/api/v1/users/nobody", nil, 404, "/problems/no-such-user"},
		{"no file", "GET", "/api/v1/uploads/9", nil, 404, "/problems/no-such-file"},
		{"not signed in", "POST", "/api/v1/reefs", []takotest.Edit{takotest.JSON(newReef{Name: "atoll"})}, 401, ""},
		{"bad token", "GET", "/api/v1/me", []takotest.Edit{takotest.Bearer("nonsense")}, 401, ""},
		{"name taken", "POST", "/api/v1/users", []takotest.Edit{takotest.JSON(credentials{"nemo", "eight arms"})}, 409, "/problems/name-taken"},
		{"wrong password", "POST", "/api/v1/sessions", []takotest.Edit{takotest.JSON(credentials{"nemo", "nine arms!"})}, 401, "/problems/wrong-credentials"},
		{"reef taken", "POST", "/api/v1/reefs", []takotest.Edit{nemo, takotest.JSON(newReef{Name: "kelp"})}, 409, "/problems/reef-taken"},
		{"not JSON", "POST", "/api/v1/reefs", []takotest.Edit{nemo, takotest.Body("application/json", "{")}, 400, ""},
		{"not even text", "POST", "/api/v1/reefs", []takotest.Edit{nemo, takotest.Body("image/png", "x")}, 415, ""},
		{"too large", "POST", "/api/v1/reefs", []takotest.Edit{nemo, takotest.JSON(newReef{Topic: strings.Repeat("x", maxJSON)})}, 413, ""},
		{"not mine", "DELETE", "/api/v1/reefs/lagoon/messages/1", []takotest.Edit{nemo}, 403, "/problems/not-yours"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := srv.Do(tt.method, tt.target, tt.edits...)
			problem := resp.Problem(tt.status)
			if problem.Type != tt.kind {
				t.Errorf("got type %q, want %q", problem.Type, tt.kind)
			}
			if id := problem.Extra["requestId"]; id == nil || id != resp.Header.Get("X-Request-Id") {
				t.Errorf("got request id %v, want %q", id, resp.Header.Get("X-Request-Id"))
			}
			if tt.status == 401 && !strings.HasPrefix(resp.Header.Get("Www-Authenticate"), "Bearer ") {
				t.Error("got no challenge")
			}
		})
	}
	invalid := srv.Post("/api/v1/reefs", nemo, takotest.JSON(newReef{Name: "No Name", Topic: strings.Repeat("x", 121)})).Problem(422)
	if len(invalid.Fields) != 2 || invalid.Fields[0].Name != "/name" || invalid.Fields[1].Name != "/topic" {
		t.Errorf("got fields %+v, want both", invalid.Fields)
	}
}

func TestStatsAndRoutes(t *testing.T) {
	srv := newTest(t)
	srv.Get("/api/v1/nothing").Expect(404)
	var numbers stats
	srv.Get("/api/v1/stats").Expect(200).JSON(&numbers)
	if numbers.Reefs != 3 || numbers.Messages != len(demo) || numbers.UnderWay != 1 || numbers.Responses["4xx"] != 1 {
		t.Errorf("got %+v", numbers)
	}
	var routes []listedRoute
	srv.Get("/api/v1/routes").Expect(200).JSON(&routes)
	want := listedRoute{Method: "POST", Pattern: "/api/v1/reefs/{reef}/messages", Summary: "Write a message",
		Tags: []string{"messages"}, Inputs: []string{"path reef", "body text"}, Result: "Created[reef.Message]"}
	if !slices.ContainsFunc(routes, func(r listedRoute) bool {
		return r.Pattern == want.Pattern && r.Method == want.Method && slices.Equal(r.Inputs, want.Inputs) && r.Result == want.Result
	}) {
		t.Errorf("got %+v, want %+v among them", routes, want)
	}
	for _, r := range routes {
		if r.Method == http.MethodGet && !strings.Contains(r.Pattern, "{") {
			if resp := srv.Get(r.Pattern); resp.StatusCode != 200 && resp.StatusCode != 401 {
				t.Errorf("%s is listed and answers %d", r.Pattern, resp.StatusCode)
			}
		}
	}
}
