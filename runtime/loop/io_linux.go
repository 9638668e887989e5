package loop

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// This file is the way an exchange on a loop has to its client, and one on a
// goroutine whose connection is still the loop's: what the socket takes at once is
// written at once, and only what has to wait leaves the loop.

// write sends what x has gathered and then bufs.
func (c *conn) write(x *exchange, bufs [][]byte) error {
	if err := expired(x.writeBy); err != nil {
		return err
	}
	if c.sec != nil {
		return c.writeSealed(x, bufs)
	}
	if len(bufs) == 0 {
		n, err := tryWrite(c.fd(), x.out)
		if err != nil || n == len(x.out) {
			x.out = x.out[:0]
			return err
		}
		return c.writeRest(x, [][]byte{x.out[n:]})
	}
	all := make([][]byte, 0, 1+len(bufs))
	all = append(append(all, x.out), bufs...)
	rest, err := tryWritev(c.fd(), all)
	if err != nil || len(rest) == 0 {
		x.out = x.out[:0]
		return err
	}
	return c.writeRest(x, rest)
}

// expired tells whether a deadline of the handler has passed.
func expired(t time.Time) error {
	if !t.IsZero() && !time.Now().Before(t) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// writeRest waits for the client to take bufs.
func (c *conn) writeRest(x *exchange, bufs [][]byte) error {
	nc, err := c.block(x)
	if err == nil {
		err = writeAll(nc, x, bufs)
	}
	x.out = x.out[:0]
	return err
}

// block makes sure that no loop waits for what comes next, and returns a connection
// to wait on.
func (c *conn) block(x *exchange) (net.Conn, error) {
	if x.w != nil {
		x.w.leave()
	}
	if x.blocking != nil {
		return x.blocking, nil
	}
	fd, err := dup(c.fd())
	if err != nil {
		return nil, err
	}
	x.blocking, err = netConn(fd)
	return x.blocking, err
}

// unblock gives back what block made.
func (c *conn) unblock(x *exchange) {
	if x.blocking != nil {
		_ = x.blocking.Close()
		x.blocking = nil
	}
}

// readBody is not called: on a loop a body is in memory as a whole.
func (c *conn) readBody(*exchange, []byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// hijack takes the connection off its loop.
func (c *conn) hijack(x *exchange) (net.Conn, *bufio.ReadWriter, error) {
	if err := c.write(x, nil); err != nil { // early hints, and responses to requests before
		return nil, nil, err
	}
	if x.w != nil {
		x.w.leave()
	}
	c.unblock(x)
	gone := make(chan []byte, 1)
	ok := c.l.post(message{do: func(w *worker) {
		w.l.leave(c, func(_ *conn, received []byte) { gone <- received })
	}})
	if !ok {
		return nil, nil, http.ErrServerClosed
	}
	received := append(bytes.Clone(x.body.mem), x.behind...)
	select {
	case more := <-gone:
		received = append(received, more...)
	case <-c.l.dead:
		return nil, nil, http.ErrServerClosed
	}
	nc, err := netConn(c.fd())
	if err != nil {
		c.peer.end()
		x.hijacked = true
		return nil, nil, err
	}
	x.hijacked = true
	if nc, err = c.over(nc); err != nil {
		_ = nc.Close()
		c.peer.end()
		return nil, nil, err
	}
	return takenOver(c.srv, &c.peer, nc, received)
}

// stream goes on with a connection on a goroutine.
func (r *reactor) stream(c *conn, received []byte) {
	nc, err := netConn(c.fd())
	if err != nil {
		r.srv.log.Error("connection cannot leave its loop", "err", err)
		c.peer.end()
		return
	}
	over, err := c.over(nc)
	if err != nil {
		_ = nc.Close()
		c.peer.end()
		return
	}
	c.fresh = false
	st := newStream(r.srv, &c.peer, over, received)
	st.raw, st.sec = nc, c.sec
	st.giveBack = func() { r.giveBack(c, nc) }
	r.srv.streams.start(st)
}

// shake does the handshake of a connection on a goroutine, and gives it back then.
func (r *reactor) shake(c *conn, received []byte) {
	nc, err := netConn(c.fd())
	if err != nil {
		r.srv.log.Error("connection cannot leave its loop", "err", err)
		c.peer.end()
		return
	}
	st := r.srv.secureStream(&c.peer, nc, received)
	st.shaken = func() { r.shaken(c, st) }
	r.srv.streams.start(st)
}

// giveBack makes an idle stream a connection of its loop again.
func (r *reactor) giveBack(c *conn, nc net.Conn) {
	if c.sec != nil {
		c.sec.detach()
	}
	fd, err := descriptor(nc)
	_ = nc.Close()
	if err != nil {
		c.peer.end()
		return
	}
	if !c.l.post(message{do: func(w *worker) { w.l.comeBack(c, fd) }}) {
		closeFD(fd)
		c.peer.end()
	}
}

func (l *loop) comeBack(c *conn, fd int) {
	c.eof, c.failed, c.back, c.rest = false, false, goOn, nil
	l.adopt(c, fd)
	if c.fresh && c.sec != nil { // it comes for the first time
		l.todo = append(l.todo, message{kind: arrives, c: c})
		return
	}
	l.proceed(c, goOn)
}

func closeFD(fd int) { _ = syscall.Close(fd) }
