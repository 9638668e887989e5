package loop

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako/internal/http1"
)

// stream serves a connection on a goroutine of its own over Go's poller: one whose
// request body is not in memory as a whole, and every connection where there are no
// event loops.
type stream struct {
	srv  *Server
	peer *peer
	nc   net.Conn
	buf  []byte // in[r:w] was received and not used
	r, w int

	state    atomic.Int32
	scanned  int               // bytes of an incomplete head that were looked at
	headBy   time.Time         // when the next head has to be there, if that is fixed
	giveBack func(nc net.Conn) // puts an idle connection back to its loop, nil if there is none
}

// States of a stream. Who changes fresh or idle to another one has the connection.
const (
	streamFresh    int32 = iota // no request has come yet
	streamIdle                  // between two requests
	streamActive                // a request is under way
	streamHijacked              // the connection is the handler's
	streamClosed
)

const (
	streamBuffer = 4 << 10
	bodyBuffer   = 64 << 10
	// idleOnStream is how long a connection may be idle before it goes back to its loop.
	idleOnStream = time.Second
	// restGrace is how long the rest of a body that nobody read may take to come.
	restGrace = 2 * time.Second
	// lingerFor is how long a connection is kept to see the client close it, so that
	// bytes that still come do not reset it before the response was read.
	lingerFor = 500 * time.Millisecond
	// lingerInDrain is the same while the server stops: others may wait for the place.
	lingerInDrain = 100 * time.Millisecond
	lingerMost    = 1 << 20
)

var (
	errLeft    = errors.New("loop: the client is gone")
	errGoBack  = errors.New("loop: idle")
	errTooSlow = errors.New("loop: too slow")
)

// newStream makes a stream of a connection; received is what was read from it.
func newStream(s *Server, p *peer, nc net.Conn, received []byte) *stream {
	st := &stream{srv: s, peer: p, nc: nc, buf: received, w: len(received)}
	if len(received) > 0 {
		st.state.Store(streamActive)
	}
	return st
}

// run serves requests until the connection ends, or goes back to its loop.
func (st *stream) run() {
	defer st.srv.streams.remove(st)
	ended := false
	defer func() {
		if !ended && st.state.Load() != streamHijacked { // a handler has called runtime.Goexit
			st.peer.cancel(context.Canceled)
			abort(st.nc)
			st.close()
		}
	}()
	for {
		x := newExchange(st.srv)
		x.wire, x.peer = st, st.peer
		err := st.readHead(x)
		if err == nil {
			if st.handle(x) {
				continue
			}
			break
		}
		st.refuse(x, err)
		x.release()
		break
	}
	ended = true
}

// refuse ends a connection whose next request did not come, or is wrong.
func (st *stream) refuse(x *exchange, err error) {
	var wrong *http1.Error
	switch {
	case errors.Is(err, errGoBack):
		st.giveBack(st.nc)
		return
	case errors.As(err, &wrong):
		st.srv.refused(st.peer, wrong)
		x.out = http1.AppendRefusal(x.out[:0], wrong, x.dateLine())
		if x.wire.write(x, nil) == nil {
			st.linger()
		}
	case errors.Is(err, errTooSlow):
		st.srv.stats.timedOut.Add(1)
	}
	st.close()
}

// readHead waits for the next request and parses its head.
func (st *stream) readHead(x *exchange) error {
	if st.r == st.w {
		if err := st.awaitRequest(); err != nil {
			return err
		}
	}
	if st.state.Load() != streamFresh {
		st.state.Store(streamActive)
	}
	st.scanned = 0
	until := st.headBy
	if until.IsZero() {
		until = deadline(st.srv.limits.HeaderTimeout)
	}
	st.headBy = time.Time{}
	for {
		if st.worthParsing() {
			ok, err := x.req.Parse(st.buf[st.r:st.w], &st.srv.head)
			if err != nil {
				return err
			}
			if ok {
				x.head = bytes.Clone(st.buf[st.r : st.r+x.req.Size])
				x.owned = true
				st.r += x.req.Size
				if st.state.Load() == streamFresh && !st.state.CompareAndSwap(streamFresh, streamActive) {
					return errLeft // closed by a shutdown
				}
				return nil
			}
		}
		st.scanned = st.w - st.r
		if err := st.fill(until); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return errTooSlow
			}
			return errLeft
		}
	}
}

// worthParsing reports whether an incomplete head may be complete now, or is to be
// refused: a client that sends byte by byte must not have it parsed as often.
func (st *stream) worthParsing() bool {
	b := st.buf[st.r:st.w]
	return headMayEnd(b, st.scanned, &st.srv.head)
}

