package main

import (
	"context"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/account"
)

const challenge = `Bearer realm="reef"`

// principal is who is signed in. Handlers that have one among their inputs cannot
// be reached by others.
type principal struct{ account.User }

func (s *service) authenticate(_ context.Context, in bearer) (principal, error) {
	token := in.token()
	if token == "" {
		return principal{}, tako.Unauthorized(challenge, "sign in first")
	}
	u, err := s.accounts.ByToken(token)
	if err != nil {
		return principal{}, tako.Unauthorized(challenge+`, error="invalid_token"`, "the session has ended, sign in again")
	}
	return principal{u}, nil
}

type bearer struct {
	Authorization string `header:"Authorization"`
}

func (b bearer) token() string {
	if scheme, token, _ := strings.Cut(b.Authorization, " "); strings.EqualFold(scheme, "Bearer") {
		return token
	}
	return ""
}

// membersOnly answers others before their bodies are read.
func membersOnly(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		if _, err := tako.Provided[principal](c); err != nil {
			return err
		}
		return next(c)
	}
}

type credentials struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9_-]{1,23}$`)

// Validate checks what a new account needs; who signs in wrongly is refused anyway.
func (c credentials) Validate(context.Context) error {
	var faults faults
	faults.check(validName.MatchString(c.Name), "/name", "must be 2 to 24 of a-z, 0-9, - and _, a letter first")
	n := utf8.RuneCountInString(c.Password)
	faults.check(n >= 8 && len(c.Password) <= 200, "/password", "must have 8 to 200 characters")
	return faults.err()
}

// faults collects what is wrong with a body, to tell all of it at once.
type faults []tako.FieldError

func (f *faults) check(ok bool, pointer, detail string) {
	if !ok {
		*f = append(*f, tako.FieldError{In: "body", Name: pointer, Detail: detail})
	}
}

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	err := tako.Unprocessable("%s %s", strings.TrimPrefix((*f)[0].Name, "/"), (*f)[0].Detail)
	err.Fields = *f
	return err
}

type signedIn struct {
	Token string       `json:"token"`
	User  account.User `json:"user"`
}

func (s *service) signUp(_ context.Context, in tako.JSON[credentials]) (tako.Created[signedIn], error) {
	if _, err := s.accounts.SignUp(in.Value.Name, in.Value.Password); err != nil {
		return tako.Created[signedIn]{}, err
	}
	return s.open(in.Value)
}

func (s *service) signIn(_ context.Context, in tako.JSON[credentials]) (tako.Created[signedIn], error) {
	return s.open(in.Value)
}

func (s *service) open(with credentials) (r tako.Created[signedIn], err error) {
	r.Body.Token, r.Body.User, err = s.accounts.SignIn(with.Name, with.Password)
	if err != nil {
		return r, err
	}
	r.Location, err = s.profileAt.URL(byName{with.Name})
	return r, err
}

func (s *service) signOut(_ context.Context, in bearer) (tako.NoContent, error) {
	s.accounts.SignOut(in.token())
	return tako.NoContent{}, nil
}

type byName struct {
	Name string `path:"name" doc:"name of a user"`
}

func (s *service) profile(_ context.Context, in byName) (account.User, error) {
	return s.accounts.Get(in.Name)
}

func (s *service) me(_ context.Context, in struct{ Me principal }) (account.User, error) {
	return in.Me.User, nil
}

type aboutMe struct {
	About string `json:"about"`
}

// Validate bounds the text.
func (a aboutMe) Validate(context.Context) error {
	var faults faults
	faults.check(utf8.RuneCountInString(a.About) <= 280, "/about", "must have at most 280 characters")
	return faults.err()
}

func (s *service) describeMe(_ context.Context, in struct {
	Me   principal
	Body aboutMe
}) (account.User, error) {
	return s.accounts.Describe(in.Me.Name, in.Body.About)
}

func (s *service) addAccounts(api, members *tako.Router) {
	tag := tako.Tags("accounts")
	s.profileAt = tako.Get(api, "/users/{name}", s.profile, tag, tako.Summary("Profile of a user"))
	tako.Post(api, "/users", s.signUp, tag, tako.Summary("Sign up"))
	tako.Post(api, "/sessions", s.signIn, tag, tako.Summary("Sign in"))
	tako.Delete(members, "/sessions/current", s.signOut, tag, tako.Summary("Sign out"))
	tako.Get(members, "/me", s.me, tag, tako.Summary("Who am I?"))
	tako.Patch(members, "/me", s.describeMe, tag, tako.Summary("Say something about me"))
}
