package sse

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"reflect"

	"github.com/tako-go/tako"
)

// Stream is the result of an operation that sends events: 200 with text/event-stream. Exactly one
// of Events and Channel is set, unless it comes from a [Hub] or [Uploads]. A response to HEAD has
// the head only, and its source is not touched.
//
// While it is open a stream has one goroutine, that of the handler; one of Events has a second.
type Stream[T any] struct {
	// Events is called on a goroutine of its own. What it yields is sent until it ends, which
	// ends the response. An error breaks the response off; it is logged, and the client, which
	// does not see it, connects again. When the client is gone or the server drains yield
	// returns false, and the response ends without waiting for Events: if that waits for
	// something else than yield it must heed the context of the request.
	Events iter.Seq2[Event[T], error]
	// Channel is read until it is closed, which ends the response.
	Channel <-chan Event[T]
	// Stop is called when nothing is read from Events or Channel any more, also if nothing
	// ever was: there those who fill the channel are told. It may be nil.
	Stop func()
	// Config sets times, and bounds IDs.
	Config Config

	serve func(s *sender) error // in place of Events and Channel
}

var (
	_ tako.Responder       = Stream[string]{}
	_ tako.OutputDescriber = Stream[string]{}
)

var errSource = errors.New("sse: a Stream has either Events or a Channel")

// Respond sends the events until there are no more, the client is gone or the server drains.
func (st Stream[T]) Respond(c *tako.Context) error {
	if st.Stop != nil {
		defer st.Stop()
	}
	sources := 0
	for _, is := range []bool{st.Events != nil, st.Channel != nil, st.serve != nil} {
		if is {
			sources++
		}
	}
	if sources != 1 {
		return tako.Wrap(http.StatusInternalServerError, errSource)
	}
	s := &sender{c: c, cfg: st.Config.withDefaults()}
	if st.serve != nil {
		return st.serve(s)
	}
	if goOn, err := s.begin(); !goOn || err != nil {
		return err
	}
	if st.Channel != nil {
		return relay(s, st.Channel, func(out []byte, e Event[T]) ([]byte, error) { return appendEvent(out, &e, s.cfg.MaxID) })
	}
	return st.pump(s)
}

// Close stops a stream that is not sent, because the handler has written another response.
func (st Stream[T]) Close() error {
	if st.Stop != nil {
		st.Stop()
	}
	return nil
}

// DescribeOutput records 200 with events whose data is a T.
func (Stream[T]) DescribeOutput(op *tako.Operation) {
	op.AddResponse(tako.Response{Status: http.StatusOK, Doc: "Events, whose data is of this type.",
		Type: reflect.TypeFor[T](), Media: []string{"text/event-stream"}})
}

// yielded is what an iterator has yielded, or how it has ended.
type yielded[T any] struct {
	event Event[T]
	err   error
}

// pump runs the iterator on a goroutine, so that the stream is served while it waits.
func (st Stream[T]) pump(s *sender) error {
	in := make(chan yielded[T])
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		err := errors.New("sse: the iterator has ended its goroutine") // runtime.Goexit
		defer func() {
			if v := recover(); v != nil {
				err = tako.RecoverError(v)
			}
			select {
			case in <- yielded[T]{err: err}:
			case <-stop:
				if tako.PanicStack(err) != nil {
					slog.Error("panic in the source of a stream that is over", "err", err, "stack", string(tako.PanicStack(err)))
				}
			}
		}()
		for e, failed := range st.Events {
			select {
			case in <- yielded[T]{e, failed}:
			case <-stop:
			}
			if failed != nil || closed(stop) {
				break
			}
		}
		err = io.EOF
	}()
	return relay(s, in, func(out []byte, y yielded[T]) ([]byte, error) {
		switch {
		case y.err == io.EOF || y.err != nil && tako.PanicStack(y.err) != nil:
			return out, y.err
		case y.err != nil:
			return out, fmt.Errorf("source of events: %w", y.err)
		}
		return appendEvent(out, &y.event, s.cfg.MaxID)
	})
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
