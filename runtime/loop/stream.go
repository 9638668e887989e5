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
	"github.com/tako-go/tako/internal/http2serve"
	"github.com/tako-go/tako/internal/proxyproto"
)

// stream serves a connection on a goroutine of its own over Go's poller: one whose
// request body is not in memory as a whole, and every connection where there are no
// event loops.
type stream struct {
	srv  *Server
	peer *peer
	nc   net.Conn
	raw  net.Conn                        // below TLS
	sec  *secure                         // nil without TLS
	link atomic.Pointer[http2serve.Link] // of HTTP/2, nil otherwise
	buf  []byte                          // in[r:w] was received and not used
	r, w int

	state    atomic.Int32
	scanned  int              // bytes of an incomplete head that were looked at
	headBy   time.Time        // when the next head has to be there, if that is fixed
	giveBack func()           // puts an idle connection back to its loop, nil if there is none
	header   *proxyproto.Conn // a PROXY header is to come, nil otherwise
	unshaken bool             // the handshake is to come
	shaken   func()           // gives the connection to its loop then, nil if there is none
}

// States of a stream. Who changes fresh or idle to another one has the connection.
const (
	streamFresh    int32 = iota // no request has come yet
	streamIdle                  // between two requests
	streamActive                // a request is under way
	streamHijacked              // the connection is the handler's
	streamLinked                // it speaks HTTP/2
	streamLeft                  // its loop has it
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
	// lingerMost is how much is read and dropped meanwhile; then the client is held up.
	lingerMost = 16 << 20
)

var (
	errLeft    = errors.New("loop: the client is gone")
	errGoBack  = errors.New("loop: idle")
	errTooSlow = errors.New("loop: too slow")
)

// newStream makes a stream of a connection; received is what was read from it.
func newStream(s *Server, p *peer, nc net.Conn, received []byte) *stream {
	st := &stream{srv: s, peer: p, nc: nc, raw: nc, buf: received, w: len(received)}
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
			st.abort()
			st.close()
		}
	}()
	switch {
	case !st.introduced(), !st.shake():
		ended = true
		st.close()
		return
	case st.unshaken && st.shaken != nil:
		ended = true
		if st.state.CompareAndSwap(streamFresh, streamLeft) { // else closed by a shutdown
			st.shaken()
		} else {
			st.close()
		}
		return
	case st.multiplexes():
		ended = true
		st.close()
		return
	}
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
		st.giveBack()
		return
	case errors.As(err, &wrong) && st.state.Load() == streamFresh && http1.Alien(st.buf[st.r:st.w]):
		st.srv.refused(st.peer, wrong)
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
	if st.state.Load() == streamClosed {
		return errLeft
	}
	st.state.CompareAndSwap(streamIdle, streamActive)
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
				if st.srv.tls != nil && st.srv.misdirected(st.peer.connInfo(), x.Authority()) {
					return errMisdirected
				}
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
	} else if st.srv.endsIdle() {
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
		if st.srv.endsIdle() && st.state.CompareAndSwap(was, streamClosed) {
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
	if err := st.setReadDeadline(until); err != nil {
		return err
	}
	n, err := st.nc.Read(st.buf[st.w:])
	st.w += n
	if n > 0 {
		return nil
	}
	return err
}

// setReadDeadline bounds the next read. TLS may write in it, when keys change.
func (st *stream) setReadDeadline(until time.Time) error {
	if st.sec == nil {
		return st.nc.SetReadDeadline(until)
	}
	if st.state.Load() != streamActive { // nobody else writes
		return st.nc.SetDeadline(until)
	}
	if err := st.nc.SetWriteDeadline(deadline(st.srv.limits.WriteTimeout)); err != nil {
		return err
	}
	return st.nc.SetReadDeadline(until)
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
		st.abort()
	case lingers:
		st.linger()
	}
	st.close()
	return false
}

// abort makes the close of a connection visible as an error: its end would look
// like that of the response.
func (st *stream) abort() {
	if tcp, ok := st.raw.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	if st.sec != nil { // which would say that this is the end
		_ = st.raw.Close()
	}
}

// linger waits a little for the client to close.
func (st *stream) linger() {
	half, ok := st.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	wait := lingerFor
	if st.srv.isStopping() {
		wait = lingerInDrain
	}
	by := time.Now().Add(wait)
	_ = st.nc.SetReadDeadline(by)
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
	// A close would reset a client that is still sending, before it has read the answer.
	time.Sleep(time.Until(by))
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
