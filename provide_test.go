package tako_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

type (
	tenant  struct{ name string }
	session struct{ id, tenant string }
	greeter interface{ greet() string }
)

func (s session) greet() string { return "hello " + s.id }

func TestProvide(t *testing.T) {
	t.Parallel()
	var j journal
	r := tako.New()
	r.Use(around(func(c *tako.Context) {
		if c.Query("early") == "" {
			return
		}
		for range 2 {
			s, err := tako.Provided[session](c)
			j.add(fmt.Sprint("early:", s.id, err))
		}
	}))
	g := r.Group("/{tenant}")
	tako.Provide(g, func(_ context.Context, in struct {
		Name string `path:"tenant"`
	}) (tenant, error) {
		j.add("tenant")
		return tenant{in.Name}, nil
	})
	tako.Provide(g, func(_ context.Context, in struct {
		T  tenant
		C  *tako.Context
		ID string `header:"X-Session"`
	}) (session, error) {
		j.add("session")
		if in.ID == "" {
			return session{}, tako.Unauthorized("Bearer", "no session")
		}
		return session{in.ID, in.T.name}, nil
	})
	tako.Provide(g, func(_ context.Context, in struct{ S session }) (greeter, error) { return in.S, nil })
	tako.Get(g, "/both", func(_ context.Context, in struct {
		G greeter
		S session
		T tenant
		Q int `query:"q"`
	}) (string, error) {
		j.add("handler")
		return in.G.greet() + " of " + in.S.tenant + in.T.name, nil
	})
	g.Get("/raw", func(c *tako.Context) error {
		s, err := tako.Provided[session](c)
		return errors.Join(err, c.Text(200, s.id+s.tenant))
	}, tako.With(middleware.Timeout(1<<40)))
	s := takotest.New(t, r)
	id := takotest.Header("X-Session", "s1")
	s.Get("/acme/both", id).Expect(200).ExpectText(`"hello s1 of acmeacme"`)
	assert.Equal(t, j.String(), "tenant session handler")
	j = journal{}
	s.Get("/acme/both?early=1", id).Expect(200)
	assert.Equal(t, j.String(), "tenant session early:s1<nil> early:s1<nil> handler")
	j = journal{}
	s.Get("/acme/both").Problem(401)
	assert.Equal(t, j.String(), "tenant session")
	j = journal{}
	s.Get("/acme/both?early=1").Problem(401)
	assert.Equal(t, j.count("session"), 1, "calls of a provider that fails")
	j = journal{}
	s.Get("/acme/both?q=x", id).Problem(400)
	assert.Equal(t, j.String(), "", "providers called for an input that does not parse")
	s.Get("/a%2Fb/raw", id).Expect(200).ExpectText("s1a/b")
}

func TestProvideIsPerRequest(t *testing.T) {
	t.Parallel()
	n := 0
	r := tako.New()
	tako.Provide(r, func(context.Context, struct{}) (*tenant, error) { n++; return &tenant{fmt.Sprint(n)}, nil })
	tako.Get(r, "/", func(_ context.Context, in struct{ T *tenant }) (string, error) {
		in.T.name += "!"
		return in.T.name, nil
	})
	s := takotest.New(t, r)
	s.Get("/").ExpectText(`"1!"`)
	s.Get("/").ExpectText(`"2!"`)
}

func TestProvideFails(t *testing.T) {
	t.Parallel()
	recordLogs()
	r := tako.New()
	r.OnError(func(c *tako.Context, err error) error { c.Header().Set("X-Seen", "1"); return err })
	for name, fail := range map[string]func() (tenant, error){
		"error": func() (tenant, error) { return tenant{}, errBoom },
		"panic": func() (tenant, error) { panic(errBoom) },
	} {
		g := r.Group("/" + name)
		tako.Provide(g, func(context.Context, struct{}) (tenant, error) { return fail() })
		tako.Get(g, "/", func(context.Context, struct{ T tenant }) (struct{}, error) {
			t.Error("the handler runs")
			return struct{}{}, nil
		})
	}
	g := r.Group("/input")
	tako.Provide(g, func(context.Context, struct {
		N int `query:"n" required:"true"`
	}) (tenant, error) {
		return tenant{}, nil
	})
	tako.Get(g, "/", func(context.Context, struct{ T tenant }) (struct{}, error) { return struct{}{}, nil })
	r.Get("/nobody", func(c *tako.Context) error {
		_, err := tako.Provided[session](c)
		assert.ErrorIs(t, err, tako.ErrAbsent)
		return err
	})
	s := takotest.New(t, r)
	s.Get("/error").Expect(500).ExpectHeader("X-Seen", "1")
	s.Get("/panic").Expect(500)
	s.Get("/input").Problem(422)
	s.Get("/input?n=x").Problem(400)
	s.Get("/input?n=1").Expect(204)
	s.Get("/nobody").Problem(500)
}

