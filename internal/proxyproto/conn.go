package proxyproto

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/tako-go/tako"
)

// Conn is a connection on which a header is expected, for servers with a goroutine for each.
type Conn struct {
	net.Conn
	gate *Gate
	rest []byte // came with the header
}

var _ interface {
	syscall.Conn
	io.ReaderFrom
	io.WriterTo
} = (*Conn)(nil)

// NewConn returns nc as one that [Gate.Admit] lets Expect a header; g is not nil.
func NewConn(nc net.Conn, g *Gate) *Conn { return &Conn{Conn: nc, gate: g} }

// firstRead holds most headers, and often the request behind one.
const firstRead = 512

// Introduce reads the header and returns the description of the connection that [Gate.Look] makes
// of info. It ends with an error that matches [os.ErrDeadlineExceeded] if the header has not come
// within the timeout from began, and the others of Look. It is called once, before Read. The read
// deadline is cleared.
func (c *Conn) Introduce(info *tako.ConnInfo, began time.Time) (*tako.ConnInfo, error) {
	if err := c.SetReadDeadline(began.Add(c.gate.Timeout())); err != nil {
		return nil, fmt.Errorf("proxyproto: %w", err)
	}
	next, err := c.introduce(info)
	if err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("proxyproto: %w", err)
	}
	return next, nil
}

func (c *Conn) introduce(info *tako.ConnInfo) (*tako.ConnInfo, error) {
	buf := make([]byte, 0, firstRead)
	for {
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, min(2*cap(buf), c.gate.MaxBytes())), buf...)
		}
		read, readErr := c.Conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+read]
		next, n, done, err := c.gate.Look(buf, info)
		switch {
		case err != nil:
			return nil, err
		case done:
			if n < len(buf) {
				c.rest = buf[n:]
			}
			return next, nil
		case readErr == nil:
		case errors.Is(readErr, io.EOF) && c.gate.Plain(buf):
			c.rest = buf
			return info, nil
		case errors.Is(readErr, io.EOF) && len(buf) > 0:
			return nil, fmt.Errorf("proxyproto: header: %w", io.ErrUnexpectedEOF)
		default:
			return nil, fmt.Errorf("proxyproto: header: %w", readErr)
		}
	}
}

// Read returns what came behind the header first.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.rest) > 0 {
		n := copy(p, c.rest)
		if c.rest = c.rest[n:]; len(c.rest) == 0 {
			c.rest = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}

// WriteTo copies what is read to w, by the kernel where the socket can.
func (c *Conn) WriteTo(w io.Writer) (n int64, err error) {
	if len(c.rest) > 0 {
		var m int
		m, err = w.Write(c.rest)
		c.rest = c.rest[m:]
		if n = int64(m); err != nil {
			return n, err
		}
		c.rest = nil
	}
	m, err := io.Copy(w, c.Conn)
	return n + m, err
}

// ReadFrom writes from r, by the kernel where the socket can.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// CloseWrite ends the writing side; [errors.ErrUnsupported] where the socket cannot.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SetLinger is that of [net.TCPConn]; [errors.ErrUnsupported] where the socket has none.
func (c *Conn) SetLinger(seconds int) error {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return tcp.SetLinger(seconds)
	}
	return errors.ErrUnsupported
}

// SyscallConn gives the socket; [errors.ErrUnsupported] where there is none.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// File returns a duplicate of the socket; [errors.ErrUnsupported] where there is none.
func (c *Conn) File() (*os.File, error) {
	if owner, ok := c.Conn.(interface{ File() (*os.File, error) }); ok {
		return owner.File()
	}
	return nil, errors.ErrUnsupported
}
