package runtimetest

import (
	"context"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tako-go/tako"
)

func stopCases() []testCase {
	swallowed := serverFault("error-swallowed", swallowListen)
	once := serverFault("works-once", func(s tako.Server) tako.Server { return &onceShutdown{Server: s} })
	return []testCase{
		{id: "SD-03/before-listen", run: stopBeforeListen, faults: []fault{swallowed}},
		{id: "SD-03/before-serve", run: stopBeforeServe, faults: []fault{serverFault("serve-hangs", func(s tako.Server) tako.Server { return hangingServe{s} })}},
		{id: "SD-03/many-times", run: stopManyTimes, faults: []fault{once, silent}},
		{id: "SD-03/while-starting", run: stopWhileStarting, faults: []fault{serverFault("serve-hangs", func(s tako.Server) tako.Server { return hangingServe{s} })}},
		{id: "SD-03/serve-twice", run: serveTwice, faults: []fault{serverFault("second-accepted", func(s tako.Server) tako.Server { return &patientServe{Server: s} })}},
		{id: "SD-04/cap-full", timed: true, run: stopsIn(fullHouse), faults: []fault{late}},
		{id: "SD-04/accept-back-off", timed: true, run: stopsIn(backingOff), faults: []fault{late}},
		{id: "SD-04/silent-client", timed: true, run: stopsIn(silentClient), faults: []fault{late, deaf}},
		{id: "SD-04/slow-head", timed: true, run: stopsIn(slowHead), faults: []fault{late, deaf}},
		{id: "SD-04/second-head", timed: true, run: stopsIn(secondHead), faults: []fault{late, deaf}},
		{id: "SD-10/again-and-again", serial: true, run: startStop, faults: []fault{
			serverFault("goroutine-kept", func(s tako.Server) tako.Server { return strandedServe{s} }),
			serverFault("descriptor-kept", func(s tako.Server) tako.Server { return &keptListener{Server: s} })}},
		{id: "SD-10/failed-start", run: stopAfterFailure, faults: []fault{late, swallowed}},
	}
}

type onceShutdown struct {
	tako.Server
	calls atomic.Int64
}

// Shutdown leaves all callers but the first waiting.
func (s *onceShutdown) Shutdown(ctx context.Context) (tako.Report, error) {
	if s.calls.Add(1) > 1 {
		<-ctx.Done()
		return tako.Report{}, ctx.Err()
	}
	return s.Server.Shutdown(ctx)
}

type hangingServe struct{ tako.Server }

// Serve does not see that the server was stopped before it began.
func (s hangingServe) Serve() error {
	err := s.Server.Serve()
	<-time.After(3 * time.Second)
	return err
}

type patientServe struct {
	tako.Server
	calls atomic.Int64
}

func (s *patientServe) Serve() error {
	if s.calls.Add(1) > 1 {
		return nil
	}
	return s.Server.Serve()
}

type strandedServe struct{ tako.Server }

func (s strandedServe) Serve() error {
	for range 4 {
		time.AfterFunc(0, func() { <-time.After(5 * time.Second) })
	}
	return s.Server.Serve()
}

type keptListener struct {
	tako.Server
	kept net.Listener
}

func (s *keptListener) Serve() error {
	s.kept, _ = net.Listen("tcp", "127.0.0.1:0")
	if s.kept != nil {
		time.AfterFunc(5*time.Second, func() { _ = s.kept.Close() })
	}
	return s.Server.Serve()
}

func stopBeforeListen(x *T) {
	s := x.prepare(setup{}, nil)
	if rep, err := s.shutdown(x.patience); err != nil || rep.Cut > 0 {
		x.Errorf("shutdown of a server that never listened: %v, %v", rep, err)
	}
	if err := s.Listen(context.Background()); err == nil {
		x.Error("a server that was stopped listens")
	}
	x.returns("Serve", s.Serve)
}

func stopBeforeServe(x *T) {
	s := x.prepare(setup{}, nil)
	if err := s.Listen(context.Background()); err != nil {
		x.Fatal(err)
	}
	if rep, err := s.shutdown(x.patience); err != nil || rep.Cut > 0 {
		x.Errorf("shutdown of a server that never served: %v, %v", rep, err)
	}
	if err := x.returns("Serve", s.Serve); err != nil {
		x.Errorf("Serve after Shutdown returned %v, want nil", err)
	}
	if x.reaches(s.addr()) {
		x.Error("a server that was stopped still listens")
	}
}

// returns demands that f comes back before long.
func (x *T) returns(what string, f func() error) error {
	x.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	return waitFor(x, what+" to return", done)
}

func stopManyTimes(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	c := s.dial()
	c.send(request("GET", "/slow", ""))
	waitFor(x, "the slow handler", slow.entered)
	s.state.Store(ended)
	ctx, cancel := context.WithTimeout(context.Background(), x.drainLimit())
	defer cancel()
	const n = 20
	reports := make(chan tako.Report, n)
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			rep, err := s.Shutdown(ctx)
			if err != nil {
				x.Errorf("Shutdown returned %v", err)
			}
			reports <- rep
		})
	}
	x.until("the drain has begun", func() bool { return !listens(s) })
	close(slow.release)
	c.expect(200)
	group.Wait()
	first := <-reports
	if first.Drained < 1 || first.Cut != 0 {
		x.Errorf("a caller got %v, want 1 drained or more", first)
	}
	for range n - 1 {
		if rep := <-reports; rep != first {
			x.Errorf("one caller got %v, another %v", first, rep)
		}
	}
	x.wait("Serve to return", s.served, func(err error) {
		if err != nil {
			x.Errorf("Serve returned %v", err)
		}
	})
	if rep, err := s.Shutdown(ctx); err != nil || rep != first {
		x.Errorf("a late call returned %v, %v", rep, err)
	}
}

