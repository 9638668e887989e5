package http2serve

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/tako-go/tako"
)

// bodyGrace is how long a body may come below the minimum rate.
const bodyGrace = 5 * time.Second

// bodyState is what reads of a body have shown.
type bodyState struct {
	by        time.Time // the handler's own deadline
	since     time.Time // of the first read that had to wait
	waited    time.Duration
	got       int64
	continued bool
	closed    bool // under the lock
	duplex    bool // the handler has said that it may be silent for long
}

var (
	errEnded = errors.New("http2: request body read after its handler returned")
	errSlow  = &tako.Error{Status: http.StatusRequestTimeout, Detail: "the request body came too slowly", Err: os.ErrDeadlineExceeded}
)

// bodyReader is what a handler reads the body from.
type bodyReader Exchange

// Read reads of the body, and waits while nothing has come.
func (b *bodyReader) Read(p []byte) (int, error) {
	x := (*Exchange)(b)
	for {
		n, err, flush := x.readSome(p)
		if flush {
			x.c.peer.Flush()
		}
		if n > 0 || err != nil || len(p) == 0 {
			x.body.got += int64(n)
			return n, err
		}
		if err := x.awaitBody(); err != nil {
			return 0, err
		}
	}
}

// Close ends a read that waits, and later ones.
func (b *bodyReader) Close() error {
	x := (*Exchange)(b)
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	x.body.closed = true
	x.readable.signal()
	return nil
}

// readSome reads what is there. flush says that the client has to be told something.
func (x *Exchange) readSome(p []byte) (n int, err error, flush bool) {
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	switch {
	case x.ended.Load():
		return 0, errEnded, false
	case x.body.closed:
		return 0, http.ErrBodyReadAfterClose, false
	}
	n, err = x.stream.Read(p)
	if err != nil && err != io.EOF {
		err = x.failure(err)
	}
	if n == 0 && err == nil && x.stream.Expect && !x.body.continued && !x.headSent {
		x.body.continued = true
		_ = x.stream.Inform(http.StatusContinue, nil)
		return 0, nil, true
	}
	return n, err, n > 0 && err == nil && x.c.eng.Unsent()
}

// hasBegun reports whether the response was begun: what comes then may be an answer to
// it, and is as slow as who writes it.
func (x *Exchange) hasBegun() bool {
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	return x.headSent
}

// awaitBody waits for more of the body as long as the limits allow.
func (x *Exchange) awaitBody() error {
	b, limits := &x.body, &x.c.srv.Limits
	now := time.Now()
	if b.since.IsZero() {
		b.since = now
	}
	var until time.Time
	earlier := func(t time.Time) {
		if until.IsZero() || t.Before(until) {
			until = t
		}
	}
	if limits.BodyTimeout > 0 && !b.duplex {
		earlier(b.since.Add(limits.BodyTimeout))
	}
	if limits.MinBodyRate > 0 && !b.duplex && !x.hasBegun() {
		allowed := time.Duration(float64(b.got) / float64(limits.MinBodyRate) * float64(time.Second))
		earlier(now.Add(max(allowed, bodyGrace) - b.waited))
	}
	own := !b.by.IsZero() && (until.IsZero() || b.by.Before(until))
	if own {
		until = b.by
	}
	err := x.await(x.readable, until)
	b.waited += time.Since(now)
	if err != nil && !own {
		x.c.srv.TimedOut.Add(1)
		return errSlow
	}
	return err
}
