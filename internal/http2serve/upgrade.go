package http2serve

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/http2"
)

// tunnel is the stream of an extended CONNECT that was accepted (RFC 8441). It lasts
// until it is closed, whatever becomes of the handler.
type tunnel struct {
	x *Exchange

	mu              sync.Mutex
	readBy, writeBy time.Time
	closed          bool
	ended           bool // nothing more is written
}

// Upgrade accepts an extended CONNECT.
func (x *Exchange) Upgrade(h *tako.Header) (net.Conn, error) {
	if x.stream.Protocol == "" {
		return nil, errors.ErrUnsupported
	}
	c := x.c
	c.mu.Lock()
	err := x.failure(x.stream.Head(http.StatusOK, h, -1, c.srv.date.value(time.Now())))
	if err == nil {
		x.headSent, x.retained = true, true
		x.stream.Patient = true
		x.tunnel = &tunnel{x: x}
	}
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	c.peer.Flush()
	return x.tunnel, nil
}

// UpgradeEvents is left to a goroutine.
func (x *Exchange) UpgradeEvents(*tako.Header, string, tako.StreamEvents, tako.EventConfig) error {
	return errors.ErrUnsupported
}

// Read reads what the client sends; [io.EOF] is the end of it.
func (t *tunnel) Read(p []byte) (int, error) {
	x := t.x
	for {
		by, closed := t.deadline(&t.readBy)
		if closed {
			return 0, net.ErrClosed
		}
		if !by.IsZero() && !time.Now().Before(by) {
			return 0, os.ErrDeadlineExceeded
		}
		x.c.mu.Lock()
		n, err := x.stream.Read(p)
		if err != io.EOF {
			err = x.failure(err)
		}
		tell := x.c.eng.Unsent()
		x.c.mu.Unlock()
		if tell {
			x.c.peer.Flush()
		}
		if n > 0 && err == io.EOF {
			err = nil // it comes again
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		t.await(x.readable, by)
	}
}

// Write sends p.
func (t *tunnel) Write(p []byte) (total int, err error) {
	x := t.x
	for {
		by, closed := t.deadline(&t.writeBy)
		if closed || t.isEnded() {
			return total, net.ErrClosed
		}
		if !by.IsZero() && !time.Now().Before(by) {
			return total, os.ErrDeadlineExceeded
		}
		x.c.mu.Lock()
		n, err := x.stream.Write(p[total:])
		err = x.failure(err)
		x.c.mu.Unlock()
		if total += n; n > 0 {
			x.c.peer.Flush()
		}
		if err != nil || total == len(p) {
			return total, err
		}
		t.await(x.writable, by)
	}
}

// await waits until the stream was woken, or the deadline has passed or changed.
func (t *tunnel) await(wake signal, by time.Time) {
	if by.IsZero() {
		<-wake
		return
	}
	timer := time.NewTimer(time.Until(by))
	defer timer.Stop()
	select {
	case <-wake:
	case <-timer.C:
	}
}

func (t *tunnel) deadline(field *time.Time) (by time.Time, closed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return *field, t.closed
}

func (t *tunnel) isEnded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended
}

// CloseWrite tells the client that nothing more comes.
func (t *tunnel) CloseWrite() error {
	t.mu.Lock()
	again := t.ended
	t.ended = true
	t.mu.Unlock()
	if again {
		return nil
	}
	t.x.c.mu.Lock()
	t.x.stream.End(nil)
	t.x.c.mu.Unlock()
	t.x.c.peer.Flush()
	return nil
}

// Close ends the stream. Reads and writes under way return.
func (t *tunnel) Close() error {
	return t.close(func(s *http2.Stream) { s.End(nil) })
}

// Reset ends the stream such that the client sees an error.
func (t *tunnel) Reset() error {
	return t.close(func(s *http2.Stream) { s.Reset(http2.Cancel, "broken off") })
}

func (t *tunnel) close(end func(*http2.Stream)) error {
	t.mu.Lock()
	again := t.closed
	t.closed, t.ended = true, true
	t.mu.Unlock()
	if again {
		return net.ErrClosed
	}
	x := t.x
	c := x.c
	c.mu.Lock()
	end(&x.stream)
	x.readable.signal()
	x.writable.signal()
	x.stream.Release()
	over := c.isOver()
	c.mu.Unlock()
	if over {
		c.peer.Over()
		return nil
	}
	c.peer.Flush()
	return nil
}

// LocalAddr is that of the connection.
func (t *tunnel) LocalAddr() net.Addr { return t.x.c.peer.ConnInfo().Local }

// RemoteAddr is that of the connection.
func (t *tunnel) RemoteAddr() net.Addr { return t.x.c.peer.ConnInfo().Remote }

// SetDeadline bounds reads and writes, those under way as well.
func (t *tunnel) SetDeadline(by time.Time) error {
	return errors.Join(t.SetReadDeadline(by), t.SetWriteDeadline(by))
}

// SetReadDeadline bounds reads.
func (t *tunnel) SetReadDeadline(by time.Time) error {
	return t.set(&t.readBy, by, t.x.readable)
}

// SetWriteDeadline bounds writes.
func (t *tunnel) SetWriteDeadline(by time.Time) error {
	return t.set(&t.writeBy, by, t.x.writable)
}

func (t *tunnel) set(field *time.Time, by time.Time, wake signal) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return net.ErrClosed
	}
	*field = by
	wake.signal()
	return nil
}
