package http2serve

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/tako-go/tako"
)

// dateNow is the Date of a response. On the leader it is that of the last receipt.
func (c *Conn) dateNow() string {
	if c.date == "" {
		c.date = c.srv.date.value(time.Now())
	}
	return c.date
}

// WriteHead starts the response.
func (x *Exchange) WriteHead(status int, h *tako.Header, length int64) error {
	c := x.c
	c.mu.Lock()
	defer c.mu.Unlock()
	date := ""
	if x.leads() {
		date = c.dateNow()
	} else {
		date = c.srv.date.value(time.Now())
	}
	if x.stream.Protocol != "" && status/100 == 2 {
		status, h, length = x.noTunnel()
	}
	err := x.stream.Head(status, h, length, date)
	x.headSent = err == nil
	return x.failure(err)
}

// noTunnel drops the response of a handler that has answered an extended CONNECT as if it were a
// GET: for the client 2xx would mean that it may use the protocol that it has asked for.
func (x *Exchange) noTunnel() (status int, h *tako.Header, length int64) {
	x.dropped = true
	h = new(tako.Header)
	h.Set("Allow", "GET, HEAD")
	return http.StatusMethodNotAllowed, h, 0
}

// failure is what a handler is told of an error of its stream. It is called under
// the lock.
func (x *Exchange) failure(err error) error {
	switch {
	case err == nil || x.stream.Err() == nil:
		return err
	case x.c.cause != nil:
		return x.c.cause
	}
	return fmt.Errorf("%w: %w", tako.ErrClientGone, err)
}

// Write writes body bytes, and waits while there is no room for them.
func (x *Exchange) Write(p []byte) (int, error) {
	if x.dropped {
		return len(p), nil
	}
	total := 0
	if !x.writeBy.IsZero() && !time.Now().Before(x.writeBy) {
		return 0, os.ErrDeadlineExceeded
	}
	for {
		x.c.mu.Lock()
		n, err := x.stream.Write(p[total:])
		err = x.failure(err)
		waits := x.stream.Waiting() > 0
		x.c.mu.Unlock()
		total += n
		if err != nil {
			return total, err
		}
		if total == len(p) {
			if waits && !x.leads() {
				x.c.peer.Flush()
			}
			return total, nil
		}
		x.c.peer.Flush()
		if err := x.await(x.writable, x.writeBy); err != nil {
			return total, err
		}
	}
}

// leads reports whether others wait for this goroutine.
func (x *Exchange) leads() bool { return x.Leader != nil && x.Leader.Leads() }

// await waits until the stream was woken.
func (x *Exchange) await(wake signal, until time.Time) error {
	x.leave()
	if until.IsZero() {
		<-wake
		return nil
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-wake:
		return nil
	case <-timer.C:
		return os.ErrDeadlineExceeded
	}
}

// leave makes sure that nobody waits for this goroutine.
func (x *Exchange) leave() {
	if x.Leader != nil {
		leader := x.Leader
		x.Leader = nil
		leader.Leave()
	}
}

// WriteBuffers writes several pieces.
func (x *Exchange) WriteBuffers(bufs net.Buffers) (total int64, err error) {
	for _, b := range bufs {
		n, err := x.Write(b)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// ReadFrom writes the body from r.
func (x *Exchange) ReadFrom(r io.Reader) (int64, error) {
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{x}, struct{ io.Reader }{r}, *buf)
}

// Flush sends what was written.
func (x *Exchange) Flush() error {
	x.c.mu.Lock()
	err := x.failure(x.stream.Err())
	x.c.mu.Unlock()
	if err == nil {
		x.c.peer.Flush()
	}
	return err
}

// WriteTrailers keeps the trailer fields for the end.
func (x *Exchange) WriteTrailers(h *tako.Header) error {
	if err := h.Err(); err != nil {
		return err
	}
	if x.dropped {
		return nil
	}
	x.trailers = h.Clone()
	return nil
}

// EarlyHints sends a 103 response.
func (x *Exchange) EarlyHints(h *tako.Header) error {
	x.c.mu.Lock()
	err := x.failure(x.stream.Inform(http.StatusEarlyHints, h))
	x.c.mu.Unlock()
	if err == nil {
		x.c.peer.Flush()
	}
	return err
}
