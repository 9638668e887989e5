// Command rest is a small REST service made of typed handlers: a bookshelf that
// anybody reads and librarians change. It shows inputs by tags, validation,
// errors as problem documents, and a provided value for who is asking.
//
//	go run ./examples/rest
//	curl localhost:8080/books
//	curl -H 'Authorization: Bearer ada' --json '{"title":"Emma","year":1815}' localhost:8080/books
//	curl localhost:8080/books/99
package main

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
)

// librarian is who may change the shelf. A handler that has one among its inputs
// cannot be reached without.
type librarian struct{ name string }

func authenticate(_ context.Context, in struct {
	Authorization string `header:"Authorization"`
}) (librarian, error) {
	token, ok := strings.CutPrefix(in.Authorization, "Bearer ")
	if name, known := librarians[token]; ok && known {
		return librarian{name}, nil
	}
	return librarian{}, tako.Unauthorized(`Bearer realm="books"`, "sign in to change the shelf")
}

// librarians by token; a real service checks signed tokens or asks its database.
var librarians = map[string]string{"ada": "Ada", "jorge": "Jorge"}

type byID struct {
	ID int64 `path:"id" doc:"number of the book"`
}

type newBook struct {
	Title string `json:"title"`
	Year  int    `json:"year"`
}

// Validate reports all that is wrong at once; the answer is a 422.
func (b newBook) Validate(context.Context) error {
	err := tako.Unprocessable("this is no book")
	if strings.TrimSpace(b.Title) == "" {
		err.Fields = append(err.Fields, tako.FieldError{In: "body", Name: "/title", Detail: "is missing"})
	}
	if latest := time.Now().Year() + 1; b.Year > latest {
		err.Fields = append(err.Fields, tako.FieldError{In: "body", Name: "/year", Detail: fmt.Sprintf("is later than %d", latest)})
	}
	if len(err.Fields) == 0 {
		return nil
	}
	return err
}

func app() *tako.Router {
	r := tako.New()
	tako.Provide(r, authenticate)
	s := &shelf{books: map[int64]book{}}
	s.put(book{Title: "Vingt mille lieues sous les mers", Year: 1870, AddedBy: "Ada"})
	books := r.Group("/books")
	tako.Get(books, "", s.list, tako.Summary("List the books"))
	get := tako.Get(books, "/{id}", s.get, tako.Summary("One book"), tako.Throws(errNoBook))
	tako.Post(books, "", func(_ context.Context, in struct {
		By   librarian
		Body newBook
	}) (tako.Created[book], error) {
		b, err := s.add(book{Title: in.Body.Title, Year: in.Body.Year, AddedBy: in.By.name})
		if err != nil {
			return tako.Created[book]{}, err
		}
		location, err := get.URL(byID{b.ID})
		return tako.Created[book]{Location: location, Body: b}, err
	}, tako.Summary("Add a book"), tako.Throws(errTwice))
	tako.Put(books, "/{id}", s.replace, tako.Summary("Correct a book"))
	tako.Delete(books, "/{id}", s.remove, tako.Summary("Remove a book"))
	return r
}

func main() {
	if _, err := tako.Run(context.Background(), std.New(app(), std.Config{})); err != nil {
		log.Fatal(err)
	}
}
