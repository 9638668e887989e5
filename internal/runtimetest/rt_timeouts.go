package runtimetest

import (
	"context"
	"errors"
	"time"

	"github.com/tako-go/tako"
)

func routeTimeoutCases() []testCase {
	never := asks("not-timed", "/slow", "/free")
	return []testCase{
		{id: "RT-10/answers", timed: true, run: timeoutAnswers, faults: []fault{turned("503"), never}},
		{id: "RT-10/cancels", run: timeoutCancels, faults: []fault{detached, never}},
		{id: "RT-10/late-writes", run: lateWrites, faults: []fault{mergeReplies("written", []fault{replies("", `"status":503`, `"status":late`), replies("", "Content-Length: ", "X-Length: ")}), asks("fast", "/late", "/free")}},
		{id: "RT-10/opt-out", run: timeoutOptOut, faults: []fault{replies("timed-out", "HTTP/1.1 200", "HTTP/1.1 503")}},
		{id: "RT-10/streams-go-on", run: timeoutStream, faults: []fault{bodies("cut", "part 2\n", ""), mute}},
		{id: "RT-10/request-is-kept", run: timeoutKeeps, faults: []fault{replies("rewritten", "path=/slow", "path=/other")}},
	}
}

// slowRoutes have a short timeout, and handlers that take longer or do not have
// it. What they find out goes to ended.
func slowRoutes(x *T, ended chan error) func(app *tako.Router) {
	return func(app *tako.Router) {
		app.Timeout(short)
		app.Get("/slow", func(c *tako.Context) error {
			select {
			case <-c.Context().Done():
				ended <- context.Cause(c.Context())
			case <-x.Context().Done():
				ended <- nil
			}
			return nil
		})
		app.Get("/late", func(c *tako.Context) error {
			select {
			case <-c.Context().Done():
			case <-x.Context().Done():
			}
			err := c.Text(200, "late")
			_, werr := c.WriteString("late")
			ended <- errors.Join(err, werr)
			return err
		})
		app.Get("/free", func(c *tako.Context) error {
			pause(c, 2*short)
			ended <- c.Context().Err()
			return c.Text(200, "free")
		}, tako.Timeout(0))
		app.Get("/stream", func(c *tako.Context) error {
			_, _ = c.WriteString("part 1\n")
			_ = c.Flush()
			pause(c, 2*short)
			_, err := c.WriteString("part 2\n")
			ended <- err
			return err
		})
		app.OnError(func(c *tako.Context, err error) error {
			c.Header().Set("X-Seen", "method="+c.Method()+" path="+c.Path()+" query="+c.RawQuery())
			return err
		})
	}
}

// pause waits without a sleep that nothing can end.
func pause(c *tako.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.Context().Done():
	}
}

func timeoutAnswers(x *T) {
	ended := make(chan error, 1)
	s := x.serve(tako.Limits{}, slowRoutes(x, ended))
	c := s.dial()
	began := time.Now()
	c.send(request("GET", "/slow", ""))
	c.expect(503, 504)
	if took := time.Since(began); took < short/2 || took > x.bound() {
		x.Errorf("answered after %v, the timeout is %v", took, short)
	}
	waitFor(x, "the handler to end", ended)
	c.get(alivePath)
}

func timeoutCancels(x *T) {
	ended := make(chan error, 1)
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Group("", func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error { return c.RunTimeout(short, underFault(x, next)) }
		}).Get("/slow", func(c *tako.Context) error {
			select {
			case <-c.Context().Done():
				ended <- context.Cause(c.Context())
			case <-x.Context().Done():
				ended <- nil
			}
			return nil
		})
		app.Get("/free", func(c *tako.Context) error { ended <- nil; return c.Text(503, "free") })
	})
	s.frayed = true
	s.get("/slow", 503)
	if err := waitFor(x, "the handler to end", ended); !errors.Is(err, tako.ErrTimeout) {
		x.Errorf("the context was cancelled with %v, want ErrTimeout", err)
	}
}

// underFault puts the middleware of the fault inside others.
func underFault(x *T, next tako.Handler) tako.Handler {
	if x.fault != nil && x.fault.around != nil {
		return x.fault.around(next)
	}
	return next
}

func lateWrites(x *T) {
	ended := make(chan error, 1)
	s := x.serve(tako.Limits{}, slowRoutes(x, ended))
	c := s.dial()
	c.send(request("GET", "/late", ""))
	r := c.expect(503)
	if r.body == "late" || r.line("late") != "" {
		x.Errorf("the body is %q", r.body)
	}
	if got := r.get("Content-Type"); got != "application/problem+json" || !contains(r.body, `"status":503`) {
		x.Errorf("got %s %q, want a problem document", got, r.body)
	}
	if err := waitFor(x, "the handler to end", ended); !errors.Is(err, tako.ErrTimeout) {
		x.Errorf("late writes returned %v, want ErrTimeout", err)
	}
	if got := c.get(alivePath).body; got != "alive" {
		x.Errorf("the next answer is %q", got)
	}
}

func timeoutOptOut(x *T) {
	s := x.serve(tako.Limits{}, slowRoutes(x, make(chan error, 1)))
	if got := s.get("/free", 200).body; got != "free" {
		x.Errorf("got %q", got)
	}
}

func timeoutStream(x *T) {
	s := x.serve(tako.Limits{}, slowRoutes(x, make(chan error, 1)))
	if got := s.get("/stream", 200).body; got != "part 1\npart 2\n" {
		x.Errorf("got %q", got)
	}
}

func timeoutKeeps(x *T) {
	s := x.serve(tako.Limits{}, slowRoutes(x, make(chan error, 1)))
	if got := s.get("/slow?q=1", 503).get("X-Seen"); got != "method=GET path=/slow query=q=1" {
		x.Errorf("the error handler saw %q", got)
	}
}
