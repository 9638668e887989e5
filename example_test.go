package tako_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/tako-go/tako"
)

// show prints how app answers a request.
func show(app tako.App, method, target string) {
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
}

func Example() {
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(200, "Hello, World!") })
	app.Get("/hello/{name}", func(c *tako.Context) error {
		return c.Text(200, "Hello, "+c.Param("name")+"!")
	})
	if err := app.Build(); err != nil {
		fmt.Println(err)
		return
	}
	show(app, "GET", "/")
	show(app, "GET", "/hello/Ada%20L.")
	show(app, "POST", "/")
	// Output:
	// 200 Hello, World!
	// 200 Hello, Ada L.!
	// 405 {"status":405,"title":"Method Not Allowed"}
}

// The fields of the input say where each value comes from.
func ExampleGet() {
	type getUser struct {
		ID    int64 `path:"id"`
		Limit int   `query:"limit" default:"20"`
	}
	type user struct {
		ID    int64 `json:"id"`
		Posts int   `json:"posts"`
	}
	app := tako.New()
	get := tako.Get(app, "/users/{id}", func(ctx context.Context, in getUser) (user, error) {
		if in.ID == 0 {
			return user{}, tako.NotFound("no user %d", in.ID)
		}
		return user{ID: in.ID, Posts: in.Limit}, nil
	})
	show(app, "GET", "/users/7")
	show(app, "GET", "/users/7?limit=5")
	show(app, "GET", "/users/0")
	show(app, "GET", "/users/me")
	fmt.Println(get.URL(getUser{ID: 7, Limit: 3}))
	// Output:
	// 200 {"id":7,"posts":20}
	// 200 {"id":7,"posts":5}
	// 404 {"detail":"no user 0","status":404,"title":"Not Found"}
	// 400 {"detail":"path parameter id is not an integer","errors":[{"in":"path","name":"id","detail":"is not an integer"}],"status":400,"title":"Bad Request"}
	// /users/7?limit=3 <nil>
}

// A group has a prefix and middleware of its own.
func ExampleRouter_Group() {
	onlyWithKey := func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if c.Query("key") != "open sesame" {
				return tako.Forbidden("the key is missing")
			}
			return next(c)
		}
	}
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(200, "for all") })
	cave := app.Group("/cave", onlyWithKey)
	cave.Get("/gold", func(c *tako.Context) error { return c.Text(200, "gold") })
	show(app, "GET", "/")
	show(app, "GET", "/cave/gold")
	show(app, "GET", "/cave/gold?key=open+sesame")
	show(app, "GET", "/cave/nothing")
	// Output:
	// 200 for all
	// 403 {"detail":"the key is missing","status":403,"title":"Forbidden"}
	// 200 gold
	// 403 {"detail":"the key is missing","status":403,"title":"Forbidden"}
}

// An error handler renders what it knows and leaves the rest to the next one out.
func ExampleRouter_OnError() {
	errSoldOut := errors.New("sold out")
	app := tako.New()
	app.OnError(func(c *tako.Context, err error) error {
		if errors.Is(err, errSoldOut) {
			return c.Text(409, "Sorry, all gone.")
		}
		return err
	})
	app.Get("/tickets", func(c *tako.Context) error { return fmt.Errorf("buy: %w", errSoldOut) })
	show(app, "GET", "/tickets")
	show(app, "GET", "/elsewhere")
	// Output:
	// 409 Sorry, all gone.
	// 404 {"status":404,"title":"Not Found"}
}

// Hold gives middleware the whole response before it is sent.
func ExampleContext_Hold() {
	withLength := func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.Hold(1<<20, func(head *tako.Head, body []byte) error {
				head.Header.Set("X-Lines", fmt.Sprint(bytes.Count(body, []byte("\n"))))
				return nil
			})
			return next(c)
		}
	}
	app := tako.New()
	app.Use(withLength)
	app.Get("/", func(c *tako.Context) error { return c.Text(200, "one\ntwo\n") })
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code, w.Header().Get("X-Lines"))
	// Output:
	// 200 2
}

// All mistakes of registration come back together, each with its place.
func ExampleRouter_Build() {
	app := tako.New()
	app.Get("/users/{id}/{id}", func(c *tako.Context) error { return nil })
	app.Get("/nil", nil)
	err := app.Build()
	var mistakes tako.RegistrationErrors
	if errors.As(err, &mistakes) {
		for _, m := range mistakes {
			fmt.Println(m.Message)
		}
	}
	// Output:
	// pattern "/users/{id}/{id}": pattern has parameter "id" twice
	// GET /nil: handler is nil: give a function
}
