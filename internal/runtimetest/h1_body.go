package runtimetest

import (
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

func bodyCases() []testCase {
	const chunked = "Transfer-Encoding: chunked"
	unbounded := limited("limit-off", func(l *tako.Limits) { l.BodyTimeout, l.MinBodyRate = tako.NoLimit, tako.NoLimit })
	return []testCase{
		{id: "H1-12/stalled", timed: true, run: slowBody(post("half", "Content-Length: 1000"), ""), faults: []fault{unbounded, deaf}},
		{id: "H1-12/stalled-chunk", timed: true, run: slowBody(post("5\r\nha", chunked), ""), faults: []fault{unbounded, deaf}},
		{id: "H1-12/dripped", timed: true, run: slowBody(post("", "Content-Length: 100000"), strings.Repeat("x", 10000)), faults: []fault{unbounded, deaf}},
		{id: "H1-12/dripped-chunks", timed: true, run: slowBody(post("", chunked), strings.Repeat("1\r\nx\r\n", 2000)), faults: []fault{unbounded, deaf}},
		{id: "H1-12/stalled-unread", timed: true, run: slowUnread(post("half", "Content-Length: 1000"), 200), faults: []fault{unbounded, deaf}},
		{id: "H1-12/stalled-unread-chunk", timed: true, run: slowUnread(post("5\r\nha", chunked), 200), faults: []fault{unbounded, deaf}},
		{id: "H1-12/stalled-nowhere", timed: true, run: slowUnread("POST /nowhere HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000\r\n\r\nhalf", 404), faults: []fault{unbounded, deaf}},
		{id: "H1-12/rate", long: true, timed: true, run: belowRate, faults: []fault{unbounded}},
		{id: "H1-12/fast-enough", run: fastEnough, faults: []fault{limited("too-strict", func(l *tako.Limits) { l.BodyTimeout = 10 * time.Millisecond })}},
	}
}

// slowBody sends the beginning, drips the rest, and demands an end of it by the
// body timeout: the handler's read fails, and the client gets 408 or the end.
func slowBody(begin, rest string) func(x *T) {
	return func(x *T) {
		readEnded := make(chan error, 1)
		s := x.serve(tako.Limits{BodyTimeout: 2 * short}, func(app *tako.Router) {
			app.Post("/form", func(c *tako.Context) error {
				_, err := c.ReadBody()
				readEnded <- err
				return err
			})
		})
		s.frayed = true
		began := time.Now()
		c := s.dial()
		c.send(begin)
		stop := make(chan struct{})
		defer close(stop)
		go c.drip(rest, short/10, stop)
		if err := waitFor(x, "the read to end", readEnded); err == nil {
			x.Error("the handler took the half of the body for the whole")
		}
		r, err := c.tryRead("POST")
		if err == nil && r.status != 408 {
			x.Errorf("got status %d, want 408 or the connection closed", r.status)
		}
		c.overBody()
		if took := time.Since(began); took > 2*x.bound()+time.Second {
			x.Errorf("ended only after %v", took)
		}
	}
}

// overBody demands the end of the connection where the rest of a body is missing.
// A stream ends alone.
func (c *client) overBody() {
	c.x.Helper()
	if c.x.streams() {
		return
	}
	if err := c.closing(c.x.patience); err != nil {
		c.x.Error(err)
	}
}

// slowUnread stalls in a body that no handler wants: the answer may wait for the
// rest of it, but not for ever.
func slowUnread(raw string, status int) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{BodyTimeout: 2 * short, HeaderTimeout: 2 * short, IdleTimeout: 2 * short}, func(app *tako.Router) { app.Post("/form", say("not read")) })
		s.frayed = true
		began := time.Now()
		c := s.dial()
		c.send(raw)
		if r, err := c.tryRead("POST"); err == nil && r.status != status && r.status != 408 {
			x.Errorf("got status %d, want %d or 408", r.status, status)
		}
		c.overBody()
		if took := time.Since(began); took > 2*x.bound()+time.Second {
			x.Errorf("ended only after %v", took)
		}
	}
}

// belowRate stays under the body timeout but also under the least rate, which
// counts after a grace of five seconds.
func belowRate(x *T) {
	readEnded := make(chan error, 1)
	s := x.serve(tako.Limits{MinBodyRate: 10_000, HeaderTimeout: time.Second}, func(app *tako.Router) {
		app.Post("/form", func(c *tako.Context) error {
			_, err := c.ReadBody()
			readEnded <- err
			return err
		})
	})
	s.frayed = true
	c := s.dial()
	c.send(post("", "Content-Length: 100000"))
	stop := make(chan struct{})
	defer close(stop)
	go c.drip(strings.Repeat("x", 10000), 10*time.Millisecond, stop)
	began := time.Now()
	select {
	case err := <-readEnded:
		if err == nil {
			x.Error("the handler took the half of the body for the whole")
		}
		if took := time.Since(began); took < 4*time.Second {
			x.Errorf("ended after %v, within the grace", took)
		}
	case <-time.After(x.patience + 6*time.Second):
		x.Fatal("a body below the least rate goes on")
	}
}

