package tako

import (
	"errors"
	"net"
	"net/http"
	"slices"
)

// accept switches to protocol: the last step of [Context.Upgrade].
func (c *Context) accept(protocol string) (conn net.Conn, err error) {
	err = c.switching(func() error {
		conn, err = c.upgradedStream(protocol)
		return err
	})
	c.upgraded = c.upgraded || err == nil
	return conn, err
}

// upgradedStream sends the head, and returns what follows it.
func (c *Context) upgradedStream(protocol string) (net.Conn, error) {
	conn, err := c.ex.Upgrade(&c.header)
	if errors.Is(err, errors.ErrUnsupported) && c.ex.ConnectProtocol() == "" {
		return c.switchProtocols(protocol)
	}
	return conn, err
}

// switching calls the hooks for a head that switches protocols, and then send, which sends it.
// If that fails the header is as it was, since hooks run again for the response that follows.
func (c *Context) switching(send func() error) error {
	if !slices.ContainsFunc(c.layers, func(l layer) bool { return l.head != nil }) {
		c.leaveOutFraming()
		return send()
	}
	before, sent := c.header.Clone(), false
	defer func() { // also if a hook panics
		if !sent {
			c.header.assign(before)
		}
	}()
	c.headHooks()
	if err := c.header.Err(); err != nil {
		return err
	}
	c.leaveOutFraming()
	err := send()
	sent = err == nil
	return err
}

// headHooks calls the hooks, innermost first. There is no body that they could wrap.
func (c *Context) headHooks() {
	c.head = Head{Status: http.StatusSwitchingProtocols, Header: &c.header, Length: -1}
	if c.ex.ConnectProtocol() != "" {
		c.head.Status = http.StatusOK
	}
	first := len(c.wraps)
	c.opened, c.opening = true, true
	defer func() {
		c.opened, c.opening = false, false
		clear(c.wraps[first:])
		c.wraps = c.wraps[:first]
	}()
	for _, l := range slices.Backward(c.layers) {
		if l.head != nil {
			l.head(&c.head)
		}
	}
}

// leaveOutFraming removes what must not be in 101, nor in 2xx for CONNECT (RFC 9110, sections 6.1
// and 8.6).
func (c *Context) leaveOutFraming() {
	c.header.remove("Content-Length", 0)
	c.header.remove("Transfer-Encoding", 0)
}
