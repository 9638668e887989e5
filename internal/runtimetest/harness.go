package runtimetest

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/transport"
)

// T is a case under way: the test it reports to, and the fault it has to notice.
type T struct {
	testing.TB
	target   Target
	fault    *fault   // nil in a plain run
	defaults *logBook // what went to the default logger
	patience time.Duration

	clientCert *tls.Certificate // of ordinary clients
	serverName string           // that they ask for in place of a.example
}

// planted reports whether the fault of this name is on. Cases use it for faults
// that cannot be planted from outside.
func (x *T) planted(name string) bool { return x.fault != nil && x.fault.name == name }

// setup is what a case needs of its server beyond routes.
type setup struct {
	limits tako.Limits
	http2  tako.HTTP2Config
	certs  tako.Certs                      // in place of those of ordinary cases, over TLS
	proxy  tako.ProxyConfig                // in place of that of the carrier
	greet  []byte                          // what ordinary clients send first
	addr   string                          // in place of a ready-made listener
	path   string                          // the same, of a Unix socket
	wrap   func(net.Listener) net.Listener // around the ready-made listener
	app    func(app *tako.Router) tako.App // what is served, the router itself by default
}

// server is a server that a case has started.
type server struct {
	tako.Server
	x       *T
	raw     tako.Server // without the wrappers of faults
	logs    *logBook
	served  chan error
	state   atomic.Int32 // running or ended
	greet   []byte       // what clients send first
	frayed  bool         // connections may be cut by the final shutdown
	unasked bool         // an ordinary client is refused
}

const (
	prepared int32 = iota
	running
	ended
)

// alivePath is the route of the common check. Faults leave it alone.
const alivePath = "/-/alive"

// serve starts a server with routes.
func (x *T) serve(limits tako.Limits, routes func(app *tako.Router)) *server {
	x.Helper()
	return x.serveWith(setup{limits: limits}, routes)
}

func (x *T) serveWith(o setup, routes func(app *tako.Router)) *server {
	x.Helper()
	s := x.prepare(o, routes)
	if err := s.Listen(context.Background()); err != nil {
		x.Fatalf("Listen: %v", err)
	}
	s.run()
	return s
}

// prepare makes a server that does not listen yet.
func (x *T) prepare(o setup, routes func(app *tako.Router)) *server {
	x.Helper()
	s := &server{x: x, logs: new(logBook), served: make(chan error, 1), greet: o.greet}
	app := tako.New()
	if x.fault != nil && x.fault.around != nil {
		app.Use(x.spoilt)
	}
	app.Get(alivePath, func(c *tako.Context) error { return c.Text(200, "alive") })
	if routes != nil {
		routes(app)
	}
	limits := o.limits
	if x.fault != nil && x.fault.limits != nil {
		x.fault.limits(&limits)
	}
	var ln net.Listener
	if o.addr == "" && x.target.Protocol == HTTP3 {
		o.addr = "127.0.0.1:0"
	}
	if o.path == "" && o.addr == "" && o.wrap == nil && x.carrier() == Unix {
		o.path = x.socketPath()
	}
	if o.addr == "" && o.path == "" {
		ln = x.listen()
		if o.wrap != nil {
			ln = o.wrap(ln)
		}
	}
	var served tako.App = app
	if o.app != nil {
		served = o.app(app)
	}
	cfg := ServerConfig{Addr: o.addr, Limits: limits, HTTP2: o.http2, Certs: o.certs, Proxy: x.proxyConfig(), Log: slog.New(s.logs)}
	if o.path != "" {
		cfg.Listen = transport.Unix(o.path, transport.UnixConfig{})
	}
	if o.proxy.Mode != tako.ProxyOff {
		cfg.Proxy = o.proxy
	}
	if x.fault != nil && x.fault.proxy != nil {
		x.fault.proxy(&cfg.Proxy)
	}
	if x.fault != nil && x.fault.http2 != nil {
		x.fault.http2(&cfg.HTTP2)
	}
	if x.secure() && cfg.Certs == nil {
		cfg.Certs = x.certs()
	}
	made, err := x.target.Start(cfg, served, ln)
	if err != nil {
		x.Fatalf("start: %v", err)
	}
	s.raw, s.Server = made, made
	if x.fault != nil && x.fault.server != nil {
		s.Server = x.fault.server(s.Server)
	}
	x.Cleanup(s.finish)
	return s
}

