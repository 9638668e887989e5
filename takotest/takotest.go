// Package takotest helps to test services built with tako: it calls an app in
// memory or on a real socket, records responses, and stands in for proxies.
//
//	srv := takotest.New(t, app())
//	srv.Get("/users/7").Expect(200).JSON(&user)
//
// From the first use on, a Context that is used after its handler returned panics
// in the whole test process.
package takotest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/lifetime"
	"github.com/tako-go/tako/runtime/std"
)

// Server is an app under test. It is an [http.RoundTripper], for typed calls:
//
//	user, err := getUser.Do(t.Context(), srv, GetUser{ID: 7})
//
// It may be used by several goroutines, except for the helpers that fail the test.
type Server struct {
	// URL is the base of the server, without a slash at its end.
	URL string
	// Client follows no redirects and keeps no cookies.
	Client *http.Client

	t  testing.TB
	rt http.RoundTripper
}

var _ http.RoundTripper = (*Server)(nil)

// New serves app in memory: no socket and no runtime, the router alone. It fails
// the test if the app has registration mistakes.
func New(t testing.TB, app tako.App) *Server {
	t.Helper()
	lifetime.Strict()
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	return newServer(t, "http://app.test", memory{app})
}

// Serve serves app on the std runtime, on a loopback port, until the test ends.
func Serve(t testing.TB, app tako.App) *Server {
	t.Helper()
	return Run(t, std.New(app, std.Config{Addr: "127.0.0.1:0"}))
}

// Run runs a server of any runtime until the test ends. It has to be configured
// for a TCP port; take 127.0.0.1:0. Requests that are under way when the test ends
// get five seconds.
func Run(t testing.TB, server tako.Server) *Server {
	t.Helper()
	lifetime.Strict()
	if err := server.Listen(context.Background()); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if report, err := server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v (%v)", err, report)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return newServer(t, "http://"+server.Addr().String(), transport)
}

func newServer(t testing.TB, url string, rt http.RoundTripper) *Server {
	s := &Server{URL: url, t: t, rt: rt}
	s.Client = &http.Client{Transport: s, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return s
}

// RoundTrip sends a request to the app, whatever host its URL names; the Host
// field stays as it is.
func (s *Server) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, ok := s.rt.(memory); ok {
		return s.rt.RoundTrip(req)
	}
	target := s.URL[len("http://"):]
	if req.URL.Host != target || req.URL.Scheme != "http" {
		clone := req.Clone(req.Context())
		if clone.Host == "" {
			clone.Host = req.URL.Host
		}
		clone.URL.Scheme, clone.URL.Host = "http", target
		req = clone
	}
	return s.rt.RoundTrip(req)
}

// Dial opens a raw connection to the server, for bytes that no client would send.
// It fails the test on a server in memory.
func (s *Server) Dial() net.Conn {
	s.t.Helper()
	if _, ok := s.rt.(memory); ok {
		s.t.Fatal("takotest: a server in memory has no socket, use Serve or Run")
	}
	conn, err := net.Dial("tcp", s.URL[len("http://"):])
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.t.Log(err)
		}
	})
	return conn
}
