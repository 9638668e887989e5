package tako_test

import (
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	one, other := tako.NewKey[string]("same name"), tako.NewKey[string]("same name")
	nothing := tako.NewKey[error]("interface")
	for _, way := range passes {
		r := tako.New()
		r.Use(around(func(c *tako.Context) {
			if v, ok := one.Get(c); ok || v != "" {
				t.Errorf("got %q, %v before it is set", v, ok)
			}
			one.Set(c, "a")
			c.OnDone(func(tako.Outcome) {
				v, _ := one.Get(c)
				assert.Equal(t, v, "b", way.name)
			})
		}), way.mw(), middleware.RequestID())
		r.Get("/", func(c *tako.Context) error {
			v, ok := one.Get(c)
			assert.Equal(t, v, "a")
			assert.Equal(t, ok, true)
			if v, ok := other.Get(c); ok {
				t.Errorf("got %q of another key of the same name", v)
			}
			one.Set(c, "b")
			if v, ok := nothing.Get(c); ok || v != nil {
				t.Errorf("got %v, %v, want nothing", v, ok)
			}
			v, _ = one.Get(c)
			return c.Text(200, v+one.String())
		})
		s := takotest.New(t, r)
		s.Get("/").Expect(200).ExpectText("bsame name")
		s.Get("/").Expect(200).ExpectText("bsame name")
	}
}

func TestKeyOfNilInterface(t *testing.T) {
	t.Parallel()
	key := tako.NewKey[error]("err")
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		key.Set(c, nil)
		v, ok := key.Get(c)
		if v != nil || !ok {
			t.Errorf("got %v, %v, want nil that is there", v, ok)
		}
		return nil
	})
	takotest.New(t, r).Get("/").Expect(200)
}

func TestKeysOfOperations(t *testing.T) {
	t.Parallel()
	key := tako.NewKey[int]("n")
	with := func(n int) tako.Option { return func(op *tako.Operation) { key.On(op, n) } }
	r := tako.New()
	r.Get("/a", text("x"), with(1), with(2))
	r.Get("/b", func(c *tako.Context) error {
		if n, ok := key.Of(c.Route()); ok {
			t.Errorf("got %d of another operation", n)
		}
		return nil
	})
	s := takotest.New(t, r)
	s.Get("/b").Expect(200)
	n, ok := key.Of(r.Routes()[0].Operation)
	assert.Equal(t, n, 2)
	assert.Equal(t, ok, true)
}
