package runtimetest

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/tako-go/tako"
)

func errorCases() (all []testCase) {
	for path, e := range failures {
		faults := []fault{turned(itoa(e.status)), replies("type-changed", "application/problem+json", "text/html")}
		for name := range e.keeps {
			faults = append(faults, replies("lost-"+name, name+":", "X-Lost:"))
		}
		all = append(all, testCase{id: "RT-11" + path, run: func(x *T) { failure(x, path) }, faults: faults})
	}
	return append(all,
		testCase{id: "RT-11/no-internals", run: noInternals, faults: []fault{around("text-leaked", leakErrors)}},
		testCase{id: "RT-11/text", run: errorAsText, faults: []fault{replies("json", "text/plain", "application/problem+json")}},
		testCase{id: "RT-11/fine-untouched", run: fineUntouched, faults: []fault{replies("type-changed", "text/csv", "application/problem+json")}},
	)
}

// failures are what handlers return, and the fields that the answer must keep.
var failures = map[string]struct {
	err    error
	status int
	keeps  map[string]string
}{
	"/unauthorized": {tako.Unauthorized(`Bearer realm="api"`, "who are you"), 401, map[string]string{"Www-Authenticate": `Bearer realm="api"`}},
	"/limited":      {tako.Errorf(429, "slowly").With("Retry-After", "30"), 429, map[string]string{"Retry-After": "30"}},
	"/unavailable":  {tako.Errorf(503, "store of %s is down", "secret").With("Retry-After", "5"), 503, map[string]string{"Retry-After": "5"}},
	"/plain":        {errors.New("secret text"), 500, nil},
	"/wrapped":      {tako.Wrap(409, errors.New("secret text")), 409, nil},
	"/public":       {tako.NotFound("no user %d", 7), 404, nil},
}

// failingRoutes set fields of their own before they fail.
func failingRoutes(app *tako.Router) {
	for path, e := range failures {
		app.Get(path, func(c *tako.Context) error {
			_ = c.SetCookie(&http.Cookie{Name: "seen", Value: "1"})
			c.Header().Set("Access-Control-Allow-Origin", "https://b.example")
			c.Header().Set("X-Request-Id", "42")
			c.Header().Set("Content-Type", "text/csv")
			return e.err
		})
	}
}

func failure(x *T, path string) {
	s := x.serve(tako.Limits{}, failingRoutes)
	e := failures[path]
	r := s.get(path, e.status)
	if got := r.get("Content-Type"); got != "application/problem+json" {
		x.Errorf("Content-Type is %q", got)
	}
	var problem struct {
		Status int
		Title  string
	}
	if err := json.Unmarshal([]byte(r.body), &problem); err != nil || problem.Status != e.status || problem.Title == "" {
		x.Errorf("the problem document is %q: %v", r.body, err)
	}
	for name, want := range e.keeps {
		if got := r.get(name); got != want {
			x.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"Set-Cookie": "seen=1", "Access-Control-Allow-Origin": "https://b.example", "X-Request-Id": "42"} {
		if got := r.get(name); got != want {
			x.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// leakErrors shows the text of errors to the client.
func leakErrors(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		err := next(c)
		if err != nil && !c.HeadSent() {
			return c.Text(tako.AsError(err).Status, err.Error())
		}
		return err
	}
}

func noInternals(x *T) {
	s := x.serve(tako.Limits{}, failingRoutes)
	for path, e := range failures {
		for _, accept := range []string{"application/json", "text/plain", "text/html", "*/*"} {
			if r := s.get(path, e.status, "Accept: "+accept); contains(r.body, "secret") {
				x.Errorf("%s as %s shows %q", path, accept, r.body)
			}
		}
	}
}

func errorAsText(x *T) {
	s := x.serve(tako.Limits{}, failingRoutes)
	r := s.get("/public", 404, "Accept: text/plain")
	if got := r.get("Content-Type"); !strings.HasPrefix(got, "text/plain") || !contains(r.body, "no user 7") {
		x.Errorf("got %s %q", got, r.body)
	}
}

func fineUntouched(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/csv", func(c *tako.Context) error { return c.Bytes(200, "text/csv", []byte("a,b\n")) })
		app.Get("/moved", func(c *tako.Context) error { return c.Redirect(301, "/csv") })
	})
	if r := s.get("/csv", 200); r.get("Content-Type") != "text/csv" || r.body != "a,b\n" {
		x.Errorf("got %s %q", r.get("Content-Type"), r.body)
	}
	if r := s.get("/moved", 301); r.get("Location") != "/csv" || r.body != "" {
		x.Errorf("got %q %q", r.get("Location"), r.body)
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }
