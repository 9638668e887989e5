package quic

import (
	"errors"
	"time"

	lib "github.com/quic-go/quic-go"
)

// Stream is a bidirectional stream. One goroutine at a time may read, and one write; the other
// methods may be called concurrently. Both sides of it must be ended.
type Stream struct {
	receiver
	sender
}

// ReceiveStream is a unidirectional stream of the client. One goroutine at a time may read. It must
// be read to the end, or cancelled.
type ReceiveStream struct{ receiver }

// SendStream is a unidirectional stream to the client. One goroutine at a time may write. It must
// be closed or cancelled.
type SendStream struct{ sender }

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (s *Stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

type receiver struct {
	lib interface {
		Read([]byte) (int, error)
		CancelRead(lib.StreamErrorCode)
		SetReadDeadline(time.Time) error
	}
}

// Read reads what the client sends; [io.EOF] is the end of it, and a [StreamError] says that the
// client has broken it off.
func (r *receiver) Read(p []byte) (int, error) {
	n, err := r.lib.Read(p)
	return n, convert(err)
}

// CancelRead tells the client that nothing more of the stream is read. Codes are up to 2^62-1.
func (r *receiver) CancelRead(code uint64) { r.lib.CancelRead(lib.StreamErrorCode(code)) }

// SetReadDeadline bounds reads, also one under way; the zero time means none. Their error matches
// os.ErrDeadlineExceeded then.
func (r *receiver) SetReadDeadline(t time.Time) error { return convert(r.lib.SetReadDeadline(t)) }

type sender struct {
	lib interface {
		Write([]byte) (int, error)
		Close() error
		CancelWrite(lib.StreamErrorCode)
		SetWriteDeadline(time.Time) error
	}
}

// Write sends p, and waits while the client takes no more. A [StreamError] says that the client
// does not want the rest.
func (w *sender) Write(p []byte) (int, error) {
	n, err := w.lib.Write(p)
	return n, convert(err)
}

// Close ends our side of the stream behind what was written.
func (w *sender) Close() error { return convert(w.lib.Close()) }

// CancelWrite breaks our side of the stream off: what the client has not got yet may be dropped.
// Codes are up to 2^62-1.
func (w *sender) CancelWrite(code uint64) { w.lib.CancelWrite(lib.StreamErrorCode(code)) }

// SetWriteDeadline bounds writes, also one under way; the zero time means none. Their error matches
// os.ErrDeadlineExceeded then.
func (w *sender) SetWriteDeadline(t time.Time) error { return convert(w.lib.SetWriteDeadline(t)) }
