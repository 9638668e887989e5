package runtimetest

import (
	"net/http"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
)

func fairCases() []testCase {
	slow := []fault{around("slow", func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if c.Path() == "/small" {
				pause(c, 2*fairBound)
			}
			return next(c)
		}
	})}
	return []testCase{
		{id: "H2-18/streams-that-wait", timed: true, run: fairBeside("/wait"), faults: slow},
		{id: "H2-18/streams-that-download", timed: true, run: fairBeside("/large"), faults: slow},
		{id: "H2-18/same-connection", timed: true, run: fairWithin, faults: slow},
	}
}

func fairRoutes(x *T) func(app *tako.Router) {
	return func(app *tako.Router) {
		app.Get("/wait", func(c *tako.Context) error { return waiting(c, x.Context().Done()) })
		app.Get("/small", say("small"))
		app.Get("/large", func(c *tako.Context) error {
			part := make([]byte, 32<<10)
			for {
				if _, err := c.Write(part); err != nil {
					return err
				}
			}
		})
	}
}

// fairBound is what a small page may take: a second, and as much for a machine that
// has other work.
const fairBound = 2 * time.Second

// small asks for a small page a few times; each must come soon.
func (c *frameClient) small() {
	for range 10 {
		began := time.Now()
		c.ask("/small")
		if took := time.Since(began); took > fairBound {
			c.x.Errorf("a small page took %v beside others", took)
		}
	}
}

// fairBeside keeps 100 streams of one client busy while another asks.
func fairBeside(path string) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{}, fairRoutes(x))
		s.frayed = true
		hog := s.h2With(frameOptions{})
		hog.ready()
		for range 100 {
			hog.open(true, hog.get(path))
		}
		s.h2().small()
		hog.close()
	}
}

func fairWithin(x *T) {
	s := x.serve(tako.Limits{}, fairRoutes(x))
	s.frayed = true
	c := s.h2()
	c.ready()
	for range 3 {
		c.open(true, c.get("/large"))
	}
	c.small()
	c.close()
}

// streamGoneCases are those of CN-07 and CN-08 where a stream ends and its connection
// goes on.
func streamGoneCases() []testCase {
	over := []Protocol{HTTP2, H2C}
	return []testCase{
		{id: "CN-07/stream-reset", over: over, run: resetTells(waiting, ""), faults: []fault{detached}},
		{id: "CN-07/stream-reset-upload", over: over, run: resetTells(uploading, "half"), faults: []fault{around("upload-completed", completing)}},
		{id: "CN-07/stream-reset-download", over: over, run: resetTells(writing, ""), faults: []fault{around("body-hoarded", leftAlone)}},
		{id: "CN-07/goaway-by-client", over: over, run: clientGoesAway, faults: []fault{unanswered}},
		{id: "CN-08/siblings", over: over, run: panicSiblings, faults: []fault{muffled, hidden}},
		{id: "CN-02/streams-of-many", over: over, run: manyStreams, faults: []fault{unanswered}},
	}
}

// resetTells has a client give up one stream of two.
func resetTells(work func(*tako.Context, <-chan struct{}) error, body string) func(x *T) {
	return func(x *T) {
		path := x.ownPath("/work")
		entered := make(chan struct{}, 1)
		told := make(chan error, 1)
		outcome := make(chan tako.Outcome, 1)
		slow := newGated(x)
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			app.Post(path, func(c *tako.Context) error {
				c.OnDone(func(o tako.Outcome) { outcome <- o })
				entered <- struct{}{}
				err := work(c, x.Context().Done())
				told <- err
				return err
			})
			app.Get("/slow", slow.serve)
		})
		c := s.h2()
		c.ready()
		other := c.open(true, c.get("/slow"))
		waitFor(x, "the other handler", slow.entered)
		id := c.open(false, c.request("POST", path))
		if body != "" {
			c.data(id, false, []byte(body))
		}
		waitFor(x, "the handler", entered)
		left := time.Now()
		c.write(func(fr *http2.Framer) { _ = fr.WriteRSTStream(id, http2.ErrCodeCancel) })
		if err := waitFor(x, "the handler to be told", told); err == nil {
			x.Error("the work ended without an error")
		}
		if took := time.Since(left); took > 10*time.Second {
			x.Errorf("the handler was told after %v, want about a second at most", took)
		}
		close(slow.release)
		if got := c.expect(other, 200).body; got != "slow" {
			x.Errorf("the other stream got %q", got)
		}
		if o := waitFor(x, "the outcome", outcome); o.Status == 500 {
			x.Errorf("the outcome is 500 with %v, but the client gave up", o.Err)
		}
		if line := x.defaults.find(request500, path+" "); line != "" {
			x.Errorf("a stream that was reset is in the log as a failed request: %.300s", line)
		}
	}
}

// clientGoesAway says that it will open no more streams; what runs goes on.
func clientGoesAway(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	c := s.h2()
	c.ready()
	id := c.open(true, c.get("/slow"))
	waitFor(x, "the handler", slow.entered)
	c.write(func(fr *http2.Framer) { _ = fr.WriteGoAway(0, http2.ErrCodeNo, []byte("bye")) })
	close(slow.release)
	if got := c.expect(id, 200).body; got != "slow" {
		x.Errorf("got %q", got)
	}
}

// panicSiblings has handlers panic beside one that does not.
func panicSiblings(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		panics(app)
		app.Get("/slow", slow.serve)
		app.Get("/quiet", func(*tako.Context) error { panic(http.ErrAbortHandler) })
	})
	c := s.h2()
	c.ready()
	other := c.open(true, c.get("/slow"))
	waitFor(x, "the other handler", slow.entered)
	c.expect(c.open(true, c.get("/panic")), 500)
	for _, path := range []string{"/head", "/length", "/stream", "/quiet"} {
		id := c.open(true, c.get(path))
		c.resets(id, http2.ErrCodeInternal)
	}
	close(slow.release)
	if got := c.expect(other, 200).body; got != "slow" {
		x.Errorf("the other stream got %q", got)
	}
	c.ask(alivePath)
}

// manyStreams uses one connection for more requests than a table of streams may keep.
func manyStreams(x *T) {
	c := x.serve(tako.Limits{}, hello).h2()
	c.ready()
	for range 50 {
		var ids []uint32
		for range 40 {
			ids = append(ids, c.open(true, c.get("/hello")))
		}
		for _, id := range ids {
			c.expect(id, 200)
			c.forget(id)
		}
	}
}
