package loop

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/tako-go/tako"
)

// bodyGrace is how long a body may be waited for in all before its rate counts.
const bodyGrace = 5 * time.Second

func (st *stream) readBody(x *exchange, p []byte) (int, error) {
	if x.retained {
		x.body.lock.Lock()
		defer x.body.lock.Unlock()
		if x.ended.Load() {
			return 0, errEnded
		}
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := st.nextOfBody(x, p)
	x.body.got += int64(n)
	if err != nil && err != io.EOF {
		x.body.lost = true
		err = bodyError(x, err)
	}
	return n, err
}

// bodyError says what a failed read means.
func bodyError(x *exchange, err error) error {
	switch {
	case errors.Is(err, errTooSlow):
		x.srv.stats.timedOut.Add(1)
		return &tako.Error{Status: http.StatusRequestTimeout, Detail: "the request body came too slowly", Err: os.ErrDeadlineExceeded}
	}
	return err
}

// nextOfBody returns what has come of the body, and waits if that is nothing.
func (st *stream) nextOfBody(x *exchange, p []byte) (int, error) {
	b := &x.body
	for {
		if len(b.mem) > 0 {
			n := copy(p, b.mem)
			b.mem = b.mem[n:]
			if len(b.mem) == 0 && b.done {
				return n, io.EOF
			}
			return n, nil
		}
		switch {
		case b.done:
			return 0, io.EOF
		case b.lost:
			return 0, io.ErrUnexpectedEOF
		}
		if err := st.decode(x); err != nil {
			return 0, err
		}
		if len(b.mem) > 0 || b.done {
			continue
		}
		if err := st.moreOfBody(x, p); err != nil {
			return 0, err
		}
	}
}

// decode takes what it can of the body from the buffer.
func (st *stream) decode(x *exchange) error {
	b := &x.body
	src := st.buf[st.r:st.w]
	if x.req.Length >= 0 {
		n := int(min(b.left, int64(len(src))))
		b.mem, b.left = src[:n], b.left-int64(n)
		st.r += n
		b.done = b.left == 0
		return nil
	}
	data, used, err := b.chunks.Next(src)
	if err != nil {
		return err
	}
	st.r += used
	b.mem, b.done = data, b.chunks.Done()
	if b.done {
		b.trailers = b.chunks.Trailers
	}
	return nil
}

// moreOfBody waits for more of the body.
func (st *stream) moreOfBody(x *exchange, p []byte) error {
	b := &x.body
	if x.req.Continue && !b.continued {
		if err := st.sayContinue(x); err != nil {
			return err
		}
	}
	b.continued = true
	if len(st.buf) < bodyBuffer && (b.left > streamBuffer || x.req.Length < 0 && b.got > streamBuffer) {
		st.growBuffer()
	}
	now := time.Now()
	until, own := st.bodyDeadline(x, now)
	err := st.fill(until)
	b.waited += time.Since(now)
	if errors.Is(err, os.ErrDeadlineExceeded) && !own {
		return errTooSlow
	}
	if err == io.EOF {
		st.peer.leave()
		return io.ErrUnexpectedEOF
	}
	return err
}

// sayContinue asks for the body, unless the response has begun.
func (st *stream) sayContinue(x *exchange) error {
	if x.retained {
		x.body.head.Lock()
		defer x.body.head.Unlock()
	}
	if x.headSent {
		return nil
	}
	x.out = append(x.out, "HTTP/1.1 100 Continue\r\n\r\n"...)
	return x.fail(st.write(x, nil))
}

func (st *stream) growBuffer() {
	grown := make([]byte, bodyBuffer)
	st.w = copy(grown, st.buf[st.r:st.w])
	st.r, st.buf = 0, grown
}

// bodyDeadline is until when bytes must have come. own says that it is the
// handler's.
func (st *stream) bodyDeadline(x *exchange, now time.Time) (until time.Time, own bool) {
	b, limits := &x.body, &st.srv.limits
	earlier := func(t time.Time) {
		if until.IsZero() || t.Before(until) {
			until = t
		}
	}
	if limits.BodyTimeout > 0 {
		earlier(b.since.Add(limits.BodyTimeout))
	}
	if limits.MinBodyRate > 0 {
		allowed := time.Duration(float64(b.got) / float64(limits.MinBodyRate) * float64(time.Second))
		earlier(now.Add(max(allowed, bodyGrace) - b.waited))
	}
	if !b.by.IsZero() && (until.IsZero() || b.by.Before(until)) {
		return b.by, true
	}
	return until, false
}

// discardRest reads what the handler left of a body, if it is little and comes
// soon, and reports whether the next request can be read behind it.
func (st *stream) discardRest(x *exchange) bool {
	b := &x.body
	if x.req.Continue && !b.continued || b.lost {
		return false
	}
	b.by = time.Now().Add(restGrace)
	for total := 0; total <= smallRest; {
		n, err := st.nextOfBody(x, make([]byte, 4<<10))
		total += n
		if err == io.EOF {
			return true
		}
		if err != nil {
			return false
		}
	}
	return false
}
