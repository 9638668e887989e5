package main

import (
	"context"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/account"
	"github.com/tako-go/tako/extract"
)

const challenge = `Bearer realm="reef"`

// realm is what clients are told they sign in to.
type realm struct{}

func (realm) Realm() string { return "reef" }

// principal is who is signed in. Handlers that have one among their inputs cannot
// be reached by others, and are documented as such.
type principal struct {
	account.User
	token string
}

func (s *service) authenticate(_ context.Context, in extract.BearerFor[realm]) (principal, error) {
	u, err := s.accounts.ByToken(in.Token)
	if err != nil {
		refusal := in.Refuse(err)
		refusal.Detail = "the session has ended, sign in again"
		return principal{}, refusal
	}
	return principal{u, in.Token}, nil
}

// credentials have rules for new accounts; who signs in wrongly is refused anyway.
type credentials struct {
	Name     string `json:"name" required:"true" pattern:"^[a-z][a-z0-9_-]{1,23}$" doc:"2 to 24 of a-z, 0-9, - and _, a letter first" example:"nemo"`
	Password string `json:"password" required:"true" minLength:"8" maxLength:"200" secret:"true" example:"eight arms"`
}

type signedIn struct {
	Token string       `json:"token" required:"true" doc:"for the field Authorization, behind Bearer"`
	User  account.User `json:"user" required:"true"`
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

func (s *service) signOut(_ context.Context, in struct{ Me principal }) (tako.NoContent, error) {
	s.accounts.SignOut(in.Me.token)
	return tako.NoContent{}, nil
}

type byName struct {
	Name string `path:"name" doc:"name of a user" example:"octavia"`
}

func (s *service) profile(_ context.Context, in byName) (account.User, error) {
	return s.accounts.Get(in.Name)
}

func (s *service) me(_ context.Context, in struct{ Me principal }) (account.User, error) {
	return in.Me.User, nil
}

type aboutMe struct {
	About string `json:"about" required:"true" maxLength:"280" example:"eight arms, no plan"`
}

func (s *service) describeMe(_ context.Context, in struct {
	Me   principal
	Body aboutMe
}) (account.User, error) {
	return s.accounts.Describe(in.Me.Name, in.Body.About)
}

func (s *service) addAccounts(api *tako.Router) {
	tag := tako.Tags("accounts")
	s.profileAt = tako.Get(api, "/users/{name}", s.profile, tag, tako.Name("getUser"), tako.Summary("Profile of a user"),
		tako.Describe("What everybody may know of a user."), throws(account.ErrUnknown))
	tako.Post(api, "/users", s.signUp, tag, tako.Name("signUp"), tako.Summary("Sign up"),
		tako.Describe("Makes an account and signs in to it."), tako.Example(credentials{"nemo", "eight arms"}), throws(account.ErrTaken, account.ErrFull))
	tako.Post(api, "/sessions", s.signIn, tag, tako.Name("signIn"), tako.Summary("Sign in"),
		tako.Describe("Opens a session, which lasts a day. A user with eight loses the oldest."), throws(account.ErrRefused))
	tako.Delete(api, "/sessions/current", s.signOut, tag, tako.Name("signOut"), tako.Summary("Sign out"),
		tako.Describe("Ends the session whose token is sent."))
	tako.Get(api, "/me", s.me, tag, tako.Name("getMe"), tako.Summary("Who am I?"),
		tako.Describe("Profile of the user who is signed in."))
	tako.Patch(api, "/me", s.describeMe, tag, tako.Name("describeMe"), tako.Summary("Say something about me"),
		tako.Describe("Replaces the text about the user who is signed in."))
}
