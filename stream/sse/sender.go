package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tako-go/tako"
)

// Config sets what a stream does beside sending its events, and bounds them. Zero means the default.
type Config struct {
	// KeepAlive is how long nothing is sent before a comment is, so that those on the way do
	// not think the connection dead. [tako.NoLimit] sends none.
	// Default: 15 s.
	KeepAlive time.Duration
	// WriteTimeout bounds the time that the client may take for what is sent at once, an event
	// or several; one that is slower is cut, after an eighth more at the latest. [tako.NoLimit] leaves that to the write timeout of
	// the server, which holds in any case for each 64 KiB.
	// Default: 10 s.
	WriteTimeout time.Duration
	// Retry tells the client at the beginning how long to wait before it connects again.
	// Default: nothing is told, and browsers wait for some seconds.
	Retry time.Duration
	// DrainRetry tells it when the server drains, as the last of the stream.
	// Default: nothing is told.
	DrainRetry time.Duration
	// MaxID bounds the bytes of the ID of an event, which a client sends back in a header
	// field: servers refuse heads that are too large, for good. [tako.NoLimit] allows any.
	// Default: 1024.
	MaxID int
}

func (cfg Config) withDefaults() Config {
	if cfg.KeepAlive == 0 {
		cfg.KeepAlive = 15 * time.Second
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = 10 * time.Second
	}
	if cfg.MaxID == 0 {
		cfg.MaxID = 1024
	}
	return cfg
}

var (
	// ErrDraining is returned by what sends after the server began to drain. It matches
	// [tako.ErrEnded], so a handler may return it.
	ErrDraining error = &ending{text: "sse: the server is shutting down"}
	// ErrSlow is in the error of a stream that was ended because its client does not take what
	// is sent.
	ErrSlow = errors.New("sse: the client is too slow")
)

// errClosed is net.ErrClosed of a writer whose stream has ended.
var errClosed error = &ending{"sse: stream closed", net.ErrClosed}

// ending says that a stream has ended as it should.
type ending struct {
	text string
	as   error // nil, or what it matches beside tako.ErrEnded
}

func (e *ending) Error() string { return e.text }

func (e *ending) Is(target error) bool {
	return target == tako.ErrEnded || e.as != nil && target == e.as
}

// keepAlive is a comment without text.
const keepAlive = ":\n\n"

// batch is about how many bytes of events that are ready together are sent at once.
const batch = 32 << 10

// sender sends on a response. It is used by one goroutine at a time.
type sender struct {
	c   *tako.Context
	cfg Config
	by  time.Time // the deadline that is set
}

// begin sends the head, and reports whether events may follow it.
func (s *sender) begin() (bool, error) {
	h := s.c.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	h.Del("Content-Length")
	if err := s.c.WriteHead(http.StatusOK); err != nil {
		return false, err
	}
	if s.c.Method() == http.MethodHead {
		return false, nil
	}
	if s.cfg.Retry > 0 {
		return true, s.send(append(appendRetry(nil, s.cfg.Retry), '\n'))
	}
	return true, s.send(nil)
}

// send sends p and what was written before. A client that does not take it is as good as gone.
func (s *sender) send(p []byte) error {
	s.bound()
	var err error
	if len(p) > 0 {
		_, err = s.c.Write(p)
	}
	if err == nil {
		err = s.c.Flush()
	}
	if err == nil {
		s.rest()
		return nil
	}
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && timeout.Timeout() {
		err = fmt.Errorf("%w: %w", ErrSlow, err)
	}
	return goneBy(err)
}

// goneBy says that the client has gone in front of err, unless that says so.
func goneBy(err error) error {
	if errors.Is(err, tako.ErrClientGone) {
		return err
	}
	return fmt.Errorf("%w: %w", tako.ErrClientGone, err)
}

// rest takes back the deadline between what is sent over HTTP/2, where net/http ends a stream whose
// deadline passes, also if nobody writes.
func (s *sender) rest() {
	if !s.by.IsZero() && s.c.Protocol() == tako.HTTP2 {
		s.by = time.Time{}
		_ = s.c.SetWriteDeadline(s.by)
	}
}

// bound sets the deadline of what is sent, with an eighth more to spare, so that it need not be set
// for each event of many.
func (s *sender) bound() {
	if limit := s.cfg.WriteTimeout; limit > 0 {
		if now := time.Now(); s.by.Sub(now) < limit {
			s.by = now.Add(limit + limit/8)
			_ = s.c.SetWriteDeadline(s.by)
		}
	}
}

// goodbye is the last of a stream that ends because the server drains.
func (s *sender) goodbye() error {
	if s.cfg.DrainRetry <= 0 {
		return nil
	}
	return s.send(append(appendRetry(nil, s.cfg.DrainRetry), '\n'))
}

// finish takes back the deadline, which the end of the response shall not have.
func (s *sender) finish() {
	if s.cfg.WriteTimeout > 0 {
		_ = s.c.SetWriteDeadline(time.Time{})
	}
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// relay sends what comes on in, as add appends it, until in is closed, add returns io.EOF or
// another error, the client is gone or the server drains. What is ready at once is sent at once.
func relay[E any](s *sender, in <-chan E, add func([]byte, E) ([]byte, error)) error {
	defer s.finish()
	ctx := s.c.Context()
	gone, draining := ctx.Done(), s.c.Draining()
	var tick <-chan time.Time
	var timer *time.Timer
	if s.cfg.KeepAlive > 0 {
		timer = time.NewTimer(s.cfg.KeepAlive)
		defer timer.Stop()
		tick = timer.C
	}
	for {
		var err error
		select {
		case e, open := <-in:
			if !open {
				return nil
			}
			err = sendReady(s, e, in, add)
		case <-tick:
			err = s.send([]byte(keepAlive))
		case <-gone:
			return goneBy(context.Cause(ctx))
		case <-draining:
			return s.goodbye()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if timer != nil {
			timer.Reset(s.cfg.KeepAlive)
		}
	}
}

// sendReady sends e and what is there behind it. The error of add comes after what was good.
func sendReady[E any](s *sender, e E, in <-chan E, add func([]byte, E) ([]byte, error)) error {
	kept := buffers.Get().(*[]byte)
	defer func() {
		if cap(*kept) <= 2*batch {
			buffers.Put(kept)
		}
	}()
	out, err := add((*kept)[:0], e)
	for ready := true; ready && err == nil && len(out) < batch; {
		select {
		case next, open := <-in:
			if !open {
				err = io.EOF
				break
			}
			out, err = add(out, next)
		default:
			ready = false
		}
	}
	*kept = out[:0]
	if len(out) > 0 {
		if failed := s.send(out); failed != nil {
			return failed
		}
	}
	return err
}