// headMayEnd looks for the end of a head of which the first scanned bytes were
// parsed in vain.
func headMayEnd(b []byte, scanned int, limits *http1.Limits) bool {
	return scanned == 0 || limits.HeadBytes > 0 && len(b) >= limits.HeadBytes ||
		bytes.Contains(b[max(scanned-3, 0):], []byte("\r\n\r\n"))
}

// awaitRequest waits for the first byte of a request.
func (st *stream) awaitRequest() error {
	limit := st.srv.limits.IdleTimeout
	fresh := st.state.Load() == streamFresh
	if fresh {
		limit = st.srv.limits.HeaderTimeout
	} else if st.srv.isStopping() {
		return errLeft
	}
	st.r, st.w = 0, 0
	if cap(st.buf) > bodyBuffer {
		st.buf = nil
	}
	was := streamFresh
	if !fresh {
		was = streamIdle
		st.state.Store(was)
		if st.srv.isStopping() && st.state.CompareAndSwap(was, streamClosed) {
			return errLeft
		}
	}
	back := st.giveBack != nil && !fresh && (limit <= 0 || limit > idleOnStream)
	until := deadline(limit)
	if fresh {
		st.headBy = until // the first head has to come by then as a whole
	}
	if back {
		until = time.Now().Add(idleOnStream)
	}
	err := st.fill(until)
	if !fresh && !st.state.CompareAndSwap(was, streamActive) {
		return errLeft // closed by a shutdown
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded) && back:
		return errGoBack
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errTooSlow
	}
	return errLeft
}

// deadline is the time after d, the zero time if there is no limit.
func deadline(d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}

// fill reads more behind what is in the buffer.
func (st *stream) fill(until time.Time) error {
	if st.r == st.w {
		st.r, st.w = 0, 0
	}
	if st.w == len(st.buf) {
		if st.r > 0 {
			st.w = copy(st.buf, st.buf[st.r:st.w])
			st.r = 0
		}
		if st.w == len(st.buf) {
			st.buf = append(st.buf, make([]byte, max(len(st.buf), streamBuffer))...)
		}
	}
	if err := st.nc.SetReadDeadline(until); err != nil {
		return err
	}
	n, err := st.nc.Read(st.buf[st.w:])
	st.w += n
	if n > 0 {
		return nil
	}
	return err
}

// handle serves one request and reports whether the connection goes on.
func (st *stream) handle(x *exchange) bool {
	x.body.since = time.Now()
	x.body.left = x.req.Length
	x.body.chunks.Limits = st.srv.head
	x.body.done = x.req.Length == 0
	x.end(st.srv.app.Serve(x))
	st.srv.stats.streamed.Add(1)
	if x.hijacked {
		x.release()
		return false
	}
	failed := x.err != nil || x.wire.write(x, nil) != nil
	if x.retained {
		x.ended.Store(true)
		if !x.body.lock.TryLock() { // a late handler reads; the close ends that
			x.release()
			st.close()
			return false
		}
		defer x.body.lock.Unlock()
	}
	rest := false
	if !failed && !x.closing && x.unread() {
		rest = !st.discardRest(x)
	}
	closing := failed || x.closing || rest || x.body.lost
	reset := x.broken && (x.tillClose || x.req.Minor == 0)
	lingers := !failed && (x.unread() || st.r < st.w || !x.req.Close)
	x.release()
	if !closing {
		return true
	}
	switch {
	case reset:
		abort(st.nc)
	case lingers:
		st.linger()
	}
	st.close()
	return false
}

// abort makes the close of a connection visible as an error: its end would look
// like that of the response.
func abort(nc net.Conn) {
	if tcp, ok := nc.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
}

// linger waits a little for the client to close.
func (st *stream) linger() {
	half, ok := st.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = st.nc.SetReadDeadline(time.Now().Add(lingerFor))
	buf := st.buf[:cap(st.buf)]
	if len(buf) == 0 {
		buf = make([]byte, streamBuffer)
	}
	for most := lingerMost; most > 0; {
		n, err := st.nc.Read(buf)
		if err != nil {
			return
		}
		most -= n
	}
}

// close ends the connection.
func (st *stream) close() {
	st.state.Store(streamClosed)
	_ = st.nc.Close()
	st.peer.end()
}

func (st *stream) hijack(x *exchange) (net.Conn, *bufio.ReadWriter, error) {
	if err := st.write(x, nil); err != nil { // early hints
		return nil, nil, err
	}
	st.state.Store(streamHijacked)
	_ = st.nc.SetDeadline(time.Time{})
	x.hijacked = true
	return takenOver(st.srv, st.peer, st.nc, append(bytes.Clone(x.body.mem), st.buf[st.r:st.w]...))
}
