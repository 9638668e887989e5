package playground_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/go-playground/validator/v10"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
	"github.com/tako-go/tako/validation/playground"
)

type line struct {
	Item  string `json:"item" validate:"required"`
	Count int    `json:"count" validate:"min=1,max=9"`
}

type order struct {
	Email string          `json:"email" validate:"required,email"`
	PIN   string          `json:"pin" validate:"len=4" secret:"true"`
	Lines []line          `json:"lines" validate:"required,dive"`
	Notes map[string]line `json:"notes" validate:"dive"`
}

type placeOrder struct {
	Shop string `path:"shop" validate:"alpha"`
	Page int    `query:"page" validate:"min=0"`
	Body order
}

func app() (*tako.Router, tako.Route[placeOrder, tako.NoContent]) {
	r := tako.New()
	r.Validator(playground.New(validator.New(validator.WithRequiredStructEnabled())))
	done := func(context.Context, placeOrder) (tako.NoContent, error) { return tako.NoContent{}, nil }
	tako.Post(r, "/json", func(_ context.Context, _ tako.JSON[order]) (tako.NoContent, error) { return tako.NoContent{}, nil })
	tako.Get(r, "/plain/{n}", func(_ context.Context, _ tako.Path[int]) (tako.NoContent, error) { return tako.NoContent{}, nil })
	return r, tako.Post(r, "/{shop}/orders", done)
}

func TestValid(t *testing.T) {
	r, place := app()
	s := takotest.New(t, r)
	in := placeOrder{Shop: "reef", Body: order{Email: "a@example.org", PIN: "1234", Lines: []line{{"fish", 1}}}}
	_, err := place.Do(t.Context(), s, in)
	assert.NoError(t, err)
}

// TestFailures has everything wrong that can be.
func TestFailures(t *testing.T) {
	r, place := app()
	s := takotest.New(t, r)
	in := placeOrder{Shop: "r3ef", Page: -1, Body: order{Email: "no", PIN: "secret", Lines: []line{{"fish", 1}, {"", 10}}, Notes: map[string]line{"a/b": {"x", 0}}}}
	_, err := place.Do(t.Context(), s, in)
	e, ok := errors.AsType[*tako.Error](err)
	assert.Equal(t, ok, true)
	assert.Equal(t, e.Status, http.StatusUnprocessableEntity)
	got := map[string]tako.FieldError{}
	for _, f := range e.Fields {
		got[f.In+" "+f.Name] = f
	}
	assert.Equal(t, len(got), 7)
	assert.Equal(t, got["path shop"].Rule, "alpha")
	assert.Equal(t, got["query page"].Detail, "breaks the rule min=0")
	assert.Equal(t, got["query page"].Value, any(-1.0))
	assert.Equal(t, got["body /email"].Value, any("no"))
	assert.Equal(t, got["body /pin"].Rule, "len")
	assert.Equal(t, got["body /pin"].Value, nil)
	assert.Equal(t, got["body /lines/1/item"].Detail, "is required")
	assert.Equal(t, got["body /lines/1/count"].Rule, "max")
	assert.Equal(t, got["body /notes/a~1b/count"].Rule, "min")
}

func TestOtherInputs(t *testing.T) {
	r, _ := app()
	s := takotest.New(t, r)
	s.Get("/plain/7").Expect(204)
	var e tako.Error
	s.Post("/json", takotest.Body("application/json", `{"email":"no","pin":"1234","lines":[{"item":"a","count":1}]}`)).Expect(422).JSON(&e)
	assert.Equal(t, e.Fields[0].Name, "/email")
}

type login struct {
	Password string `json:"password" validate:"min=10" secret:"true"`
}

type generic[T any] struct{ Body T }

type members struct {
	Body struct {
		M map[string]login `json:"m" validate:"dive"`
	}
}

// TestSecrets has inputs whose types have no name, type arguments, or keys that look like
// a part of the way.
func TestSecrets(t *testing.T) {
	r := tako.New()
	r.Validator(playground.New(validator.New(validator.WithRequiredStructEnabled())))
	tako.Post(r, "/anonymous", func(context.Context, struct{ Body login }) (string, error) { return "", nil })
	tako.Post(r, "/generic", func(context.Context, generic[login]) (string, error) { return "", nil })
	tako.Post(r, "/members", func(context.Context, members) (string, error) { return "", nil })
	tako.Post(r, "/fields", func(context.Context, struct {
		Session string `cookie:"s" validate:"min=20"`
		Auth    string `header:"Authorization" validate:"min=20"`
	}) (string, error) {
		return "", nil
	})
	s := takotest.New(t, r)
	for _, tt := range []struct{ path, body, name string }{
		{"/anonymous", `{"password":"hunter2"}`, "/password"},
		{"/generic", `{"password":"hunter2"}`, "/password"},
		{"/members", `{"m":{"a":{"password":"hunter2"}}}`, "/m/a/password"},
		{"/members", `{"m":{"a.b":{"password":"hunter2"}}}`, "/m/a.b/password"},
		{"/members", `{"m":{"a].b[c":{"password":"hunter2"}}}`, "/m/a].b[c/password"},
		{"/fields", `{}`, "s"},
	} {
		resp := s.Post(tt.path, takotest.Body("application/json", tt.body), takotest.Cookie("s", "hunter2"), takotest.Header("Authorization", "Bearer hunter2")).Expect(422)
		assert.Equal(t, strings.Contains(resp.Text, "hunter2"), false, tt.body)
		var e tako.Error
		resp.JSON(&e)
		assert.Equal(t, e.Fields[0].Name, tt.name)
	}
}
