package std

import (
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

// grace is how long a body may come below the minimum rate.
const grace = 5 * time.Second

// bodyWatch is what the sweeper knows of the request body of a connection.
type bodyWatch struct {
	since   atomic.Int64 // when the request began, 0 without an unread body
	waiting atomic.Int64 // when the read under way began, 0 if none is
	waited  atomic.Int64 // time spent in reads that had ended
	got     atomic.Int64 // bytes
	slow    atomic.Bool  // the sweeper has ended it
}

// restGrace is how long the rest of a body that the handler did not read may take
// to come; smallRest is how much of it is worth to be read for the next request.
const (
	restGrace = 2 * time.Second
	smallRest = 64 << 10
)

// watchedBody tells the watch about the reads of one body. It is made anew for
// each request, because a handler that timed out may still hold it.
type watchedBody struct {
	io.ReadCloser
	c *conn
}

func (c *conn) watchedBody(r *http.Request) io.Reader { return &watchedBody{r.Body, c} }

// watch begins to look at the body of a request.
func (c *conn) watch() {
	w := &c.body
	w.waited.Store(0)
	w.got.Store(0)
	w.slow.Store(false)
	w.since.Store(max(c.s.now.Load(), 1))
}

// beforeHead decides what becomes of a body that was not read to its end. Left to
// itself net/http reads on before it sends the head, however long that takes.
func (c *conn) beforeHead(r *http.Request, h http.Header) {
	if c.body.since.Load() == 0 {
		return
	}
	if r.ContentLength < 0 || r.ContentLength-c.body.got.Load() > smallRest {
		h["Connection"] = []string{"close"}
	}
	c.boundRest()
}

// boundRest bounds what net/http reads of the rest.
func (c *conn) boundRest() { c.readBy.Store(c.s.now.Load() + int64(restGrace)) }

// unwatch ends the look at the body when the handler has returned.
func (c *conn) unwatch() {
	if c.body.since.Swap(0) != 0 {
		c.boundRest()
	}
}

func (b *watchedBody) Read(p []byte) (int, error) {
	w := &b.c.body
	start := b.c.s.now.Load()
	w.waiting.Store(max(start, 1))
	n, err := b.ReadCloser.Read(p)
	w.waiting.Store(0)
	w.waited.Add(b.c.s.now.Load() - start)
	w.got.Add(int64(n))
	if err == io.EOF {
		w.since.Store(0)
	} else if err != nil && w.slow.Load() {
		err = &tako.Error{Status: http.StatusRequestTimeout, Detail: "the request body came too slowly", Err: os.ErrDeadlineExceeded}
	}
	return n, err
}

// tooSlow judges a body that is waited for.
func (w *bodyWatch) tooSlow(now int64, limits *tako.Limits) bool {
	since := w.since.Load()
	if since == 0 {
		return false
	}
	if limits.BodyTimeout > 0 && now-since > int64(limits.BodyTimeout) && w.waiting.Load() != 0 {
		return true
	}
	waiting := w.waiting.Load()
	if limits.MinBodyRate <= 0 || waiting == 0 {
		return false
	}
	waited := w.waited.Load() + now - waiting
	return waited > int64(grace) && float64(w.got.Load()) < float64(limits.MinBodyRate)*time.Duration(waited).Seconds()
}
