package runtimetest

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// relay is a client's end whose bytes pass through goroutines, so that a case can
// write before a handshake has ended, and set deadlines while one is under way.
type relay struct {
	net.Conn // for its addresses
	in       inlet
	out      outlet
	gone     chan struct{} // closed by Close
	once     sync.Once
}

func newRelay(conn net.Conn) *relay {
	r := &relay{Conn: conn, gone: make(chan struct{})}
	r.in.changed, r.out.changed = make(chan struct{}), make(chan struct{})
	return r
}

func (r *relay) Read(p []byte) (int, error)        { return r.in.Read(p) }
func (r *relay) Write(p []byte) (int, error)       { return r.out.Write(p) }
func (r *relay) CloseWrite() error                 { r.out.end(); return nil }
func (r *relay) SetWriteDeadline(time.Time) error  { return nil }
func (r *relay) SetDeadline(t time.Time) error     { return r.SetReadDeadline(t) }
func (r *relay) SetReadDeadline(t time.Time) error { r.in.setDeadline(t); return nil }
func (r *relay) Close() error {
	r.once.Do(func() {
		close(r.gone)
		r.out.end()
		r.in.end(net.ErrClosed)
	})
	return r.Conn.Close()
}

// newSecureConn puts TLS on a connection.
func newSecureConn(x *T, conn net.Conn) net.Conn {
	r := newRelay(conn)
	go r.carry(tls.Client(conn, x.clientTLS()))
	return r
}

// carry moves bytes until both directions have ended.
func (r *relay) carry(conn *tls.Conn) {
	if err := conn.Handshake(); err != nil {
		r.in.end(err)
		return
	}
	go func() {
		if _, err := io.Copy(conn, &r.out); err == nil {
			_ = conn.CloseWrite()
			if half, ok := r.Conn.(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
		}
	}()
	buf := make([]byte, 4<<10)
	for {
		n, err := conn.Read(buf)
		if !r.in.put(buf[:n], r.gone) {
			return
		}
		if err != nil {
			r.in.end(err)
			return
		}
	}
}

// inlet is what a goroutine hands to the case that reads.
type inlet struct {
	mu       sync.Mutex
	buf      []byte
	err      error
	deadline time.Time
	changed  chan struct{}
}

func (in *inlet) wake() {
	close(in.changed)
	in.changed = make(chan struct{})
}

// put waits until there is room again, and returns false if the case is gone.
func (in *inlet) put(p []byte, gone <-chan struct{}) bool {
	const room = 2 << 10
	in.mu.Lock()
	defer in.mu.Unlock()
	in.buf = append(in.buf, p...)
	in.wake()
	for len(in.buf) > room && in.err == nil {
		changed := in.changed
		in.mu.Unlock()
		select {
		case <-changed:
		case <-gone:
		}
		in.mu.Lock()
	}
	return in.err == nil
}

// end lets reads return err behind what is there.
func (in *inlet) end(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = err
		in.wake()
	}
}

func (in *inlet) setDeadline(t time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.deadline = t
	in.wake()
}

// Read waits for bytes, the end or the deadline.
func (in *inlet) Read(p []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for {
		switch {
		case len(in.buf) > 0:
			n := copy(p, in.buf)
			in.buf = in.buf[n:]
			if len(in.buf) == 0 {
				in.buf = nil
			}
			in.wake()
			return n, nil
		case in.err != nil:
			return 0, in.err
		case !in.deadline.IsZero() && !time.Now().Before(in.deadline):
			return 0, os.ErrDeadlineExceeded
		}
		in.pause()
	}
}

func (in *inlet) pause() {
	changed, left := in.changed, time.Hour
	if !in.deadline.IsZero() {
		left = time.Until(in.deadline)
	}
	in.mu.Unlock()
	timer := time.NewTimer(left)
	select {
	case <-changed:
	case <-timer.C:
	}
	timer.Stop()
	in.mu.Lock()
}

// outlet keeps all that a case writes until a goroutine takes it.
type outlet struct {
	mu      sync.Mutex
	buf     []byte
	ended   bool
	changed chan struct{}
}

var errEnded = errors.New("the client has ended its side")

func (out *outlet) Write(p []byte) (int, error) {
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.ended {
		return 0, errEnded
	}
	out.buf = append(out.buf, p...)
	close(out.changed)
	out.changed = make(chan struct{})
	return len(p), nil
}

func (out *outlet) end() {
	out.mu.Lock()
	defer out.mu.Unlock()
	if !out.ended {
		out.ended = true
		close(out.changed)
		out.changed = make(chan struct{})
	}
}

func (out *outlet) Read(p []byte) (int, error) {
	out.mu.Lock()
	defer out.mu.Unlock()
	for len(out.buf) == 0 {
		if out.ended {
			return 0, io.EOF
		}
		changed := out.changed
		out.mu.Unlock()
		<-changed
		out.mu.Lock()
	}
	n := copy(p, out.buf)
	out.buf = out.buf[n:]
	if len(out.buf) == 0 {
		out.buf = nil
	}
	return n, nil
}
