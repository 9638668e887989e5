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

// bodyWatch is what the sweeper knows of one request body. It is made anew for
// each request: a handler that timed out may still read one when the next has come.
type bodyWatch struct {
	src     io.ReadCloser // the body as net/http made it
	since   int64         // when the request began
	unread  atomic.Bool   // the end was not seen, and the handler has not returned
	waiting atomic.Int64  // when the read under way began, 0 if none is
	waited  atomic.Int64  // time spent in reads that had ended
	got     atomic.Int64  // bytes
	slow    atomic.Bool   // the sweeper has ended it
	lost    atomic.Bool   // where it ends will not be known: the connection must not be used again
}

// restGrace is how long the rest of a body that the handler did not read may take
// to come; smallRest is how much of it is worth to be read for the next request.
const (
	restGrace = 2 * time.Second
	smallRest = 64 << 10
)

// watch begins to look at the body of a request.
func (c *conn) watch(r *http.Request) *bodyWatch {
	w := &bodyWatch{src: r.Body, since: c.s.now.Load()}
	w.unread.Store(true)
	c.body.Store(w)
	c.readBy.Store(0)
	return w
}

// watchedBody is the body of a request as handlers read it.
type watchedBody struct {
	*bodyWatch
	c *conn
}

func (c *conn) watchedBody(r *http.Request) io.Reader {
	w := c.body.Load()
	if w == nil || w.src != r.Body { // asked for after the next request has come
		return r.Body
	}
	return watchedBody{w, c}
}

// beforeHead decides what becomes of a body that was not read to its end. Left to
// itself net/http reads on before it sends the head, however long that takes, and
// waits for a read that is under way. With full duplex it does not look at what is
// left in the end, and would take it for the next request.
func (c *conn) beforeHead(r *http.Request, h http.Header, fullDuplex bool) {
	w := c.body.Load()
	if w == nil || w.src != r.Body {
		return
	}
	if w.lost.Load() {
		h["Connection"] = []string{"close"}
	}
	if !w.unread.Load() {
		return
	}
	if w.waiting.Load() != 0 { // a handler that timed out reads on
		w.lost.Store(true)
	}
	if fullDuplex || r.ContentLength < 0 || r.ContentLength-w.got.Load() > smallRest || w.waiting.Load() != 0 {
		h["Connection"] = []string{"close"}
	}
	if !fullDuplex {
		c.boundRest()
	}
}

// boundRest bounds what net/http reads of the rest.
func (c *conn) boundRest() { c.readBy.Store(c.s.now.Load() + int64(restGrace)) }

// unwatch ends the look at the body when the handler has returned. A response that
// was broken off is the last thing on its connection: net/http would wait for the
// rest of the body before it closes.
func (c *conn) unwatch(w *bodyWatch, brokenOff bool) {
	unread := w.unread.Swap(false)
	if http.ConnState(c.state.Load()) == http.StateHijacked {
		return
	}
	if brokenOff || w.lost.Load() {
		c.broken.Store(true)
	} else if unread {
		c.boundRest()
	}
}

func (b watchedBody) Read(p []byte) (int, error) {
	start := b.c.s.now.Load()
	b.waiting.Store(max(start, 1))
	n, err := b.src.Read(p)
	b.waiting.Store(0)
	b.waited.Add(b.c.s.now.Load() - start)
	b.got.Add(int64(n))
	if err == nil {
		return n, nil
	}
	ended := b.unread.Swap(false)
	if err == io.EOF {
		return n, err
	}
	if ended {
		b.lost.Store(true)
		b.c.broken.Store(true)
	}
	if b.slow.Load() {
		err = &tako.Error{Status: http.StatusRequestTimeout, Detail: "the request body came too slowly", Err: os.ErrDeadlineExceeded}
	}
	return n, err
}

// tooSlow judges a body that is waited for. The coarse clock may be behind by a
// tick, in favour of the client.
func (w *bodyWatch) tooSlow(now int64, tick time.Duration, limits *tako.Limits) bool {
	waiting := w.waiting.Load()
	if waiting == 0 || !w.unread.Load() {
		return false
	}
	if limits.BodyTimeout > 0 && now-w.since > int64(limits.BodyTimeout) {
		return true
	}
	if limits.MinBodyRate <= 0 {
		return false
	}
	waited := w.waited.Load() + now - waiting - int64(tick)
	return waited > int64(grace) && float64(w.got.Load()) < float64(limits.MinBodyRate)*time.Duration(waited).Seconds()
}
