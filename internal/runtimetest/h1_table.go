package runtimetest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/tako-go/tako"
)

// An exchange is what a row of raw HTTP/1.1 sends and what has to come back.
type exchange struct {
	id     string
	send   string
	want   []int       // one of these; 200 stands for an answer of the echo route
	keeps  bool        // the connection goes on; else it must end
	reach  bool        // a handler may have seen the request before it was refused
	limits tako.Limits // of the server
	echo   map[string]string
	faults []fault // in addition to those of its kind
}

// smuggled is a request that stands where a body may be taken for one.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"

func (e exchange) testCase() testCase {
	faults := slices.Clone(e.faults)
	switch {
	case !slices.Contains(e.want, 200):
		var turns []fault
		for _, status := range e.want {
			turns = append(turns, turned(itoa(status)))
		}
		faults = append(faults, mergeReplies("refusal-turned-200", turns))
	case !slices.Contains(e.want, 400):
		faults = append(faults, mergeReplies("refused", []fault{replies("", "HTTP/1.1 200 ", "HTTP/1.1 400 "), replies("", "HTTP/1.0 200 ", "HTTP/1.0 400 ")}))
	}
	if e.keeps {
		faults = append(faults, around("connection-ended", ending))
	} else {
		faults = append(faults, deaf)
	}
	for name, value := range e.echo {
		faults = append(faults, bodies("echo-"+name+"-changed", name+"="+value+"\n", name+"=other\n"))
	}
	return testCase{id: e.id, run: e.run, faults: faults}
}

// mergeReplies makes one fault of several that rewrite what the server sends.
func mergeReplies(name string, faults []fault) fault {
	return fault{name: name, reply: func() rewriter {
		var all []rewriter
		for _, f := range faults {
			all = append(all, f.reply())
		}
		return func(p []byte, end bool) []byte {
			for _, rewrite := range all {
				p = rewrite(p, end)
			}
			return p
		}
	}}
}

// ending closes every connection behind its response.
func ending(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		c.BeforeHead(func(h *tako.Head) { h.Header.Set("Connection", "close") })
		return next(c)
	}
}

// echoes serves every path with a text that tells what arrived, and counts.
type echoes struct {
	smuggled, others atomic.Int64
}

func (e *echoes) routes(app *tako.Router) {
	app.Any("/smuggled", func(c *tako.Context) error {
		e.smuggled.Add(1)
		return c.Text(200, "smuggled")
	})
	app.Any("/{path...}", func(c *tako.Context) error {
		if c.Path() != "/next" {
			e.others.Add(1)
		}
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		return c.Text(200, describe(c, string(body)))
	})
}

// describe tells what a handler got, one name=value a line.
func describe(c *tako.Context, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "method=%s\npath=%s\nquery=%s\nhost=%s\nprotocol=%v\nlength=%d\nbody=%s\n",
		c.Method(), c.Path(), c.RawQuery(), c.Host(), c.Protocol(), c.ContentLength(), body)
	var fields []string
	for name, value := range c.RequestHeaders() {
		fields = append(fields, fmt.Sprintf("field %s=%q\n", name, value))
	}
	slices.Sort(fields)
	for _, f := range fields {
		b.WriteString(f)
	}
	for name, value := range c.RequestTrailers() {
		fmt.Fprintf(&b, "trailer %s=%s\n", name, value)
	}
	return b.String()
}

// run sends the request with another one behind it, which is answered or not as
// the row has it, and looks that no part of a body became a request.
func (e exchange) run(x *T) {
	var seen echoes
	s := x.serve(e.limits, seen.routes)
	c := s.dial()
	next := ""
	if e.keeps {
		next = request("GET", "/next", "")
	}
	c.send(e.send, next)
	method, _, _ := strings.Cut(e.send, " ")
	r := c.read(method)
	if !slices.Contains(e.want, r.status) {
		x.Fatalf("got status %d with body %.300q, want %v", r.status, r.body, e.want)
	}
	for name, want := range e.echo {
		if got := r.line(name); got != want {
			x.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if e.keeps {
		if got := c.expect(200).line("path"); got != "/next" {
			x.Errorf("the next answer is for path %q, want /next", got)
		}
	} else if !x.streams() {
		c.closed()
	}
	if seen.smuggled.Load() > 0 {
		x.Error("a part of the body was taken for a request")
	}
	if r.status != 200 && !e.reach && seen.others.Load() > 0 {
		x.Error("a handler has seen the request")
	}
}

func table(rows []exchange) (all []testCase) {
	for _, e := range rows {
		all = append(all, e.testCase())
	}
	return all
}

// post returns a POST whose head has these lines, with text behind it.
func post(behind string, lines ...string) string {
	return "POST /form HTTP/1.1\r\nHost: a.example\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n" + behind
}
