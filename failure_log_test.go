package tako_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func TestRouterLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := tako.New()
	r.Log(slog.New(slog.NewTextHandler(&out, nil)))
	r.Get("/", func(*tako.Context) error { return errors.New("broken inside") })
	got := takotest.New(t, r).Get("/").Problem(500)
	assert.Equal(t, got.Detail, "")
	assert.Contains(t, out.String(), "broken inside")

	other := tako.New()
	other.Group("/a").Log(slog.Default())
	assert.Contains(t, other.Build().Error(), "not on a group")
}
