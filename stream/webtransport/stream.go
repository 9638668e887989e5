package webtransport

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	lib "github.com/quic-go/webtransport-go"
)

// Stream is a bidirectional stream. One goroutine at a time may read, and one write; the other
// methods may be called concurrently. The handler must end both sides of it.
type Stream struct {
	receiver
	sender
}

// ReceiveStream is a unidirectional stream of the client. One goroutine at a time may read. The
// handler must read it to the end, or cancel it.
type ReceiveStream struct{ receiver }

// SendStream is a unidirectional stream to the client. One goroutine at a time may write. The
// handler must close or cancel it.
type SendStream struct{ sender }

func newStream(s *Session, str *lib.Stream, end func()) *Stream {
	var ended atomic.Int32
	half := func() {
		if ended.Add(1) == 2 {
			end()
		}
	}
	return &Stream{receiver{s: s, lib: str, end: half}, sender{s: s, lib: str, end: half}}
}

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (s *Stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

type libReceiver interface {
	Read([]byte) (int, error)
	CancelRead(lib.StreamErrorCode)
	SetReadDeadline(time.Time) error
}

type receiver struct {
	s    *Session
	lib  libReceiver
	end  func()
	once sync.Once
}

// Read reads what the client sends; [io.EOF] is the end of it, and a [StreamError] says that the
// client has broken it off.
func (r *receiver) Read(p []byte) (int, error) {
	n, err := r.lib.Read(p)
	if n > 0 {
		r.s.counts.received.Add(int64(n))
		r.s.touch()
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		r.once.Do(r.end)
	}
	return n, r.s.convert(err)
}

// CancelRead tells the client that nothing more of the stream is read. What it has sent is dropped.
func (r *receiver) CancelRead(code uint32) {
	r.lib.CancelRead(lib.StreamErrorCode(code))
	r.once.Do(r.end)
}

// SetReadDeadline bounds reads, also one under way; the zero time means none. Their error matches
// os.ErrDeadlineExceeded then.
func (r *receiver) SetReadDeadline(t time.Time) error {
	return r.s.convert(r.lib.SetReadDeadline(t))
}

type libSender interface {
	Write([]byte) (int, error)
	Close() error
	CancelWrite(lib.StreamErrorCode)
	SetWriteDeadline(time.Time) error
}

type sender struct {
	s    *Session
	lib  libSender
	end  func()
	once sync.Once
}

// Write sends p, and waits while the client takes no more. A [StreamError] says that the client
// does not want the rest.
func (w *sender) Write(p []byte) (int, error) {
	n, err := w.writeParts(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		w.once.Do(w.end)
	}
	return n, w.s.convert(err)
}

// idlePart is how much of a write has to go in the time of Config.IdleTimeout.
const idlePart = 4 << 10

// writeParts writes p, in parts if it matters when something has gone.
func (w *sender) writeParts(p []byte) (n int, err error) {
	for {
		part := p[n:]
		if w.s.watched {
			part = part[:min(len(part), idlePart)]
		}
		some, err := w.lib.Write(part)
		n += some
		if some > 0 {
			w.s.counts.sent.Add(int64(some))
			w.s.touch()
		}
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// Close ends our side of the stream behind what was written.
func (w *sender) Close() error {
	err := w.lib.Close()
	w.once.Do(w.end)
	return w.s.convert(err)
}

// CancelWrite breaks our side of the stream off: what the client has not got yet may be dropped.
func (w *sender) CancelWrite(code uint32) {
	w.lib.CancelWrite(lib.StreamErrorCode(code))
	w.once.Do(w.end)
}

// SetWriteDeadline bounds writes, also one under way; the zero time means none. Their error matches
// os.ErrDeadlineExceeded then.
func (w *sender) SetWriteDeadline(t time.Time) error {
	return w.s.convert(w.lib.SetWriteDeadline(t))
}
