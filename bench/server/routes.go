package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/static"
)

// routes is the app. Files below dir are served unless it is empty.
func routes(dir string, live *rooms) *tako.Router {
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "Hello, World!") })
	tako.Get(r, "/users/{id}", getUser)
	tako.Post(r, "/users", createUser)
	tako.Get(r, "/search", search)
	r.Get("/sleep", sleep)
	r.Get("/spin", spin)
	r.Get("/bytes/{n}", sendBytes)
	r.Post("/upload", upload, tako.BodyLimit(maxUpload))
	live.mount(r)
	if dir != "" {
		static.Dir(r, "/static/", dir, static.Config{})
	}
	return r
}

type user struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
}

type userByID struct {
	ID int64 `path:"id"`
}

func getUser(_ context.Context, in userByID) (user, error) {
	return user{ID: in.ID, Name: "octopus"}, nil
}

type newUser struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

var (
	errName  = errors.New("name must have 1 to 100 characters")
	errEmail = errors.New("email must contain @")
)

// Validate is called by the framework once the body is decoded.
func (u *newUser) Validate(context.Context) error {
	if n := utf8.RuneCountInString(u.Name); n < 1 || n > 100 {
		return errName
	}
	if !strings.Contains(u.Email, "@") {
		return errEmail
	}
	return nil
}

type createInput struct {
	Body newUser
}

func createUser(_ context.Context, in createInput) (tako.Created[user], error) {
	created := user{ID: 1, Name: in.Body.Name, Email: in.Body.Email}
	return tako.Created[user]{Body: created}, nil
}

type searchQuery struct {
	Q     string   `query:"q"`
	Limit int      `query:"limit" default:"20"`
	Tags  []string `query:"tag"`
}

type found struct {
	Q     string   `json:"q"`
	Limit int      `json:"limit"`
	Tags  []string `json:"tags"`
}

func search(_ context.Context, in searchQuery) (found, error) {
	return found(in), nil
}
