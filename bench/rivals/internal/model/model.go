// Package model holds the values that the Go rivals answer with. Inputs with
// tags of one framework live beside that framework's server.
package model

import (
	"strings"
	"unicode/utf8"
)

// Hello is the body of GET /.
const Hello = "Hello, World!"

// User is what GET /users/{id} and POST /users answer with.
type User struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
}

// Octopus is the user every id finds.
func Octopus(id int64) User { return User{ID: id, Name: "octopus"} }

// NewUser is the body of POST /users.
type NewUser struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Valid checks by hand, for frameworks that ship no validator.
func (u *NewUser) Valid() bool {
	n := utf8.RuneCountInString(u.Name)
	return n >= 1 && n <= 100 && strings.Contains(u.Email, "@")
}

// Created is the answer to a valid NewUser.
func (u *NewUser) Created() User { return User{ID: 1, Name: u.Name, Email: u.Email} }

// DefaultLimit is what GET /search uses when the query names none.
const DefaultLimit = 20

// Found is what GET /search answers with.
type Found struct {
	Q     string   `json:"q"`
	Limit int      `json:"limit"`
	Tags  []string `json:"tags"`
}