// fastEnough keeps to all limits with pauses in between.
func fastEnough(x *T) {
	s := x.serve(tako.Limits{BodyTimeout: 50 * short}, func(app *tako.Router) {
		app.Post("/form", func(c *tako.Context) error {
			body, err := c.ReadBody()
			if err != nil {
				return err
			}
			return c.Text(200, string(body))
		})
	})
	c := s.dial()
	c.send(post("12345", "Content-Length: 15"))
	c.quiet(short)
	c.send("67890")
	c.quiet(short)
	c.send("abcde")
	if r := c.expect(200); r.body != "1234567890abcde" {
		x.Errorf("got body %q", r.body)
	}
	c.get(alivePath)
}

func expectCases() []testCase {
	continued := mergeReplies("continue-added", []fault{
		replies("", "HTTP/1.1 200", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"), replies("", "HTTP/1.0 200", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200")})
	return []testCase{
		{id: "H1-14/reads", run: expectReads, faults: []fault{replies("continue-lost", "HTTP/1.1 100 Continue\r\n\r\n", "")}},
		{id: "H1-14/refuses", run: expectRefuses, faults: []fault{around("read-first", readFirst), turned("413")}},
		{id: "H1-14/does-not-read", run: expectIgnored, faults: []fault{around("read-first", readFirst), continued}},
		{id: "H1-14/http-1.0", run: expectOld, faults: []fault{continued}},
		{id: "H1-14/unknown", run: expectUnknown, faults: []fault{mergeReplies("other-status", []fault{replies("", "HTTP/1.1 417", "HTTP/1.1 500"), replies("", "HTTP/1.1 200", "HTTP/1.1 500")})}},
	}
}

// readFirst begins to read every body.
func readFirst(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		_ = c.SetReadDeadline(time.Now().Add(short))
		_, _ = io.ReadFull(c.Body(), make([]byte, 1))
		return next(c)
	}
}

const expecting = "Expect: 100-continue"

func expectRoutes(app *tako.Router) {
	var seen echoes
	app.Post("/refuse", func(*tako.Context) error { return tako.Errorf(413, "no") })
	app.Post("/ignore", say("not read"))
	seen.routes(app)
}

func expectReads(x *T) {
	c := x.serve(tako.Limits{}, expectRoutes).dial()
	c.send("POST /read HTTP/1.1\r\nHost: a.example\r\n" + expecting + "\r\nContent-Length: 5\r\n\r\n")
	_ = c.SetReadDeadline(time.Now().Add(x.patience))
	if r, err := readHead(c.br); err != nil || r.status != 100 {
		x.Fatalf("got %+v and %v, want 100", r, err)
	}
	c.send("hello")
	if r := c.expect(200); r.line("body") != "hello" || len(r.interim) > 0 {
		x.Errorf("got body %q behind %v", r.line("body"), r.interim)
	}
	c.get("/next")
}

// expectEnd demands a final response without 100, after which the server either
// ends the connection or waits for the body: it must not take it for a request.
func expectEnd(x *T, path string, status int) {
	var seen atomic.Int64
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/refuse", func(*tako.Context) error { return tako.Errorf(413, "no") })
		app.Post("/ignore", say("not read"))
		app.Get("/smuggled", func(c *tako.Context) error { seen.Add(1); return c.Text(200, "smuggled") })
		app.Get("/next", say("next"))
	})
	s.frayed = true
	c := s.dial()
	c.send("POST " + path + " HTTP/1.1\r\nHost: a.example\r\n" + expecting + "\r\nContent-Length: " + itoa(len(smuggled)) + "\r\n\r\n")
	if r := c.expect(status); len(r.interim) > 0 {
		x.Errorf("got %v before the refusal", r.interim)
	}
	c.send(smuggled, request("GET", "/next", ""))
	if r, err := c.tryRead("GET"); err == nil && r.body != "next" {
		x.Errorf("the next answer is %q", r.body)
	}
	if seen.Load() > 0 {
		x.Error("the body was taken for a request")
	}
}

func expectRefuses(x *T) { expectEnd(x, "/refuse", 413) }
func expectIgnored(x *T) { expectEnd(x, "/ignore", 200) }

func expectOld(x *T) {
	c := x.serve(tako.Limits{}, expectRoutes).dial()
	c.send("POST /read HTTP/1.0\r\nHost: a.example\r\n" + expecting + "\r\nContent-Length: 5\r\n\r\nhello")
	if r := c.expect(200); r.line("body") != "hello" || len(r.interim) > 0 {
		x.Errorf("got body %q behind %v", r.line("body"), r.interim)
	}
}

func expectUnknown(x *T) {
	s := x.serve(tako.Limits{}, expectRoutes)
	s.ask("POST /read HTTP/1.1\r\nHost: a.example\r\nExpect: the-best\r\nContent-Length: 5\r\n\r\nhello", 417, 200)
}