func TestOverride(t *testing.T) {
	t.Parallel()
	app := func() *tako.Router {
		r := tako.New()
		tako.Provide(r, func(context.Context, struct{}) (tenant, error) { return tenant{"root"}, nil })
		g := r.Group("/g")
		tako.Provide(g, func(context.Context, struct{}) (tenant, error) { return tenant{"group"}, nil })
		h := func(_ context.Context, in struct{ T tenant }) (string, error) { return in.T.name, nil }
		tako.Get(r, "/", h)
		tako.Get(g, "/", h)
		m := tako.New()
		tako.Provide(m, func(context.Context, struct{}) (tenant, error) { return tenant{"mounted"}, nil })
		tako.Get(m, "/", h)
		r.Mount("/m", m)
		return r
	}
	s := takotest.New(t, app())
	for path, want := range map[string]string{"/": "root", "/g": "group", "/m": "mounted"} {
		s.Get(path).Expect(200).ExpectText(`"` + want + `"`)
	}
	r := app()
	takotest.Provide(r, tenant{"test"})
	s = takotest.New(t, r)
	for _, path := range []string{"/", "/g", "/m"} {
		s.Get(path).Expect(200).ExpectText(`"test"`)
	}
}

func TestProvideMistakes(t *testing.T) {
	t.Parallel()
	type a struct{}
	type b struct{}
	for name, tt := range map[string]struct {
		register func(r *tako.Router)
		want     string
	}{
		"cycle": {func(r *tako.Router) {
			tako.Provide(r, func(context.Context, struct{ B b }) (a, error) { return a{}, nil })
			tako.Provide(r, func(context.Context, struct{ A a }) (b, error) { return b{}, nil })
		}, "need each other"},
		"twice": {func(r *tako.Router) {
			tako.Provide(r, func(context.Context, struct{}) (a, error) { return a{}, nil })
			tako.Provide(r, func(context.Context, struct{}) (a, error) { return a{}, nil })
		}, "provided twice"},
		"body": {func(r *tako.Router) {
			tako.Provide(r, func(context.Context, struct{ Body int }) (a, error) { return a{}, nil })
		}, "reads the request body"},
		"json": {func(r *tako.Router) {
			tako.Provide(r, func(context.Context, tako.JSON[int]) (a, error) { return a{}, nil })
		}, "reads the request body"},
		"context": {func(r *tako.Router) {
			tako.Provide(r, func(context.Context, struct{}) (*tako.Context, error) { return nil, nil })
		}, "cannot be provided"},
		"path": {func(r *tako.Router) {
			tako.Provide(r, func(context.Context, struct {
				X int `path:"x"`
			}) (a, error) {
				return a{}, nil
			})
		}, "does not have"},
		"missing": {func(r *tako.Router) {
			tako.Provide(r, func(context.Context, struct{ B b }) (a, error) { return a{}, nil })
		}, "no source"},
		"state": {func(r *tako.Router) {
			tako.Provide(r, func(context.Context, struct{ S tako.State[int] }) (a, error) { return a{}, nil })
		}, "supplied"},
		"inner": {func(r *tako.Router) {
			tako.Provide(r.Group("/g"), func(context.Context, struct{}) (a, error) { return a{}, nil })
			tako.Get(r, "/", func(context.Context, struct{ A a }) (struct{}, error) { return struct{}{}, nil })
		}, "no source"},
	} {
		r := tako.New()
		tt.register(r)
		err := r.Build()
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "provide_test.go:") {
			t.Errorf("%s: got %v, want a mistake with %q and the place", name, err, tt.want)
		}
	}
}
