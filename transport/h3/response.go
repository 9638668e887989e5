package h3

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
)

// piece is how much of a response the write timeout is for.
const piece = 64 << 10

// Unwrap returns the writer of the library, for [http.ResponseController].
func (x *request) Unwrap() http.ResponseWriter { return x.responseWriter }

// Write writes in pieces: each has to be taken by the client within the timeout.
func (x *request) Write(p []byte) (total int, err error) {
	x.begins()
	if x.dropped {
		return len(p), nil
	}
	for {
		x.bound()
		n, err := x.responseWriter.Write(p[:min(piece, len(p))])
		total += n
		x.written += int64(n)
		p = p[n:]
		switch {
		case errors.Is(err, http.ErrBodyNotAllowed) || errors.Is(err, http.ErrContentLength):
			return total, err
		case err != nil:
			return total, x.late(err)
		}
		if len(p) == 0 {
			return total, nil
		}
	}
}

// FlushError sends what is written.
func (x *request) FlushError() error {
	x.begins()
	x.bound()
	return x.late(x.responseWriter.FlushError())
}

// Flush is FlushError for those who do not want to know.
func (x *request) Flush() { _ = x.FlushError() }

// EnableFullDuplex has nothing to do: streams always are.
func (x *request) EnableFullDuplex() error { return nil }

// bound sets the deadline for the next write: the timeout, or what the handler has set.
func (x *request) bound() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.patient {
		return
	}
	by, limit := x.writeBy, x.s.cfg.Limits.WriteTimeout
	if limit > 0 {
		if own := time.Now().Add(limit); by.IsZero() || own.Before(by) {
			by = own
		}
	}
	_ = x.responseWriter.SetWriteDeadline(by)
}

// late judges an error of sending, behind which the response is not whole. It counts a client
// that does not take it, who is as good as gone then, and tells one that has left.
func (x *request) late(err error) error {
	if err == nil {
		return nil
	}
	first := x.failed.CompareAndSwap(false, true)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return left(err)
	}
	x.mu.Lock()
	own := x.writeBy.IsZero() || time.Now().Before(x.writeBy)
	x.mu.Unlock()
	if !own {
		return err
	}
	if first {
		x.s.stats.timedOut.Add(1)
	}
	x.cancel(tako.ErrClientGone)
	return fmt.Errorf("%w: %w", tako.ErrClientGone, err)
}

// reset ends the stream of a handler that has not returned.
func (x *request) reset() { x.resetWith(http3.ErrCodeInternalError) }

func (x *request) resetWith(code http3.ErrCode) {
	x.mu.Lock()
	x.answered = true
	x.mu.Unlock()
	x.headMu.Lock()
	defer x.headMu.Unlock()
	x.head = true
	if streamer, ok := x.responseWriter.(http3.HTTPStreamer); ok {
		_ = x.responseWriter.SetWriteDeadline(time.Unix(1, 0)) // the library would send the head
		str := streamer.HTTPStream()
		str.CancelRead(quic.StreamErrorCode(code))
		str.CancelWrite(quic.StreamErrorCode(code))
	}
}

// SetWriteDeadline sets the deadline of the handler, beside which the timeout stays.
func (x *request) SetWriteDeadline(by time.Time) error {
	x.mu.Lock()
	x.writeBy = by
	x.mu.Unlock()
	x.bound()
	return nil
}

// SetReadDeadline sets the deadline of the handler, beside which the bounds of the body stay.
func (x *request) SetReadDeadline(by time.Time) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.readBy = by
	return x.responseWriter.SetReadDeadline(by) // the body sets its own for the next read
}
