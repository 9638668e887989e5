package extract

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// knownUser is an extractor of a program, around Basic.
type knownUser struct{ Basic }

func (u *knownUser) Extract(c *tako.Context) error {
	if err := u.Basic.Extract(c); err != nil {
		return err
	}
	return u.Refuse(fmt.Errorf("no such user: %w", tako.ErrAbsent))
}

// Credentials that are refused are there: they make nobody an anonymous client.
func TestCA14RefusedIsNotAbsent(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such user")
	absent := fmt.Errorf("%w: %w", cause, tako.ErrAbsent)
	for name, e := range map[string]*tako.Error{"Basic": Basic{}.Refuse(absent), "BasicFor": BasicFor[oddRealm]{}.Refuse(absent),
		"Bearer": Bearer{}.Refuse(absent), "BearerFor": BearerFor[oddRealm]{}.Refuse(absent), "APIKey": APIKey{}.Refuse(absent),
		"APIKeyFrom": APIKeyFrom[xAPIKey]{}.Refuse(absent)} {
		assert.Equal(t, errors.Is(e, tako.ErrAbsent), false, name)
		assert.ErrorIs(t, e, cause, name)
	}
	r := tako.New()
	tako.Get(r, "/", func(_ context.Context, in struct{ User tako.Optional[knownUser] }) (bool, error) {
		return in.User.Present, nil
	})
	s := takotest.New(t, r)
	s.Get("/").Expect(200).ExpectText("false")
	s.Get("/", takotest.Header("Authorization", "Basic YTpi")).Expect(401)
}
