package h3

import (
	"errors"
	"net"
	"sync"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// errCut says why our side of a tunnel did not end in order.
var errCut = errors.New("h3: the stream was broken off: its last write was cut short")

// tunnelWriter puts what is written into DATA frames. The library forgets about a frame of which
// a deadline has let only a part through, and would take the header of the next one for its rest:
// so the frames are made here, and a frame that was cut goes on with what is written next.
type tunnelWriter struct {
	str *http3.Stream

	// Of the frame under way, for the one that writes.
	buf    [16]byte
	header []byte
	told   int // bytes of the header that were taken
	owed   int // bytes of the payload that were not taken yet

	mu    sync.Mutex
	busy  bool
	ended bool
}

// write returns how many bytes of p were taken. One goroutine at a time may write.
func (w *tunnelWriter) write(p []byte) (n int, err error) {
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return 0, net.ErrClosed
	}
	w.busy = true
	w.mu.Unlock()
	for n < len(p) && err == nil {
		if w.owed == 0 {
			w.begin(len(p) - n)
		}
		var some int
		some, err = w.take(p[n : n+min(w.owed, len(p)-n)])
		n += some
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = false
	if w.ended {
		_ = w.finish()
	}
	return n, err
}

// begin begins a frame (RFC 9114, section 7.2.1).
func (w *tunnelWriter) begin(length int) {
	w.header = quicvarint.Append(w.buf[:0], 0)
	w.header = quicvarint.Append(w.header, uint64(length))
	w.told, w.owed = 0, length
}

// take writes what is left of the header, and p, which is within the frame.
func (w *tunnelWriter) take(p []byte) (int, error) {
	str := w.str.QUICStream()
	if w.told < len(w.header) {
		n, err := str.Write(w.header[w.told:])
		w.told += n
		if w.told == 0 {
			w.owed = 0 // the frame was not begun
		}
		if err != nil {
			return 0, err
		}
	}
	n, err := str.Write(p)
	w.owed -= n
	return n, err
}

// end ends our side, once a write under way has returned.
func (w *tunnelWriter) end() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return nil
	}
	w.ended = true
	if w.busy {
		return nil
	}
	return w.finish()
}

// finish ends the stream. The end within a frame would be an error of the whole connection
// (RFC 9114, section 7.1), so that it is reset there.
func (w *tunnelWriter) finish() error {
	if w.owed > 0 {
		w.str.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
		return errCut
	}
	return w.str.Close()
}