// spoilt is the middleware of the fault, which spares the common check.
func (x *T) spoilt(next tako.Handler) tako.Handler {
	bad := x.fault.around(next)
	return func(c *tako.Context) error {
		if c.Path() == alivePath {
			return next(c)
		}
		return bad(c)
	}
}

// run serves in the background.
func (s *server) run() {
	s.state.Store(running)
	go func() { s.served <- s.Serve() }()
}

// finish is the common check: a fresh client is served, the server ends in time
// and holds no connection any more.
func (s *server) finish() {
	x := s.x
	if s.state.Load() == running && !s.unasked {
		var err error
		if !eventually(x.patience, func() bool { err = s.fresh(); return err == nil }) {
			x.Errorf("a fresh client gets no answer afterwards: %v", err)
		}
	}
	if s.state.Load() != ended {
		report, err := s.shutdown(x.patience)
		if (err != nil || report.Cut > 0) && !s.frayed {
			x.Errorf("final shutdown: %v, %v", report, err)
		}
	}
	if open := x.target.OpenConns; open != nil {
		if !eventually(x.patience, func() bool { return open(s.raw) == 0 }) {
			x.Errorf("%d connections are left", open(s.raw))
		}
	}
}

// fresh asks for the route of the common check. It may be refused as long as the
// server counts connections that the case has just closed.
func (s *server) fresh() error {
	c := s.dialPlain(nil)
	defer c.Close()
	c.send(request("GET", alivePath, "", "Connection: close"))
	r, err := c.tryRead("GET")
	if err == nil && r.status != 200 {
		err = fmt.Errorf("status %d", r.status)
	}
	return err
}

// shutdown ends the server and waits until Serve has returned.
func (s *server) shutdown(within time.Duration) (tako.Report, error) {
	return s.shutdownIn(context.Background(), within)
}

func (s *server) shutdownIn(ctx context.Context, within time.Duration) (tako.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	was := s.state.Swap(ended)
	type result struct {
		report tako.Report
		err    error
	}
	done := make(chan result, 1)
	go func() {
		report, err := s.Shutdown(ctx)
		done <- result{report, err}
	}()
	var got result
	select {
	case got = <-done:
	case <-time.After(within + s.x.patience):
		s.x.Errorf("Shutdown did not return %v after its deadline", s.x.patience)
		return tako.Report{}, nil
	}
	if was == running {
		s.x.wait("Serve to return", s.served, func(err error) {
			if err != nil {
				s.x.Errorf("Serve returned %v, want nil", err)
			}
		})
	}
	return got.report, got.err
}

// waitFor returns the next value of ch and ends the case if none comes.
func waitFor[V any](x *T, what string, ch <-chan V) (v V) {
	x.Helper()
	select {
	case v = <-ch:
	case <-time.After(x.patience):
		x.Fatalf("waited in vain for %s", what)
	}
	return v
}

// wait hands the next error of ch to then. Unlike waitFor it can be called while
// the case is cleaned up.
func (x *T) wait(what string, ch <-chan error, then func(error)) {
	x.Helper()
	select {
	case err := <-ch:
		then(err)
	case <-time.After(x.patience):
		x.Errorf("waited in vain for %s", what)
	}
}

// until fails the case unless cond holds before long.
func (x *T) until(what string, cond func() bool) {
	x.Helper()
	if !eventually(x.patience, cond) {
		x.Fatalf("waited in vain until %s", what)
	}
}

// addr is where the server can be reached.
func (s *server) addr() net.Addr {
	a := s.raw.Addr()
	if a == nil {
		s.x.Fatal("the server has no address")
	}
	return a
}
