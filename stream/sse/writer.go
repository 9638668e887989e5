package sse

import (
	"context"
	"sync"
	"time"

	"github.com/tako-go/tako"
)

// Writer sends events by hand. It may be used by several goroutines, as long as the handler has
// not returned; the response is the writer's from [Open] on, and nobody writes to it beside. Nor
// is the request body read meanwhile.
type Writer[T any] struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	s     sender
	timer *time.Timer // nil without keep-alive
	quit  func() bool // stops waiting for the drain
	err   error       // why nothing more is sent
}

// Open begins a stream: the head is sent at once. It ends when the handler returns.
//
// For HEAD the head is all, and the writer that is returned is closed. The handler may return
// the error of a stream that has ended: [ErrDraining] and net.ErrClosed of the writer are no failure.
func Open[T any](c *tako.Context, cfg Config) (*Writer[T], error) {
	w := &Writer[T]{s: sender{c: c, cfg: cfg.withDefaults()}}
	w.ctx, w.cancel = context.WithCancelCause(c.Context())
	c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter { return stage{next, w.end} })
	w.mu.Lock()
	defer w.mu.Unlock()
	goOn, err := w.s.begin()
	if err != nil {
		w.shut(err)
		return nil, err
	}
	if !goOn {
		w.shut(errClosed)
		return w, nil
	}
	w.quit = c.OnDrain(w.drain)
	if w.s.cfg.KeepAlive > 0 {
		w.timer = time.AfterFunc(w.s.cfg.KeepAlive, w.beat)
	}
	return w, nil
}

// Context is done when nothing more can be sent: the client is gone, or did not take what was
// sent in time, the server drains, or the handler has returned. Its cause says which.
func (w *Writer[T]) Context() context.Context { return w.ctx }

// Send sends the events together. With an invalid one, or one that cannot be encoded, none is
// sent, and others may follow; with any other error the stream is over: [ErrDraining], net.ErrClosed,
// or [tako.ErrClientGone], with [ErrSlow] if that was why.
func (w *Writer[T]) Send(events ...Event[T]) error {
	var out []byte
	var err error
	for i := range events {
		if out, err = appendEvent(out, &events[i], w.s.cfg.MaxID); err != nil {
			return err
		}
	}
	return w.write(out)
}

// Comment sends a comment, which clients ignore.
func (w *Writer[T]) Comment(text string) error {
	return w.write(append(appendComment(nil, text), '\n'))
}

// Retry tells the client how long to wait before it connects again, to the millisecond.
func (w *Writer[T]) Retry(d time.Duration) error {
	if d < 0 {
		return ErrEvent
	}
	return w.write(append(appendRetry(nil, d), '\n'))
}

// Close ends the stream: nothing more is sent, and Context is done. The response ends when the
// handler returns. Close need not be called.
func (w *Writer[T]) Close() error {
	w.end(errClosed)
	return nil
}

func (w *Writer[T]) write(p []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && w.ctx.Err() != nil {
		w.shut(tako.ErrClientGone)
	}
	if w.err != nil {
		return w.err
	}
	if err := w.s.send(p); err != nil {
		w.shut(err)
		return err
	}
	if w.timer != nil {
		w.timer.Reset(w.s.cfg.KeepAlive)
	}
	return nil
}

func (w *Writer[T]) beat() { _ = w.write([]byte(keepAlive)) }

func (w *Writer[T]) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		_ = w.s.goodbye()
		w.shut(ErrDraining)
	}
}

// end is called when the response ends. No goroutine uses it from then on.
func (w *Writer[T]) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		err = errClosed
	}
	w.shut(err)
}

// shut has nothing more sent. It has the lock.
func (w *Writer[T]) shut(err error) {
	if w.err != nil {
		return
	}
	w.err = err
	w.s.finish()
	w.cancel(err)
	if w.timer != nil {
		w.timer.Stop()
	}
	if w.quit != nil {
		w.quit()
	}
}

// stage is told when the response ends.
type stage struct {
	tako.BodyWriter
	end func(error)
}

// Close tells, and closes the next stage.
func (s stage) Close(err error) error {
	s.end(err)
	return s.BodyWriter.Close(err)
}
