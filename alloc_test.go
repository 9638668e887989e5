//go:build !race

package tako

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/lifetime"
)

// sink is a ResponseWriter that allocates nothing, so that what is counted is ours.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// rewindBody is a request body that can be read again and again.
type rewindBody struct{ *bytes.Reader }

func (rewindBody) Close() error { return nil }

func request(method, target string) *http.Request {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		panic(err)
	}
	return &http.Request{Method: method, URL: u, RequestURI: target, Host: "example.com", Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, RemoteAddr: "192.0.2.1:1"}
}

func mustBuild(t testing.TB, r *Router) {
	t.Helper()
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
}

// serving counts the allocations of one request.
func serving(r *Router, req *http.Request) float64 {
	w := &sink{http.Header{}}
	return testing.AllocsPerRun(500, func() {
		clear(w.header)
		if b, ok := req.Body.(rewindBody); ok {
			b.Seek(0, io.SeekStart)
		}
		r.ServeHTTP(w, req)
	})
}

// alone reports whether this process reuses Contexts. Where another test has made
// it strict, which is for good, it runs t in a process of its own instead.
func alone(t *testing.T) bool {
	t.Helper()
	if !lifetime.IsStrict() {
		return true
	}
	out, err := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func within(t *testing.T, what string, got, budget float64) {
	t.Helper()
	if got > budget {
		t.Errorf("%s: %.0f allocations, the budget is %.0f", what, got, budget)
	}
}

// routes registers n routes shaped as those of real services.
func routes(n int) (*Router, []string) {
	r := New()
	var paths []string
	h := func(c *Context) error { return nil }
	for i := range n {
		p := fmt.Sprintf("/service%d/resource%d", i%100, i)
		if i%2 == 0 {
			r.Get(p, h)
			paths = append(paths, p)
		} else {
			r.Get(p+"/{id}/items/{item}", h)
			paths = append(paths, p+"/42/items/abc")
		}
	}
	return r, paths
}

func TestAllocLookup(t *testing.T) {
	for _, n := range []int{10, 10_000} {
		r, paths := routes(n)
		mustBuild(t, r)
		tree := &r.table.Load().any.tree
		var params [maxParams]string
		i := 0
		within(t, fmt.Sprintf("lookup among %d routes", n), testing.AllocsPerRun(1000, func() {
			if tree.find(paths[i%len(paths)], "GET", &params) == nil {
				t.Fatal("not found")
			}
			i++
		}), 0)
	}
}

// What remains is the memory of the header values, which net/http needs from any
// handler that sets one.
func TestAllocText(t *testing.T) {
	if !alone(t) {
		return
	}
	r := New()
	r.Get("/", func(c *Context) error { return c.Text(200, "Hello, World!") })
	mustBuild(t, r)
	bare := &sink{http.Header{}}
	nethttp := testing.AllocsPerRun(500, func() {
		clear(bare.header)
		bare.Header().Set("Content-Type", "text/plain; charset=utf-8")
		bare.WriteHeader(200)
	})
	within(t, "text response beyond net/http", serving(r, request("GET", "/"))-nethttp, 0)
}

func TestAllocTypedGet(t *testing.T) {
	if !alone(t) {
		return
	}
	type in struct {
		ID    int64  `path:"id"`
		Limit int    `query:"limit"`
		Token string `header:"X-Token"`
	}
	type out struct {
		ID    int64  `json:"id"`
		Token string `json:"token"`
	}
	r := New()
	Get(r, "/users/{id}", func(_ context.Context, in in) (out, error) { return out{in.ID + int64(in.Limit), in.Token}, nil })
	mustBuild(t, r)
	req := request("GET", "/users/7?limit=5")
	req.Header.Set("X-Token", "abc")
	within(t, "typed GET", serving(r, req), 2)
}

func TestAllocTypedPut(t *testing.T) {
	if !alone(t) {
		return
	}
	type user struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	type in struct {
		ID   int64 `path:"id"`
		Body user
	}
	r := New()
	Put(r, "/users/{id}", func(_ context.Context, in in) (user, error) { return in.Body, nil })
	mustBuild(t, r)
	body := []byte(`{"name":"octopus","email":"o@example.com"}`)
	decoder := testing.AllocsPerRun(500, func() {
		var u user
		_ = JSONCodec{}.Decode(body, &u)
	})
	req := request("PUT", "/users/7")
	req.Header.Set("Content-Type", "application/json")
	req.Body, req.ContentLength = rewindBody{bytes.NewReader(body)}, int64(len(body))
	within(t, "typed PUT beyond the decoder", serving(r, req)-decoder, 4)
}

func TestAllocMiddleware(t *testing.T) {
	if !alone(t) {
		return
	}
	r := New()
	for range 5 {
		r.Use(func(next Handler) Handler { return func(c *Context) error { return next(c) } })
	}
	r.Get("/", func(c *Context) error { return c.NoContent() })
	mustBuild(t, r)
	within(t, "five middlewares and 204", serving(r, request("GET", "/")), 0)
}

func TestAllocPath(t *testing.T) {
	long := "/" + strings.Repeat("segment/", 20)
	within(t, "path in normal form", testing.AllocsPerRun(100, func() { _, _ = normalPath(long) }), 0)
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 100, 10_000} {
		r, paths := routes(n)
		mustBuild(b, r)
		tree := &r.table.Load().any.tree
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var params [maxParams]string
			i := 0
			for b.Loop() {
				if tree.find(paths[i], "GET", &params) == nil {
					b.Fatal("not found")
				}
				if i++; i == len(paths) {
					i = 0
				}
			}
		})
	}
}

