package http2serve

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/dispatch"
	"github.com/tako-go/tako/internal/http2"
)

// Server is what the connections of a server share. Its fields are set before the
// first connection and not changed.
type Server struct {
	App      tako.App
	HTTP2    tako.HTTP2Config // with defaults
	Limits   tako.Limits      // with defaults
	Log      *slog.Logger
	Draining <-chan struct{}
	Classes  *dispatch.Classes
	Epoch    time.Time // what the clock counts from
	// Refused and TimedOut count for the statistics of the runtime, Served requests
	// on goroutines; it may be nil.
	Refused, TimedOut, Served *atomic.Int64
	// AltSvc is the Alt-Svc field of responses over TLS, "" for none; it may be nil.
	AltSvc func() string

	cfg  http2.Config
	tick int64 // how often connections with something under way are looked at, in milliseconds
	date dateCache
	byID routeTable
}

// Prepare makes s ready for connections.
func (s *Server) Prepare() {
	h, l := &s.HTTP2, &s.Limits
	s.cfg = http2.Config{Streams: h.Streams, Window: h.Window, MaxWindow: h.MaxWindow, SendBuffer: h.SendBuffer,
		HeaderTable: h.HeaderTable, Resets: h.Resets, Controls: h.Controls,
		HeaderBytes: l.HeaderBytes, HeaderFields: l.HeaderFields, WriteTimeout: max(l.WriteTimeout, 0), Connect: h.ExtendedConnect}
	shortest := 4 * time.Second
	for _, d := range []time.Duration{l.HeaderTimeout, l.IdleTimeout, l.WriteTimeout, h.SettingsTimeout, h.PingInterval, h.PingTimeout} {
		if d > 0 {
			shortest = min(shortest, d)
		}
	}
	s.tick = max(int64(shortest/4/time.Millisecond), 5)
}

// Now is the clock of connections, in milliseconds.
func (s *Server) Now() int64 { return int64(time.Since(s.Epoch) / time.Millisecond) }

// dateCache is the Date field of this second.
type dateCache struct{ last atomic.Pointer[datedSecond] }

type datedSecond struct {
	second int64
	value  string
}

func (d *dateCache) value(now time.Time) string {
	second := now.Unix()
	if last := d.last.Load(); last != nil && last.second == second {
		return last.value
	}
	next := &datedSecond{second, now.UTC().Format(http.TimeFormat)}
	d.last.Store(next)
	return next.value
}

// routeTable finds the class of a route without a lock.
type routeTable struct {
	mu  sync.Mutex
	all atomic.Pointer[[]routeEntry]
}

type routeEntry struct {
	ref   *tako.RouteRef
	class *dispatch.Class
}

func (t *routeTable) of(cs *dispatch.Classes, ref *tako.RouteRef) *dispatch.Class {
	if all := t.all.Load(); all != nil && ref.Index < len(*all) && (*all)[ref.Index].ref == ref {
		return (*all)[ref.Index].class
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var next []routeEntry
	if all := t.all.Load(); all != nil {
		next = append(next, *all...)
	}
	for ref.Index >= len(next) {
		next = append(next, routeEntry{})
	}
	next[ref.Index] = routeEntry{ref, cs.Of(ref)}
	t.all.Store(&next)
	return next[ref.Index].class
}

// Tick is how often a connection with something under way is looked at, in
// milliseconds.
func (s *Server) Tick() int64 { return s.tick }

// Preface tells whether a connection begins with that of HTTP/2, or may still do so.
func Preface(received []byte) (whole, part bool) {
	n := min(len(received), len(http2.Preface))
	if string(received[:n]) != http2.Preface[:n] {
		return false, false
	}
	return n == len(http2.Preface), n < len(http2.Preface)
}

// Broken counts and logs a connection that has ended because the client broke the protocol or
// a limit, and reports whether that is so.
func (s *Server) Broken(err error, info *tako.ConnInfo) bool {
	var broken *http2.ConnError
	if !errors.As(err, &broken) {
		return false
	}
	s.Refused.Add(1)
	s.Log.Info("connection refused", "peer", info.Remote, "code", broken.Code.String(), "reason", broken.Reason)
	return true
}
