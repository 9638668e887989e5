package tako_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
)

// offering is a server that can do one thing more.
type offering struct {
	*std.Server
	extra tako.Feature
}

func (o offering) Offers(f tako.Feature) bool { return f == o.extra || o.Server.Offers(f) }

// needing is an app with a route that needs these features.
func needing(features ...tako.Feature) *tako.Router {
	app := tako.New()
	app.Get("/plain", func(c *tako.Context) error { return nil })
	app.Get("/needs/{id}", func(c *tako.Context) error { return nil }, tako.Needs(features...))
	return app
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	local := std.Config{Addr: "127.0.0.1:0"}
	plain := func(app *tako.Router) tako.Server { return std.New(app, local) }
	onLoop := func(app *tako.Router) tako.Server { return loop.New(app, loop.Config{Addr: "127.0.0.1:0"}) }
	more := func(app *tako.Router) tako.Server {
		return offering{std.New(app, local), tako.NeedsWebTransport}
	}
	for _, test := range []struct {
		name    string
		needs   []tako.Feature
		servers []func(*tako.Router) tako.Server
		err     string // "" if they start
		logged  string
	}{
		{"nothing", nil, []func(*tako.Router) tako.Server{plain}, "", ""},
		{"what both can do", []tako.Feature{tako.NeedsUpgrade, tako.NeedsRawConn, tako.NeedsFullDuplex}, []func(*tako.Router) tako.Server{plain, onLoop}, "", ""},
		{"what one can do", []tako.Feature{tako.NeedsWebTransport}, []func(*tako.Router) tako.Server{plain, more}, "", "missing=WebTransport"},
		{"what none can do", []tako.Feature{tako.NeedsUpgrade, tako.NeedsWebTransport}, []func(*tako.Router) tako.Server{plain, onLoop},
			"no server offers what a route needs: GET /needs/{id} needs WebTransport (", "missing=WebTransport"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			app := needing(test.needs...)
			ctx, cancel := context.WithCancel(t.Context())
			var servers []tako.Server
			for _, make := range test.servers {
				servers = append(servers, make(app))
			}
			runner := tako.Runner{Log: slog.New(slog.NewTextHandler(&log, nil)), Signals: []os.Signal{}, Reload: []os.Signal{}, Handover: []os.Signal{}, OnListen: cancel}
			_, err := runner.Run(ctx, servers...)
			if test.err == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorIs(t, err, tako.ErrUnserved)
				assert.Equal(t, strings.Contains(fmt.Sprint(err), test.err), true, fmt.Sprint(err))
				for _, s := range servers {
					assert.Equal(t, s.Serve(), nil, "it was shut down")
				}
			}
			assert.Equal(t, strings.Contains(log.String(), test.logged), true, log.String())
			assert.Equal(t, strings.Contains(log.String(), "cannot be served here"), test.logged != "")
		})
	}
	app := needing(tako.NeedsUpgrade)
	assert.NoError(t, app.Build())
	assert.Equal(t, fmt.Sprint(app.Routes()[1].Operation.Needs()), "[upgrade]")
	err := needing(tako.Feature(99)).Build()
	assert.Equal(t, strings.Contains(fmt.Sprint(err), "Needs(Feature(99)): there is no such feature"), true, fmt.Sprint(err))
}
