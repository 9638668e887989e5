package runtimetest

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tako-go/tako"
)

func acceptCases() []testCase {
	return []testCase{
		{id: "CN-01/no-descriptors", run: acceptFails(syscall.EMFILE), faults: []fault{planted("never-clears"), planted("no-pause"), planted("fatal")}},
		{id: "CN-01/aborted-by-peer", run: acceptFails(syscall.ECONNABORTED), faults: []fault{planted("never-clears"), planted("fatal")}},
		{id: "CN-11/port-taken", run: portTaken, faults: []fault{serverFault("error-swallowed", swallowListen)}},
		{id: "CN-11/port-zero", run: portZero, faults: []fault{serverFault("asked-for-address", func(s tako.Server) tako.Server { return zeroAddr{s} })}},
		{id: "CN-11/mistakes-in-routes", run: badRoutes, faults: []fault{serverFault("error-swallowed", swallowListen)}},
		{id: "CN-12/datagrams", skip: "datagrams have a server of their own"},
	}
}

// flaky is a listener whose Accept fails for a while.
type flaky struct {
	socket
	err    error
	until  int64 // calls that fail
	spins  bool  // a server that does not pause would call as often
	calls  atomic.Int64
	fellBy atomic.Int64 // when the last failure was, in nanoseconds
}

func (l *flaky) Accept() (net.Conn, error) {
	for {
		if l.calls.Add(1) > l.until {
			return l.socket.Accept()
		}
		l.fellBy.Store(time.Now().UnixNano())
		if !l.spins {
			return nil, &net.OpError{Op: "accept", Net: "tcp", Err: l.err}
		}
	}
}

// acceptFails demands that the server pauses, says so, and serves again.
func acceptFails(failure error) func(x *T) {
	return func(x *T) {
		ln := &flaky{err: failure, until: 5, spins: x.planted("no-pause")}
		if x.planted("never-clears") {
			ln.until = 1 << 40
		}
		if x.planted("fatal") {
			ln.err = net.ErrClosed
		}
		began := time.Now()
		s := x.serveWith(setup{wrap: func(inner net.Listener) net.Listener {
			ln.socket = inner.(socket)
			return ln
		}}, nil)
		if r := s.get(alivePath, 200); r.body != "alive" {
			x.Errorf("got body %q", r.body)
		}
		// Five pauses that begin with 5 ms and double take 155 ms; half of it
		// leaves room for another schedule, but not for a loop without pauses.
		if took := time.Duration(ln.fellBy.Load() - began.UnixNano()); took < 35*time.Millisecond {
			x.Errorf("accept was tried %d times within %v, without a pause that grows", ln.until, took)
		}
		if s.logs.count("accept", ln.err.Error()) == 0 {
			x.Errorf("the failure is not in the log: %s", s.logs)
		}
	}
}

type zeroAddr struct{ tako.Server }

func (zeroAddr) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

type deafListen struct{ tako.Server }

func (s deafListen) Listen(ctx context.Context) error {
	_ = s.Server.Listen(ctx)
	return nil
}

// swallowListen hides why a server cannot start.
func swallowListen(s tako.Server) tako.Server { return deafListen{s} }

func portTaken(x *T) {
	taken := x.listenTCP()
	s := x.prepare(setup{addr: taken.Addr().String()}, nil)
	if s.Addr() != nil {
		x.Errorf("address %v before Listen, want none", s.Addr())
	}
	err := s.Listen(context.Background())
	if !errors.Is(err, syscall.EADDRINUSE) {
		x.Errorf("Listen on a taken port: %v", err)
	}
	if s.Addr() != nil {
		x.Errorf("address %v after a failed Listen, want none", s.Addr())
	}
	if err := s.Serve(); err == nil {
		x.Error("Serve after a failed Listen returned nil")
	}
}

func portZero(x *T) {
	s := x.serveWith(setup{addr: "127.0.0.1:0"}, nil)
	if a, ok := s.Addr().(*net.TCPAddr); !ok || a.Port == 0 {
		x.Errorf("Addr is %v, want the true port", s.Addr())
	}
	s.get(alivePath, 200)
}

func badRoutes(x *T) {
	s := x.prepare(setup{}, func(app *tako.Router) {
		app.Get("/twice", say("one"))
		app.Get("/twice", say("two"))
	})
	var mistakes tako.RegistrationErrors
	if err := s.Listen(context.Background()); !errors.As(err, &mistakes) {
		x.Errorf("Listen with contradicting routes: %v", err)
	}
}

// say is a handler that answers with text.
func say(text string) tako.Handler {
	return func(c *tako.Context) error { return c.Text(200, text) }
}
