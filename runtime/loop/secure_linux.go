package loop

import (
	"io"
	"net"
	"sync"

	"github.com/tako-go/tako/internal/handshake"
)

// plain is memory for what was decrypted: more than can come of one read.
func (w *worker) plain() []byte {
	if w.opened == nil {
		w.opened = make([]byte, readBuffer+32<<10)
	}
	return w.opened
}

// receivedSealed decrypts what came over c and goes on with it.
func (l *loop) receivedSealed(w *worker, c *conn, data []byte) (robbed bool) {
	plain, err := c.sec.open(data, w.plain())
	if err != nil { // for who leads the loop behind what is delivered now
		c.eof = true
		c.failed = c.failed || err != io.EOF && len(plain) == 0
	}
	waits := c.sec.waiting()
	if len(plain) > 0 && l.deliver(w, c, plain) {
		return true
	}
	if l.find(c.key) != c {
		return false
	}
	if waits > 0 && err == nil {
		return l.answerKeys(c, waits)
	}
	if err == nil {
		return false
	}
	if err == io.EOF {
		l.closed(c, nil)
		return false
	}
	if c.st.Load() == connIdle {
		l.farewell(c) // an alert
	}
	l.closed(c, err)
	return false
}

// mostKeys bounds what TLS may have to say by itself: a client that has keys changed again and
// again, and takes no answer, gets no more.
const mostKeys = 64 << 10

// answerKeys sends what TLS answers by itself when keys change.
func (l *loop) answerKeys(c *conn, waits int) (robbed bool) {
	switch {
	case waits > mostKeys:
		l.closed(c, errTooSlow)
	case c.mux != nil:
		if c.mux.sending.TryLock() {
			if !c.mux.off {
				sent, err := l.sendOut(c, nil, goOn)
				c.mux.off = !sent || err != nil
			}
			c.mux.sending.Unlock()
		}
	case c.st.Load() == connIdle && c.sending == nil && c.leaving == nil:
		if _, err := l.sendOut(c, nil, goOn); err != nil {
			l.closed(c, err)
		}
	}
	return false
}

// farewell sends what TLS has to say at the end, if the socket takes it.
func (l *loop) farewell(c *conn) {
	if c.sec == nil || c.sending != nil || c.st.Load() != connIdle {
		return
	}
	out, _ := c.sec.seal(nil, nil, true)
	if len(out) > 0 {
		_, _ = tryWrite(c.fd(), out)
	}
}

// shaken makes a stream whose handshake has ended a connection of its loop.
func (r *reactor) shaken(c *conn, st *stream) {
	c.sec = st.sec
	c.http2 = c.connInfo().TLS.NegotiatedProtocol == handshake.HTTP2
	r.giveBack(c, st.raw)
}

// welcome goes on with a connection that has come to the loop with TLS: the first
// request may have come with the end of the handshake.
func (l *loop) welcome(w *worker, c *conn) (robbed bool) {
	c.phase = phaseHead
	wait := l.srv.limits.HeaderTimeout
	if l.srv.isStopping() && (wait <= 0 || wait > newGrace) {
		wait = newGrace
	}
	l.wheel.set(c, l.after(wait))
	if c.http2 && l.beginHTTP2(w, c, nil) {
		return true
	}
	if l.find(c.key) != c {
		return false
	}
	if l.receivedSealed(w, c, nil) {
		return true
	}
	if l.find(c.key) == c && c.st.Load() == connIdle {
		l.poll(c)
	}
	return false
}

// sealedPiece is how much is encrypted at a time.
const sealedPiece = 32 << 10

var sealedBuffers = sync.Pool{New: func() any { b := make([]byte, 0, sealedPiece+4<<10); return &b }}

// writeSealed sends what x has gathered and then bufs, encrypted.
func (c *conn) writeSealed(x *exchange, bufs [][]byte) error {
	buf := sealedBuffers.Get().(*[]byte)
	defer sealedBuffers.Put(buf)
	gathered := x.out
	defer func() { x.out = gathered[:0] }()
	for i := -1; i < len(bufs); i++ {
		rest := gathered
		if i >= 0 {
			rest = bufs[i]
		}
		for len(rest) > 0 {
			n := min(len(rest), sealedPiece)
			out, err := c.sec.seal(rest[:n], *buf, false)
			if err != nil {
				return err
			}
			*buf = out[:0]
			if err := c.push(x, out); err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	return nil
}

// push writes all of out, and waits for the client if it must.
func (c *conn) push(x *exchange, out []byte) error {
	n, err := tryWrite(c.fd(), out)
	if err != nil || n == len(out) {
		return err
	}
	nc, err := c.block(x)
	if err != nil {
		return err
	}
	return writeAll(nc, x, [][]byte{out[n:]})
}

// copySealed sends part, encrypted.
func (c *conn) copySealed(x *exchange, part filePart) (int64, error) {
	from := part.reader()
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	var total int64
	for total < part.n {
		m, err := from.Read((*buf)[:min(part.n-total, int64(len(*buf)))])
		if m > 0 {
			if err := c.writeSealed(x, [][]byte{(*buf)[:m]}); err != nil {
				return total, err
			}
			total += int64(m)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// over returns the connection to be used outside its loop.
func (c *conn) over(nc net.Conn) (net.Conn, error) {
	if c.sec == nil {
		return nc, nil
	}
	return c.sec, c.sec.attach(nc)
}
