package loop

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
)

// hijackedConn is a connection in the hands of a handler. It keeps its place among
// the connections of the server until it is closed.
type hijackedConn struct {
	net.Conn
	raw  net.Conn // below TLS
	srv  *Server
	peer *peer
	once sync.Once
}

// Close closes the connection and gives its place back.
func (c *hijackedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.srv.hijacked.remove(c)
		c.peer.end()
	})
	return err
}

// Reset closes the connection such that the client sees an error.
func (c *hijackedConn) Reset() error {
	abort(c.raw)
	_ = c.raw.Close()
	return c.Close()
}

// CloseWrite closes the writing side.
func (c *hijackedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// ReadFrom lets the kernel copy files.
func (c *hijackedConn) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := c.Conn.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{c.Conn}, r)
}

// hijackedConns are those of a server.
type hijackedConns struct {
	mu     sync.Mutex
	all    map[*hijackedConn]struct{}
	closed bool // all were cut, so that no more come
}

func (h *hijackedConns) add(c *hijackedConn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	if h.all == nil {
		h.all = map[*hijackedConn]struct{}{}
	}
	h.all[c] = struct{}{}
	return true
}

func (h *hijackedConns) remove(c *hijackedConn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, c)
}

// cut closes all, and returns how many there were.
func (h *hijackedConns) cut() int {
	h.mu.Lock()
	h.closed = true
	all := make([]*hijackedConn, 0, len(h.all))
	for c := range h.all {
		all = append(all, c)
	}
	h.mu.Unlock()
	for _, c := range all {
		_ = c.raw.Close() // TLS would wait for a client that does not read
		_ = c.Close()
	}
	return len(all)
}

// takenOver hands a connection to a handler, with what was received already.
func takenOver(s *Server, p *peer, nc net.Conn, received []byte) (net.Conn, *bufio.ReadWriter, error) {
	c := &hijackedConn{Conn: nc, raw: nc, srv: s, peer: p}
	if sec, ok := nc.(*secure); ok {
		c.raw = sec.pipe.socket
	}
	if !s.hijacked.add(c) {
		_ = c.Close()
		return nil, nil, http.ErrServerClosed
	}
	var from io.Reader = c
	if len(received) > 0 {
		from = io.MultiReader(bytes.NewReader(bytes.Clone(received)), c)
	}
	rw := bufio.NewReadWriter(bufio.NewReaderSize(from, max(4096, len(received))), bufio.NewWriter(c))
	if len(received) > 0 {
		_, _ = rw.Peek(len(received)) // so that Buffered tells them
	}
	return c, rw, nil
}
