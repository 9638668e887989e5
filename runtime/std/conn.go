package std

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/http2serve"
	"github.com/tako-go/tako/internal/proxyproto"
)

// epoch is what the coarse clock counts from.
var epoch = time.Now()

// piece is how much of a response is given to the kernel at a time: the write
// timeout is judged by pieces.
const piece = 64 << 10

// conn is a connection under the eyes of the sweeper. Deadlines that net/http
// sets for every request are kept as marks, which costs a store instead of a
// timer; the sweeper turns them into real ones when they are due.
type conn struct {
	net.Conn
	raw    net.Conn         // below TLS
	header *proxyproto.Conn // a PROXY header is to come, or has; nil without
	intro  bool             // it is to come
	since  time.Time        // of the connection
	tls    *tls.Conn
	shaken bool        // the handshake was tried
	quiet  atomic.Bool // the end of a head that has not come is not answered
	greets atomic.Bool // something has come
	known  bool        // what comes is some HTTP
	first  []byte      // of the first line, until that is known
	mute   bool        // nothing is answered
	link   atomic.Pointer[http2serve.Link]
	s      *Server
	info   *tako.ConnInfo
	slot   *connlimit.Slot
	cancel atomic.Pointer[context.CancelCauseFunc]

	state   atomic.Int32 // an http.ConnState
	closed  atomic.Bool
	readBy  atomic.Int64              // deadline by the coarse clock, 0 for none
	writing atomic.Int64              // when the write under way began, 0 if none is
	lingers atomic.Int64              // when the read that waits off the socket began, 0 if none does
	broken  atomic.Bool               // the response was broken off: nothing is read any more
	ahead   atomic.Bool               // a byte of the next request is there while one is served
	cutOff  atomic.Bool               // its end must not look like that of the response
	past    atomic.Bool               // the read deadline has passed
	reads   atomic.Int32              // reads at the socket
	spared  atomic.Bool               // a drain has left it open
	body    atomic.Pointer[bodyWatch] // of the last request that had one

	mu       sync.Mutex // guards the next four
	arrived  bool       // bytes of the next request were read
	givenUp  bool       // a drain has closed it while it was read
	hardRead bool       // the socket has a read deadline of its own
	proceed  bool       // the lingering read is to go to the socket
	wake     sync.Cond  // on mu
}

// newConn makes a conn of c; with intro a PROXY header comes first.
func newConn(s *Server, c net.Conn, slot *connlimit.Slot, intro bool) *conn {
	info := &tako.ConnInfo{Transport: c.LocalAddr().Network(), Remote: c.RemoteAddr(), Local: c.LocalAddr()}
	if info.Transport == "unix" {
		info.Peer = credOf(c)
	}
	own := &conn{s: s, slot: slot, info: info, intro: intro}
	if intro {
		own.header, own.since = proxyproto.NewConn(c, s.gate), time.Now()
		c = own.header
	}
	own.Conn, own.raw = c, c
	own.wake.L = &own.mu
	if s.tls != nil {
		own.secure(s.tls)
	}
	return own
}

// connContext gives the requests of a connection what they came over, and a
// context that ends when the sweeper sees the client go.
func connContext(ctx context.Context, c net.Conn) context.Context {
	own, ok := c.(*conn)
	if !ok {
		return ctx
	}
	ctx, cancel := context.WithCancelCause(ctx)
	own.cancel.Store(&cancel)
	return tako.WithConn(context.WithValue(ctx, connKey{}, own), &tako.Conn{Info: own.info,
		Draining: own.s.draining, Body: own.watchedBody, BeforeHead: own.beforeHead, AltSvc: own.altSvc})
}

// altSvc is for responses over TLS.
func (c *conn) altSvc() string {
	if c.tls == nil {
		return ""
	}
	return c.s.altSvc()
}

type connKey struct{}

func connState(c net.Conn, state http.ConnState) {
	own, ok := c.(*conn)
	if !ok {
		return
	}
	own.mu.Lock()
	own.state.Store(int32(state))
	if state == http.StateActive {
		own.arrived = false
	}
	own.mu.Unlock()
	switch state {
	case http.StateClosed:
		_ = own.close() // net/http has closed it, but it may have been spared
	case http.StateActive:
		own.ahead.Store(false)
		// For a request that is refused before a handler sees it, whose body
		// net/http reads without a deadline. A handler's own ends it.
		own.boundRest()
	case http.StateHijacked:
		own.readBy.Store(0)
		own.body.Store(nil)
	}
}

