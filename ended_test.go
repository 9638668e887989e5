package tako_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// What has begun ends well by ErrEnded; where nothing was begun it is an error.
func TestErrEnded(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Log(slog.New(slog.DiscardHandler))
	var told []tako.Outcome
	app.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.OnDone(func(o tako.Outcome) { told = append(told, o) })
			return next(c)
		}
	})
	begun := func(c *tako.Context) error {
		if _, err := c.WriteString("begun"); err != nil {
			return err
		}
		return fmt.Errorf("stream: %w", tako.ErrEnded)
	}
	app.Get("/begun", begun)
	app.Get("/between", begun, tako.With(tako.Std(func(next http.Handler) http.Handler { return next })))
	app.Get("/never", func(*tako.Context) error { return tako.ErrEnded })
	app.Get("/other", func(c *tako.Context) error {
		_, err := c.WriteString("begun")
		return errors.Join(err, errors.New("broken"))
	})
	s := takotest.New(t, app)
	s.Get("/begun").Expect(200).ExpectText("begun")
	s.Get("/between").Expect(200).ExpectText("begun")
	for _, o := range told {
		assert.Equal(t, o.Aborted, false, o.Pattern)
		assert.NoError(t, o.Err, o.Pattern)
	}
	s.Get("/never").Expect(500)
	told = nil
	s.Get("/other")
	assert.Equal(t, len(told) == 1 && told[0].Aborted, true, "other errors break off")
}
