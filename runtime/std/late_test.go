package std_test

import (
	"log/slog"
	"net"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/runtimetest"
	"github.com/tako-go/tako/runtime/std"
)

// Whether the shutdown sees its end or that of the connections first is chance.
func TestAcceptedLate(t *testing.T) {
	for range 5 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			runtimetest.AcceptedLate(t, func(ln net.Listener) tako.Server {
				app := tako.New()
				app.Get("/", func(c *tako.Context) error { return c.Text(200, "served") })
				return std.New(app, std.Config{Listener: ln, Log: slog.New(slog.DiscardHandler)})
			})
		})
	}
}
