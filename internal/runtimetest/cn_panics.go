package runtimetest

import (
	"net/http"
	"strings"

	"github.com/tako-go/tako"
)

func panicCases() []testCase {
	return []testCase{
		{id: "CN-08/before-head", run: panicBefore, faults: []fault{muffled, turned("500"), around("text-leaked", leakText)}},
		{id: "CN-08/keeps-connection", run: panicKeeps, faults: []fault{muffled, around("connection-lost", aborting)}},
		{id: "CN-08/after-head", run: panicAfter("/head"), faults: []fault{muffled, replies("end-added", "half\r\n", "half\r\n0\r\n\r\n")}},
		{id: "CN-08/declared-length", run: panicAfter("/length"), faults: []fault{replies("rest-added", "half", "half of the body")}},
		{id: "CN-08/in-stream", run: panicAfter("/stream"), faults: []fault{muffled, replies("end-added", "half\r\n", "half\r\n0\r\n\r\n")}},
		{id: "CN-08/nothing-but-abort", run: panicAborts, faults: []fault{muffled, deaf}},
	}
}

// leakText shows the text of a panic to the client.
func leakText(next tako.Handler) tako.Handler {
	return func(c *tako.Context) (err error) {
		defer func() {
			if v, ok := recover().(string); ok {
				err = c.Text(500, v)
			}
		}()
		return next(c)
	}
}

// aborting breaks the connection off where a handler panics.
func aborting(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		defer func() {
			if recover() != nil {
				panic(http.ErrAbortHandler)
			}
		}()
		return next(c)
	}
}

func panics(app *tako.Router) {
	app.Get("/panic", func(c *tako.Context) error { panic("secret of " + c.Query("mark")) })
	app.Get("/head", func(c *tako.Context) error {
		_, _ = c.WriteString("half")
		_ = c.Flush()
		panic("secret")
	})
	app.Get("/length", func(c *tako.Context) error {
		c.Header().Set("Content-Length", "16")
		_, _ = c.WriteString("half")
		_ = c.Flush()
		panic("secret")
	})
	app.Get("/stream", func(c *tako.Context) error {
		return c.Stream(200, "text/plain", &brokenReader{rest: "half", c: c})
	})
	app.Get("/abort", func(*tako.Context) error { panic(http.ErrAbortHandler) })
}

// brokenReader panics behind its text.
type brokenReader struct {
	rest string
	c    *tako.Context
}

func (r *brokenReader) Read(p []byte) (int, error) {
	if r.rest == "" {
		_ = r.c.Flush()
		panic("secret")
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func panicBefore(x *T) {
	s := x.serve(tako.Limits{}, panics)
	mark := strings.ReplaceAll(strings.ReplaceAll(x.Name(), "/", "-"), "#", "-")
	r := s.get("/panic?mark="+mark, 500)
	if strings.Contains(r.body, "secret") || r.body == "" {
		x.Errorf("the body of the 500 is %q, want a generic one", r.body)
	}
	all := func() int {
		return s.logs.count("secret of "+mark, "stack") + x.defaults.count("secret of "+mark, "stack")
	}
	x.until("the stack is in the log", func() bool { return all() > 0 })
	if n := all(); n != 1 {
		x.Errorf("the stack is in the log %d times, want once", n)
	}
}

func panicKeeps(x *T) {
	s := x.serve(tako.Limits{}, panics)
	c := s.dial()
	c.send(request("GET", "/panic", ""))
	c.expect(500)
	c.get(alivePath)
}

// panicAfter demands that the client can see that the response is not whole.
func panicAfter(path string) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{}, panics)
		c := s.dial()
		c.send(request("GET", path, ""), request("GET", alivePath, ""))
		r, err := c.tryRead("GET")
		if !cutOff(err) {
			x.Fatalf("got %+v and %v, want a response that is cut off", r, err)
		}
		c.closed()
	}
}

func panicAborts(x *T) {
	s := x.serve(tako.Limits{}, panics)
	c := s.dial()
	c.send(request("GET", "/abort", ""))
	c.closed()
}
