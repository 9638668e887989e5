package extract

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// surroundings are ways for a handler to run on another Context than its middleware, and
// for a response to be held back.
func surroundings() map[string]func(r *tako.Router) {
	return map[string]func(r *tako.Router){
		"bare":    func(*tako.Router) {},
		"timeout": func(r *tako.Router) { r.Timeout(time.Minute) },
		"std": func(r *tako.Router) {
			r.Use(tako.Std(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { next.ServeHTTP(w, req) })
			}))
		},
		"held": func(r *tako.Router) {
			r.Use(func(next tako.Handler) tako.Handler {
				return func(c *tako.Context) error {
					c.Hold(1<<20, func(*tako.Head, []byte) error { return nil })
					return next(c)
				}
			})
		},
	}
}

// A handler that timed out still changes its jar while the answer is sent. The race
// detector looks on.
func TestCA03JarOutlivesATimeout(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Log(quiet())
	ended := make(chan struct{})
	r.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			jar, err := tako.Extract[CookieJar](c)
			assert.NoError(t, err)
			assert.NoError(t, jar.Set(Cookie{Name: "outer"}))
			return next(c)
		}
	})
	r.Get("/", func(c *tako.Context) error {
		defer close(ended)
		jar, err := tako.Extract[CookieJar](c)
		assert.NoError(t, err)
		<-c.Context().Done()
		for i := range 100 {
			_ = jar.Set(Cookie{Name: "inner", Value: string(rune('a' + i%26))})
			_, _ = jar.Get("inner")
		}
		return nil
	}, tako.Timeout(5*time.Millisecond))
	got := takotest.New(t, r).Get("/").Expect(503)
	<-ended
	assert.Equal(t, got.Header.Values("Set-Cookie"), []string{"outer=; Path=/; HttpOnly; SameSite=Lax"})
}

// The answer to a timeout has the changes of those around the handler, before it and after it, and
// none of its own.
func TestCA03ChangesAroundATimeout(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Log(quiet())
	ended := make(chan struct{}, 1)
	r.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			jar, err := tako.Extract[CookieJar](c)
			assert.NoError(t, err)
			if c.Query("around") == "" {
				return next(c)
			}
			assert.NoError(t, jar.Set(Cookie{Name: "both", Value: "outer"}))
			failed := next(c)
			assert.NoError(t, jar.Set(Cookie{Name: "outer"}))
			return failed
		}
	})
	r.Get("/", func(c *tako.Context) error {
		defer func() { ended <- struct{}{} }()
		jar, err := tako.Extract[CookieJar](c)
		assert.NoError(t, err)
		assert.NoError(t, jar.Set(Cookie{Name: "inner"}))
		assert.NoError(t, jar.Set(Cookie{Name: "both", Value: "inner"}))
		assert.NoError(t, c.SetCookie(&http.Cookie{Name: "hand"}))
		<-c.Context().Done()
		return nil
	}, tako.Timeout(500*time.Millisecond))
	s := takotest.New(t, r)
	assert.Equal(t, s.Get("/").Expect(503).Header.Values("Set-Cookie"), []string(nil))
	<-ended
	got := s.Get("/?around=1").Expect(503)
	<-ended
	const rest = "; Path=/; HttpOnly; SameSite=Lax"
	assert.Equal(t, got.Header.Values("Set-Cookie"), []string{"both=outer" + rest, "outer=" + rest})
}

// TestCA03ChangesWithinATimeout: the last change counts where the handler has answered in time, and
// where it is called again after it has not.
func TestCA03ChangesWithinATimeout(t *testing.T) {
	t.Parallel()
	set := func(c *tako.Context, value string) {
		jar, err := tako.Extract[CookieJar](c)
		assert.NoError(t, err)
		assert.NoError(t, jar.Set(Cookie{Name: "a", Value: value}))
	}
	around := func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			set(c, "before")
			err := next(c)
			if !c.HeadSent() {
				set(c, "after")
			}
			return err
		}
	}
	ended := make(chan struct{})
	r := tako.New()
	r.Log(quiet())
	r.Use(around)
	r.Get("/answers", func(c *tako.Context) error { set(c, "inner"); return c.NoContent() }, tako.Timeout(time.Minute))
	r.Get("/fails", func(c *tako.Context) error { set(c, "inner"); return tako.BadRequest("no") }, tako.Timeout(time.Minute))
	r.Get("/again", func(c *tako.Context) error {
		err := c.RunTimeout(time.Millisecond, func(c *tako.Context) error {
			defer close(ended)
			set(c, "late")
			<-c.Context().Done()
			return nil
		})
		assert.ErrorIs(t, err, tako.ErrTimeout)
		<-ended
		return c.RunTimeout(time.Minute, func(c *tako.Context) error { set(c, "again"); return c.NoContent() })
	})
	s := takotest.New(t, r)
	for path, want := range map[string]string{"/answers": "inner", "/fails": "after", "/again": "again"} {
		got := s.Get(path).Header.Values("Set-Cookie")
		assert.Equal(t, got, []string{"a=" + want + "; Path=/; HttpOnly; SameSite=Lax"}, path)
	}
}

// A jar that is kept writes nothing into the response of somebody else, whose Context may
// be the same memory.
func TestCA03KeptJar(t *testing.T) {
	t.Parallel()
	r := tako.New()
	var kept CookieJar
	r.Get("/first", func(c *tako.Context) (err error) {
		kept, err = tako.Extract[CookieJar](c)
		return err
	})
	r.Get("/second", func(c *tako.Context) error {
		assert.ErrorIs(t, kept.Set(Cookie{Name: "session", Value: "of-first"}), tako.ErrHeadSent)
		assert.ErrorIs(t, kept.Remove(Cookie{Name: "session"}), tako.ErrHeadSent)
		return c.NoContent()
	})
	for _, path := range []string{"/first", "/second"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		assert.Equal(t, w.Header().Values("Set-Cookie"), []string(nil))
	}
}
