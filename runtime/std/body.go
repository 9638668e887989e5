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

// watchedBody tells the watch about the reads of one body. It is made anew for
// each request, because a handler that timed out may still hold it.
type watchedBody struct {
	io.ReadCloser
	c *conn
}

// watch begins to look at the body of a request. The result ends it.
func (c *conn) watch(r *http.Request) {
	w := &c.body
	w.waited.Store(0)
	w.got.Store(0)
	w.slow.Store(false)
	w.since.Store(max(c.s.now.Load(), 1))
	r.Body = &watchedBody{r.Body, c}
}

func (c *conn) unwatch() { c.body.since.Store(0) }

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
