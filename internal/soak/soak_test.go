package soak

import (
	"errors"
	"flag"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
)

var (
	duration = flag.Duration("soak", 5*time.Second, "how long to soak all targets together")
	rotate   = flag.Duration("soak.rotation", 0, "how long each server and its heirs run (default 20 s)")
	only     = flag.String("soak.only", "", "the targets, by a part of their name")
)

const anyPort = "127.0.0.1:0"

func targets() []Target {
	all := []Target{{
		Name: "std",
		New: func(app tako.App, ln net.Listener, limits tako.Limits, log *slog.Logger) Server {
			return std.New(app, std.Config{Addr: anyPort, Listener: ln, Limits: limits, Log: log})
		},
		Counts: func(s Server) (int64, int64) { return s.(*std.Server).Stats().Conns, 0 },
	}}
	for _, poller := range []string{"epoll", "io_uring"} {
		all = append(all, Target{
			Name: "loop/" + poller,
			New: func(app tako.App, ln net.Listener, limits tako.Limits, log *slog.Logger) Server {
				return loop.New(app, loop.Config{Addr: anyPort, Listener: ln, Limits: limits, Log: log, Poller: poller, Loops: 2})
			},
			Counts: func(s Server) (int64, int64) {
				stats := s.(*loop.Server).Stats()
				return stats.Conns, stats.Handovers
			},
		})
	}
	return all
}

func quiet(tb testing.TB) {
	old := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // handlers that panic are among the routes
	tb.Cleanup(func() { slog.SetDefault(old) })
}

// usable leaves out what this system does not have.
func usable(tb testing.TB) (all []Target) {
	for _, t := range targets() {
		if !strings.Contains(t.Name, *only) {
			continue
		}
		s := t.New(tako.New(), nil, tako.Limits{}, slog.New(slog.DiscardHandler))
		err := s.Listen(tb.Context())
		if err == nil {
			var files []*os.File
			files, err = s.Sockets()
			for _, f := range files {
				_ = f.Close()
			}
		}
		if errors.Is(err, errors.ErrUnsupported) {
			_, _ = s.Shutdown(tb.Context())
			tb.Logf("%s: %v", t.Name, err)
			continue
		}
		assert.NoError(tb, err, t.Name)
		_, err = s.Shutdown(tb.Context())
		assert.NoError(tb, err, t.Name)
		all = append(all, t)
	}
	return all
}

func TestSoak(t *testing.T) {
	quiet(t)
	all := usable(t)
	if len(all) == 0 {
		t.Skip("no such target")
	}
	Run(t, Config{Targets: all, Duration: *duration, Rotation: *rotate})
}
