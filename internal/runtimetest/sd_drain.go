package runtimetest

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// The faults of servers that do not shut down as they should.

type lateShutdown struct{ tako.Server }

// Shutdown waits for its whole deadline, whatever there is to wait for.
func (s lateShutdown) Shutdown(ctx context.Context) (tako.Report, error) {
	<-ctx.Done()
	return s.Server.Shutdown(context.WithoutCancel(ctx))
}

type deafShutdown struct{ tako.Server }

// Shutdown ignores its context.
func (s deafShutdown) Shutdown(ctx context.Context) (tako.Report, error) {
	return s.Server.Shutdown(context.WithoutCancel(ctx))
}

type hastyShutdown struct{ tako.Server }

// Shutdown cuts everything off at once.
func (s hastyShutdown) Shutdown(ctx context.Context) (tako.Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	report, _ := s.Server.Shutdown(ctx)
	report.Cut = 0
	return report, nil
}

type emptyReport struct{ tako.Server }

// Shutdown tells nothing of what it did.
func (s emptyReport) Shutdown(ctx context.Context) (tako.Report, error) {
	_, _ = s.Server.Shutdown(ctx)
	return tako.Report{}, nil
}

var (
	late   = serverFault("waits-whole-deadline", func(s tako.Server) tako.Server { return lateShutdown{s} })
	noEnd  = serverFault("context-ignored", func(s tako.Server) tako.Server { return deafShutdown{s} })
	hasty  = serverFault("cut-at-once", func(s tako.Server) tako.Server { return hastyShutdown{s} })
	silent = serverFault("report-empty", func(s tako.Server) tako.Server { return emptyReport{s} })
)

func drainCases() []testCase {
	return []testCase{
		{id: "SD-01/idle-and-busy", run: drainsIdle, faults: []fault{late, hasty, silent, deaf, replies("close-not-said", "Connection: close\r\n", "")}},
		{id: "SD-01/no-new-ones", run: drainsListener, faults: []fault{serverFault("still-listening", func(s tako.Server) tako.Server { return openShutdown{s} })}},
		{id: "SD-01/pipelined", run: drainsPipelined, faults: []fault{hasty, bodies("lost", "slow", "")}},
		{id: "SD-02/streams", skip: "streams of HTTP/2 and HTTP/3 have cases of their own"},
		{id: "SD-05/handler-deaf", timed: true, run: cutsDeaf, faults: []fault{noEnd, silent}},
		{id: "SD-05/cancelled-at-deadline", timed: true, run: cancelsAtDeadline, faults: []fault{detached, noEnd}},
		{id: "SD-05/already-over", timed: true, run: cutsAtOnce, faults: []fault{noEnd, late}},
		{id: "SD-07/upload", run: finishesUpload, faults: []fault{hasty, mute}},
		{id: "SD-07/download-with-trailer", run: finishesDownload, faults: []fault{hasty, replies("trailer-lost", "X-Sum: abc\r\n", "")}},
	}
}

type openShutdown struct{ tako.Server }

// Shutdown leaves somebody listening on the address.
func (s openShutdown) Shutdown(ctx context.Context) (tako.Report, error) {
	addr := s.Addr()
	report, err := s.Server.Shutdown(ctx)
	if ln, e := net.Listen(addr.Network(), addr.String()); e == nil {
		time.AfterFunc(5*time.Second, func() { _ = ln.Close() })
	}
	return report, err
}

// gated is a handler that tells when it is entered and waits to be released.
type gated struct {
	x       *T
	entered chan struct{}
	release chan struct{}
}

func newGated(x *T) *gated {
	return &gated{x, make(chan struct{}, 16), make(chan struct{})}
}

// serve ignores that its context ends, but not that the case does.
func (g *gated) serve(c *tako.Context) error {
	g.entered <- struct{}{}
	select {
	case <-g.release:
	case <-g.x.Context().Done():
	}
	return c.Text(200, "slow")
}

// stopping is a shutdown under way.
type stopping struct {
	s     *server
	done  chan struct{}
	rep   tako.Report
	err   error
	began time.Time
	took  time.Duration
}

func (s *server) stop(within time.Duration) *stopping {
	st := &stopping{s: s, done: make(chan struct{}), began: time.Now()}
	go func() {
		defer close(st.done)
		st.rep, st.err = s.shutdown(within)
		st.took = time.Since(st.began)
	}()
	s.x.Cleanup(func() { <-st.done })
	return st
}

// clean waits for the end and demands that nothing was cut and it took no longer
// than needed.
func (st *stopping) clean(within time.Duration) tako.Report {
	x := st.s.x
	x.Helper()
	waitFor(x, "the shutdown", st.done)
	if st.err != nil || st.rep.Cut > 0 {
		x.Errorf("shutdown: %v, %v, want a clean one", st.rep, st.err)
	}
	if st.took > within {
		x.Errorf("the shutdown took %v, want %v at most", st.took, within)
	}
	return st.rep
}

// drainLimit is a deadline that a drain must not need.
func (x *T) drainLimit() time.Duration { return x.patience - x.patience/5 }

func drainsIdle(x *T) {
	n := 200
	if x.fault != nil {
		n = 20
	}
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	idle := make([]*client, n)
	for i := range idle {
		idle[i] = s.dial()
		idle[i].get(alivePath)
	}
	busy := s.dial()
	busy.send(request("GET", "/slow", ""))
	waitFor(x, "the slow handler", slow.entered)
	if open := x.target.OpenConns; open != nil {
		x.until("all are connected", func() bool { return open(s.raw) == int64(n+1) })
	}
	stop := s.stop(x.drainLimit())
	for _, c := range idle {
		c.closed()
	}
	select {
	case <-stop.done:
		x.Error("the shutdown did not wait for a request")
	default:
	}
	close(slow.release)
	if r := busy.expect(200); r.body != "slow" || !r.closes() {
		x.Errorf("got %q with Connection %q, want the last response to say close", r.body, r.all("Connection"))
	}
	busy.closed()
	rep := stop.clean(x.drainLimit() / 2)
	// A connection may not have come to rest yet when its client has the answer.
	if rep.Idle+rep.Drained != n+1 || rep.Drained < 1 || rep.Idle < n/2 {
		x.Errorf("the report says %v, want %d idle and 1 drained", rep, n)
	}
}

