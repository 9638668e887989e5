package tako_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tako-go/tako"
)

type smokeIn struct {
	ID   int64    `path:"id"`
	Tags []string `query:"tag"`
	L    int      `query:"limit" default:"20"`
	H    string   `header:"X-H"`
}

type smokeUser struct {
	Name string `json:"name"`
}

func TestSmoke(t *testing.T) {
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Text(200, "hi") })
	g := r.Group("/api")
	get := tako.Get(g, "/u/{id}", func(ctx context.Context, in smokeIn) (map[string]any, error) {
		if in.ID == 9 {
			return nil, tako.NotFound("no user %d", in.ID)
		}
		return map[string]any{"in": fmt.Sprint(in)}, nil
	})
	tako.Put(g, "/u/{id}", func(ctx context.Context, in struct {
		ID   int `path:"id"`
		Body smokeUser
	}) (tako.Created[smokeUser], error) {
		return tako.Created[smokeUser]{Location: "/x", Body: in.Body}, nil
	})
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"GET /", "HEAD /", "GET /nope", "POST /", "OPTIONS /", "GET /api/u/7?tag=a&tag=b&limit=3", "GET /api/u/x", "GET /api/u/9", "PUT /api/u/1", "GET /%61pi//u/./7"} {
		m, p, _ := strings.Cut(q, " ")
		req := httptest.NewRequest(m, p, nil)
		if m == "PUT" {
			req = httptest.NewRequest(m, p, strings.NewReader(`{"name":"x"}`))
			req.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		t.Log(q, w.Code, w.Header(), w.Body.String())
	}
	t.Log(get.URL(smokeIn{ID: 5, Tags: []string{"a b"}, L: 3}))
}
