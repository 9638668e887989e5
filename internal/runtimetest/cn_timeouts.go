package runtimetest

import (
	"errors"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// short is what cases set limits to that shall strike.
const short = 200 * time.Millisecond

func timeoutCases() []testCase {
	strikes := []fault{unlimited, deaf}
	return []testCase{
		{id: "CN-04/silent", timed: true, run: stalled(""), faults: strikes},
		{id: "CN-04/half-line", timed: true, run: stalled("GET /he"), faults: strikes},
		{id: "CN-04/half-head", timed: true, run: stalled("GET / HTTP/1.1\r\nHost: a.exa"), faults: strikes},
		{id: "CN-04/second-head", timed: true, run: stalledSecond, faults: strikes},
		{id: "CN-04/drip", timed: true, run: drippedHead, faults: strikes},
		{id: "CN-05/shorter", timed: true, run: idleShorter, faults: []fault{
			limited("too-short", func(l *tako.Limits) { l.IdleTimeout = time.Millisecond })}},
		{id: "CN-05/longer", timed: true, run: idleLonger, faults: []fault{unlimited, deaf, twice}},
		{id: "CN-06/not-read", timed: true, run: notRead, faults: []fault{unlimited, around("body-hoarded", hoarding)}},
		{id: "CN-06/read-slowly", timed: true, run: readSlowly, faults: []fault{unlimited, around("body-hoarded", hoarding)}},
	}
}

// bound is the time within which a limit of short must have struck.
func (x *T) bound() time.Duration { return min(10*short, x.patience) }

// gone demands that the connection ends, with or without a 408 before.
func (c *client) gone(since time.Time) {
	c.x.Helper()
	if r, err := c.tryRead("GET"); err == nil {
		if r.status != 408 && r.status != 400 {
			c.x.Fatalf("got status %d, want the connection closed", r.status)
		}
		c.closed()
	} else if strings.Contains(err.Error(), "timeout") {
		c.x.Fatal("the server keeps the connection open")
	}
	if took := time.Since(since); took > c.x.bound()+time.Second {
		c.x.Errorf("closed only after %v", took)
	}
}

func stalled(begin string) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{HeaderTimeout: short}, nil)
		began := time.Now()
		c := s.dial()
		c.send(begin)
		c.gone(began)
	}
}

// stalledSecond has the phase begin with the first byte of a request.
func stalledSecond(x *T) {
	s := x.serve(tako.Limits{HeaderTimeout: short}, nil)
	c := s.dial()
	c.get(alivePath)
	began := time.Now()
	c.send("GET / HT")
	c.gone(began)
}

// drippedHead must end although every byte comes soon after the last.
func drippedHead(x *T) {
	s := x.serve(tako.Limits{HeaderTimeout: short}, nil)
	began := time.Now()
	c := s.dial()
	stop := make(chan struct{})
	defer close(stop)
	go c.drip("GET / HTTP/1.1\r\nX-Long: "+strings.Repeat("a", 10000), short/10, stop)
	c.gone(began)
}

func idleShorter(x *T) {
	s := x.serve(tako.Limits{HeaderTimeout: short, IdleTimeout: 20 * short}, nil)
	c := s.dial()
	c.get(alivePath)
	c.quiet(2 * short) // longer than the timeout of a head
	c.get(alivePath)
}

func idleLonger(x *T) {
	s := x.serve(tako.Limits{HeaderTimeout: time.Minute, IdleTimeout: short}, nil)
	c := s.dial()
	began := time.Now() // the server counts from its answer on, which the client may see late
	c.get(alivePath)
	c.endedWell()
	if took := time.Since(began); took < short/2 || took > x.bound()+time.Second {
		x.Errorf("idle connection closed after %v, the limit is %v", took, short)
	}
}

// hoarding takes everything a handler writes and passes nothing on.
func hoarding(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		c.WrapBody(func(tako.BodyWriter) tako.BodyWriter { return hoard{} })
		return next(c)
	}
}

type hoard struct{}

func (hoard) Write(p []byte) (int, error) { return len(p), nil }
func (hoard) Flush() error                { return nil }
func (hoard) Close(error) error           { return errors.New("hoarded") }

// flood is a handler that writes without end, as far as most bytes, and tells how
// that ended.
func flood(most int, ended chan<- floodEnd) tako.Handler {
	return func(c *tako.Context) error {
		part := make([]byte, 32<<10)
		end := floodEnd{}
		for end.wrote < most && end.err == nil {
			var n int
			n, end.err = c.Write(part)
			end.wrote += n
		}
		ended <- end
		return end.err
	}
}

type floodEnd struct {
	wrote int
	err   error
}

// floodBound is what a server and the two kernels may hold for one connection.
const floodBound = 32 << 20

func notRead(x *T) {
	ended := make(chan floodEnd, 1)
	s := x.serve(tako.Limits{WriteTimeout: short}, func(app *tako.Router) { app.Get("/flood", flood(256<<20, ended)) })
	s.frayed = true
	c := s.dial()
	c.send(request("GET", "/flood", ""))
	checkFlood(x, ended)
}

func readSlowly(x *T) {
	ended := make(chan floodEnd, 1)
	s := x.serve(tako.Limits{WriteTimeout: short}, func(app *tako.Router) { app.Get("/flood", flood(256<<20, ended)) })
	s.frayed = true
	c := s.dial()
	c.send(request("GET", "/flood", ""))
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		tick := time.NewTicker(short / 10)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = c.Read(make([]byte, 1))
			case <-stop:
				return
			}
		}
	}()
	checkFlood(x, ended)
}

func checkFlood(x *T, ended <-chan floodEnd) {
	x.Helper()
	end := waitFor(x, "the write to fail", ended)
	if end.err == nil {
		x.Error("the handler wrote everything to a client that does not read")
	}
	if end.wrote > floodBound {
		x.Errorf("%d bytes were taken for a client that does not read", end.wrote)
	}
}