// stopWhileStarting calls everything at the same time; all of it must return.
func stopWhileStarting(x *T) {
	for range 10 {
		s := x.prepare(setup{}, nil)
		s.state.Store(ended)
		done := make(chan error, 3)
		go func() { done <- s.Listen(context.Background()) }()
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), x.drainLimit())
			defer cancel()
			_, err := s.Shutdown(ctx)
			done <- err
		}()
		go func() { done <- s.Serve() }()
		for range 3 {
			_ = waitFor(x, "Listen, Serve and Shutdown", done)
		}
	}
}

func serveTwice(x *T) {
	s := x.serve(tako.Limits{}, nil)
	s.get(alivePath, 200)
	if err := x.returns("the second Serve", s.Serve); err == nil {
		x.Error("the second Serve returned nil")
	}
	if err := s.Listen(context.Background()); err == nil {
		x.Error("the second Listen returned nil")
	}
	s.get(alivePath, 200)
}

// A trouble brings a server into a state in which it is hard to stop.
type trouble func(x *T) (s *server, limit time.Duration)

// stopsIn demands that a stop ends soon, long before its deadline.
func stopsIn(in trouble) func(x *T) {
	return func(x *T) {
		s, limit := in(x)
		st := s.stop(limit + x.patience)
		waitFor(x, "the shutdown", orLonger(st.done, limit))
		if st.took > limit {
			x.Errorf("the shutdown took %v, want %v at most", st.took, limit)
		}
	}
}

// orLonger gives a channel more time than the patience of the case.
func orLonger(done <-chan struct{}, more time.Duration) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		select {
		case <-done:
		case <-time.After(more):
		}
		close(out)
		<-done
	}()
	return out
}

func fullHouse(x *T) (*server, time.Duration) {
	s := x.serve(tako.Limits{Conns: 2, ConnsPerAddr: tako.NoLimit}, nil)
	for i := range 5 {
		c := s.dial()
		if i < 2 {
			c.get(alivePath)
		} else {
			c.send(request("GET", alivePath, ""))
		}
	}
	return s, 3 * time.Second
}

func backingOff(x *T) (*server, time.Duration) {
	ln := &flaky{err: syscall.EMFILE, until: 1 << 40}
	s := x.serveWith(setup{wrap: func(inner net.Listener) net.Listener {
		ln.socket = inner.(socket)
		return ln
	}}, nil)
	s.frayed = true
	x.until("accepting has failed a few times", func() bool { return ln.calls.Load() > 4 })
	return s, 3 * time.Second
}

func silentClient(x *T) (*server, time.Duration) {
	s := x.serve(tako.Limits{}, nil)
	c := s.dial()
	s.get(alivePath, 200) // the silent one was accepted before
	x.Cleanup(c.closed)
	return s, 3 * time.Second
}

func slowHead(x *T) (*server, time.Duration) {
	s := x.serve(tako.Limits{}, nil)
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHo")
	s.get(alivePath, 200)
	x.Cleanup(c.closed)
	return s, 3 * time.Second
}

func secondHead(x *T) (*server, time.Duration) {
	s := x.serve(tako.Limits{HeaderTimeout: time.Second}, nil)
	c := s.dial()
	c.get(alivePath)
	c.send("GET / HTTP/1.1\r\nHo")
	s.get(alivePath, 200)
	x.Cleanup(c.closed)
	return s, 3 * time.Second
}

// startStop goes through the whole life of a server many times.
func startStop(x *T) {
	n := 30
	if x.fault != nil {
		n = 5
	}
	goroutines, files := runtime.NumGoroutine(), descriptors()
	for range n {
		s := x.serve(tako.Limits{}, hello)
		c := s.dial()
		c.get("/hello")
		if rep, err := s.shutdown(x.patience); err != nil || rep.Cut > 0 {
			x.Fatalf("shutdown: %v, %v", rep, err)
		}
		c.closed()
		_ = c.Close()
	}
	x.until("the goroutines are gone", func() bool { return runtime.NumGoroutine() <= goroutines+1 })
	x.until("the descriptors are closed", func() bool { return descriptors() <= files })
}

// descriptors counts the open files of the process, 0 where that is unknown.
func descriptors() int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(all)
}

func stopAfterFailure(x *T) {
	taken := x.listenTCP()
	s := x.prepare(setup{addr: taken.Addr().String()}, nil)
	if err := s.Listen(context.Background()); err == nil {
		x.Fatal("Listen on a taken port returned nil")
	}
	began := time.Now()
	if rep, err := s.shutdown(x.patience); err != nil || rep.Cut > 0 {
		x.Errorf("shutdown after a failed start: %v, %v", rep, err)
	}
	if took := time.Since(began); took > x.patience/2 {
		x.Errorf("the shutdown took %v", took)
	}
}
