package tcp

import (
	"errors"
	"io"
	"net"

	"github.com/tako-go/tako"
)

// entry is a connection as a layer has it that reads something before the handler does.
type entry struct {
	net.Conn
	c     *Conn
	early []byte
	over  bool // nothing is read any more
}

// enter begins such a layer.
func (c *Conn) enter() *entry {
	e := &entry{Conn: c.stream, c: c, early: c.early}
	c.early = nil
	c.entering.Store(true)
	return e
}

func (c *Conn) entered() { c.entering.Store(false) }

func (e *entry) Read(p []byte) (int, error) {
	if len(e.early) > 0 {
		n := copy(p, e.early)
		e.early = e.early[n:]
		return n, nil
	}
	if e.over {
		return 0, io.EOF
	}
	n, err := e.Conn.Read(p)
	if n > 0 && !e.c.greeted.Load() {
		e.c.greeted.Store(true)
	}
	return n, err
}

// CloseWrite lets TLS tell the client why it is refused.
func (e *entry) CloseWrite() error {
	if half, ok := e.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// install puts what a layer has made under the next one.
func (c *Conn) install(info *tako.ConnInfo, stream net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.info, c.stream = info, stream
}
