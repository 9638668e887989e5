package main

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/tako-go/tako"
)

type book struct {
	ID      int64  `json:"id"`
	Title   string `json:"title"`
	Year    int    `json:"year,omitempty"`
	AddedBy string `json:"addedBy"`
}

// What the shelf answers with, as prototypes for the documentation and for
// errors.Is; the address of the type tells clients which is which.
var (
	errNoBook = &tako.Error{Status: http.StatusNotFound, Type: "/problems/no-book", Title: "No such book"}
	errTwice  = &tako.Error{Status: http.StatusConflict, Type: "/problems/twice", Title: "The book is there already"}
)

// shelf keeps the books in memory.
type shelf struct {
	mu    sync.Mutex
	last  int64
	books map[int64]book
}

func (s *shelf) put(b book) book {
	s.last++
	b.ID = s.last
	s.books[b.ID] = b
	return b
}

func (s *shelf) add(b book) (book, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, have := range s.books {
		if strings.EqualFold(have.Title, b.Title) {
			return book{}, errTwice
		}
	}
	return s.put(b), nil
}

func (s *shelf) list(_ context.Context, in struct {
	Search string `query:"search" doc:"part of the title"`
	Limit  int    `query:"limit" default:"20"`
}) ([]book, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []book{}
	for b := range maps.Values(s.books) {
		if strings.Contains(strings.ToLower(b.Title), strings.ToLower(in.Search)) {
			found = append(found, b)
		}
	}
	slices.SortFunc(found, func(a, b book) int { return cmp.Compare(a.ID, b.ID) })
	return found[:min(len(found), max(in.Limit, 0))], nil
}

func (s *shelf) get(_ context.Context, in byID) (book, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.books[in.ID]
	if !ok {
		return book{}, errNoBook
	}
	return b, nil
}

func (s *shelf) replace(_ context.Context, in struct {
	byID
	By   librarian
	Body newBook
}) (book, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.books[in.ID]
	if !ok {
		return book{}, errNoBook
	}
	b.Title, b.Year = in.Body.Title, in.Body.Year
	s.books[b.ID] = b
	return b, nil
}

func (s *shelf) remove(_ context.Context, in struct {
	byID
	By librarian
}) (tako.NoContent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.books[in.ID]; !ok {
		return tako.NoContent{}, errNoBook
	}
	delete(s.books, in.ID)
	return tako.NoContent{}, nil
}
