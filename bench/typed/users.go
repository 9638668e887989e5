package main

import "strings"

// newUser is the body of the request. The tags say the same to each contender:
// those of JSON Schema are for Tako and huma, the others for validator/v10.
type newUser struct {
	Name  string `json:"name" required:"true" minLength:"1" maxLength:"100" validate:"required,min=1,max=100" binding:"required,min=1,max=100"`
	Email string `json:"email" required:"true" format:"email" validate:"required,email" binding:"required,email"`
	Age   int    `json:"age" minimum:"0" maximum:"150" validate:"min=0,max=150" binding:"min=0,max=150"`
}

// user is the answer.
type user struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
	Age   int    `json:"age"`
}

// What the request that is measured consists of.
const (
	goodPath   = "/users/42?q=tentacles"
	goodQuery  = "tentacles"
	goodTrace  = "4bf92f3577b34da6"
	goodBody   = `{"name":"octopus","email":"octopus@sea.example","age":117}`
	goodAnswer = `{"id":42,"name":"octopus","email":"octopus@sea.example","age":117}`
)

// users is what is behind all contenders.
type users struct{ put int }

// replace counts the calls that have brought the whole request.
func (s *users) replace(id int64, q, trace string, u newUser) user {
	if q == goodQuery && trace == goodTrace {
		s.put++
	}
	return user{id, u.Name, u.Email, u.Age}
}

// problems lists what is wrong, all of it.
type problems []string

func (p *problems) add(field, what string) { *p = append(*p, field+" "+what) }

func (p problems) String() string { return strings.Join(p, "; ") }

// looksLikeEmail is as little as one can check by hand.
func looksLikeEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && strings.IndexByte(domain, '.') > 0 &&
		!strings.HasSuffix(domain, ".") && !strings.ContainsAny(s, " \t\r\n,;<>\"")
}
