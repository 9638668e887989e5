package runtimetest

import (
	"strings"

	"github.com/tako-go/tako"
)

func trailerCases() []testCase {
	return []testCase{
		{id: "H1-20/arrives", run: trailerArrives("Trailer: X-Sum"), faults: []fault{bodies("lost", "trailer X-Sum=abc\n", "")}},
		{id: "H1-20/arrives-unannounced", run: trailerArrives("X-None: 1"), faults: []fault{bodies("lost", "trailer X-Sum=abc\n", "")}},
		{id: "H1-20/not-merged", run: trailerApart, faults: []fault{bodies("merged", "late=", "late=abc")}},
		{id: "H1-20/forbidden", run: trailerForbidden, faults: []fault{bodies("let-through", "body=", "trailer Authorization=x\nbody="), replies("let-through-host", "host=a.example", "host=b.example")}},
		{id: "H1-20/too-large", run: trailerSize("X-Long: " + strings.Repeat("a", 200<<10) + "\r\n"), faults: []fault{turned("400"), deaf}},
		{id: "H1-20/too-many", run: trailerSize(strings.Repeat("X-Many: 1\r\n", 30000)), faults: []fault{turned("400"), deaf}},
		{id: "H1-20/malformed", run: trailerMalformed, faults: []fault{mergeReplies("let-through", []fault{turned("400"), replies("", "body=", "trailer X Name=1\nbody="), replies("", "400 Bad", "\ntrailer X Name=1\n")})}},
		{id: "H1-20/sent", run: trailerSent, faults: []fault{replies("lost", "X-Sum: abc\r\n", "")}},
	}
}

// withTrailer is a chunked request with these trailer lines.
func withTrailer(lines string, fields ...string) string {
	return post("5\r\nhello\r\n0\r\n"+lines+"\r\n", append(fields, "Transfer-Encoding: chunked")...)
}

// trailerArrives sends a trailer. That it was announced helps clients and proxies,
// but nobody has to (RFC 9110, section 6.6.2).
func trailerArrives(line string) func(x *T) {
	return func(x *T) {
		var seen echoes
		c := x.serve(tako.Limits{}, seen.routes).dial()
		c.send(withTrailer("X-Sum: abc\r\n", line), request("GET", "/next", ""))
		if got := c.expect(200).line("trailer X-Sum"); got != "abc" {
			x.Errorf("the trailer is %q", got)
		}
		if got := c.expect(200).line("path"); got != "/next" {
			x.Errorf("the next answer is for %q", got)
		}
	}
}

// trailerApart looks at the header after the trailer has arrived.
func trailerApart(x *T) {
	c := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/form", func(c *tako.Context) error {
			if _, err := c.ReadBody(); err != nil {
				return err
			}
			return c.Text(200, "late="+c.RequestHeader("X-Sum")+"\n")
		})
	}).dial()
	c.send(withTrailer("X-Sum: abc\r\n", "Trailer: X-Sum"))
	if got := c.expect(200).line("late"); got != "" {
		x.Errorf("the trailer is among the header fields: %q", got)
	}
}

func trailerForbidden(x *T) {
	var seen echoes
	s := x.serve(tako.Limits{}, seen.routes)
	for _, line := range []string{"Content-Length: 3", "Transfer-Encoding: chunked", "Host: b.example", "Authorization: x", "Cookie: a=b", "Content-Type: x/y"} {
		c := s.dial()
		c.send(withTrailer(line + "\r\n"))
		r := c.expect(200, 400)
		if strings.Contains(r.body, "\ntrailer ") {
			x.Errorf("%s: it is among the trailers: %q", line, r.body)
		}
		if r.status == 200 && r.line("host") != "a.example" {
			x.Errorf("%s: the host is %q", line, r.line("host"))
		}
	}
}

// trailerMalformed is refused, or kept from the handler.
func trailerMalformed(x *T) {
	var seen echoes
	c := x.serve(tako.Limits{}, seen.routes).dial()
	c.send(withTrailer("X Name: 1\r\n"))
	if r, err := c.tryRead("POST"); err == nil && strings.Contains(r.body, "\ntrailer ") {
		x.Errorf("it is among the trailers: %q", r.body)
	}
}

// trailerSize demands that the trailer counts to the limits of a head.
func trailerSize(lines string) func(x *T) {
	return func(x *T) {
		var seen echoes
		s := x.serve(tako.Limits{HeaderBytes: 64 << 10}, seen.routes)
		s.frayed = true
		c := s.dial()
		go c.send(withTrailer(lines))
		r, err := c.tryRead("POST")
		if err == nil && r.status != 400 && r.status != 431 && r.status != 413 {
			x.Fatalf("got status %d, want a refusal or the connection closed", r.status)
		}
		if err := c.closing(x.patience); err != nil {
			x.Error(err)
		}
	}
}

func trailerSent(x *T) {
	c := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/sum", func(c *tako.Context) error {
			_, _ = c.WriteString("hello")
			c.Trailer().Set("X-Sum", "abc")
			return nil
		})
	}).dial()
	c.send(request("GET", "/sum", "", "TE: trailers"))
	r := c.expect(200)
	if len(r.trailer) != 1 || r.trailer[0] != (field{"X-Sum", "abc"}) || r.body != "hello" || r.get("X-Sum") != "" {
		x.Errorf("got %+v, want a trailer behind the body", r)
	}
	c.get(alivePath)
}
