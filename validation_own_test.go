package tako_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// ticket is a parameter that checks itself.
type ticket string

func (t ticket) Validate(context.Context) error {
	switch t {
	case "bad":
		return errors.New("is no ticket")
	case "taken":
		return tako.Conflict("it is taken")
	case "down":
		return &os.PathError{Op: "open", Path: "/secret", Err: os.ErrNotExist}
	}
	return nil
}

// badge reads itself from text.
type badge struct{ text string }

func (b *badge) UnmarshalText(text []byte) error { b.text = string(text); return nil }
func (b badge) Validate(ctx context.Context) error {
	return ticket(b.text).Validate(ctx)
}

type kindOfTicket string

func (kindOfTicket) Enum() []kindOfTicket { return []kindOfTicket{"day", "week"} }

type ticketForm struct {
	T ticket `form:"t" maxLength:"5"`
}

// TestParamsValidate calls the method of a parameter's own type, wherever it comes from.
func TestParamsValidate(t *testing.T) {
	t.Parallel()
	r := tako.New()
	done := tako.NoContent{}
	tako.Get(r, "/path/{t}", func(context.Context, struct {
		T ticket `path:"t"`
	}) (tako.NoContent, error) {
		return done, nil
	})
	tako.Get(r, "/badge/{t}", func(context.Context, struct {
		T badge `path:"t"`
	}) (tako.NoContent, error) {
		return done, nil
	})
	tako.Get(r, "/sole/{t}", func(context.Context, tako.Path[ticket]) (tako.NoContent, error) { return done, nil })
	tako.Get(r, "/kind/{t}", func(context.Context, tako.Path[kindOfTicket]) (tako.NoContent, error) { return done, nil })
	tako.Get(r, "/some", func(context.Context, struct {
		Q ticket   `query:"q" default:"bad"`
		P *ticket  `query:"p"`
		L []ticket `query:"l"`
		H ticket   `header:"X-T"`
		C ticket   `cookie:"t"`
	}) (tako.NoContent, error) {
		return done, nil
	})
	tako.Post(r, "/form", func(context.Context, tako.Form[ticketForm]) (tako.NoContent, error) { return done, nil })
	s := takotest.New(t, r)
	for path, want := range map[string]string{
		"/path/bad": "path t", "/badge/bad": "path t", "/sole/bad": "path t", "/kind/day?": "", "/kind/year": "path t",
		"/some": "", "/some?q=bad": "query q", "/some?p=bad": "query p", "/some?l=ok&l=bad": "query l", "/some?q=ok&p=ok": "",
	} {
		res := s.Get(path)
		if want == "" {
			res.Expect(204)
			continue
		}
		e := problemOf(t, res.Expect(422))
		assert.Equal(t, e.Fields[0].In+" "+e.Fields[0].Name, want, path)
	}
	for _, name := range []string{"X-T", "Cookie"} {
		e := problemOf(t, s.Get("/some", func(req *http.Request) {
			req.Header.Set(name, map[string]string{"X-T": "bad", "Cookie": "t=bad"}[name])
		}).Expect(422))
		assert.Equal(t, e.Fields[0].Detail+e.Fields[0].Rule, "is no ticketvalidate", name)
	}
	form := func(t string) takotest.Edit { return takotest.Form(url.Values{"t": {t}}) }
	assert.Equal(t, problemOf(t, s.Post("/form", form("bad")).Expect(422)).Fields[0].Name, "t")
	assert.Equal(t, problemOf(t, s.Post("/form", form("longer")).Expect(422)).Fields[0].Rule, "maxLength")
	s.Post("/form", form("taken")).Expect(409)
	s.Get("/path/taken").Expect(409)
	s.Get("/sole/taken").Expect(409)
	s.Get("/some?q=taken").Expect(409)
	if text := s.Get("/path/down").Expect(500).Text; strings.Contains(text, "secret") {
		t.Errorf("the error of a file is shown: %s", text)
	}
}

func problemOf(t *testing.T, res *takotest.Response) (e tako.Error) {
	t.Helper()
	assert.NoError(t, e.UnmarshalJSON([]byte(res.Text)))
	return e
}

// Paging and Sorting are embedded in inputs and bodies.
type (
	Paging struct {
		Page int `json:"page" query:"page"`
	}
	Sorting struct {
		Sort int `json:"sort" query:"sort"`
	}
	listing struct {
		Paging
		Sorting
	}
	search struct {
		Paging
		Word int `json:"word" query:"word"`
	}
	withBody struct {
		Sorting
		Body listing
	}
)

func refused(n int, what string) error {
	if n < 0 {
		return errors.New(what)
	}
	return nil
}

func (p Paging) Validate(context.Context) error   { return refused(p.Page, "no such page") }
func (s *Sorting) Validate(context.Context) error { return refused(s.Sort, "no such order") }
func (s search) Validate(context.Context) error   { return refused(s.Word, "no such word") }

// TestEmbeddedValidate has embedded structs that Go promotes no method of.
func TestEmbeddedValidate(t *testing.T) {
	t.Parallel()
	r := tako.New()
	done := tako.NoContent{}
	tako.Get(r, "/listing", func(context.Context, listing) (tako.NoContent, error) { return done, nil })
	tako.Get(r, "/query", func(context.Context, tako.Query[listing]) (tako.NoContent, error) { return done, nil })
	tako.Get(r, "/search", func(context.Context, search) (tako.NoContent, error) { return done, nil })
	tako.Post(r, "/body", func(context.Context, withBody) (tako.NoContent, error) { return done, nil })
	tako.Post(r, "/pointer", func(context.Context, struct{ Body *search }) (tako.NoContent, error) { return done, nil })
	tako.Post(r, "/json", func(context.Context, tako.JSON[[]search]) (tako.NoContent, error) { return done, nil })
	s := takotest.New(t, r)
	for path, want := range map[string]string{
		"/listing?page=-1": "no such page", "/listing?sort=-1": "no such order", "/query?page=-1": "no such page", "/query?sort=-1": "no such order",
		"/search?page=-1": "no such page", "/search?page=-1&word=-1": "no such page", "/search?word=-1": "no such word",
	} {
		assert.Equal(t, problemOf(t, s.Get(path).Expect(422)).Detail, want, path)
	}
	s.Get("/listing?page=1&sort=1").Expect(204)
	for _, tt := range []struct{ path, body, want string }{
		{"/body", `{"page":-1}`, "no such page"}, {"/body", `{"sort":-1}`, "no such order"}, {"/body?sort=-1", `{}`, "no such order"},
		{"/pointer", `{"page":-1}`, "no such page"}, {"/pointer", `{"word":-1}`, "no such word"},
		{"/json", `[{},{"page":-1}]`, "/1 of the body no such page"}, {"/json", `[{"word":-1}]`, "/0 of the body no such word"},
	} {
		assert.Equal(t, problemOf(t, s.Post(tt.path, takotest.Body("application/json", tt.body)).Expect(422)).Detail, tt.want, tt.path)
	}
}
