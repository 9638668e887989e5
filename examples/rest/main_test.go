package main

import (
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/takotest"
)

func TestShelf(t *testing.T) {
	srv := takotest.New(t, app())
	ada, emma := takotest.Bearer("ada"), takotest.JSON(newBook{"Emma", 1815})

	var books []book
	srv.Get("/books?search=MILLE").Expect(200).JSON(&books)
	if len(books) != 1 || books[0].Year != 1870 {
		t.Errorf("got %+v", books)
	}
	srv.Get("/books?search=emma").Expect(200).ExpectText("[]")

	want := book{2, "Emma", 1815, "Ada"}
	var got book
	srv.Post("/books", ada, emma).Expect(201).ExpectHeader("Location", "/books/2").JSON(&got)
	if got != want {
		t.Errorf("added %+v, want %+v", got, want)
	}
	srv.Get("/books/2").Expect(200).JSON(&got)
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want.Year = 1816
	srv.Put("/books/2", takotest.Bearer("jorge"), takotest.JSON(newBook{"Emma", 1816})).Expect(200).JSON(&got)
	if got != want {
		t.Errorf("corrected to %+v, want %+v", got, want)
	}
	srv.Delete("/books/2", ada).Expect(204)
	srv.Get("/books/2").Problem(404)
}

func TestProblems(t *testing.T) {
	srv := takotest.New(t, app())
	ada := takotest.Bearer("ada")
	srv.Post("/books", ada, takotest.JSON(newBook{Title: "Emma"})).Expect(201)
	tests := []struct {
		name, method, target string
		edits                []takotest.Edit
		want                 tako.Error
		parts                string // of the input, that were wrong
	}{
		{"no book", "GET", "/books/99", nil, tako.Error{Status: 404, Type: "/problems/no-book"}, ""},
		{"no number", "GET", "/books/two", nil, tako.Error{Status: 400}, "path id"},
		{"bad limit", "GET", "/books?limit=x", nil, tako.Error{Status: 400}, "query limit"},
		{"twice", "POST", "/books", []takotest.Edit{ada, takotest.JSON(newBook{Title: "EMMA"})}, tako.Error{Status: 409, Type: "/problems/twice"}, ""},
		{"invalid", "POST", "/books", []takotest.Edit{ada, takotest.JSON(newBook{Year: 9999})}, tako.Error{Status: 422}, "body /title, body /year"},
		{"malformed", "POST", "/books", []takotest.Edit{ada, takotest.Body("application/json", "{")}, tako.Error{Status: 400}, ""},
		{"no JSON", "POST", "/books", []takotest.Edit{ada, takotest.Body("text/plain", "Emma")}, tako.Error{Status: 415}, ""},
		{"nobody adds", "POST", "/books", []takotest.Edit{takotest.JSON(newBook{Title: "Persuasion"})}, tako.Error{Status: 401}, ""},
		{"nobody removes", "DELETE", "/books/1", nil, tako.Error{Status: 401}, ""},
		{"other method", "PATCH", "/books/1", []takotest.Edit{ada}, tako.Error{Status: 405}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := srv.Do(tt.method, tt.target, tt.edits...)
			got := resp.Problem(tt.want.Status)
			if got.Type != tt.want.Type {
				t.Errorf("got type %q, want %q", got.Type, tt.want.Type)
			}
			var parts []string
			for _, f := range got.Fields {
				parts = append(parts, f.In+" "+f.Name)
			}
			if all := strings.Join(parts, ", "); all != tt.parts {
				t.Errorf("got wrong parts %q, want %q", all, tt.parts)
			}
			if challenge := resp.Header.Get("Www-Authenticate"); (challenge != "") != (tt.want.Status == 401) {
				t.Errorf("got challenge %q", challenge)
			}
		})
	}
}
