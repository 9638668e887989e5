package runtimetest

import (
	"io"
	"strings"
	"sync/atomic"

	"github.com/tako-go/tako"
)

func pipelineCases() []testCase {
	hidden := asks("body-made-request", "Content-Length: ", "X-Length: ")
	return []testCase{
		{id: "H1-13/none-read", run: unread(1, 0), faults: []fault{hidden, twice}},
		{id: "H1-13/part-read", run: unread(100, 100), faults: []fault{hidden, mute}},
		{id: "H1-13/large", run: unread(30000, 0), faults: []fault{hidden}},
		{id: "H1-13/large-part-read", run: unread(30000, 70), faults: []fault{hidden}},
		{id: "H1-13/chunked", run: unreadChunks, faults: []fault{asks("body-made-request", "Transfer-Encoding: ", "X-Encoding: "), mute}},
		{id: "H1-15/many", run: pipelined, faults: []fault{bodies("one-lost", "number=77\n", "number=78\n"), around("at-once", racing)}},
		{id: "H1-15/slow-client", run: pipelineHeld, faults: []fault{bodies("cut", "number=9\n", "number=-9\n")}},
	}
}

// smuggledRoutes are a handler that reads so much of its body, one that must
// never be reached from a body, and one that stands behind.
func smuggledRoutes(seen *atomic.Int64, read int64) func(app *tako.Router) {
	return func(app *tako.Router) {
		app.Post("/part", func(c *tako.Context) error {
			_, _ = io.CopyN(io.Discard, c.Body(), read)
			return c.Text(200, "part")
		}, tako.BodyLimit(tako.NoLimit))
		app.Any("/smuggled", func(c *tako.Context) error { seen.Add(1); return c.Text(200, "smuggled") })
		app.Get("/next", say("next"))
	}
}

// unread pipelines a request behind a body of n requests that nobody reads.
func unread(n int, read int64) func(x *T) {
	return func(x *T) {
		requests := n
		if x.fault != nil {
			requests = min(n, 200)
		}
		body := strings.Repeat(smuggled, requests)
		pipelineBehind(x, read, post(body, "Content-Length: "+itoa(len(body))))
	}
}

func unreadChunks(x *T) {
	chunk := hex(len(smuggled)) + "\r\n" + smuggled + "\r\n"
	pipelineBehind(x, 0, post(strings.Repeat(chunk, 50)+"0\r\n\r\n", "Transfer-Encoding: chunked"))
}

func pipelineBehind(x *T, read int64, raw string) {
	var seen atomic.Int64
	s := x.serve(tako.Limits{}, smuggledRoutes(&seen, read))
	s.frayed = true
	c := s.dial()
	sent := make(chan struct{})
	go func() { // the server may stop reading and close
		defer close(sent)
		c.send(strings.Replace(raw, "/form", "/part", 1), request("GET", "/next", ""))
	}()
	c.expect(200)
	if r, err := c.tryRead("GET"); err == nil {
		if r.body != "next" {
			x.Errorf("the next answer is %d %q", r.status, r.body)
		}
		if got := c.get("/next").body; got != "next" {
			x.Errorf("the one behind it is %q", got)
		}
	} else if err := c.closing(x.patience); err != nil {
		x.Error(err)
	}
	_ = c.Close()
	<-sent
	if seen.Load() > 0 {
		x.Error("the body was taken for a request")
	}
}

// racing answers every request at once, in no order.
func racing(next tako.Handler) tako.Handler {
	var n atomic.Int64
	return func(c *tako.Context) error { return c.Text(200, "number="+itoa(int(1000-n.Add(1)))+"\n") }
}

// pipelined demands the answers in order, one handler at a time.
func pipelined(x *T) {
	const n = 1000
	var live, most atomic.Int64
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/{n}", func(c *tako.Context) error {
			most.Store(max(most.Load(), live.Add(1)))
			defer live.Add(-1)
			return c.Text(200, "number="+c.Param("n")+"\n")
		})
	})
	c := s.dial()
	go c.send(numbered(n))
	for i := range n {
		if got := c.expect(200).line("number"); got != itoa(i) {
			x.Fatalf("answer %d is that of request %q", i, got)
		}
	}
	if most.Load() > 1 {
		x.Errorf("%d requests of a connection were served at once", most.Load())
	}
	c.get("/last")
}

func numbered(n int) string {
	var all strings.Builder
	for i := range n {
		all.WriteString(request("GET", "/"+itoa(i), ""))
	}
	return all.String()
}

// pipelineHeld does not read its answers until the server had to stop for it.
func pipelineHeld(x *T) {
	const n = 400
	var served atomic.Int64
	part := strings.Repeat("x", 64<<10)
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/{n}", func(c *tako.Context) error {
			served.Add(1)
			return c.Text(200, part+"\nnumber="+c.Param("n")+"\n")
		})
	})
	s.frayed = true
	c := s.dial()
	go c.send(numbered(n))
	x.until("the server begins", func() bool { return served.Load() > 0 })
	c.quietly(short)
	if most := served.Load(); most == n {
		x.Errorf("all %d requests were served for a client that reads nothing", most)
	}
	for i := range n {
		if got := c.expect(200).line("number"); got != itoa(i) {
			x.Fatalf("answer %d is that of request %q", i, got)
		}
	}
}
