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
	duration = flag.Duration("soak", 3*time.Second, "how long to soak all targets together")
	rotate   = flag.Duration("soak.rotation", 0, "how long each server and its heirs run (default 20 s)")
	only     = flag.String("soak.only", "", "the targets, by a part of their name")
)

const anyPort = "127.0.0.1:0"

// targets are all runtimes and pollers, each without TLS and with it.
func targets(tb testing.TB) (all []Target) {
	for _, secure := range []bool{false, true} {
		all = append(all, stdTarget(tb, secure), loopTarget(tb, "epoll", secure), loopTarget(tb, "io_uring", secure))
	}
	return all
}

func stdTarget(tb testing.TB, secure bool) Target {
	t := Target{Name: "std", Counts: func(s Server) (int64, int64) { return s.(*std.Server).Stats().Conns, 0 }}
	certs := t.secure(tb, secure)
	t.New = func(app tako.App, ln net.Listener, bounds Bounds, log *slog.Logger) Server {
		return std.New(app, std.Config{Addr: anyPort, Listener: ln, Limits: bounds.Limits, HTTP2: bounds.HTTP2, Certs: certs, Log: log})
	}
	return t
}

func loopTarget(tb testing.TB, poller string, secure bool) Target {
	t := Target{Name: "loop/" + poller, Counts: func(s Server) (int64, int64) {
		stats := s.(*loop.Server).Stats()
		return stats.Conns, stats.Handovers
	}}
	certs := t.secure(tb, secure)
	t.New = func(app tako.App, ln net.Listener, bounds Bounds, log *slog.Logger) Server {
		return loop.New(app, loop.Config{Addr: anyPort, Listener: ln, Limits: bounds.Limits, HTTP2: bounds.HTTP2, Certs: certs, Log: log, Poller: poller, Loops: 2})
	}
	return t
}

// secure returns nil certificates for a target that does without TLS.
func (t *Target) secure(tb testing.TB, secure bool) tako.Certs {
	if !secure {
		return nil
	}
	r, certs := newRenewed(tb)
	t.Name += "+tls"
	t.Renew = r.renew
	return certs
}

func quiet(tb testing.TB) {
	old := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // handlers that panic are among the routes
	tb.Cleanup(func() { slog.SetDefault(old) })
}

// usable leaves out what this system does not have.
func usable(tb testing.TB) (all []Target) {
	for _, t := range targets(tb) {
		if !strings.Contains(t.Name, *only) {
			continue
		}
		s := t.New(tako.New(), nil, Bounds{}, slog.New(slog.DiscardHandler))
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
