//go:build unix

package runtimetest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/tako-go/tako"
)

func signalCases() []testCase {
	hidden := serverFault("readiness-stays", func(s tako.Server) tako.Server { return plainServer{s} })
	return []testCase{
		{id: "SD-05/runner", timed: true, run: runnerCuts, faults: []fault{noEnd, silent}},
		{id: "SD-08/order", timed: true, run: signalOrder, faults: []fault{hidden, hasty, replies("ready", "HTTP/1.1 503 ", "HTTP/1.1 200 ")}},
		{id: "SD-08/second-signal", timed: true, run: secondSignal, faults: []fault{noEnd, planted("no-second")}},
		{id: "SD-08/context", run: endsByContext, faults: []fault{silentServe}},
		{id: "SD-08/one-fails", run: oneFails, faults: []fault{serverFault("error-swallowed", swallowListen)}},
	}
}

// plainServer hides that a server can turn readiness off early.
type plainServer struct{ tako.Server }

var silentServe = serverFault("shutdown-does-nothing", func(s tako.Server) tako.Server { return noShutdown{s} })

type noShutdown struct{ tako.Server }

func (noShutdown) Shutdown(context.Context) (tako.Report, error) {
	return tako.Report{}, errors.New("no")
}

// oneSignal lets one case at a time use the signal, which the whole process gets.
var oneSignal sync.Mutex

// runnerAtWork is a Runner at work on one server.
type runnerAtWork struct {
	x    *T
	s    *server
	done chan struct{}
	rep  tako.Report
	err  error
}

// start runs the server under a Runner that listens to SIGUSR1 alone.
func (s *server) start(ctx context.Context, r tako.Runner) *runnerAtWork {
	x := s.x
	oneSignal.Lock()
	guard := make(chan os.Signal, 8) // a late signal must not end the process
	signal.Notify(guard, syscall.SIGUSR1)
	r.Signals, r.Log = []os.Signal{syscall.SIGUSR1}, slog.New(s.logs)
	run := &runnerAtWork{x: x, s: s, done: make(chan struct{})}
	s.state.Store(ended) // the Runner shuts it down
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(run.done)
		run.rep, run.err = r.Run(ctx, s.Server)
	}()
	x.Cleanup(func() {
		cancel()
		<-run.done
		signal.Stop(guard)
		oneSignal.Unlock()
		stop, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = s.raw.Shutdown(stop)
	})
	x.until("the server listens", func() bool { return s.raw.Addr() != nil })
	return run
}

func (run *runnerAtWork) signal() {
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		run.x.Fatal(err)
	}
}

// signalOrder demands: not ready while still accepting, then closed listeners,
// then the end of the request, then a clean end.
func signalOrder(x *T) {
	slow := newGated(x)
	s := x.prepare(setup{}, func(app *tako.Router) {
		app.Get("/ready", tako.Ready())
		app.Get("/slow", slow.serve)
	})
	run := s.start(context.Background(), tako.Runner{Drain: x.drainLimit(), ReadyDelay: 4 * short})
	s.get("/ready", 200)
	busy := s.dial()
	busy.send(request("GET", "/slow", ""))
	waitFor(x, "the slow handler", slow.entered)
	began := time.Now()
	run.signal()
	var status int
	x.until("readiness is off", func() bool { status = s.readyStatus(); return status != 200 })
	if status != 503 {
		x.Errorf("readiness is %d while the server still accepts, want 503", status)
	}
	off := time.Now()
	x.until("new connections are refused", func() bool { return !listens(s) })
	if took := time.Since(off); took < short { // it takes what is left of ReadyDelay
		x.Errorf("the listener was closed %v after readiness went off, ReadyDelay is %v", took, 4*short)
	}
	if took := time.Since(began); took < 3*short {
		x.Errorf("the listener was closed after %v, ReadyDelay is %v", took, 4*short)
	}
	select {
	case <-run.done:
		x.Errorf("Run has returned before the request ended")
	case <-time.After(short):
	}
	close(slow.release)
	busy.expect(200)
	waitFor(x, "the runner", run.done)
	if run.err != nil || run.rep.Cut > 0 || run.rep.Drained < 1 {
		x.Errorf("Run returned %v, %v, want a clean end", run.rep, run.err)
	}
}

// readyStatus is 0 where nobody answers.
func (s *server) readyStatus() int {
	conn, err := s.x.connect(nil, s.addr())
	if err != nil {
		return 0
	}
	c := s.x.clientOn(conn)
	defer c.Close()
	c.send(request("GET", "/ready", "", "Connection: close"))
	r, err := c.tryRead("GET")
	if err != nil {
		return 0
	}
	return r.status
}

func secondSignal(x *T) {
	slow := newGated(x)
	s := x.prepare(setup{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	run := s.start(context.Background(), tako.Runner{Drain: 2 * x.patience})
	c := s.dial()
	c.send(request("GET", "/slow", ""))
	waitFor(x, "the slow handler", slow.entered)
	run.signal()
	x.until("the drain has begun", func() bool { return !listens(s) })
	select {
	case <-run.done:
		x.Error("the first signal cut a request off")
	default:
	}
	began := time.Now()
	if !x.planted("no-second") {
		run.signal()
	}
	waitFor(x, "the runner", run.done)
	if took := time.Since(began); took > time.Second {
		x.Errorf("the second signal took %v", took)
	}
	// The probe above may have been taken for a client in its handshake.
	if !errors.Is(run.err, tako.ErrCut) || run.rep.Cut < 1 {
		x.Errorf("Run returned %v, %v, want ErrCut", run.rep, run.err)
	}
}

func endsByContext(x *T) {
	s := x.prepare(setup{}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	run := s.start(ctx, tako.Runner{})
	s.get(alivePath, 200)
	cancel()
	waitFor(x, "the runner", run.done)
	if run.err != nil {
		x.Errorf("Run returned %v", run.err)
	}
}

// runnerCuts bounds the drain by the Runner.
func runnerCuts(x *T) {
	slow := newGated(x)
	s := x.prepare(setup{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	run := s.start(ctx, tako.Runner{Drain: 2 * short})
	c := s.dial()
	c.send(request("GET", "/slow", ""))
	waitFor(x, "the slow handler", slow.entered)
	began := time.Now()
	cancel()
	waitFor(x, "the runner", run.done)
	if took := time.Since(began); took < short || took > 2*short+time.Second {
		x.Errorf("the drain took %v, its limit is %v", took, 2*short)
	}
	if !errors.Is(run.err, tako.ErrCut) || run.rep.Cut != 1 {
		x.Errorf("Run returned %v, %v, want ErrCut", run.rep, run.err)
	}
	c.closed()
}

// oneFails demands that no server serves if one of them cannot listen.
func oneFails(x *T) {
	good := x.prepare(setup{}, nil)
	bad := x.prepare(setup{addr: good.x.listenTCP().Addr().String()}, nil)
	good.state.Store(ended)
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, err := tako.Runner{Signals: []os.Signal{}, Log: slog.New(good.logs)}.Run(ctx, good, bad)
		done <- err
	}()
	if err := waitFor(x, "Run to return", done); !errors.Is(err, syscall.EADDRINUSE) {
		x.Errorf("Run returned %v, want that the address is in use", err)
	}
	if listens(good) {
		x.Error("a server serves beside one that cannot")
	}
}