// Close gives the slot back once.
func (c *conn) Close() error {
	if c.spare() {
		return nil
	}
	if c.tls != nil && c.s.closingIdle.Load() {
		c.closeSoon() // net/http holds a lock
		return nil
	}
	c.awaitClient()
	return c.close()
}

// closeSoon closes a connection with TLS without waiting: its last words may have to
// wait for a read that writes, or for a client that takes nothing.
func (c *conn) closeSoon() {
	_ = c.raw.SetWriteDeadline(time.Now().Add(drainLinger))
	late := time.AfterFunc(drainLinger, func() { _ = c.raw.Close() })
	go func() {
		_ = c.close()
		late.Stop()
	}()
}

// drainLinger is how long a connection that a drain ends waits for its client to
// close: a pipelined request that nobody reads would reset it, and destroy what the
// client has not read yet of the last response.
const drainLinger = 100 * time.Millisecond

func (c *conn) awaitClient() {
	state := http.ConnState(c.state.Load())
	if !c.s.isStopping() || c.s.closingIdle.Load() || c.broken.Load() || state != http.StateActive && state != http.StateIdle {
		return
	}
	if c.CloseWrite() != nil || c.Conn.SetReadDeadline(time.Now().Add(drainLinger)) != nil {
		return
	}
	buf := make([]byte, 4<<10)
	for range 64 {
		if _, err := c.Conn.Read(buf); err != nil {
			return
		}
	}
}

func (c *conn) close() error {
	if c.cutOff.Load() { // the last words of TLS would make it look complete
		_ = c.raw.Close()
	}
	err := c.Conn.Close()
	if c.closed.CompareAndSwap(false, true) {
		c.mu.Lock()
		c.wake.Signal()
		c.mu.Unlock()
		c.endRequests()
		c.slot.Release()
		c.s.forget(c)
	}
	return err
}

// endRequests cancels the contexts of the connection's requests.
func (c *conn) endRequests() {
	if cancel := c.cancel.Load(); cancel != nil {
		(*cancel)(tako.ErrClientGone)
	}
}

// SetWriteDeadline is a deadline that a handler has set.
func (c *conn) SetWriteDeadline(t time.Time) error {
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline sets both, for connections that were taken over.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Write writes in pieces, so that the sweeper sees whether the client takes them.
func (c *conn) Write(p []byte) (int, error) {
	if c.mute || c.quiet.Load() && string(p) == halfHead {
		return 0, net.ErrClosed
	}
	if len(p) <= piece {
		return c.writePiece(p)
	}
	if http.ConnState(c.state.Load()) == http.StateHijacked {
		return c.Conn.Write(p) // whole, as its new owner may write from several goroutines
	}
	total := 0
	for len(p) > 0 {
		n, err := c.writePiece(p[:min(piece, len(p))])
		total += n
		if err != nil {
			return total, err
		}
		p = p[n:]
	}
	return total, nil
}

func (c *conn) writePiece(p []byte) (int, error) {
	c.writing.Store(c.s.now.Load())
	n, err := c.Conn.Write(p)
	c.writing.Store(0)
	if err != nil && c.tls != nil {
		_ = c.raw.Close() // TLS would wait for the client once more
	}
	return n, err
}

// ReadFrom lets the kernel copy files, in pieces. Other readers may be slow by
// themselves, for which the client is not to blame, so only writes are judged.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: r, N: 1 << 62}
	}
	from, ok := c.Conn.(io.ReaderFrom)
	if !ok || !isFile(limited.R) {
		return io.Copy(writerOnly{c}, struct{ io.Reader }{r})
	}
	var total int64
	for limited.N > 0 {
		one := &io.LimitedReader{R: limited.R, N: min(piece, limited.N)}
		c.writing.Store(c.s.now.Load())
		n, err := from.ReadFrom(one)
		c.writing.Store(0)
		total += n
		limited.N -= n
		if err != nil || one.N > 0 {
			return total, err
		}
	}
	return total, nil
}

func isFile(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

type writerOnly struct{ io.Writer }

// reset makes Close reset the connection: the client of HTTP/1.0 would take a clean
// end of a response that was broken off for the end of the body.
func (c *conn) reset() {
	c.broken.Store(true)
	c.cutOff.Store(true)
	if tcp, ok := c.raw.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
}

// halfHead is what net/http answers to half a head.
const halfHead = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"

// Reset breaks off a connection that was taken over.
func (c *conn) Reset() error {
	c.reset()
	_ = c.raw.Close()
	return c.close()
}

// CloseWrite lets net/http end a connection without losing its last response.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
