package runtimetest

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

func goneCases() []testCase {
	faults := []fault{detached}
	return []testCase{
		{id: "CN-07/without-body", run: leaves(request("GET", "/work", ""), waiting), faults: faults},
		{id: "CN-07/body-read", run: leavesAfter(readWhole, request("POST", "/work", "some text"), waiting), faults: faults},
		{id: "CN-07/body-unread", run: leaves(request("POST", "/work", "some text"), waiting), faults: faults},
		{id: "CN-07/large-body-unread", run: leaves(request("POST", "/work", strings.Repeat("x", 64<<10)), waiting), faults: faults},
		{id: "CN-07/chunked-unread", run: leaves("POST /work HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", waiting), faults: faults},
		{id: "CN-07/upload", run: leaves("POST /work HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000\r\n\r\nhalf", uploading), faults: []fault{around("upload-completed", completing)}},
		{id: "CN-07/download", run: leaves(request("GET", "/work", ""), writing), faults: []fault{around("body-hoarded", leftAlone)}},
	}
}

// The kinds of work that a client leaves. Each ends with an error when it notices,
// and without one if the case gives up.
func waiting(c *tako.Context, stop <-chan struct{}) error {
	select {
	case <-c.Context().Done():
		return c.Context().Err()
	case <-stop:
		return nil
	}
}

// readWhole comes before the client leaves: what it has sent at that moment may be lost.
func readWhole(c *tako.Context) error {
	_, err := c.ReadBody()
	return err
}

func uploading(c *tako.Context, _ <-chan struct{}) error {
	_, err := io.Copy(io.Discard, c.Body())
	return err
}

func writing(c *tako.Context, stop <-chan struct{}) error {
	part := make([]byte, 16<<10)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-stop:
			return nil
		}
		if _, err := c.Write(part); err != nil {
			return err
		}
	}
}

// leftAlone hides from the handler that nobody takes what it writes.
func leftAlone(next tako.Handler) tako.Handler { return hoarding(detached.around(next)) }

// completing hides from the handler that a body was cut off.
func completing(next tako.Handler) tako.Handler {
	return tako.Std(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = wholeBody{r.Body}
			h.ServeHTTP(w, r)
		})
	})(next)
}

type wholeBody struct{ io.ReadCloser }

func (b wholeBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

// leaves has a client go away in the middle of work and demands that the handler
// is told, and that nobody calls it a failure of the server.
func leaves(raw string, work func(*tako.Context, <-chan struct{}) error) func(x *T) {
	return leavesAfter(func(*tako.Context) error { return nil }, raw, work)
}

// leavesAfter is leaves with something that the handler does first.
func leavesAfter(first func(*tako.Context) error, raw string, work func(*tako.Context, <-chan struct{}) error) func(x *T) {
	return func(x *T) {
		path := x.ownPath("/work")
		entered := make(chan struct{})
		told := make(chan error, 1)
		outcome := make(chan tako.Outcome, 1)
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			app.Any(path, func(c *tako.Context) error {
				c.OnDone(func(o tako.Outcome) { outcome <- o })
				if err := first(c); err != nil {
					x.Errorf("before the client leaves: %v", err)
				}
				close(entered)
				err := work(c, x.Context().Done())
				told <- err
				return err
			})
		})
		s.frayed = true
		c := s.dial()
		c.send(strings.Replace(raw, "/work", path, 1))
		waitFor(x, "the handler", entered)
		_ = c.Close()
		left := time.Now()
		if err := waitFor(x, "the handler to be told", told); err == nil {
			x.Error("the work ended without an error")
		}
		if took := time.Since(left); took > 10*time.Second {
			x.Errorf("the handler was told after %v, want about a second at most", took)
		}
		if o := waitFor(x, "the outcome", outcome); o.Status == 500 {
			x.Errorf("the outcome is 500 with %v, but the client left", o.Err)
		} else if line := x.defaults.find(request500, path+" "); line != "" {
			x.Errorf("a client that left is in the log as a failed request: %.300s", line)
		}
	}
}

// ownPath is a path that no other case asks for, so that its log lines can be told.
func (x *T) ownPath(path string) string {
	return path + "-of-" + strings.NewReplacer("/", "-", "#", "-").Replace(x.Name())
}

// request500 is what the framework logs for a failure of its own.
const request500 = "request failed"
