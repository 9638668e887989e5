package runtimetest

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/succession"
)

func rollCases() []testCase {
	gap := planted("gap")
	hurried := serverFault("hurried", func(s tako.Server) tako.Server { return hurriedShutdown{s} })
	http1 := []Protocol{HTTP1, HTTP1TLS} // the others tell which requests were served
	return []testCase{
		{id: "SD-09/new-connections", serial: true, run: func(x *T) { roll(x, &load{}) }, faults: []fault{gap, hasty}},
		{id: "SD-09/kept-alive-for-good", over: http1, serial: true, run: func(x *T) { roll(x, &load{keepAlive: true, strict: true}) }, faults: []fault{gap}},
		{id: "SD-09/idle-stays", over: http1, run: idleStays, faults: []fault{hurried, hasty}},
		{id: "SD-09/keep-alive", serial: true, run: func(x *T) { roll(x, &load{keepAlive: true}) }, faults: []fault{gap, replies("last-answer-spoilt", "Connection: close", "Content-Length: 1")}},
	}
}

type hurriedShutdown struct{ tako.Server }

// Shutdown does not know of a successor.
func (s hurriedShutdown) Shutdown(ctx context.Context) (tako.Report, error) {
	by, _ := ctx.Deadline()
	ctx, cancel := context.WithDeadline(context.Background(), by)
	defer cancel()
	return s.Server.Shutdown(ctx)
}

// idleStays has connections without a request when a server is succeeded: one that asks once more,
// and those that do not.
func idleStays(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/late", func(c *tako.Context) error { return c.Text(200, "served") })
	})
	asks, silent := s.dial(), s.dial()
	asks.get(alivePath)
	silent.get(alivePath)
	addr := s.Addr()
	type result struct {
		tako.Report
		err error
	}
	done := make(chan result, 1)
	go func() {
		report, err := s.shutdownIn(succession.With(context.Background(), x.patience/3), x.patience)
		done <- result{report, err}
	}()
	x.until("new connections are refused", func() bool { return !x.reaches(addr) })
	asks.send(request("POST", "/late", "still here"))
	if r := asks.expect(200); r.body != "served" || !r.closes() {
		x.Errorf("got %q with Connection %q, want the answer, and that it closes", r.body, r.all("Connection"))
	}
	asks.closed()
	_ = silent.Close()
	if got := waitFor(x, "the shutdown", done); got.err != nil || got.Cut > 0 {
		x.Errorf("shutdown: %v, %v, want a clean one", got.Report, got.err)
	}

	s = x.serve(tako.Limits{}, nil)
	silent = s.dial()
	silent.get(alivePath)
	report, err := s.shutdownIn(succession.With(context.Background(), time.Millisecond), x.patience)
	silent.closed()
	if err != nil || report.Cut > 0 || report.Idle+report.Drained != 1 {
		x.Errorf("shutdown: %v, %v, want the silent one closed", report, err)
	}
}

// roll hands the listening socket from server to server under load. No request
// may fail.
func roll(x *T, load *load) {
	ln := x.listen()
	spare := dup(x, ln)
	s := x.serveOn(ln)
	load.x, load.to = x, s.addr()
	succeeded := context.Background()
	if load.strict {
		succeeded = succession.With(succeeded, x.patience)
	}
	for range 4 {
		load.group.Go(load.run)
	}
	for range 5 {
		load.more(100)
		if x.planted("gap") {
			_ = spare.Close()
			_, _ = s.shutdown(x.patience)
			load.more(10)
			break
		}
		next := x.serveOn(spare)
		spare = dup(x, spare)
		if rep, err := s.shutdownIn(succeeded, x.patience); err != nil || rep.Cut > 0 {
			x.Errorf("shutdown under load: %v, %v", rep, err)
		}
		s = next
	}
	load.more(100)
	load.stop.Store(true)
	load.group.Wait()
	if n := load.failed.Load(); n > 0 {
		x.Errorf("%d of %d requests failed, the first with: %s", n, n+load.served.Load(), *load.first.Load())
	}
}

// serveOn starts a server on a listener that is there already.
func (x *T) serveOn(ln socket) *server {
	return x.serveWith(setup{wrap: func(own net.Listener) net.Listener {
		_ = own.Close()
		return ln
	}}, func(app *tako.Router) {
		app.Get("/work", func(c *tako.Context) error {
			pause(c, time.Millisecond)
			return c.Text(200, "done")
		})
	})
}

// dup returns another listener on the same socket.
func dup(x *T, ln socket) socket {
	x.Helper()
	f, err := ln.File()
	if err != nil {
		x.Skipf("this system cannot share a listening socket: %v", err)
	}
	defer f.Close()
	other, err := net.FileListener(f)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = other.Close() })
	return other.(socket)
}

// load asks without a break.
type load struct {
	x         *T
	to        net.Addr
	keepAlive bool
	strict    bool // a connection that ends is a failure
	stop      atomic.Bool
	served    atomic.Int64
	failed    atomic.Int64
	first     atomic.Pointer[string]
	group     sync.WaitGroup
}

// more waits for as many requests more, served or not.
func (l *load) more(n int64) {
	l.x.Helper()
	from := l.served.Load() + l.failed.Load()
	l.x.until("the load goes on", func() bool { return l.stop.Load() || l.served.Load()+l.failed.Load() >= from+n })
}

func (l *load) run() {
	var c *client
	defer func() {
		if c != nil {
			_ = c.Close()
		}
	}()
	for !l.stop.Load() {
		used := c != nil
		if !used {
			if c = l.connect(); c == nil {
				continue
			}
		}
		r, err := l.ask(c)
		switch {
		case errors.Is(err, errRefused):
			// The server says that it has not begun with the request.
		case err != nil && used && !l.strict && errors.Is(err, errEnd) && !errors.Is(err, errCut):
			// A server may close an idle connection at any time; every client
			// asks again on a new one then (RFC 9112, section 9.3.1).
		case err != nil:
			l.fail(err.Error())
		case r.status != 200 || r.body != "done":
			l.fail("status " + itoa(r.status))
		default:
			l.served.Add(1)
			if l.keepAlive && !r.closes() {
				continue
			}
		}
		_ = c.Close()
		c = nil
	}
}

func (l *load) ask(c *client) (*response, error) {
	if l.keepAlive {
		c.send(request("GET", "/work", ""))
	} else {
		c.send(request("GET", "/work", "", "Connection: close"))
	}
	return c.tryRead("GET")
}

func (l *load) connect() *client {
	conn, err := l.x.connect(nil, l.to)
	if err != nil {
		l.fail(err.Error())
		return nil
	}
	return l.x.clientOn(conn)
}

func (l *load) fail(text string) {
	l.first.CompareAndSwap(nil, &text)
	l.failed.Add(1)
	if l.failed.Load() > 100 {
		l.stop.Store(true)
	}
}
