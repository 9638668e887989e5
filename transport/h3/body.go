package h3

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
)

// moment is how long the end of a request without content is waited for.
const moment = 10 * time.Millisecond

// grace is how long a body may come below the minimum rate.
const grace = 5 * time.Second

// body is the body of a request as handlers read it, by one goroutine at a time.
type body struct {
	x       *request
	src     io.Reader
	theirs  *http.Request // gets the trailers from the library
	ours    *http.Request
	length  int64 // declared, -1 if not
	since   time.Time
	waited  time.Duration // in reads that have ended
	got     int64
	err     error // for good
	expects bool  // the client waits to be told that it shall send
}

func newBody(x *request, theirs, ours *http.Request) io.ReadCloser {
	if theirs.ContentLength == 0 {
		return http.NoBody
	}
	return &body{x: x, src: theirs.Body, theirs: theirs, ours: ours, length: theirs.ContentLength, since: time.Now(),
		expects: ascii.EqualFold(theirs.Header.Get("Expect"), "100-continue")}
}

// longerThanNothing reports whether content comes behind a length of 0, which makes the request
// malformed (RFC 9114, section 4.1.2). It is looked for in what has come with the head.
func longerThanNothing(w responseWriter, r *http.Request) bool {
	if r.ContentLength != 0 {
		return false
	}
	_ = w.SetReadDeadline(time.Now().Add(moment))
	n, err := r.Body.Read(make([]byte, 1))
	_ = w.SetReadDeadline(time.Time{})
	return n > 0 || err != nil && err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded)
}

// Close leaves the rest to the library, which asks the client to stop when the response has
// been sent: before, it would seem that the response is not meant either.
func (b *body) Close() error { return nil }

// Read reads on. An end that is not that of the whole body is an error.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.expects {
		b.expects = false
		b.x.proceed()
	}
	start := time.Now()
	by := b.arm(start)
	n, err := b.src.Read(p)
	b.waited += time.Since(start)
	b.got += int64(n)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF:
		b.err = b.end()
	case errors.Is(err, os.ErrDeadlineExceeded):
		if by.IsZero() || time.Now().Before(by) {
			return n, err // the handler's own
		}
		b.x.s.stats.timedOut.Add(1)
		b.err = &tako.Error{Status: http.StatusRequestTimeout, Detail: "the request body came too slowly", Err: err}
	default:
		b.err = b.broken(err)
	}
	return n, b.err
}

// arm sets the deadline of a read, and returns that of the body itself, the zero time for none.
func (b *body) arm(now time.Time) (by time.Time) {
	l := &b.x.s.cfg.Limits
	if l.BodyTimeout > 0 {
		by = b.since.Add(l.BodyTimeout)
	}
	if l.MinBodyRate > 0 {
		enough := max(grace, time.Duration(float64(b.got)/float64(l.MinBodyRate)*float64(time.Second)))
		if slow := now.Add(enough - b.waited); by.IsZero() || slow.Before(by) {
			by = slow
		}
	}
	b.x.mu.Lock()
	defer b.x.mu.Unlock()
	first := b.x.readBy
	if first.IsZero() || !by.IsZero() && by.Before(first) {
		first = by
	}
	_ = b.x.responseWriter.SetReadDeadline(first)
	return by
}

// end judges the end of the stream.
func (b *body) end() error {
	switch {
	case cutFrame(b.src):
		b.x.c.cut.Store(true)
		closeWith(b.x.c.qc, http3.ErrCodeFrameError, "the stream ends in a frame") // RFC 9114, section 7.1
		return fmt.Errorf("h3: the stream ends in a frame: %w", io.ErrUnexpectedEOF)
	case b.length >= 0 && b.got != b.length: // RFC 9114, section 4.1.2
		return &tako.Error{Status: http.StatusBadRequest, Detail: "the request body is not as long as declared", Err: io.ErrUnexpectedEOF}
	}
	b.ours.Trailer = b.theirs.Trailer
	return io.EOF
}

// broken tells a client that has given up from what it sent wrong.
func (b *body) broken(err error) error {
	gone := left(err)
	if errors.Is(gone, tako.ErrClientGone) {
		b.x.gaveUp.Store(true)
		return fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, gone)
	}
	return err
}

// left makes an error of a client that has reset the stream, or closed the connection, match
// [tako.ErrClientGone].
func left(err error) error {
	if theirs, ok := errors.AsType[*http3.Error](err); ok && theirs.Remote {
		return fmt.Errorf("%w: %w", tako.ErrClientGone, err)
	}
	return err
}

// cutFrame reports whether a body has ended inside of a frame: the library takes that for a
// proper end, and does not show it otherwise.
func cutFrame(src io.Reader) bool {
	v := reflect.ValueOf(src)
	for _, name := range []string{"str", "bytesRemainingInFrame"} {
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			return false
		}
		v = v.Elem().FieldByName(name)
	}
	return v.Kind() == reflect.Uint64 && v.Uint() > 0
}