// BenchmarkRequest is a lookup as a caller sees it: a request through the router.
func BenchmarkRequest(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		r, paths := routes(n)
		mustBuild(b, r)
		requests := make([]*http.Request, len(paths))
		for i, p := range paths {
			requests[i] = request("GET", p)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := &sink{http.Header{}}
			i := 0
			for b.Loop() {
				clear(w.header)
				r.ServeHTTP(w, requests[i])
				if i++; i == len(requests) {
					i = 0
				}
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	r := New()
	r.Get("/", func(c *Context) error { return c.Text(200, "Hello, World!") })
	mustBuild(b, r)
	w, req := &sink{http.Header{}}, request("GET", "/")
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		r.ServeHTTP(w, req)
	}
}

func BenchmarkTypedGet(b *testing.B) {
	type in struct {
		ID    int64  `path:"id"`
		Limit int    `query:"limit"`
		Token string `header:"X-Token"`
	}
	type out struct {
		ID    int64  `json:"id"`
		Token string `json:"token"`
	}
	r := New()
	Get(r, "/users/{id}", func(_ context.Context, in in) (out, error) { return out{in.ID + int64(in.Limit), in.Token}, nil })
	mustBuild(b, r)
	w, req := &sink{http.Header{}}, request("GET", "/users/7?limit=5")
	req.Header.Set("X-Token", "abc")
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		r.ServeHTTP(w, req)
	}
}

type benchUser struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

func benchPut(b *testing.B, h http.Handler) {
	body := []byte(`{"name":"octopus","email":"o@example.com"}`)
	w, req := &sink{http.Header{}}, request("PUT", "/users/7")
	req.Header.Set("Content-Type", "application/json")
	reader := rewindBody{bytes.NewReader(body)}
	req.Body, req.ContentLength = reader, int64(len(body))
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		reader.Seek(0, io.SeekStart)
		h.ServeHTTP(w, req)
	}
}

func BenchmarkTypedPut(b *testing.B) {
	type in struct {
		ID   int64 `path:"id"`
		Body benchUser
	}
	r := New()
	Put(r, "/users/{id}", func(_ context.Context, in in) (benchUser, error) { return in.Body, nil })
	mustBuild(b, r)
	benchPut(b, r)
}

// BenchmarkBarePut is what TypedPut is to be compared with.
func BenchmarkBarePut(b *testing.B) {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /users/{id}", func(w http.ResponseWriter, req *http.Request) {
		if _, err := strconv.ParseInt(req.PathValue("id"), 10, 64); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		var u benchUser
		if err := json.NewDecoder(req.Body).Decode(&u); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(u)
	})
	benchPut(b, mux)
}
