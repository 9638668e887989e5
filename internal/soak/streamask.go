package soak

import (
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// loosen makes j one of the requests that nobody has to answer.
func (j *job) loosen() *job {
	old := strconv.FormatUint(j.n, 10)
	j.n |= loose
	j.target = strings.Replace(j.target, old, strconv.FormatUint(j.n, 10), 1)
	j.fields = strings.Replace(j.fields, "X-Left: "+old, "X-Left: "+strconv.FormatUint(j.n, 10), 1)
	if j.body != nil {
		j.body = newPattern(j.n, j.body.size)
	}
	return j
}

// do asks on a stream of its own. It reports whether the connection can be used again.
func (c *mux) do(j *job) bool {
	asked := j.n&loose == 0
	if asked {
		c.x.ledger.send(j.n)
	}
	s, err := c.open(j)
	if err != nil {
		if asked {
			c.x.ledger.lose(j.n)
		}
		return false
	}
	var sending sync.WaitGroup
	defer sending.Wait()
	if j.body != nil {
		sending.Go(s.upload)
	}
	defer c.late(s).Stop()
	if !asked && c.style.flaky {
		quit := time.AfterFunc(time.Duration(rand.Int64N(int64(8*time.Millisecond))), func() { s.cancel(http2.ErrCodeCancel) })
		defer quit.Stop()
	}
	err = s.answer()
	defer s.forget()
	if err == nil && j.early && j.n%2 == 0 {
		s.cancel(http2.ErrCodeNo) // in place of the rest of the body
	}
	if err != nil {
		s.cancel(http2.ErrCodeCancel)
		return s.failed(err)
	}
	c.mu.Lock()
	c.served++
	c.mu.Unlock()
	c.x.add("streams", 1)
	if asked {
		c.x.settle(j)
	}
	return true
}

// answer reads the response to its end.
func (s *stream) answer() error {
	res, err := s.await()
	if err == nil {
		err = s.job.judge(res)
	}
	if err != nil || s.job.torn {
		return err
	}
	if n, err := io.Copy(io.Discard, s); err != nil || n > 0 {
		if err == nil {
			err = violates("mixed up", "%d bytes behind the body", n)
		}
		return err
	}
	if text := res.Header.Get("Content-Length"); text != "" && s.job.method != "HEAD" && res.ContentLength > 0 {
		return violates("mixed up", "%s bytes were declared", text)
	}
	return nil
}

// failed asks whether a stream may have ended without an answer. It reports whether the
// connection can be used again.
func (s *stream) failed(err error) bool {
	x, j := s.c.x, s.job
	s.c.mu.Lock()
	var wrong *violation
	spoilt := errors.As(s.c.err, &wrong)
	ended, told, last := s.c.err, s.c.told, s.c.last
	s.c.mu.Unlock()
	wrong = nil
	var reset *streamReset
	strict := j.n&loose == 0
	switch {
	case spoilt: // it was reported
		x.ledger.forget(j.n)
		return false
	case errors.As(err, &wrong):
		x.fail(wrong.kind, "%s %s: %v (%v)", j.method, j.target, wrong, s.c)
		x.ledger.forget(j.n)
		return false
	case errors.Is(err, errLate):
		x.fail("hung", "%s %s: no answer in %v (%v)\n%s", j.method, j.target, patience, s.c, stacks())
	case !strict:
		x.add("quit", 1)
		return ended == nil
	case errors.Is(err, errBeyond):
		x.add("asked again", 1)
	case errors.As(err, &reset):
		s.refused(reset.code)
	case x.cutting.Load():
	case told && s.id <= last && last != 1<<31-1:
		x.fail("lost", "%s %s, stream %d, is covered by GOAWAY: %v (%v)", j.method, j.target, s.id, err, s.c)
	case x.closing.Load():
		x.add("turned away at the end", 1)
	case s.c.dialed.UnixNano() < x.drained.Load():
		x.add("ended without GOAWAY", 1)
	case s.id == 1 && s.c.began.Sub(s.c.dialed) > 400*time.Millisecond:
		x.add("too late", 1)
	default:
		x.fail("dropped", "%s %s: %v (%v)", j.method, j.target, err, s.c)
	}
	if wrong := x.ledger.lose(j.n); wrong != "" && !x.cutting.Load() {
		x.fail("lost", "%s %s, stream %d: %s: %v (%v)", j.method, j.target, s.id, wrong, err, s.c)
	}
	return ended == nil
}

// refused asks whether the server may have reset the stream.
func (s *stream) refused(code http2.ErrCode) {
	x, j := s.c.x, s.job
	switch {
	case x.cutting.Load():
	case code == http2.ErrCodeRefusedStream && (s.c.dialed.UnixNano() < x.drained.Load() || s.c.style.flaky || s.c.style.crowd):
		x.add("refused streams", 1)
	default:
		x.fail("reset", "%s %s, stream %d: %v (%v)", j.method, j.target, s.id, code, s.c)
	}
}
