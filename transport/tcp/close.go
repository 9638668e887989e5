package tcp

import (
	"errors"
	"time"
)

// CloseWrite tells the client that nothing more comes, and lets it go on sending. The error
// matches [errors.ErrUnsupported] where the transport cannot do that.
func (c *Conn) CloseWrite() error {
	half, ok := c.stream.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	c.halfClosed.Store(true)
	return half.CloseWrite()
}

// Close closes the connection. A handler need not call it.
func (c *Conn) Close() error {
	c.closed.Store(true)
	if c.stream != c.raw { // TLS says goodbye, also to a client that takes nothing
		late := time.AfterFunc(lastWords, func() { _ = c.raw.Close() })
		defer late.Stop()
	}
	return c.stream.Close()
}

// Reset closes the connection such that the client can tell that something went wrong: what was
// written and not received may be lost. Where the transport has no reset it only closes.
func (c *Conn) Reset() error {
	c.closed.Store(true)
	if tcp, ok := c.raw.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	return c.raw.Close() // TLS would say an orderly goodbye
}

// lingerFor and lingerMost bound what is read of a client that has not been told yet.
const (
	lingerFor  = 100 * time.Millisecond
	lingerMost = 64 << 10
)

// finish closes the connection behind its handler. Bytes that nobody has read would turn that into
// a reset, which destroys what the client has not read yet.
func (c *Conn) finish() {
	c.mu.Lock()
	slow := c.slow
	c.mu.Unlock()
	switch {
	case c.closed.Load():
	case slow: // TLS would wait for it once more
		_ = c.Reset()
	case c.eof.Load() || !unread(c.raw) || !c.linger():
		_ = c.Close()
	default:
		c.closed.Store(true)
		_ = c.raw.Close()
	}
}

func (c *Conn) linger() bool {
	if c.stream != c.raw && c.CloseWrite() != nil {
		return false
	}
	half, ok := c.raw.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.raw.SetReadDeadline(time.Now().Add(lingerFor)) != nil {
		return false
	}
	buf := make([]byte, 4<<10)
	for range lingerMost / len(buf) {
		if _, err := c.raw.Read(buf); err != nil {
			break
		}
	}
	return true
}