func drainsListener(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	addr := s.Addr()
	c := s.dial()
	c.send(request("GET", "/slow", ""))
	waitFor(x, "the slow handler", slow.entered)
	stop := s.stop(x.drainLimit())
	refused := func() bool { return !x.reaches(addr) }
	x.until("new connections are refused", refused)
	close(slow.release)
	c.expect(200)
	stop.clean(x.drainLimit())
	if !refused() {
		x.Error("somebody listens after the shutdown")
	}
}

// drainsPipelined has requests behind the one that runs when the drain begins:
// those that are not served must be seen to be not served.
func drainsPipelined(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	idle := s.dial()
	idle.get(alivePath)
	c := s.dial()
	c.send(request("GET", "/slow", ""), request("GET", alivePath, ""), request("GET", alivePath, ""))
	waitFor(x, "the slow handler", slow.entered)
	stop := s.stop(x.drainLimit())
	idle.closed() // from now on each response closes its connection
	close(slow.release)
	r := c.expect(200)
	if r.body != "slow" {
		x.Errorf("the answer under way is %q", r.body)
	}
	for !r.closes() {
		r = c.expect(200)
	}
	c.closed()
	stop.clean(x.drainLimit() / 2)
}

// listens reports whether somebody takes new connections.
func listens(s *server) bool {
	return s.x.reaches(s.addr())
}

// cutsDeaf has a handler that does not listen to anybody.
func cutsDeaf(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	var all []*client
	for range 3 {
		c := s.dial()
		c.send(request("GET", "/slow", ""))
		waitFor(x, "the slow handler", slow.entered)
		all = append(all, c)
	}
	stop := s.stop(2 * short)
	for _, c := range all {
		c.closed()
	}
	waitFor(x, "the shutdown", stop.done)
	if stop.took > 2*short+time.Second {
		x.Errorf("the shutdown took %v, its deadline was %v", stop.took, 2*short)
	}
	if stop.rep.Cut != 3 || !errors.Is(stop.err, context.DeadlineExceeded) {
		x.Errorf("the report says %v, %v, want 3 cut and the error of the context", stop.rep, stop.err)
	}
	close(slow.release)
}

func cancelsAtDeadline(x *T) {
	ended := make(chan error, 1)
	entered := make(chan struct{})
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/wait", func(c *tako.Context) error {
			close(entered)
			select {
			case <-c.Context().Done():
				ended <- c.Context().Err()
			case <-x.Context().Done():
				ended <- nil
			}
			return nil
		})
	})
	c := s.dial()
	c.send(request("POST", "/wait", "body"))
	waitFor(x, "the handler", entered)
	stop := s.stop(2 * short)
	if err := waitFor(x, "the handler to be told", ended); err == nil {
		x.Error("the handler was not told of the end")
	}
	waitFor(x, "the shutdown", stop.done)
	if stop.took > 2*short+time.Second {
		x.Errorf("the shutdown took %v", stop.took)
	}
}

// cutsAtOnce shuts down with a context that is over.
func cutsAtOnce(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	c := s.dial()
	c.send(request("GET", "/slow", ""))
	waitFor(x, "the slow handler", slow.entered)
	stop := s.stop(time.Nanosecond)
	waitFor(x, "the shutdown", stop.done)
	if stop.took > time.Second || stop.rep.Cut != 1 {
		x.Errorf("shutdown with a context that is over: %v after %v", stop.rep, stop.took)
	}
	c.closed()
}

func finishesUpload(x *T) {
	reading := make(chan struct{})
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/form", func(c *tako.Context) error {
			close(reading)
			body, err := c.ReadBody()
			if err != nil {
				return err
			}
			return c.Text(200, string(body))
		})
	})
	c := s.dial()
	c.send(post("first ", "Content-Length: 12"))
	waitFor(x, "the handler", reading)
	stop := s.stop(x.drainLimit())
	x.until("the drain has begun", func() bool { return !listens(s) })
	c.send("second")
	if got := c.expect(200).body; got != "first second" {
		x.Errorf("got %q", got)
	}
	stop.clean(x.drainLimit())
}

func finishesDownload(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/sum", func(c *tako.Context) error {
			_, _ = c.WriteString(strings.Repeat("first ", 1000))
			if err := c.Flush(); err != nil {
				return err
			}
			slow.entered <- struct{}{}
			select {
			case <-slow.release:
			case <-x.Context().Done():
			}
			c.Trailer().Set("X-Sum", "abc")
			_, err := c.WriteString("second")
			return err
		})
	})
	c := s.dial()
	c.send(request("GET", "/sum", "", "TE: trailers"))
	waitFor(x, "the handler", slow.entered)
	stop := s.stop(x.drainLimit())
	x.until("the drain has begun", func() bool { return !listens(s) })
	close(slow.release)
	r := c.expect(200)
	if !strings.HasSuffix(r.body, "second") || len(r.trailer) != 1 || r.trailer[0].value != "abc" {
		x.Errorf("got %d bytes and trailer %v", len(r.body), r.trailer)
	}
	c.closed()
	stop.clean(x.drainLimit())
}
